"""Parts of a card: activities, tasks, tickets, deals, people, duplicates, and sources of values."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from hub.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Activity:
    """One line of a timeline.

    Args:
        record: its name: `call/7`, `ticket/3`.
        kind: `task`, `note`, `call`, `visit`, `message` or `ticket`.
        at: when it was done; of an open task when it is due.
        who: who wrote it down; null of what a source sent.
        words: content, summary or subject.
        outcome: of a call or a visit; the kind of a message; the status of a ticket.
        is_incoming: of a call, a message or a ticket.
        is_open: a task that is not completed, a ticket that is not solved.
    """

    record: str
    kind: str
    at: datetime | None
    who: str | None
    words: str | None
    outcome: str | None
    is_incoming: bool | None
    is_open: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """The newest activities.

    Args:
        items: the newest first.
        has_more: whether there are older ones.
    """

    items: tuple[Activity, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Task:
    """An open task.

    Args:
        record: its name: `task/4`.
        content: what is to be done.
        due_at: when.
        owner: address of the member who does it.
        on: the record that it belongs to: `contact/5`, `lead/12`, `deal/7`.
    """

    record: str
    content: str
    due_at: datetime | None
    owner: str | None
    on: str | None


@dataclass(frozen=True, slots=True)
class Tasks:
    """Open tasks.

    Args:
        items: those due first before all.
        has_more: whether there are more of them.
    """

    items: tuple[Task, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Ticket:
    """A support ticket.

    Args:
        record: its name here: `ticket/3`.
        source_record: its name in the source: `zendesk/tickets/9`.
        subject: as the person asked.
        status: in the words of the source.
        priority: in the words of the source.
        channel: how it came: e-mail, web, chat.
        satisfaction: the person's rating.
        url: where it is answered.
        created_at: when it was asked.
        updated_at: when it last changed.
        person: the lead or contact who asked.
        is_open: neither solved nor closed.
    """

    record: str
    source_record: str
    subject: str | None
    status: str | None
    priority: str | None
    channel: str | None
    satisfaction: str | None
    url: str | None
    created_at: datetime | None
    updated_at: datetime | None
    person: str | None
    is_open: bool


@dataclass(frozen=True, slots=True)
class Tickets:
    """The tickets of a person, or of a company and its employees.

    Args:
        items: open ones first, then the newest.
        has_more: whether there are more of them.
    """

    items: tuple[Ticket, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class DealLine:
    """A deal on another record's card.

    Args:
        record: its name: `deal/7`.
        name: as people read it.
        stage: name of the stage.
        stage_category: `incoming`, `in_progress`, `won`, `lost` or `unqualified`.
        value: amount, in `currency`.
        currency: ISO 4217.
        owner: address of the owner.
        closed_at: when it was won, lost or refused.
    """

    record: str
    name: str
    stage: str
    stage_category: str
    value: Decimal
    currency: str
    owner: str | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A person who works at a company.

    Args:
        record: `contact/5` or `lead/12`.
        name: as people read it.
        title: what the person does there.
        email: the address.
        phone: telephone, else mobile number.
        owner: address of the owner.
    """

    record: str
    name: str | None
    title: str | None
    email: str | None
    phone: str | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class People:
    """The people of a company.

    Args:
        items: contacts, then leads, each by name.
        has_more: whether there are more of them.
    """

    items: tuple[PersonLine, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A record that may be of the same person.

    Args:
        record: `contact/5` or `lead/12`.
        name: as people read it.
        email: the address.
        company: name of the company.
        owner: address of the owner.
        judgement: `in review` where a question is open, else `same`, `unsure` or `alike`.
        bits: match weight, as `docs/matching.md` says; 0 of one who is only alike.
    """

    record: str
    name: str | None
    email: str | None
    company: str | None
    owner: str | None
    judgement: str
    bits: float


@dataclass(frozen=True, slots=True)
class CompanyDuplicate:
    """A company that may be the same one.

    Args:
        record: `contact/5`.
        name: as people read it.
        city: where it is.
        country: ISO code.
        website: its address in the web.
        people: number of its contacts.
        deals: number of its deals.
        judgement: `in review` where a question is open, else `same` or `unsure`.
        why: what the judgement rests on.
        question: the open question, as `hub review` takes it; null where there is none.
    """

    record: str
    name: str | None
    city: str | None
    country: str | None
    website: str | None
    people: int
    deals: int
    judgement: str
    why: str
    question: str | None


@dataclass(frozen=True, slots=True)
class OtherValue:
    """What one source record, or one edit, says of a field.

    Args:
        record: `salesforce/leads/00Q…`; of an edit who typed it.
        value: the value.
        at: when it was said.
    """

    record: str
    value: Any
    at: str | None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the value of a field comes from.

    Args:
        field: the field.
        value: the value that survived.
        record: the source record that says it; null of an edit, and of what several say together.
        rule: the survivorship rule.
        by: why this rule chose it, or who typed it.
        mapping_version: of the record's mapping.
        against: the values that were left.
    """

    field: str
    value: Any
    record: str | None
    rule: str
    by: str | None
    mapping_version: str | None
    against: tuple[OtherValue, ...]


@dataclass(frozen=True, slots=True)
class DealContact:
    """A contact who takes part in a deal.

    Args:
        record: `contact/5`.
        name: as people read it.
        role: `primary`, `involved`, or the team's own word.
    """

    record: str
    name: str | None
    role: str


@dataclass(frozen=True, slots=True)
class StageVisit:
    """A deal that came into a stage.

    Args:
        from_stage: where it was; null of a new deal.
        to_stage: its address.
        who: who moved it.
        at: when.
    """

    from_stage: str | None
    to_stage: str
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Criterion:
    """What the stage of a deal asks for.

    Args:
        asks_for: a field, or the words of a check.
        severity: `warn` or `refuse`.
        is_met: whether the deal has it.
    """

    asks_for: str
    severity: str
    is_met: bool


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field on a card.

    Args:
        name: its name: the key in the record, or `custom_fields.KEY`.
        label: as people read it.
    """

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the layout of a card.

    Args:
        name: the heading.
        fields: in their order.
    """

    name: str
    fields: tuple[ShownField, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A smart link, filled from the record.

    Args:
        name: as the team calls it.
        url: the address.
    """

    name: str
    url: str
