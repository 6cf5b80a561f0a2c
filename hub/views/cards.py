"""Cards: a record with what belongs to it, read by a bounded number of statements.

In: an open connection and the number of a lead, contact or deal, its survivor if it was merged. Out: one
model a kind. Open tickets come first, then the next task and the newest activities. Not here: who may
read (`hub.actions.reading`), how a card is drawn (`hub.cli.cards`).
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub.crm import activities, cards, deals, derived, layouts, pipelines, smart_links
from hub.crm.activities import OpenTask
from hub.crm.smart_links import LinkError
from hub.frozen import dataclass
from hub.lists import records as list_records
from hub.lists.catalogues import catalogue
from hub.lists.dates import Moment
from hub.lists.fields import Catalogue
from hub.views import company_duplicates, deal_lines, duplicates, provenance, tickets
from hub.views.card_forms import AnyCard, CompanyCard, ContactCard, DealCard, LeadCard
from hub.views.parts import (
    Activity,
    Criterion,
    DealContact,
    Link,
    People,
    PersonLine,
    Provenance,
    Section,
    ShownField,
    StageVisit,
    Task,
    Tasks,
    Ticket,
    Timeline,
)
from hub.views.records import Company, Contact, Deal, Lead, Owner, Record

MOST = 500  # activities and tickets of one card
SHOWN = 20
_PEOPLE = 50
_TASKS = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """What a card is to hold.

    Args:
        moment: now, in the time zone of the user who asks.
        activities: of the timeline, at most.
        with_sources: whether to say where each value comes from.
    """

    moment: Moment
    activities: int = SHOWN
    with_sources: bool = False


def of_row(conn: Connection, kind: str, number: int, asked: Asked) -> AnyCard | None:
    """Return the card of a lead, a contact (person or company) or a deal; None if there is none."""
    row = cards.row(conn, kind, number)
    if row is None:
        return None
    if kind == "lead":
        return _lead(conn, row, asked)
    if kind == "deal":
        return _deal(conn, row, asked)
    return _company(conn, row, asked) if row["is_organization"] else _contact(conn, row, asked)


def _lead(conn: Connection, row: Mapping[str, Any], asked: Asked) -> LeadCard:
    asked_of = tickets.of_entity(conn, row["entity_id"], limit=MOST).items
    lead = Lead(
        **_plain(Lead, row),
        **_common("lead", row, asked.moment.here),
        **_party(row, asked_of),
        contact_record=_contact_name(row["contact_id"]),
    )
    return LeadCard(
        lead=lead,
        deals=deal_lines.of_party(conn, contact_id=row["contact_id"], lead_id=row["id"]),
        duplicates=duplicates.of_person(conn, row["entity_id"]),
        sources=_sources(conn, row, asked),
        **_hanging(conn, "lead", row, asked, asked_of),
    )


def _contact(conn: Connection, row: Mapping[str, Any], asked: Asked) -> ContactCard:
    asked_of = tickets.of_entity(conn, row["entity_id"], limit=MOST).items
    contact = Contact(
        **_plain(Contact, row),
        **_common("contact", row, asked.moment.here),
        **_party(row, asked_of, company=row["company_name"]),
    )
    return ContactCard(
        contact=contact,
        deals=deal_lines.of_party(conn, contact_id=row["id"], lead_id=None),
        duplicates=duplicates.of_person(conn, row["entity_id"]),
        sources=_sources(conn, row, asked),
        **_hanging(conn, "person", row, asked, asked_of),
    )


def _company(conn: Connection, row: Mapping[str, Any], asked: Asked) -> CompanyCard:
    asked_of = tickets.of_entity(conn, row["entity_id"], limit=MOST).items
    company = Company(
        **_plain(Company, row),
        **_common("contact", row, asked.moment.here),
        **_party(row, asked_of),
    )
    people = cards.people_of(conn, row["id"], _PEOPLE + 1)
    return CompanyCard(
        company=company,
        people=People(tuple(PersonLine(**one) for one in people[:_PEOPLE]), len(people) > _PEOPLE),
        deals=deal_lines.of_party(conn, contact_id=row["id"], lead_id=None),
        tasks=_tasks(conn, row["entity_id"], None, _TASKS),
        duplicates=company_duplicates.of_company(conn, row["entity_id"]),
        sources=_sources(conn, row, asked),
        **_hanging(conn, "company", row, asked, asked_of),
    )


def _deal(conn: Connection, row: Mapping[str, Any], asked: Asked) -> DealCard:
    deal = Deal(
        **_plain(Deal, row),
        **_common("deal", row, asked.moment.here),
        contact=row["contact_name"],
        contact_record=f"contact/{row['contact_id']}",
        company=row["company_name"],
        company_record=_contact_name(row["company_id"]),
        hot=row["is_hot"],
        close_date=row["estimated_close_date"],
        lead_record=None if row["lead_id"] is None else f"lead/{row['lead_id']}",
        cloned_from=None if row["cloned_from"] is None else f"deal/{row['cloned_from']}",
        source_record=deals.source_of(conn, row["id"]),
    )
    ticked = deals.ticked(conn, row["id"])
    return DealCard(
        deal=deal,
        contacts=tuple(
            DealContact(
                f"contact/{deals.contact_root(conn, c['contact_id'])}", c["name"], c["role"]
            )
            for c in deals.contacts_of(conn, row["id"])
        ),
        stages=tuple(StageVisit(**one) for one in deals.transitions(conn, row["id"])),
        criteria=tuple(
            Criterion(
                c.what,
                c.severity,
                c.id in ticked if c.kind == "check" else deals.is_filled(row, c.what),
            )
            for c in pipelines.criteria(conn, [row["stage_id"]])
        ),
        **_hanging(conn, "deal", row, asked, ()),
    )


# fields of a model that are not plain columns of the row
_MADE = frozenset(
    (
        "record", "name", "owner", "tags", "custom_fields", "days_since_last_communication", "emails",
        "open_tickets", "contact", "contact_record", "company", "company_record", "hot", "close_date",
        "lead_record", "cloned_from", "source_record",
    )
)  # fmt: skip
_COMMON = frozenset(
    ("id", "last_activity_at", "last_communication_at", "next_task_at", "recorded_at", "archived_at")
)  # fmt: skip


def _plain(model: type[Record], row: Mapping[str, Any]) -> dict[str, Any]:
    return {f.name: row[f.name] for f in fields(model) if f.name not in _MADE | _COMMON}


def _common(kind: str, row: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    owner = None
    if row["owner_name"] is not None:
        owner = Owner(row["owner_email"], row["owner_name"], row["owner_is_active"])
    return {
        **{name: row[name] for name in _COMMON},
        "record": f"{kind}/{row['id']}",
        "name": row["name"],
        "owner": owner,
        "tags": tuple(row["tags"] or ()),
        "custom_fields": row["custom_fields"] or {},
        "days_since_last_communication": derived.days_since(row["last_communication_at"], now),
    }


def _party(
    row: Mapping[str, Any], asked_of: tuple[Ticket, ...], *, company: str | None = None
) -> dict[str, Any]:
    """Return what people and companies have; `company` is the employer's name of today, if there is one."""
    emails = [e.get("address") if isinstance(e, dict) else e for e in row["emails"] or ()]
    known = [e for e in (row["email"], *emails) if isinstance(e, str)]
    return {
        "company": company or row["organization_name"],
        "company_record": _contact_name(row.get("company_id")),
        "emails": tuple(dict.fromkeys(known)),
        "open_tickets": sum(one.is_open for one in asked_of),
    }


