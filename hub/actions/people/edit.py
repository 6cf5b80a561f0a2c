"""Edit: a typed value beats every source until the edit is undone.

An edit is an input like any other: it is read as the sources' values are, and people are found by
it. If it makes two people alike, review asks about them, because a typing mistake must join no
people.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, text

from hub.actions import lookup, typed
from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.crm import custom_field_typing, former
from hub.crm.custom_field_typing import PREFIX
from hub.db.locks import identity_lock
from hub.etl import load, match
from hub.etl.model_in_use import active_model
from hub.matching.keys import EVIDENCE
from hub.model import vocabulary
from hub.model.records import JsonValue
from hub.records import edits, entities


def edit(ctx: Context, name: str, values: Mapping[str, JsonValue], *, region: str = "") -> int:
    """Type values into a person's record; returns the entity.

    Args:
        ctx: the actor, in an open transaction, in which nothing was read yet.
        name: whose record, by any name that `lookup.find` accepts; of a merged one the survivor's.
        values: by field; `custom_fields.<key>` is one custom field, None blanks a field.
        region: ISO country of numbers and states, where neither the values nor the record name
            one; without it such a number is refused.

    Raises:
        ActionError: there is no such person or field, or the value is of another kind, or none
            that its custom field takes.
    """
    conn = ctx.conn
    own, custom = custom_field_typing.split(values)
    own = vocabulary.columns(vocabulary.PEOPLE, own)
    entity = _opened(ctx, name, own)
    kept = typed.edited(own, region=region, now=ctx.now, country=_country(conn, entity))
    of_team = custom_field_typing.typed_of_entity(conn, entity, custom, now=ctx.now)
    kept |= {f"{PREFIX}{key}": value for key, value in of_team.items()}
    kept = former.values(conn, kept)
    edits.keep(conn, entity, ctx.who, kept)
    _match_and_fold(conn, [entity], kept)
    return entity


def check(ctx: Context, values: Mapping[str, JsonValue], *, region: str) -> None:
    """Raise where values can be typed into no person.

    Raises:
        ActionError: there is no such field, or a value is of another kind.
    """
    own, _ = custom_field_typing.split(values)
    typed.edited(vocabulary.columns(vocabulary.PEOPLE, own), region=region, now=ctx.now)


def edit_many(
    ctx: Context, values: Mapping[int, Mapping[str, JsonValue]], *, region: str = ""
) -> dict[int, list[int]]:
    """Type values into many people or companies at once; the caller has asked for the right.

    Args:
        ctx: the actor, in an open transaction.
        values: by entity, then by field, as `edit` takes them.
        region: as `edit` takes it.

    Returns:
        The edits that were written, by entity.

    Raises:
        ActionError: as `edit`, of any of them.
    """
    conn = ctx.conn
    kept: dict[int, dict[str, JsonValue]] = {}
    countries = _countries(conn, list(values))
    for entity, given in values.items():
        own, custom = custom_field_typing.split(given)
        own = vocabulary.columns(vocabulary.PEOPLE, own)
        country = countries.get(entity)
        kept[entity] = typed.edited(own, region=region, now=ctx.now, country=country)
        of_team = custom_field_typing.typed_of_entity(conn, entity, custom, now=ctx.now)
        kept[entity] |= {f"{PREFIX}{key}": value for key, value in of_team.items()}
        kept[entity] = former.values(conn, kept[entity])
    fields = {field for of in kept.values() for field in of}
    if not EVIDENCE.isdisjoint(fields):
        identity_lock(conn)
    written = edits.keep_many(conn, ctx.who, kept)
    _match_and_fold(conn, list(kept), fields)
    return written


def revoke_many(ctx: Context, by_record: Mapping[int, Sequence[int]]) -> set[int]:
    """Undo edits of many people; returns the records all of whose edits were in force.

    Args:
        ctx: the actor, in an open transaction.
        by_record: edits by the number of their record.
    """
    conn = ctx.conn
    ids = [number for of in by_record.values() for number in of]
    of_edit = edits.named(conn, ids)
    fields = {field for _, field in of_edit.values()}
    if not EVIDENCE.isdisjoint(fields):
        identity_lock(conn)
    gone = edits.revoke_these(conn, ids)
    touched = {lookup.root(conn, entity) for entity in {of_edit[n][0] for n in gone}}
    _match_and_fold(conn, sorted(touched), fields)
    return {record for record, of in by_record.items() if gone.issuperset(of)}


def take_back(ctx: Context, name: str, field: str) -> int:
    """Undo the edits of a field: the sources' values count again. Returns how many edits.

    Raises:
        ActionError: there is no such person.
    """
    field = vocabulary.PEOPLE.get(field, field)
    entity = _opened(ctx, name, [field])
    revoked = edits.revoke(ctx.conn, entity, field)
    _match_and_fold(ctx.conn, [entity], [field])
    return revoked


def _opened(ctx: Context, name: str, fields: Iterable[str]) -> int:
    """Return the entity that is named, if it may be edited; locks identity if a field is evidence."""
    if not EVIDENCE.isdisjoint(fields):
        identity_lock(ctx.conn)
    entity = lookup.find(ctx.conn, name).root_id
    require(ctx, Right.TYPE, *lookup.owners_of(ctx.conn, entity))
    return entity


def _match_and_fold(conn: Connection, ids: Sequence[int], fields: Iterable[str]) -> None:
    """Match people again if a changed field is evidence for matching, then fold them."""
    if not EVIDENCE.isdisjoint(fields):
        began_with = conn.execute(_ANCHOR, {"entities": list(ids)}).scalars().all()
        if began_with:
            match.match_chunk(conn, began_with, active_model(conn))
    entities.bump(conn, ids)
    load.refold(conn, ids)


_ANCHOR = text("""
SELECT s.id FROM ops.entity n JOIN ops.source_record s ON s.id = n.anchor_id
WHERE n.id = ANY(:entities) AND n.kind = 'person' AND s.target = 'person' AND s.withdrawn_by IS NULL
""")
_COUNTRIES = text("""
SELECT entity_id, min(country) AS country FROM (
  SELECT entity_id, country FROM crm.lead WHERE entity_id = ANY(:entities) AND merged_into IS NULL
  UNION ALL
  SELECT entity_id, country FROM crm.contact WHERE entity_id = ANY(:entities) AND merged_into IS NULL
) r WHERE country ~ '^[A-Z]{2}$' GROUP BY entity_id
""")


def _country(conn: Connection, entity: int) -> str | None:
    return _countries(conn, [entity]).get(entity)


def _countries(conn: Connection, ids: Sequence[int]) -> dict[int, str]:
    rows = conn.execute(_COUNTRIES, {"entities": list(ids)})
    return {row.entity_id: row.country for row in rows}
