"""Events for subscribers: written with their cause, sent later, given up, replayed. Owns `ops.hook_delivery`.

A row is one event for one subscription. It is written in the transaction of the change, so none is lost and none tells of
what did not happen. The id of an event is made here once; each attempt and each replay has the same.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text

from hub.frozen import dataclass
from hub.model.hook_events import HookEvent
from hub.model.records import JsonValue
from hub.records.hook_tables import hook_delivery

_C = hook_delivery.c

# The id is volatile, so PostgreSQL makes it once for each event, before the join.
_PUT = text("""
INSERT INTO ops.hook_delivery (subscription_id, event_id, event, lead_id, deal_id, facts)
SELECT s.id, e.event_id, e.event, e.lead, e.deal, e.facts FROM (
  SELECT 'evt_' || replace(CAST(gen_random_uuid() AS text), '-', '') AS event_id, n.*
  FROM unnest(CAST(:events AS text[]), CAST(:leads AS bigint[]), CAST(:deals AS bigint[]),
    CAST(:facts AS jsonb[])) WITH ORDINALITY AS n(event, lead, deal, facts, ord)) e
JOIN ops.subscription s ON s.event = e.event AND s.removed_at IS NULL
ORDER BY e.ord, s.id
""")


def put(conn: Connection, events: Sequence[HookEvent]) -> None:
    """Write events for the subscriptions in force; belongs to the transaction of the change."""
    if not events:
        return
    conn.execute(
        _PUT,
        {
            "events": [one.kind.value for one in events],
            "leads": [one.record_id if one.kind.is_of_lead else None for one in events],
            "deals": [None if one.kind.is_of_lead else one.record_id for one in events],
            "facts": [json.dumps(dict(one.facts)) for one in events],
        },
    )


@dataclass(frozen=True, slots=True)
class HookDelivery:
    """An event for a subscription.

    Args:
        id: of the row.
        subscription_id: who is sent it.
        event_id: the id that the receiver gets.
        event: such as lead.created.
        lead_id: the lead, if it is of one.
        deal_id: the deal, if it is of one.
        facts: what changed, by numbers.
        at: when it happened.
        state: pending, done; dead: given up; dropped: nothing to send any more.
        attempts: requests so far.
        not_before: when it is due.
        give_up_from: since when it is tried.
        last_status: of the last answer; null without one.
        last_error: why the last request failed.
        done_at: when its state became final.
    """

    id: int
    subscription_id: int
    event_id: str
    event: str
    lead_id: int | None
    deal_id: int | None
    facts: Mapping[str, JsonValue]
    at: datetime
    state: str
    attempts: int
    not_before: datetime
    give_up_from: datetime
    last_status: int | None
    last_error: str | None
    done_at: datetime | None


_COLUMNS = (
    _C.id, _C.subscription_id, _C.event_id, _C.event, _C.lead_id, _C.deal_id, _C.facts, _C.at,
    _C.state, _C.attempts, _C.not_before, _C.give_up_from, _C.last_status, _C.last_error, _C.done_at,
)  # fmt: skip


def _read(row: Any) -> HookDelivery:
    return HookDelivery(*row)


def due(conn: Connection, subscription_id: int, now: datetime) -> HookDelivery | None:
    """Return the delivery of a subscription that is due first; None if none is."""
    wanted = (
        select(*_COLUMNS)
        .where(_C.subscription_id == subscription_id, _C.state == "pending", _C.not_before <= now)
        .order_by(_C.not_before, _C.id)
        .limit(1)
    )
    row = conn.execute(wanted).one_or_none()
    return _read(row) if row else None


def begin(conn: Connection, delivery_id: int) -> None:
    """Count an attempt before it is made."""
    begun = hook_delivery.update().where(_C.id == delivery_id, _C.state == "pending")
    conn.execute(begun.values(attempts=_C.attempts + 1))


def finish(
    conn: Connection,
    delivery_id: int,
    state: str,
    at: datetime,
    *,
    status: int | None = None,
    error: str | None = None,
) -> bool:
    """Give a pending delivery its final state; returns False if it was not pending any more."""
    ended = hook_delivery.update().where(_C.id == delivery_id, _C.state == "pending")
    values = {"state": state, "done_at": at, "last_status": status, "last_error": error}
    return conn.execute(ended.values(**values)).rowcount == 1


def postpone(
    conn: Connection, delivery_id: int, not_before: datetime, *, status: int | None, error: str
) -> None:
    """Try a delivery again later."""
    later = hook_delivery.update().where(_C.id == delivery_id, _C.state == "pending")
    values = {"not_before": not_before, "last_status": status, "last_error": error}
    conn.execute(later.values(**values))


_EXPIRE = text("""
UPDATE ops.hook_delivery SET state = 'dead', done_at = :now,
  last_error = coalesce(last_error, 'the receiver did not answer in time to try it')
