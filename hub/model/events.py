"""Events that users are notified of: one type for each kind.

An event is written to the outbox in the transaction of its cause (`hub.db.outbox`) and delivered
later (`hub.etl.notify`). `row()` gives every column. Not here: preferences
of users (`hub.notify.preferences`), and the words (`hub.notify.templates`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from hub.frozen import dataclass
from hub.model.alert_states import News
from hub.model.confirm_links import LIFETIME
from hub.model.records import JsonValue

NAMED_AT_MOST = 25
"""Records that a notification of many names; of the others it says how many."""


class EventKind(StrEnum):
    """The kinds of events."""

    LEAD_ASSIGNED = "lead_assigned"
    INQUIRY_RECEIVED = "inquiry_received"
    LEAD_REASSIGNED_AWAY = "lead_reassigned_away"
    LEAD_CONVERTED_IN_SOURCE = "lead_converted_in_source"
    LEADS_DIGEST = "leads_digest"
    CONTACT_ASSIGNED = "contact_assigned"
    CONTACT_REASSIGNED_AWAY = "contact_reassigned_away"
    DEAL_ASSIGNED = "deal_assigned"
    DEAL_REASSIGNED_AWAY = "deal_reassigned_away"
    BULK_ASSIGNED = "bulk_assigned"
    BULK_REASSIGNED_AWAY = "bulk_reassigned_away"
    SOURCE_FAILED = "source_failed"
    SOURCE_RECOVERED = "source_recovered"


ALERTS = (EventKind.SOURCE_FAILED, EventKind.SOURCE_RECOVERED)
"""The kinds that are of a source or a nightly job, and of no record."""


class Wrapped(StrEnum):
    """Rows of the outbox that stand for other rows of it. No user chooses a channel for them."""

    PART = "part"
    """One event on one channel."""
    COLLECTED = "collected"
    """Several parts as one message."""


class Letter(StrEnum):
    """Mails to people outside of the team. No user chooses a channel for them."""

    CONSENT_CONFIRMATION = "consent_confirmation"


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One event as the outbox keeps it.

    Args:
        event: its kind.
        dedupe_key: a function of the cause: the same event twice is one row.
        user_id: the user who is notified; None where an address is.
        lead_id: the lead of the event; None for another record, or for many.
        contact_id: the contact.
        deal_id: the deal.
        payload: facts for the notification, beside the record's own values.
        address: the e-mail address that is notified, if it is of no user.
        source: the source of the record that caused it, if one did.
        correlation_id: the request that caused it, as logs name it; None of a poll or a user.
        received_at: when this request was received.
    """

    event: EventKind | Letter | Wrapped
    dedupe_key: str
    user_id: int | None
    lead_id: int | None = None
    contact_id: int | None = None
    deal_id: int | None = None
    payload: Mapping[str, JsonValue] = field(default_factory=dict)
    address: str | None = None
    source: str | None = None
    correlation_id: str | None = None
    received_at: datetime | None = None


class Event(Protocol):
    """Any event that a user, or a person outside of the team, is told of by the outbox."""

    def row(self) -> OutboxRow:
        """Return the event as the outbox keeps it."""
        ...


@dataclass(frozen=True, slots=True)
class LeadAssigned:
    """A new lead has its first owner; `record_key` is the source record with which it began."""

    record_key: str
    user_id: int
    lead_id: int
    rule: str | None
    group: str | None = None

    def row(self) -> OutboxRow:
        """Return the event as the outbox keeps it."""
        return OutboxRow(
            EventKind.LEAD_ASSIGNED,
            f"lead_assigned:{self.record_key}",
            self.user_id,
            lead_id=self.lead_id,
            payload={"rule": self.rule, "group": self.group},
        )


@dataclass(frozen=True, slots=True)
class LeadConvertedInSource:
    """A source has converted a lead on which a user works; `record_key` is its record."""

    record_key: str
    user_id: int
    lead_id: int

    def row(self) -> OutboxRow:
        """Return the event as the outbox keeps it."""
        return OutboxRow(
            EventKind.LEAD_CONVERTED_IN_SOURCE,
            f"lead_converted_in_source:{self.record_key}",
            self.user_id,
            lead_id=self.lead_id,
            payload={"kind": "lead"},
        )


@dataclass(frozen=True, slots=True)
class InquiryReceived:
    """A known person writes again; the owner of the lead or contact is notified."""

    record_key: str
    user_id: int
    lead_id: int | None
    contact_id: int | None
    subject: str | None
    message: str | None

    def row(self) -> OutboxRow:
        """Return the event as the outbox keeps it."""
        return OutboxRow(
            EventKind.INQUIRY_RECEIVED,
            inquiry_key(self.record_key),
            self.user_id,
            lead_id=self.lead_id,
            contact_id=self.contact_id,
            payload={
                "subject": self.subject,
                "message": self.message,
                "kind": "lead" if self.contact_id is None else "contact",
            },
        )


