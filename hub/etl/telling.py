"""Put events about source records into the outbox, each with its source and the request by which its record came.

A lead that has its first owner is told to subscribers as well.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from sqlalchemy import Connection

from hub.db import outbox
from hub.landing import arrivals
from hub.model.events import LeadAssigned, OutboxRow
from hub.model.hook_events import lead_assigned
from hub.records import hook_deliveries


class OfRecord(Protocol):
    """An event that a source record has caused."""

    @property
    def record_key(self) -> str:
        """Return the record: source/stream/id."""
        ...

    def row(self) -> OutboxRow:
        """Return the event as the outbox keeps it."""
        ...


def tell(conn: Connection, events: Sequence[OfRecord]) -> None:
    """Put events into the outbox; a known one is left out."""
    came = arrivals.of_records(conn, [one.record_key for one in events]) if events else {}
    rows = []
    for one in events:
        by = came.get(one.record_key)
        rows.append(
            replace(
                one.row(),
                source=one.record_key.partition("/")[0],
                correlation_id=by.correlation_id if by else None,
                received_at=by.received_at if by else None,
            )
        )
    outbox.put_rows(conn, rows)
    assigned = [one for one in events if isinstance(one, LeadAssigned)]
    hook_deliveries.put(conn, [lead_assigned(one.lead_id, one.user_id) for one in assigned])
