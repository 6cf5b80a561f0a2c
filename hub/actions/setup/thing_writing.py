"""The name of a thing is written, or the thing deleted, by the owner of its table."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlalchemy import Connection

from hub.crm import custom_fields, pick_lists, pipelines, statuses
from hub.crm.words import PEOPLE
from hub.lists.places import Target


def write_name(conn: Connection, target: Target, new: str) -> None:
    """Write the name of a thing where it is set up; records that hold it as text are not changed."""
    writers: Mapping[str, Callable[[Connection, int, str], None]] = {
        "status": statuses.rename_status,
        "lead_reason": _rename_reason,
        "loss_reason": _rename_reason,
        "deal_reason": _rename_reason,
        "outcome": _rename_outcome,
        "pipeline": pipelines.rename,
        "stage": pipelines.rename_stage,
    }
    if target.kind in writers:
        writers[target.kind](conn, min(target.ids), new)
    elif target.kind == "field":
        field = custom_fields.fields_of(conn, target.scope)[target.name]
        custom_fields.update(conn, replace(field, name=new))
    elif target.kind == "choice":
        _set_choices(conn, target, new)


def _rename_reason(conn: Connection, number: int, new: str) -> None:
    pick_lists.rename(conn, pick_lists.REASONS, number, new)


def _rename_outcome(conn: Connection, number: int, new: str) -> None:
    pick_lists.rename(conn, pick_lists.OUTCOMES, number, new)


def _set_choices(conn: Connection, target: Target, new: str | None) -> None:
    """Write another choice, or none, into the definitions that share the records."""
    object_, _, key = target.scope.partition(".")
    for one in PEOPLE if object_ in PEOPLE else (object_,):
        field = custom_fields.fields_of(conn, one).get(key)
        if field is not None and target.name in field.choices:
            said = [new if c == target.name else c for c in field.choices]
            custom_fields.update(
                conn, replace(field, choices=tuple(c for c in said if c is not None))
            )


def delete(conn: Connection, target: Target) -> None:
    """Delete a thing that no record and no list names."""
    if target.kind == "status":
        statuses.delete_status(conn, min(target.ids))
    elif target.kind.endswith("_reason"):
        pick_lists.delete(conn, pick_lists.REASONS, min(target.ids))
    elif target.kind == "outcome":
        pick_lists.delete(conn, pick_lists.OUTCOMES, min(target.ids))
    elif target.kind == "choice":
        _set_choices(conn, target, None)
    elif target.kind == "field":
        custom_fields.delete(conn, target.scope, target.name)
