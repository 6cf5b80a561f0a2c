"""What was done on a record and is to be done, with the columns that follow from it.

In: an open connection and the record. Out: one model. Not here: who may read (`hub.actions`).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from hub.crm import derived
from hub.views.cards import timeline
from hub.views.parts import Timeline


@dataclass(frozen=True, slots=True)
class RecordActivities:
    """The activities of a record.

    Args:
        record: its name: `lead/12`.
        last_activity_at: newest note, call, visit, message, ticket or completed task.
        last_communication_at: newest call, visit, message or ticket.
        next_task_at: when the next open task is due.
        first_response_at: when the team first answered; null of a record that is no lead.
        days_since_last_communication: days in the reader's time zone, 0 is today; null if nothing was ever said.
        timeline: the newest activities.
    """

    record: str
    last_activity_at: datetime | None
    last_communication_at: datetime | None
    next_task_at: datetime | None
    first_response_at: datetime | None
    days_since_last_communication: int | None
    timeline: Timeline


def of_record(
    conn: Connection, kind: str, number: int, entity_id: int | None, *, now: datetime, limit: int
) -> RecordActivities:
    """Return the activities of a lead, a contact or a deal, the newest first.

    Args:
        conn: an open connection.
        kind: lead, contact or deal.
        number: of the row.
        entity_id: the person or company; None of a deal.
        now: in the time zone of the user who asks.
        limit: activities at most.
    """
    columns = derived.columns_of(conn, kind, number)
    entities = [] if entity_id is None else [entity_id]
    return RecordActivities(
        record=f"{kind}/{number}",
        **columns,
        days_since_last_communication=derived.days_since(columns["last_communication_at"], now),
        timeline=timeline(conn, entities, number if kind == "deal" else None, limit),
    )
