"""The fields of leads, people and companies, over their tables."""

from typing import Any

from sqlalchemy import ColumnElement, Table, Text, exists, func, literal, literal_column, select

from hub.crm import list_tables
from hub.crm.tables import contact, ticket
from hub.lists import predicates, search_text
from hub.lists.document import Op
from hub.lists.field_makers import by_name, plain, shared
from hub.lists.fields import Field
from hub.lists.predicates import Asking, Column, Predicate, Values
from hub.lists.related import company_of, outcomes_of
from hub.model.vocabulary import PEOPLE

_PLAIN = (
    "first_name", "last_name", "email", "phone", "mobile", "fax", "company", "title", "industry",
    "website", "description", "street", "postal_code", "city", "state", "country", "source",
    "created_at", "recorded_at", "last_activity_at", "last_communication_at", "next_task_at",
    "unasked_since",
)  # fmt: skip
COMPANY_NAME = Field(
    "name",
    "Name",
    "text",
    contact.c.organization_name,
    search_text.predicate_of("contact", "organization_name"),
    search_text.name_order,
)


def people(table: Table, *more: str) -> dict[str, Field]:
    """Return the fields of a table of people, with further columns of its own."""
    names = {name: PEOPLE.get(name, name) for name in (*_PLAIN, *more)}
    made = plain(table, names, list_tables.PEOPLE_ORDERS)
    key = table.c.account_id if table.name == "lead" else table.c.company_id
    related = [company_of(table, key), outcomes_of(table)]
    return {**made, **by_name(shared(table)), **by_name(_person(table)), **by_name(related)}


def _person(table: Table) -> list[Field]:
    c = table.c
    name = func.concat_ws(literal(" ", Text), c.first_name, c.last_name)
    number = select(func.count()).where(*_opened(c.entity_id)).scalar_subquery()
    return [
        Field("name", "Name", "text", name, _full_name(table), search_text.name_order),
        Field("open_tickets", "Open tickets", "number", number, _open_tickets(c.entity_id)),
    ]


def _full_name(table: Table) -> Predicate:
    first, last = table.c.first_name, table.c.last_name
    both = func.coalesce(first, "") + literal(" ", Text) + func.coalesce(last, "")

    def build(_column: Column, op: Op, values: Values, asking: Asking) -> Column:
        return search_text.full_name(func.nullif(func.trim(both), ""), op, values, asking)

    return build


def _opened(of: ColumnElement[Any]) -> tuple[Column, ...]:
    """Return what an open ticket fulfils, as the index `ticket_open` has it."""
    return (
        ticket.c.entity_id == of,
        ticket.c.archived_at.is_(None),
        literal_column("coalesce(ticket.status, '') NOT IN ('solved', 'closed')"),
    )


def _open_tickets(of: ColumnElement[Any]) -> Predicate:
    """How many tickets are open."""
    opened = _opened(of)

    def build(_column: Column, op: Op, values: Values, asking: Asking) -> Column:
        some = exists().where(*opened)
        asked = (op, *values[:1])
        if asked in {(Op.IS, 0), (Op.BELOW, 1), (Op.AT_MOST, 0)}:
            return ~some
        if asked in {(Op.ABOVE, 0), (Op.AT_LEAST, 1)}:
            return some
        number = select(func.count()).where(*opened).scalar_subquery()
        return predicates.number_is(number, op, values, asking)

    return build
