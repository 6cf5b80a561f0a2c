"""Define the custom fields of a migration's plan, as its user confirmed them.

A dry run does the same in a transaction that is rolled back, so it says what the real run will do. Before
and after of each field are kept with the migration, for its undo.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from hub.actions.context import Acting
from hub.actions.rights import Right, require
from hub.actions.setup import custom_field_list
from hub.actions.setup.custom_field_list import FieldsDefined
from hub.crm import custom_fields
from hub.crm.custom_fields import CustomField, document, of_document
from hub.etl.context import Hub
from hub.migration.fields import FieldPlan
from hub.records import migrations


@dataclass(frozen=True, slots=True)
class _Change:
    """A field that the migration made or extended; `before` is None of a new one."""

    before: CustomField | None
    after: CustomField


def preview(hub: Hub, acting: Acting, batch_id: int) -> list[FieldPlan]:
    """Return what would become of the fields of a plan; nothing is changed.

    Raises:
        ActionError: who acts may not set up fields.
    """
    with hub.engine.connect() as conn, conn.begin() as transaction:
        plans, _ = _define(conn, acting, batch_id)
        transaction.rollback()
    return plans


def define(hub: Hub, acting: Acting, batch_id: int) -> list[FieldPlan]:
    """Define the fields of a plan that are not there yet; a second call changes nothing.

    Raises:
        ActionError: who acts may not set up fields.
    """
    with hub.engine.begin() as conn:
        plans, changes = _define(conn, acting, batch_id)
        if migrations.defined_by(conn, batch_id) is None:
            kept = [
                {
                    "before": document(one.before) if one.before else None,
                    "after": document(one.after),
                }
                for one in changes
            ]
            migrations.set_defined(conn, batch_id, kept)
    return plans


def _define(
    conn: Connection, acting: Acting, batch_id: int
) -> tuple[list[FieldPlan], list[_Change]]:
    ctx = acting(conn)
    require(ctx, Right.SET_UP)
    wanted = [of_document(one) for one in migrations.fields_of(conn, batch_id)]
    if not wanted:
        return [], []
    had = {
        (object_, key): field
        for object_ in {one.object for one in wanted}
        for key, field in custom_fields.fields_of(conn, object_).items()
    }
    done = custom_field_list.define(ctx, wanted)
    changes = [
        _Change(had.get((one.object, one.key)), one) for one in (*done.added, *done.extended)
    ]
    return _plans(done), changes


def _plans(done: FieldsDefined) -> list[FieldPlan]:
    sorted_: Sequence[tuple[str, Sequence[CustomField]]] = (
        ("new", done.added),
        ("more choices", done.extended),
        ("is there", done.unchanged),
    )
    found = [_plan(field, outcome) for outcome, fields in sorted_ for field in fields]
    return found + [_plan(one.field, "refused", one.why) for one in done.refused]


def _plan(one: CustomField, outcome: str, why: str = "") -> FieldPlan:
    return FieldPlan(one.object, one.key, one.name, one.type, one.choices, outcome, why)
