"""Figures of the outbox for Prometheus: leads by source, seconds to the owner, mails by state. Reads only."""

from collections.abc import Sequence
from itertools import accumulate

from sqlalchemy import Connection, text

from hub.frozen import dataclass

OWNER_S = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Seconds from a request to the owner, up to which leads are counted."""
_LEADS = text("""
SELECT coalesce(source, '') AS source, count(*) AS n FROM ops.outbox
WHERE event = 'lead_assigned' GROUP BY ops.outbox.source
""")
# Moments have microseconds: without half of one, a lead of exactly a bound counts up to the bound.
_OWNER_S = text("""
SELECT width_bucket(s - 0.0000005, CAST(:bounds AS double precision[])) AS place, count(*) AS n,
  sum(s) AS total
FROM (SELECT greatest(extract(epoch FROM created_at - received_at)::double precision, 0) AS s
      FROM ops.outbox WHERE event = 'lead_assigned' AND received_at IS NOT NULL OFFSET 0) t
GROUP BY place
""")


@dataclass(frozen=True, slots=True)
class OwnerTimes:
    """How long leads that were sent in waited for their owner.

    Args:
        counts: leads up to each of `OWNER_S`, and last all of them.
        total_s: the sum of all seconds.
    """

    counts: Sequence[int]
    total_s: float


def leads_by_source(conn: Connection) -> dict[str, int]:
    """Return how many leads were given to a first owner, by the source with which they began.

    Leads of initial loads are not among them; their owners get a digest.
    """
    return {row.source: row.n for row in conn.execute(_LEADS)}


def owner_times(conn: Connection) -> OwnerTimes:
    """Return how long the leads that were sent in have waited for their owner."""
    found = {row.place: row for row in conn.execute(_OWNER_S, {"bounds": [*OWNER_S]})}
    each = (found[place].n if place in found else 0 for place in range(len(OWNER_S) + 1))
    return OwnerTimes([*accumulate(each)], float(sum(row.total for row in found.values())))


_STATES = text("SELECT state, count(*) AS n FROM ops.delivery GROUP BY state")


def mails_by_state(conn: Connection) -> dict[str, int]:
    """Return how many mails are in each state."""
    return {row.state: row.n for row in conn.execute(_STATES)}
