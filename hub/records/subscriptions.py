"""Subscriptions: an address that is sent an event. Made, listed, removed; taken in turn. Owns `ops.subscription`.

Not here: what is sent (`hub.records.hook_deliveries`), and who may subscribe (`hub.actions.setup.subscriptions`,
`hub.gateway.subscriptions`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, text

from hub.frozen import dataclass
from hub.records.hook_tables import subscription

_C = subscription.c
MOST = 500
"""Subscriptions that are in force at the same time."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription.

    Args:
        id: its number.
        event: what is sent, such as lead.created.
        url: where to; its path may be a secret.
        token_id: the token that made it; None: a user did.
        made_by: the name of the token or of the user.
        made_at: when.
        removed_at: when it ended; null while it is in force.
        removed_why: why it ended.
        secret_version: which secret of it signs.
        failures: failed requests, one after the other, since the last success.
        delivered_at: when its receiver took an event the last time.
        last_error: why the last request failed; null after a success.
    """

    id: int
    event: str
    url: str
    token_id: int | None
    made_by: str
    made_at: datetime
    removed_at: datetime | None
    removed_why: str | None
    secret_version: int
    failures: int
    delivered_at: datetime | None
    last_error: str | None


_COLUMNS = (
    _C.id, _C.event, _C.url, _C.token_id, _C.made_by, _C.made_at, _C.removed_at, _C.removed_why,
    _C.secret_version, _C.failures, _C.delivered_at, _C.last_error,
)  # fmt: skip


def add(conn: Connection, event: str, url: str, made_by: str, token_id: int | None) -> Subscription:
    """Store a subscription."""
    made = subscription.insert().values(event=event, url=url, made_by=made_by, token_id=token_id)
    return _read(conn.execute(made.returning(*_COLUMNS)).one())


def _read(row: Any) -> Subscription:
    return Subscription(*row)


def in_force_n(conn: Connection) -> int:
    """Return how many subscriptions are in force."""
    return conn.execute(select(func.count()).where(_C.removed_at.is_(None))).scalar_one()


def every(conn: Connection, token_id: int | None = None) -> list[Subscription]:
    """Return the subscriptions in force, those of a token alone if one is given; the oldest first."""
    wanted = select(*_COLUMNS).where(_C.removed_at.is_(None)).order_by(_C.id)
    if token_id is not None:
        wanted = wanted.where(_C.token_id == token_id)
    return [_read(row) for row in conn.execute(wanted)]


def find(conn: Connection, subscription_id: int) -> Subscription | None:
    """Lock and return a subscription, also one that has ended."""
    wanted = select(*_COLUMNS).where(_C.id == subscription_id).with_for_update(key_share=True)
    row = conn.execute(wanted).one_or_none()
    return _read(row) if row else None


def end(conn: Connection, ids: Sequence[int], why: str, at: datetime) -> list[int]:
    """End subscriptions; returns those that were in force until now."""
    ended = subscription.update().where(_C.id.in_(ids), _C.removed_at.is_(None))
    done = conn.execute(ended.values(removed_at=at, removed_why=why).returning(_C.id))
    return list(done.scalars())


def renew(conn: Connection, subscription_id: int) -> int:
    """Let a new secret sign from now on; returns its version."""
    renewed = subscription.update().where(_C.id == subscription_id)
    done = renewed.values(secret_version=_C.secret_version + 1).returning(_C.secret_version)
    return int(conn.execute(done).scalar_one())


_DUE = text("""
SELECT s.id FROM ops.subscription s WHERE s.removed_at IS NULL AND s.not_before <= :now
  AND EXISTS (SELECT 1 FROM ops.hook_delivery d WHERE d.subscription_id = s.id
    AND d.state = 'pending' AND d.not_before <= :now)
ORDER BY s.not_before, s.id
""")


def due(conn: Connection, now: datetime) -> list[int]:
    """Return the subscriptions that have something to send, the longest waiting first."""
    return list(conn.execute(_DUE, {"now": now}).scalars())


def free(
    conn: Connection, subscription_id: int, not_before: datetime, delivered_at: datetime | None
) -> None:
    """Give a subscription back after a turn without a failure."""
    values: dict[str, object] = {"not_before": not_before}
    if delivered_at is not None:
        values |= {"delivered_at": delivered_at, "failures": 0, "last_error": None}
    conn.execute(subscription.update().where(_C.id == subscription_id).values(**values))


def failed(conn: Connection, subscription_id: int, error: str, not_before: datetime) -> None:
    """Give a subscription back after a failed request; its receiver is left alone until a moment."""
    values = {"failures": _C.failures + 1, "last_error": error, "not_before": not_before}
    conn.execute(subscription.update().where(_C.id == subscription_id).values(**values))


def wake(conn: Connection, ids: Sequence[int], now: datetime) -> None:
    """Let subscriptions have their turn now, though their receivers failed a moment ago."""
    conn.execute(subscription.update().where(_C.id.in_(ids)).values(not_before=now))
