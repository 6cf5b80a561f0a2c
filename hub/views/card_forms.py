"""The cards of leads, contacts, companies and deals, as frozen forms: a record with what belongs to it.

Not here: how a card is read (`hub.views.cards`), and its parts (`hub.views.parts`).
"""

from hub.frozen import dataclass
from hub.views.parts import (
    CompanyDuplicate,
    Criterion,
    DealContact,
    DealLine,
    Duplicate,
    Link,
    People,
    Provenance,
    Section,
    StageVisit,
    Task,
    Tasks,
    Ticket,
    Timeline,
)
from hub.views.records import Company, Contact, Deal, Lead


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What every card has.

    Args:
        tickets: support tickets, open ones first.
        next_task: the open task that is due first.
        timeline: the newest activities.
        sections: the fields that the team's layout shows, in its order.
        links: smart links, filled from the record.
    """

    tickets: tuple[Ticket, ...]
    next_task: Task | None
    timeline: Timeline
    sections: tuple[Section, ...]
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadCard(Card):
    """The card of a lead.

    Args:
        lead: its fields.
        deals: what it became.
        duplicates: who may be the same person.
        sources: where each value comes from; null unless asked for.
    """

    lead: Lead
    deals: tuple[DealLine, ...]
    duplicates: tuple[Duplicate, ...]
    sources: tuple[Provenance, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactCard(Card):
    """The card of a person who is a contact.

    Args:
        contact: the fields.
        deals: the person's deals, open ones first.
        duplicates: who may be the same person.
        sources: where each value comes from; null unless asked for.
    """

    contact: Contact
    deals: tuple[DealLine, ...]
    duplicates: tuple[Duplicate, ...]
    sources: tuple[Provenance, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyCard(Card):
    """The card of a company.

    Args:
        company: the fields.
        people: who works there.
        deals: the company's deals, open ones first.
        tasks: the open tasks on the company and on its people; the first is the next task.
        duplicates: companies that may be the same, those with an open question first.
        sources: where each value comes from; null unless asked for.
    """

    company: Company
    people: People
    deals: tuple[DealLine, ...]
    tasks: Tasks
    duplicates: tuple[CompanyDuplicate, ...]
    sources: tuple[Provenance, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DealCard(Card):
    """The card of a deal.

    Args:
        deal: its fields.
        contacts: who takes part, the primary contact first.
        stages: every stage that it came into, the oldest first.
        criteria: what its stage asks for before the deal may leave it.
    """

    deal: Deal
    contacts: tuple[DealContact, ...]
    stages: tuple[StageVisit, ...]
    criteria: tuple[Criterion, ...]


AnyCard = LeadCard | ContactCard | CompanyCard | DealCard