def inquiry_key(record_key: str) -> str:
    """Return the dedupe key of the inquiry that a source record makes."""
    return f"inquiry_received:{record_key}"


@dataclass(frozen=True, slots=True)
class LeadsDigest:
    """The leads of an owner from initial loads: (batch, source, number of leads) each."""

    user_id: int
    loads: Sequence[tuple[int, str, int]]

    def row(self) -> OutboxRow:
        """Return the event as the outbox keeps it."""
        batches = [batch for batch, _, _ in self.loads]
        return OutboxRow(
            EventKind.LEADS_DIGEST,
            f"digest:{min(batches)}:{self.user_id}",
            self.user_id,
            payload={
                "batches": [*batches],
                "counts": {source: n for _, source, n in self.loads},
            },
        )


@dataclass(frozen=True, slots=True)
class OwnerChanged:
    """A user became the owner of records, or lost them to another user.

    Args:
        user_id: the user who is notified.
        is_gain: whether the user is the new owner.
        record_kind: lead, contact or deal.
        record_ids: all records of one command; of several the event names none.
        assignment_id: the first assignment among them.
        group: the distribution group that chose the owner.
        given_by: who gave them, by e-mail or login.
        batch_id: the bulk action that gave them, if one did.
    """

    user_id: int
    is_gain: bool
    record_kind: str
    record_ids: Sequence[int]
    assignment_id: int
    group: str | None
    given_by: str | None = None
    batch_id: int | None = None

    @property
    def _cause(self) -> str:
        if self.batch_id is not None:
            return f"bulk {self.batch_id} {self.user_id}"
        return f"turn {self.assignment_id}"

    def row(self) -> OutboxRow:
        """Return the event as the outbox keeps it."""
        what = "assigned" if self.is_gain else "reassigned_away"
        is_one = len(self.record_ids) == 1
        only = {self.record_kind: self.record_ids[0]} if is_one else {}
        return OutboxRow(
            EventKind(f"{self.record_kind if is_one else 'bulk'}_{what}"),
            f"{what}:{self._cause}",
            self.user_id,
            lead_id=only.get("lead"),
            contact_id=only.get("contact"),
            deal_id=only.get("deal"),
            payload={
                "group": self.group,
                "kind": self.record_kind,
                "counts": {} if is_one else {f"{self.record_kind}s": len(self.record_ids)},
                "given_by": self.given_by,
                "records": [] if is_one else [*self.record_ids[:NAMED_AT_MOST]],
            },
        )


@dataclass(frozen=True, slots=True)
class SourceAlert:
    """A source, or a nightly job, failed or works again.

    Args:
        subjects: the sources; one, unless a run of several failed.
        news: what changed.
        number: of the alert of the first subject; it makes the event one.
        sentences: what is wrong, as the failed run says it; none of a recovery.
        failed_since: since when it fails, or had failed.
        user_id: the user who is notified; None where an address is.
        address: the address that is notified, if it is of no user.
    """

    subjects: Sequence[str]
    news: News
    number: int
    sentences: Sequence[str]
    failed_since: datetime
    user_id: int | None = None
    address: str | None = None

    def row(self) -> OutboxRow:
        """Return the event as the outbox keeps it."""
        is_over = self.news is News.RECOVERED
        receiver = f"user {self.user_id}" if self.address is None else self.address
        return OutboxRow(
            EventKind.SOURCE_RECOVERED if is_over else EventKind.SOURCE_FAILED,
            f"alert:{self.subjects[0]}:{self.number}:{receiver}",
            self.user_id,
            payload={
                "subjects": [*self.subjects],
                "news": self.news.value,
                "sentences": [*self.sentences],
                "failed_since": self.failed_since.isoformat(),
            },
            address=self.address,
        )


@dataclass(frozen=True, slots=True)
class ConfirmationAsked:
    """A submission of the form ticked the box: its address is asked to confirm that.

    Args:
        reference: of the submission.
        address: the address, as it was typed.
        language: of the form.
        wording: the sentence beside the box.
        expires_at: when the link ends.
        mailbox: a word that stands for the mailbox, by which mails to it are counted.
        client: a word that stands for the client that sent the form.
    """

    reference: str
    address: str
    language: str
    wording: str
    expires_at: datetime
    mailbox: str
    client: str

    def row(self) -> OutboxRow:
        """Return the event as the outbox keeps it; the link itself is made when the mail is sent."""
        return OutboxRow(
            Letter.CONSENT_CONFIRMATION,
            f"{Letter.CONSENT_CONFIRMATION}:{self.reference}",
            None,
            payload={
                "reference": self.reference,
                "language": self.language,
                "wording": self.wording,
                "expires_at": self.expires_at.isoformat(),
                "mailbox": self.mailbox,
                "client": self.client,
            },
            address=self.address,
            correlation_id=self.reference,
            received_at=self.expires_at - LIFETIME,
        )
