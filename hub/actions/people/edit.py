"""Edit: what a person types stands above every source until it is taken back.

It is an input like any other: read as the sources' values are, and others are found by it. Whom it
makes alike is asked about (`hub review`), for a slip of the hand must join nobody.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, text

from hub.actions import lookup, typed
from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.crm import custom_field_typing
from hub.crm.custom_field_typing import PREFIX
from hub.db.locks import identity_lock
from hub.etl import load, match
from hub.matching.keys import EVIDENCE
from hub.model import vocabulary
from hub.model.records import JsonValue
from hub.records import edits, entities


def edit(ctx: Context, name: str, values: Mapping[str, JsonValue], *, region: str = "") -> int:
    """Type values into a person's record; returns the entity.

    Args:
        ctx: who acts, in an open transaction, in which nothing was read yet.
        name: whose record, as `lookup.find` knows them; of a merged one the survivor's.
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
    of_team = custom_field_typing.typed_of_entity(conn, entity, custom)
    kept |= {f"{PREFIX}{key}": value for key, value in of_team.items()}
    edits.keep(conn, entity, ctx.who, kept)
    _match_and_fold(conn, entity, kept)
    return entity


def take_back(ctx: Context, name: str, field: str) -> int:
    """Take back what was typed into a field: the sources speak again. Returns how many edits.

    Raises:
        ActionError: there is no such person.
    """
    field = vocabulary.PEOPLE.get(field, field)
    entity = _opened(ctx, name, [field])
    revoked = edits.revoke(ctx.conn, entity, field)
    _match_and_fold(ctx.conn, entity, [field])
    return revoked


def _opened(ctx: Context, name: str, fields: Iterable[str]) -> int:
    """Return the entity that is named, if it may be edited; locks identity if a field is evidence."""
    if not EVIDENCE.isdisjoint(fields):
        identity_lock(ctx.conn)
    entity = lookup.find(ctx.conn, name).root_id
    require(ctx, Right.TYPE, *lookup.owners_of(ctx.conn, entity))
    return entity


def _match_and_fold(conn: Connection, entity: int, fields: Iterable[str]) -> None:
    """Match the person again if a changed field is evidence for matching, then fold."""
    if not EVIDENCE.isdisjoint(fields):
        began_with = conn.execute(_ANCHOR, {"entity": entity}).scalars().all()
        if began_with:
            match.match_chunk(conn, began_with, match.active_model(conn))
    entities.bump(conn, [entity])
    load.refold(conn, [entity])


_ANCHOR = text("""
SELECT s.id FROM ops.entity n JOIN ops.source_record s ON s.id = n.anchor_id
WHERE n.id = :entity AND n.kind = 'person' AND s.target = 'person' AND s.withdrawn_by IS NULL
""")
_COUNTRY = text("""
SELECT country FROM (
  SELECT country FROM crm.lead WHERE entity_id = :entity AND merged_into IS NULL
  UNION ALL SELECT country FROM crm.contact WHERE entity_id = :entity AND merged_into IS NULL
) r WHERE country ~ '^[A-Z]{2}$' LIMIT 1
""")


def _country(conn: Connection, entity: int) -> str | None:
    found: str | None = conn.execute(_COUNTRY, {"entity": entity}).scalar_one_or_none()
    return found
