"""Rows of `ops.budget`: the requests to each vendor account, shared by all runs and processes.

In: an account, the names of its rates. Out: its rows, locked until the transaction ends. Not here:
how much a vendor allows, and when the next request may go (`hub.connectors.governor`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from hub.frozen import dataclass

DAY = "day"  # the row of the account itself: its pause and its day; no rate has this name

_LOCK = text("""
SELECT name, log, not_before, used, day_limit, observed_at FROM ops.budget
WHERE account = :account AND name = ANY(:names) ORDER BY name FOR UPDATE
""")
_MAKE = text("""
INSERT INTO ops.budget (account, name)
SELECT :account, name FROM unnest(CAST(:names AS text[])) name ORDER BY name
ON CONFLICT DO NOTHING
""")
_WRITE = text("""
UPDATE ops.budget SET log = CAST(:log AS timestamptz[]), requests = :requests, per_s = :per_s
WHERE account = :account AND name = :name
""")
_OBSERVE = text("""
INSERT INTO ops.budget (account, name, used, day_limit, observed_at)
VALUES (:account, :day, :used, :limit, :at)
ON CONFLICT (account, name) DO UPDATE SET used = excluded.used, day_limit = excluded.day_limit,
  observed_at = excluded.observed_at
""")
_PAUSE = text("""
INSERT INTO ops.budget (account, name, not_before) VALUES (:account, :day, :until)
ON CONFLICT (account, name) DO UPDATE
SET not_before = greatest(ops.budget.not_before, excluded.not_before)
""")
_ALL = text("""
SELECT account, name, requests, per_s, used AS day_used, day_limit, observed_at,
       CASE WHEN not_before > now() THEN not_before END AS paused_until,
       (SELECT count(*) FROM unnest(log) went
        WHERE went > now() - per_s * interval '1 second') AS in_window
FROM ops.budget ORDER BY account, name
""")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table; the day's columns are of the row `DAY` alone."""

    name: str
    log: Sequence[datetime]
    not_before: datetime | None
    used: int | None
    day_limit: int | None
    observed_at: datetime | None


def lock(conn: Connection, account: str, names: Sequence[str]) -> Mapping[str, Row]:
    """Return the account's own row and those of its rates, locked in a fixed order.

    Missing rows are created.
    """
    _hasten(conn)
    wanted = {"account": account, "names": sorted({DAY, *names})}
    rows = conn.execute(_LOCK, wanted).all()
    if len(rows) < len(wanted["names"]):
        conn.execute(_MAKE, wanted)
        rows = conn.execute(_LOCK, wanted).all()
    return {row.name: Row(*row) for row in rows}


def write_log(
    conn: Connection,
    account: str,
    name: str,
    log: Sequence[datetime],
    *,
    requests: int,
    per_s: float,
) -> None:
    """Store when a rate's requests arrived at the latest, and its limit: `requests` in `per_s`."""
    conn.execute(
        _WRITE,
        {"account": account, "name": name, "log": log, "requests": requests, "per_s": per_s},
    )


_ARRIVED = text("""
UPDATE ops.budget SET log = array_replace(log, CAST(:was AS timestamptz), CAST(:now AS timestamptz))
WHERE account = :account AND name = :name
""")


def note_arrival(
    conn: Connection, account: str, names: Sequence[str], was: datetime, now: datetime
) -> None:
    """Store an earlier time of one request in the logs of rates: the vendor has it by then."""
    _hasten(conn)
    for name in sorted(names):  # the order in which `lock` locks them
        conn.execute(_ARRIVED, {"account": account, "name": name, "was": was, "now": now})


def write_usage(conn: Connection, account: str, used: int, limit: int, at: datetime) -> None:
    """Store how much of the day's quota is used, and the time of that count."""
    _hasten(conn)
    conn.execute(_OBSERVE, {"account": account, "day": DAY, "used": used, "limit": limit, "at": at})


def pause(conn: Connection, account: str, until: datetime) -> None:
    """Hold requests back until a moment; a later stored moment stays."""
    _hasten(conn)
    conn.execute(_PAUSE, {"account": account, "day": DAY, "until": until})


def day_of(conn: Connection, account: str) -> tuple[int, int] | None:
    """Return the last known usage of the day: used requests, and the limit."""
    row = conn.execute(
        text(
            "SELECT used, day_limit FROM ops.budget WHERE account = :account AND name = :day"
            " AND day_limit > 0"
        ),
        {"account": account, "day": DAY},
    ).one_or_none()
    return None if row is None else (row.used, row.day_limit)


def all_rows(conn: Connection) -> list[dict[str, Any]]:
    """Return every budget as `hub status` shows it."""
    return [dict(row) for row in conn.execute(_ALL).mappings()]


def _hasten(conn: Connection) -> None:
    """Commit without waiting for the disk: after a power cut, a lost budget does no harm."""
    conn.execute(text("SET LOCAL synchronous_commit = off"))
