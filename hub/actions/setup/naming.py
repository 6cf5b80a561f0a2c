"""Rename, replace and remove a named thing, in all places.

One way for every kind of thing (`hub.crm.named.LABELS`), with two exceptions. A stage or pipeline is removed by
`hub.actions.setup.pipeline`, which moves the deals. Users and groups are renamed and removed by `team` and
`groups`, because hub.yaml may manage them. Where a thing is named is asked of `hub.lists.places` and, for
hub.yaml, of `hub.actions.setup.yaml_names`. Each change of a name is kept (`hub.records.name_changes`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.actions.setup import yaml_names as in_yaml
from hub.actions.setup.meant_thing import LONGEST, check_kind, find, list_field, thing_named
from hub.actions.setup.thing_writing import delete, write_name
from hub.actions.setup.yaml_names import Written
from hub.crm import custom_fields, named, statuses, word_rows, words
from hub.crm.named import WORDS
from hub.errors import ActionError
from hub.lists import places
from hub.lists.places import Target, Use
from hub.logs import get_logger
from hub.records import name_changes

_OF_THE_TEAM: Mapping[str, str] = {
    "user": "hub user edit EMAIL --name NAME, hub user deactivate EMAIL",
    "group": "hub group edit GROUP --name NAME, hub group remove GROUP",
}
_ELSEWHERE = frozenset({"stage", "pipeline"})
log = get_logger()


@dataclass(frozen=True, slots=True)
class Renamed:
    """What a rename did.

    Args:
        kind: of the thing.
        old: its former name.
        new: its name now.
        rows: records whose text was replaced.
        warnings: places of hub.yaml that still have the former name.
    """

    kind: str
    old: str
    new: str
    rows: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removed:
    """What a removal did; `into` is its replacement, `uses` the places that named it."""

    kind: str
    name: str
    into: str | None
    uses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NamedThing:
    """A thing with the number of records that hold it, as far as records name it by text."""

    name: str
    within: str
    records: int | None


def listed(ctx: Context, kind: str, scope: str = "") -> list[NamedThing]:
    """Return the things of a kind; of tags and sources all that records hold."""
    require(ctx, Right.READ)
    check_kind(kind)
    if kind == "field":
        fields = custom_fields.all_fields(ctx.conn, scope or None)
        return [NamedThing(f.key, f.object, None) for f in fields]
    if kind == "choice":
        field = list_field(ctx.conn, scope)
        return [NamedThing(c, f"{field.object}.{field.key}", None) for c in field.choices]
    counts = word_rows.distinct(ctx.conn, kind) if kind in WORDS or kind in {"status", "lead_reason"} else {}  # fmt: skip
    known = [(t.name, t.within) for t in named.things(ctx.conn, kind)]
    folded = {name.casefold() for name, _ in known} if kind != "tag" else {n for n, _ in known}
    known += [
        (n, "") for n in sorted(counts) if (n if kind == "tag" else n.casefold()) not in folded
    ]
    if not counts:
        return [NamedThing(name, within, None) for name, within in known]
    of = {n if kind == "tag" else n.casefold(): counts[n] for n in counts}
    return [
        NamedThing(name, within, of.get(name if kind == "tag" else name.casefold(), 0))
        for name, within in known
    ]


def uses(
    ctx: Context, kind: str, name: str, *, scope: str = "", written: Written | None = None
) -> list[str]:
    """Return every place that names a thing, hub.yaml's with their lines.

    Raises:
        ActionError: there is no such thing.
    """
    require(ctx, Right.READ)
    target = find(ctx.conn, kind, name, scope)
    found = [str(use) for use in places.uses(ctx.conn, target)]
    return found + in_yaml.naming(written, target)


def rename(
    ctx: Context,
    kind: str,
    name: str,
    new: str,
    *,
    scope: str = "",
    written: Written | None = None,
) -> Renamed:
    """Give a thing another name, in every place that has it as text.

    Args:
        ctx: the actor, in an open transaction.
        kind: one of `KINDS`.
        name: today's.
        new: free among the things of the kind.
        scope: of a choice `object.key`, of a custom field its object.
        written: hub.yaml, in which the former name is looked for.

    Raises:
        ActionError: there is no such thing, or the name is none or taken.
    """
    conn = ctx.conn
    require(ctx, Right.SET_UP)
    _refuse_team(kind)
    target, new = find(conn, kind, name, scope), new.strip()
    _check_name(kind, new)
    taken = thing_named(conn, kind, new, scope)
    if taken is not None and taken.ids != target.ids:
        raise ActionError(
            f"there is a {named.LABELS[kind]} {new!r} already",
            resource=kind, field="name", code="conflict",
            hint=f"to make one of the two: hub name remove {kind} {target.name!r} --into {new!r}",
        )  # fmt: skip
    old, within = _in_history(conn, target)
    name_changes.note_rename(conn, ctx.who, kind, old, new, scope=within)
    write_name(conn, target, new)
    rows = 0
    if kind in WORDS or kind in {"status", "lead_reason"}:
        rows = word_rows.replace(conn, kind, target.scope, target.name, new)
        words.rename(conn, kind, target.scope, target.name, new)
    log.info("thing_renamed", kind=kind, old=target.name, new=new, rows=rows, who=ctx.who)
    return Renamed(kind, target.name, new, rows, tuple(in_yaml.naming(written, target)))


def remove(
    ctx: Context,
    kind: str,
    name: str,
    *,
    into: str | None = None,
    scope: str = "",
    written: Written | None = None,
) -> Removed:
    """Remove a thing, or replace it by another one.

    Args:
        ctx: the actor, in an open transaction.
        kind: one of `KINDS`.
        name: today's.
        into: another thing of the kind, which every place then names.
        scope: of a choice `object.key`, of a custom field its object.
        written: hub.yaml, which no command changes.

    Raises:
        ActionError: there is no such thing; it is named somewhere and there is no replacement, or
            hub.yaml names it (code `conflict`).
    """
    conn = ctx.conn
    require(ctx, Right.SET_UP)
    if kind in _ELSEWHERE:
        raise ActionError(
            f"a {kind} has deals, which are moved", resource=kind, code="invalid",
            hint="hub pipeline remove-stage, hub pipeline archive",
        )  # fmt: skip
    _refuse_team(kind)
    target = find(conn, kind, name, scope)
    where = in_yaml.naming(written, target)
    if where:
        raise ActionError(
            f"the {named.LABELS[kind]} {target.name!r} is named in hub.yaml",
            resource=kind, field="name", code="conflict", hint=f"change first {'; '.join(where)}",
        )  # fmt: skip
    found = places.uses(conn, target)
    other = None if into is None else find(conn, kind, into, scope)
    _check_removal(conn, target, other, found)
    into = None if other is None else other.name
    old, within = _in_history(conn, target)
    name_changes.note_removal(conn, ctx.who, kind, old, into=into, scope=within)
    places.replace(conn, target, other)
    delete(conn, target)
    log.info("thing_removed", kind=kind, name=target.name, into=into, who=ctx.who)
    return Removed(kind, target.name, into, tuple(str(use) for use in found))


def _refuse_team(kind: str) -> None:
    if kind in _OF_THE_TEAM:
        raise ActionError(
            f"a {kind} is renamed and removed by its own command",
            resource=kind, field="kind", code="invalid", hint=_OF_THE_TEAM[kind],
        )  # fmt: skip


def _check_name(kind: str, name: str) -> None:
    if not name or not name.isprintable() or len(name) > LONGEST:
        raise ActionError(
            f"{name[:LONGEST]!r} is not a valid name",
            resource=kind, field="name", code="invalid", hint=f"1 to {LONGEST} characters",
        )  # fmt: skip


def _check_removal(
    conn: Connection, target: Target, other: Target | None, found: Sequence[Use]
) -> None:
    what = f"the {named.LABELS[target.kind]} {target.name!r}"
    blocking = [u for u in found if target.kind != "tag" or u.place != "records"]
    if other is None and (blocking or target.kind == "status"):
        why = (
            f"is in use: {', '.join(map(str, blocking))}"
            if blocking
            else "may still arrive from a source"
        )
        raise ActionError(
            f"{what} {why}",
            resource=target.kind, field="name", code="conflict",
            hint=f"hub name remove {target.kind} {target.name!r} --into NAME replaces it with another",
        )  # fmt: skip
    if other is not None and other.ids == target.ids and other.name == target.name:
        raise ActionError(
            f"{what} cannot replace itself",
            resource=target.kind,
            field="into",
            code="invalid",
        )
    if other is not None and not _is_alike(conn, target, other):
        raise ActionError(
            f"{other.name!r} cannot replace {target.name!r}: they are of different types",
            resource=target.kind, field="into", code="invalid",
        )  # fmt: skip


def _is_alike(conn: Connection, target: Target, other: Target) -> bool:
    if target.kind == "status":
        is_over = {s.name: s.is_unqualified for s in statuses.statuses(conn)}
        return is_over[target.name] == is_over[other.name]
    if target.kind == "field":
        fields = custom_fields.fields_of(conn, target.scope)
        return (fields[target.name].type, fields[target.name].choices) == (
            fields[other.name].type, fields[other.name].choices,
        )  # fmt: skip
    if target.kind == "outcome":
        within = {t.id: t.within for t in named.things(conn, "outcome")}
        return within[min(target.ids)] == within[min(other.ids)]
    return True


def _in_history(conn: Connection, target: Target) -> tuple[str, str]:
    """Return a thing's name and what the name is unique within, as the history of names keeps them."""
    if target.kind == "field":
        return custom_fields.fields_of(conn, target.scope)[target.name].name, target.scope
    if target.kind in {"stage", "outcome"}:
        of_kind = named.things(conn, target.kind)
        return target.name, next(t.within for t in of_kind if t.id in target.ids)
    return target.name, target.scope
