"""Who is there already: likely duplicates of somebody who is about to be typed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.etl.match import active_model, views_of
from hub.matching.key_hash import hashes, limit_of
from hub.matching.keys import MatchView, keys, view
from hub.matching.scoring import asked
from hub.model.records import JsonValue
from hub.model.verdicts import Judgement, Trust
from hub.records import identity, match_keys

_NEW = "hub/new/"  # sorts like any other record; nothing is stored under it
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Likely:
    """A person who may be meant.

    Args:
        entity_id: who.
        name: how people name the record: lead/12, contact/5.
        judgement: same or unsure, as the matcher says; `alike` where all that was typed agrees.
        bits: the weight of the best of their records; 0 of who is only alike.
        email: as the record shows it.
        company: as the record shows it.
        owner: e-mail of the owner.
    """

    entity_id: int
    name: str
    judgement: str
    bits: float
    who: str
    email: str | None
    company: str | None
    owner: str | None


_ROWS = text("""
SELECT r.entity_id, r.kind || '/' || r.id AS name,
  coalesce(nullif(concat_ws(' ', r.first_name, r.last_name), ''), '') AS who, r.email,
  r.organization_name AS company, u.email AS owner
FROM (
  SELECT 1 AS place, 'contact' AS kind, id, entity_id, first_name, last_name, email,
         organization_name, owner_id
  FROM crm.contact WHERE entity_id = ANY(:ids) AND merged_into IS NULL
  UNION ALL
  SELECT CASE WHEN converted_at IS NULL THEN 0 ELSE 2 END, 'lead', id, entity_id, first_name,
         last_name, email, organization_name, owner_id
  FROM crm.lead WHERE entity_id = ANY(:ids) AND merged_into IS NULL
) r LEFT JOIN crm."user" u ON u.id = r.owner_id
ORDER BY r.place DESC
""")


def likely(ctx: Context, values: Mapping[str, JsonValue], *, limit_n: int = _SHOWN) -> list[Likely]:
    """Return the people who may be meant, the likeliest first.

    Args:
        ctx: who acts, and the open connection.
        values: canonical values, as `typed.canonical` gives them.
        limit_n: people at most.
    """
    require(ctx, Right.READ)
    conn = ctx.conn
    new = view(0, _NEW, Trust.TRUSTED, values)
    ids = match_keys.some_holders(conn, {h: limit_of(h) for h in hashes(keys(new))})
    model = active_model(conn)
    found: dict[int, tuple[float, str]] = {}
    for other in views_of(conn, identity.load_records(conn, ids)).values():
        if other.entity_id is None:
            continue
        scored = asked(new, other, model)
        if scored is not None and scored.judgement is not Judgement.DIFFERENT:
            said = (scored.weight, scored.judgement.value)
        elif _agree(new, other) or (other.typed and _agree(new, other.typed)):
            said = (0.0, "alike")
        else:
            continue
        found[other.entity_id] = max(said, found.get(other.entity_id, said))
    return _shown(conn, found)[:limit_n]


def _agree(new: MatchView, other: MatchView) -> bool:
    """Tell whether all that was typed is found there; the matcher asks for more than a name alone."""
    a, b = new.traits, other.traits
    mails = {m.address for m in a.mailboxes}
    told = (
        (mails, {m.address for m in b.mailboxes}),
        (set(a.tails), set(b.tails)),
        ({a.last_text} - {""}, {b.last_text}),
        ({a.first_text} - {""}, {b.first_text}),
        ({a.company_text} - {""}, {b.company_text}),
    )
    return any(typed for typed, _ in told) and all(
        not typed or typed & known for typed, known in told
    )


def _shown(conn: Connection, found: Mapping[int, tuple[float, str]]) -> list[Likely]:
    rows = {row.entity_id: row for row in conn.execute(_ROWS, {"ids": list(found)})}
    people = [
        Likely(entity, row.name, said, bits, row.who, row.email, row.company, row.owner)
        for entity, (bits, said) in found.items()
        if (row := rows.get(entity)) is not None
    ]
    return sorted(people, key=lambda p: (-p.bits, p.entity_id))


def names(people: Sequence[Likely]) -> str:
    """Return the people in one line."""
    return ", ".join(f"{p.name} ({p.who or p.email or p.company or 'nameless'})" for p in people)
