"""A lead, a contact, a company, a deal: the fields of one record, named as lists and layouts name them."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from hub.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Owner:
    """A member of the team.

    Args:
        email: the address.
        name: as the team reads it.
        is_active: false of a member who has left.
    """

    email: str | None
    name: str
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What every record has.

    Args:
        record: its name: `lead/12`.
        id: its number.
        name: as people read it; null of a record without a name.
        owner: who owns it; null is none.
        tags: in the order in which they were added.
        custom_fields: values by key, as `docs/lists.md` says.
        last_activity_at: newest note, call, visit, message, ticket or completed task.
        last_communication_at: newest call, visit, message or ticket.
        days_since_last_communication: days in the reader's time zone, 0 is today; null if nothing was ever said.
        next_task_at: when the next open task is due.
        recorded_at: when the hub made the row.
        archived_at: since when the record is on no list.
    """

    record: str
    id: int
    name: str | None
    owner: Owner | None
    tags: tuple[str, ...]
    custom_fields: Mapping[str, Any]
    last_activity_at: datetime | None
    last_communication_at: datetime | None
    days_since_last_communication: int | None
    next_task_at: datetime | None
    recorded_at: datetime
    archived_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Party(Record):
    """What leads, people and companies have.

    Args:
        public_id: never changes, also after a conversion.
        first_name: of a person.
        last_name: of a person.
        email: the address by which the record is reached.
        emails: every address that the sources know, the first one included.
        phone: E.164 (`+33155501020`), else as it was typed.
        mobile: as `phone`.
        fax: as `phone`.
        company: the company's name; of a company its own.
        company_record: the company as a contact: `contact/7`; null of a company.
        title: what the person does there.
        industry: of the company.
        website: of the company.
        description: free text.
        street: first line of the address.
        postal_code: of the address.
        city: of the address.
        state: of the address.
        country: of the address.
        source: where the record comes from.
        created_at: when it was made in its source.
        unasked_since: since when no living source record asks for the row.
        open_tickets: tickets that are neither solved nor closed; of a company its employees' too.
    """

    public_id: str
    first_name: str | None
    last_name: str | None
    email: str | None
    emails: tuple[str, ...]
    phone: str | None
    mobile: str | None
    fax: str | None
    company: str | None
    company_record: str | None
    title: str | None
    industry: str | None
    website: str | None
    description: str | None
    street: str | None
    postal_code: str | None
    city: str | None
    state: str | None
    country: str | None
    source: str | None
    created_at: datetime | None
    unasked_since: datetime | None
    open_tickets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead(Party):
    """A lead.

    Args:
        status: one of the team's statuses.
        unqualified_reason: why the lead is unqualified.
        first_response_at: when the team first answered.
        converted_at: when the lead became a contact.
        source_converted_at: when its source converted it, while it is open here.
        contact_record: the contact that it became, or that the person is already.
    """

    status: str
    unqualified_reason: str | None
    first_response_at: datetime | None
    converted_at: datetime | None
    source_converted_at: datetime | None
    contact_record: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer(Party):
    """What people and companies have.

    Args:
        customer_status: `none`, `current` or `past`, by the deals.
        prospect_status: `none`, `current` or `lost`, by the deals.
        customer_type: as a source says.
        prospect_type: as a source says.
    """

    customer_status: str
    prospect_status: str
    customer_type: str | None
    prospect_type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact(Customer):
    """A person who is a contact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Company(Customer):
    """A company. Its number is a contact's: `contact/7`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal(Record):
    """A deal.

    Args:
        contact: name of the primary contact.
        contact_record: the primary contact: `contact/5`.
        company: name of the company.
        company_record: the company: `contact/7`.
        pipeline: name of the pipeline.
        stage: name of the stage.
        stage_category: `incoming`, `in_progress`, `won`, `lost` or `unqualified`.
        value: amount, in `currency`.
        currency: ISO 4217.
        win_likelihood: percent, the deal's own or its stage's.
        weighted_value: value times likelihood, in `currency`.
        hot: marked by the team.
        source: where the deal comes from.
        loss_reason: why it was lost.
        unqualified_reason: why it was refused.
        close_date: the day on which it is expected to close.
        added_at: when it was added.
        last_stage_change_at: when it came into its stage.
        closed_at: when it was won, lost or refused.
        lead_record: the lead that became this deal.
        cloned_from: the deal of which it is a clone.
        source_record: the record of a source that it came with: `salesforce/opportunities/006…`.
    """

    contact: str | None
    contact_record: str
    company: str | None
    company_record: str | None
    pipeline: str
    stage: str
    stage_category: str
    value: Decimal
    currency: str
    win_likelihood: int | None
    weighted_value: Decimal
    hot: bool
    source: str | None
    loss_reason: str | None
    unqualified_reason: str | None
    close_date: date | None
    added_at: datetime
    last_stage_change_at: datetime
    closed_at: datetime | None
    lead_record: str | None
    cloned_from: str | None
    source_record: str | None
