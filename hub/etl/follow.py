"""All that follows from a record's present version beside its person's fields.

Whatever a record says beside them is written as its present version says it: replaced, never only
added. Edges between records are part of matching (`hub.records.edges`), links to companies
of the fold (`hub.etl.accounts`). Here is what hangs on people: tickets, inquiries, notes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from hub.crm import inquiries, notes, tickets
from hub.crm.inquiries import NewInquiry
from hub.model.entities import PERSON_REFS


@dataclass(frozen=True, slots=True)
class Followed:
    """What is new, and the entities that something left.

    Args:
        asked: inquiries that were not there before.
        left: entities on which a ticket or a note hung before.
    """

    asked: list[NewInquiry]
    left: set[int]


def follow(conn: Connection, entity_ids: Sequence[int]) -> Followed:
    """Bring what hangs on entities to what their records say now; call after their rows are written."""
    if not entity_ids:
        return Followed([], set())
    left = tickets.follow(conn, entity_ids, asked_in=PERSON_REFS["requester"])
    left_by_notes = notes.replace(conn, entity_ids)
    asked = inquiries.replace(conn, entity_ids)
    return Followed(asked, {*left, *left_by_notes})