WHERE subscription_id = :id AND state = 'pending' AND give_up_from < :before
""")


def expire(conn: Connection, subscription_id: int, now: datetime, before: datetime) -> int:
    """Give up what a subscription has waited for since before a moment; returns how many."""
    args = {"id": subscription_id, "now": now, "before": before}
    return conn.execute(_EXPIRE, args).rowcount


def drop(conn: Connection, subscription_ids: Sequence[int], at: datetime, why: str) -> int:
    """Drop what is still to be sent to subscriptions; returns how many."""
    ended = hook_delivery.update().where(
        _C.subscription_id.in_(subscription_ids), _C.state == "pending"
    )
    return conn.execute(ended.values(state="dropped", done_at=at, last_error=why)).rowcount


def listed(
    conn: Connection, subscription_id: int, states: Sequence[str], most: int
) -> list[HookDelivery]:
    """Return the newest deliveries of a subscription in these states; empty: in any."""
    wanted = select(*_COLUMNS).where(_C.subscription_id == subscription_id)
    if states:
        wanted = wanted.where(_C.state.in_(states))
    return [_read(row) for row in conn.execute(wanted.order_by(_C.id.desc()).limit(most))]


_REPLAY = text("""
UPDATE ops.hook_delivery SET state = 'pending', attempts = 0, not_before = :now, give_up_from = :now,
  done_at = NULL
WHERE subscription_id = :id AND CASE WHEN CAST(:only AS text) IS NULL THEN state = 'dead'
  ELSE event_id = :only AND state IN ('dead', 'done') END
""")


def replay(conn: Connection, subscription_id: int, now: datetime, only: str | None) -> int:
    """Send again what was given up, or one event that was given up or taken; returns how many.

    The id of an event stays, so a receiver knows what it has already.
    """
    args = {"id": subscription_id, "now": now, "only": only}
    return conn.execute(_REPLAY, args).rowcount


_COUNTS = text("""
SELECT subscription_id, count(*) FILTER (WHERE state = 'pending') AS pending,
  count(*) FILTER (WHERE state = 'dead') AS dead
FROM ops.hook_delivery WHERE state IN ('pending', 'dead') GROUP BY 1
""")


def counts(conn: Connection) -> dict[int, tuple[int, int]]:
    """Return how many deliveries of each subscription wait, and how many were given up."""
    return {row.subscription_id: (row.pending, row.dead) for row in conn.execute(_COUNTS)}


_DELETE_OLD = text("""
DELETE FROM ops.hook_delivery WHERE id = ANY(ARRAY(
  SELECT id FROM ops.hook_delivery WHERE state <> 'pending' AND done_at < :before LIMIT :most))
""")


def delete_old(conn: Connection, *, before: datetime, most: int) -> int:
    """Delete deliveries whose state became final before a moment, some at a time; returns how many."""
    return conn.execute(_DELETE_OLD, {"before": before, "most": most}).rowcount
