"""What belongs to deals that come from a source: their moves from stage to stage, and their contacts.

The rows of the deals themselves are written by `hub.crm.from_source`. What people did to a deal stays.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from hub.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Move:
    """A deal that came into a stage.

    Args:
        from_stage_id: the stage before; None for the first one.
        to_stage_id: the stage.
        who: who moved it, as the history names users.
        at: when.
    """

    from_stage_id: int | None
    to_stage_id: int
    who: str
    at: datetime


_MOVES = text("""
SELECT id, deal_id, from_stage_id, to_stage_id, who, at FROM crm.stage_transition
WHERE deal_id = ANY(CAST(:ids AS bigint[])) AND is_from_source ORDER BY deal_id, id
""")
_FORGET_MOVES = text("DELETE FROM crm.stage_transition WHERE id = ANY(CAST(:ids AS bigint[]))")
_ADD_MOVES = text("""
INSERT INTO crm.stage_transition (deal_id, from_stage_id, to_stage_id, who, at, is_from_source)
SELECT deal, before, after, who, at, true FROM unnest(CAST(:deals AS bigint[]),
  CAST(:before AS bigint[]), CAST(:after AS bigint[]), CAST(:who AS text[]), CAST(:at AS timestamptz[]))
  WITH ORDINALITY AS n(deal, before, after, who, at, ord) ORDER BY ord
""")


def replace_moves(conn: Connection, moves: Mapping[int, Sequence[Move]]) -> set[int]:
    """Write the moves of deals (deal → moves, the oldest first) as their source says them now.

    The moves up to the first one that differs stay as rows.

    Returns:
        The deals whose moves differ from before.
    """
    if not moves:
        return set()
    known: dict[int, list[tuple[int, Move]]] = {deal: [] for deal in moves}
    for row in conn.execute(_MOVES, {"ids": list(moves)}):
        move = Move(row.from_stage_id, row.to_stage_id, row.who, row.at)
        known[row.deal_id].append((row.id, move))
    stale: list[int] = []
    rows: list[tuple[int, Move]] = []
    for deal, own in sorted(moves.items()):
        before = known[deal]
        pairs = enumerate(zip(before, own, strict=False))
        alike = next((n for n, ((_, was), now) in pairs if was != now), min(len(before), len(own)))
        stale += [number for number, _ in before[alike:]]
        rows += [(deal, move) for move in own[alike:]]
    changed = {deal for deal, own in moves.items() if [m for _, m in known[deal]] != list(own)}
    if stale:
        conn.execute(_FORGET_MOVES, {"ids": stale})
    if rows:
        conn.execute(
            _ADD_MOVES,
            {
                "deals": [deal for deal, _ in rows],
                "before": [move.from_stage_id for _, move in rows],
                "after": [move.to_stage_id for _, move in rows],
                "who": [move.who for _, move in rows],
                "at": [move.at for _, move in rows],
            },
        )
    return changed


_FORGET_CONTACTS = text("""
DELETE FROM crm.deal_contact x WHERE x.deal_id = ANY(CAST(:ids AS bigint[])) AND x.is_from_source
  AND NOT EXISTS (
    SELECT 1 FROM unnest(CAST(:deals AS bigint[]), CAST(:contacts AS bigint[])) AS n(deal, contact)
    WHERE n.deal = x.deal_id AND n.contact = x.contact_id)
RETURNING x.deal_id
""")
_ADD_CONTACTS = text("""
INSERT INTO crm.deal_contact AS x (deal_id, contact_id, role, is_from_source)
SELECT deal, contact, role, true FROM unnest(CAST(:deals AS bigint[]), CAST(:contacts AS bigint[]),
  CAST(:roles AS text[])) AS n(deal, contact, role)
ON CONFLICT (deal_id, contact_id) DO UPDATE SET role = excluded.role
WHERE x.is_from_source AND x.role <> excluded.role
RETURNING x.deal_id
""")


def replace_contacts(conn: Connection, roles: Mapping[int, Mapping[int, str]]) -> set[int]:
    """Write who takes part in deals (deal → contact → role) as their source says it now.

    Returns:
        The deals whose contacts differ from before.
    """
    if not roles:
        return set()
    rows = [(deal, contact, role) for deal, own in roles.items() for contact, role in own.items()]
    named = {"deals": [r[0] for r in rows], "contacts": [r[1] for r in rows]}
    changed = set(conn.execute(_FORGET_CONTACTS, {"ids": list(roles), **named}).scalars())
    if rows:
        args = {**named, "roles": [r[2] for r in rows]}
        changed |= set(conn.execute(_ADD_CONTACTS, args).scalars())
    return changed


_DELETE_PARTS = (
    "DELETE FROM crm.alert WHERE deal_id = ANY(CAST(:ids AS bigint[]))",
    "DELETE FROM crm.deal_contact WHERE deal_id = ANY(CAST(:ids AS bigint[]))",
    "DELETE FROM crm.stage_transition WHERE deal_id = ANY(CAST(:ids AS bigint[]))",
)


def delete_parts(conn: Connection, deal_ids: Sequence[int]) -> int:
    """Delete the moves and contacts of deals that are about to go; returns how many moves."""
    done = 0
    for statement in _DELETE_PARTS if deal_ids else ():
        done = conn.execute(text(statement), {"ids": list(deal_ids)}).rowcount
    return done


_WORKED_ON = text("""
SELECT d.record_id, x.what FROM crm.deal d CROSS JOIN LATERAL (
  SELECT 'stage that a user has chosen' AS what FROM crm.stage_transition
    WHERE deal_id = d.id AND NOT is_from_source
  UNION ALL SELECT 'contact that a user has added' FROM crm.deal_contact
    WHERE deal_id = d.id AND NOT is_from_source
  UNION ALL SELECT 'check that a user has ticked' FROM crm.deal_check WHERE deal_id = d.id
  UNION ALL SELECT 'clone' FROM crm.deal WHERE cloned_from = d.id
  UNION ALL SELECT 'conversion' FROM crm.conversion WHERE deal_id = d.id AND record_id IS NULL
  UNION ALL SELECT 'change by a user' FROM ops.change WHERE deal_id = d.id AND who <> 'sync'
  UNION ALL SELECT 'note' FROM crm.note
    WHERE deal_id = d.id AND NOT coalesce(record_id = ANY(CAST(:going AS bigint[])), false)
  UNION ALL SELECT 'task' FROM crm.task
    WHERE deal_id = d.id AND NOT coalesce(record_id = ANY(CAST(:going AS bigint[])), false)
  UNION ALL SELECT 'call' FROM crm.call
    WHERE deal_id = d.id AND NOT coalesce(record_id = ANY(CAST(:going AS bigint[])), false)
  UNION ALL SELECT 'visit' FROM crm.visit
    WHERE deal_id = d.id AND NOT coalesce(record_id = ANY(CAST(:going AS bigint[])), false)
  UNION ALL SELECT 'message' FROM crm.message
    WHERE deal_id = d.id AND NOT coalesce(record_id = ANY(CAST(:going AS bigint[])), false)
) x WHERE d.record_id = ANY(CAST(:ids AS bigint[]))
""")


def worked_on(conn: Connection, record_ids: Sequence[int], going: Sequence[int]) -> dict[int, str]:
    """Return records of deals on which users have built, and on what: a note, a clone.

    Args:
        conn: an open transaction.
        record_ids: records of deals.
        going: records of activities that are about to go.
    """
    if not record_ids:
        return {}
    rows = conn.execute(_WORKED_ON, {"ids": list(record_ids), "going": list(going)})
    return {row.record_id: row.what for row in rows}