def _contact_name(number: int | None) -> str | None:
    return None if number is None else f"contact/{number}"


def _sources(
    conn: Connection, row: Mapping[str, Any], asked: Asked
) -> tuple[Provenance, ...] | None:
    if not asked.with_sources:
        return None
    is_company = bool(row.get("is_organization"))
    return provenance.of_entity(conn, row["entity_id"], is_company=is_company)


def _hanging(
    conn: Connection,
    object_: str,
    row: Mapping[str, Any],
    asked: Asked,
    asked_of: tuple[Ticket, ...],
) -> dict[str, Any]:
    """Return the parts that every card has, for its constructor."""
    entities, deal_id = _whose(conn, object_, row)
    shown = catalogue(conn, object_)
    return {
        "tickets": asked_of[: max(SHOWN, sum(one.is_open for one in asked_of))],
        "next_task": _next_task(conn, entities, deal_id),
        "timeline": timeline(conn, entities, deal_id, asked.activities),
        "sections": _sections(conn, object_, shown),
        "links": _links(conn, object_, shown, row["id"], asked.moment),
    }


def _whose(conn: Connection, object_: str, row: Mapping[str, Any]) -> tuple[list[int], int | None]:
    """Return whose activities a card shows: of a deal those of its lead, from before there was a deal."""
    if object_ != "deal":
        return [row["entity_id"]], None
    lead = row["lead_entity_id"]
    return ([] if lead is None else list(derived.roots_of(conn, [lead]))), row["id"]


def _next_task(conn: Connection, entities: list[int], deal_id: int | None) -> Task | None:
    entity = entities[0] if entities and deal_id is None else None
    return next(iter(_tasks(conn, entity, deal_id, 1).items), None)


def _tasks(conn: Connection, entity_id: int | None, deal_id: int | None, limit: int) -> Tasks:
    found = activities.open_tasks_on(conn, entity_id=entity_id, deal_id=deal_id, limit=limit + 1)
    items = tuple(Task(f"task/{t.id}", t.content, t.due_at, t.owner, _on(t)) for t in found[:limit])
    return Tasks(items, len(found) > limit)


def _on(task: OpenTask) -> str | None:
    named = (("deal", task.deal_id), ("contact", task.contact_id), ("lead", task.lead_id))
    return next((f"{kind}/{number}" for kind, number in named if number is not None), None)


def timeline(conn: Connection, entity_ids: list[int], deal_id: int | None, limit: int) -> Timeline:
    """Return the newest activities of people, companies or a deal."""
    found = activities.timeline(conn, entity_ids, deal_id, limit + 1)
    items = tuple(
        Activity(e.name, e.kind, e.at, e.who, e.words, e.outcome, e.is_incoming, e.is_open)
        for e in found[:limit]
    )
    return Timeline(items, len(found) > limit)


def _sections(conn: Connection, object_: str, shown: Catalogue) -> tuple[Section, ...]:
    """Return the layout with the fields' labels; a field whose definition is gone is left out."""
    return tuple(
        Section(
            one.name,
            tuple(
                ShownField(name, shown.fields[name].label)
                for name in one.fields
                if name in shown.fields
            ),
        )
        for one in layouts.read(conn, object_)
    )


def _links(
    conn: Connection, object_: str, shown: Catalogue, number: int, moment: Moment
) -> tuple[Link, ...]:
    """Return the links that can be filled; one that names a field that is gone is left out."""
    made = []
    for link in smart_links.of_object(conn, object_):
        try:
            found = {said: shown.find(said) for said in smart_links.fields_in(link.template)}
            names = [field.name for field in found.values() if field is not None]
            if len(names) < len(found):
                continue
            values = list_records.values_of(conn, shown, number, names, moment) or {}
            filled = dict(zip(found, (values.get(name) for name in names), strict=True))
            made.append(Link(link.name, smart_links.fill(link.template, filled.get)))
        except LinkError:
            continue
    return tuple(made)
