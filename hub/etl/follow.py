"""The children of a record's present version: tickets, inquiries and notes.

Children follow the present version: they are replaced, never only added. Edges between records are
part of matching (`hub.records.edges`), and links to companies are part of the fold
(`hub.etl.accounts`).
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from hub.crm import inquiries, notes, tickets
from hub.crm.inquiries import NewInquiry
from hub.frozen import dataclass
from hub.model.entities import PERSON_REFS


@dataclass(frozen=True, slots=True)
class Followed:
    """New children, and the entities that lost one.

    Args:
        asked: new inquiries.
        left: entities that had a ticket or a note before.
    """

    asked: list[NewInquiry]
    left: set[int]


def follow(conn: Connection, *, asking: Sequence[int], telling: Sequence[int]) -> Followed:
    """Update the children of entities to their records; call after their rows are written.

    Args:
        conn: an open transaction.
        asking: entities that asked for tickets.
        telling: entities whose objects have said notes or inquiries.
    """
    left = tickets.follow(conn, asking, asked_in=PERSON_REFS["requester"]) if asking else []
    left_by_notes = notes.replace(conn, telling) if telling else []
    asked = inquiries.replace(conn, telling) if telling else []
    return Followed(asked, {*left, *left_by_notes})
