"""Inquiries: if a known person writes again, the owner is notified, and no second lead is made.

In: folded people, and their new inquiries. Out: events, leads that are open again, and contacts
that wrote without being leads. It is part of load.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Connection

from hub.crm import contacts, statuses, words
from hub.crm.inquiries import NewInquiry
from hub.crm.reopened import INQUIRY
from hub.db import outbox
from hub.golden.fate import CONTACT, Person
from hub.model.entities import PERSON_REFS
from hub.model.events import InquiryReceived
from hub.model.folding import FoldRecord
from hub.model.verdicts import Lane
from hub.records.history import Changed, note_changes

TOGETHER = timedelta(minutes=10)
"""An inquiry from another source so soon after the assignment of its lead has no notice of its own."""


def of_contacts(conn: Connection, people: Sequence[Person]) -> set[int]:
    """Return the contacts that stay contacts, although their request asks for a lead.

    Such a contact has an owner in the team, who is notified. For a contact without an owner, the
    request makes a lead, which is routed. A person who has a lead keeps it.

    Args:
        conn: an open transaction.
        people: folded, with the rows that exist.
    """
    asking = [p for p in people if not p.rows.leads and _only_asks(p.records)]
    there = [p.golden.entity_id for p in asking if p.rows.contact is not None]
    owned = contacts.owned(conn, there) if there else set()
    new = {
        p.golden.entity_id
        for p in asking
        if p.rows.contact is None and p.asked_last(CONTACT) and p.golden.owner_id is not None
    }
    return owned | new


def _only_asks(records: Sequence[FoldRecord]) -> bool:
    """Tell whether only requests, such as tickets, make a lead of the person."""
    makes_lead = [r for r in records if r.role == "lead"]
    return bool(makes_lead) and all(r.refs.keys() & PERSON_REFS.keys() for r in makes_lead)


def events(
    conn: Connection, inquiries: Sequence[NewInquiry], created: Mapping[int, int]
) -> list[InquiryReceived]:
    """Return events for owners; the first inquiry of a new lead has none, the lead has its own.

    A person who comes by several sources at one moment is one notice: an inquiry of another source joins
    the notice of the assignment (`TOGETHER`).
    """
    news = [i for i in _news(inquiries, created) if i.owner_id is not None]
    of_leads = [i for i in news if i.lead_id is not None]
    asked = [
        outbox.Asked(i.lead_id, i.owner_id, i.record_key.partition("/")[0], i.subject, i.message)
        for i in of_leads
        if i.lead_id is not None and i.owner_id is not None
    ]
    joined = {of_leads[n].id for n in outbox.join_first(conn, asked, TOGETHER)}
    return [
        InquiryReceived(i.record_key, i.owner_id, i.lead_id, i.contact_id, i.subject, i.message)
        for i in news
        if i.owner_id is not None and i.id not in joined
    ]


def reopen(
    conn: Connection,
    inquiries: Sequence[NewInquiry],
    created: Mapping[int, int],
    to: str | None,
) -> None:
    """Open unqualified leads again whose person writes again; `to` None leaves them."""
    news = _news(inquiries, created)
    asked = {i.lead_id: i.record_key for i in reversed(news) if i.lead_id is not None}
    if to is None or not asked:
        return
    to = words.today(conn, "status", "", to) or to
    before = statuses.reopen(conn, list(asked), to)
    note_changes(
        conn,
        INQUIRY,
        [
            Changed(
                {
                    "status": (s.status, to),
                    "unqualified_reason": (s.reason, None),
                    "status_set_by": (s.set_by, statuses.INQUIRY),
                    INQUIRY: (None, asked[lead_id]),
                },
                entity_id=s.entity_id,
            )
            for lead_id, s in before.items()
        ],
    )


def _news(inquiries: Sequence[NewInquiry], created: Collection[int]) -> list[NewInquiry]:
    return [i for i in inquiries if i.lane == Lane.LIVE and i.entity_id not in created]
