"""The fixed fields of leads, people, companies and deals, over their tables."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Column as TableColumn,
)
from sqlalchemy import (
    ColumnElement,
    Date,
    DateTime,
    Table,
    Text,
    exists,
    false,
    func,
    literal,
    literal_column,
    select,
    true,
)

from hub.crm import list_tables
from hub.crm.deal_tables import deal, pipeline, reason, stage
from hub.crm.tables import contact, lead, ticket, user
from hub.lists import predicates, texts
from hub.lists.document import Op
from hub.lists.fields import Catalogue, Field
from hub.lists.predicates import Asking, Column, Predicate, UnfitError, Values


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


def _named(table: Table, key: ColumnElement[Any], column: str = "name") -> Predicate:
    """A row of a short table, by its name whatever its case."""

    def build(_column: Column, op: Op, values: Values, asking: Asking) -> Column:
        if op is Op.EMPTY:
            return key.is_(None)
        if op not in texts.HINTED:
            raise UnfitError("it is asked: is, any of, none of, contains, starts with, is empty")
        named = select(table.c.id).where(predicates.text_is(table.c[column], op, values, asking))
        return key.in_(named)

    return build


def _name_of(table: Table, key: ColumnElement[Any], column: str = "name") -> Column:
    return select(table.c[column]).where(table.c.id == key).scalar_subquery()


_LABELS = {
    "created_at": "Date added",
    "added_at": "Date added",
    "last_activity_at": "Last activity",
    "last_communication_at": "Last communication",
    "next_task_at": "Next task",
    "lead_source": "Source",
    "source_converted_at": "Converted in its source",
    "is_hot": "Hot",
}


def _label(name: str) -> str:
    return _LABELS.get(name, name.removesuffix("_at").replace("_", " ").capitalize())


def _kind(column: TableColumn[Any]) -> tuple[str, Predicate]:
    if isinstance(column.type, DateTime):
        return "moment", predicates.moment_is
    if isinstance(column.type, Date):
        return "date", predicates.date_is
    return "text", texts.predicate_of(column.table.name, column.name)


def _plain(table: Table, names: Sequence[str], orders: Sequence[str] = ()) -> dict[str, Field]:
    made = {}
    for name in names:
        column = table.c[name]
        kind, predicate = _kind(column)
        order = column if name in orders else None
        made[name] = Field(name, _label(name), kind, column, predicate, order)
    return made


_PEOPLE = (
    "first_name", "last_name", "email", "phone", "mobile", "fax", "organization_name", "title",
    "industry", "website", "description", "street", "postal_code", "city", "state", "country",
    "created_at", "recorded_at", "last_activity_at", "last_communication_at", "next_task_at",
    "unasked_since",
)  # fmt: skip
_DEAL = (
    "currency", "source", "estimated_close_date", "added_at", "closed_at", "recorded_at",
    "last_stage_change_at", "last_activity_at", "last_communication_at", "next_task_at",
)  # fmt: skip


def _shared(table: Table) -> list[Field]:
    """Return the fields that every kind of record has."""
    c = table.c
    return [
        Field("id", "Number", "number", c.id, predicates.number_is),
        Field("tags", "Tags", "tags", c.tags, texts.tagged(table.name)),
        Field("owner", "Owner", "user", _name_of(user, c.owner_id), _owner(c.owner_id)),
        Field(
            "days_since_last_communication",
            "Days since last communication",
            "days",
            c.last_communication_at,
            predicates.days_since,
        ),
    ]


def _owner(key: ColumnElement[Any]) -> Predicate:
    def build(_column: Column, op: Op, values: Values, asking: Asking) -> Column:
        return predicates.user_is(key, op, values, asking)

    return build


def _person(table: Table) -> list[Field]:
    c = table.c
    name = func.concat_ws(literal(" ", Text), c.first_name, c.last_name)
    number = select(func.count()).where(*_opened(c.entity_id)).scalar_subquery()
    return [
        Field("name", "Name", "text", name, _full_name(table), texts.name_order),
        Field(
            "source", "Source", "text", c.lead_source, texts.predicate_of(table.name, "lead_source")
        ),
        Field("open_tickets", "Open tickets", "number", number, _open_tickets(c.entity_id)),
    ]


_COMPANY_NAME = Field(
    "name",
    "Name",
    "text",
    contact.c.organization_name,
    texts.predicate_of("contact", "organization_name"),
    texts.name_order,
)


def _full_name(table: Table) -> Predicate:
    first, last = table.c.first_name, table.c.last_name
    both = func.coalesce(first, "") + literal(" ", Text) + func.coalesce(last, "")

    def build(_column: Column, op: Op, values: Values, asking: Asking) -> Column:
        return texts.full_name(func.nullif(func.trim(both), ""), op, values, asking)

    return build


def _by_name(fields: Sequence[Field]) -> dict[str, Field]:
    return {field.name: field for field in fields}


def _people(table: Table, *more: str) -> dict[str, Field]:
    plain = _plain(table, (*_PEOPLE, *more), list_tables.PEOPLE_ORDERS)
    return {**plain, **_by_name(_shared(table)), **_by_name(_person(table))}


def _deals() -> dict[str, Field]:
    c = deal.c
    own = [
        Field("name", "Name", "text", c.name, texts.predicate_of("deal", "name")),
        Field("value", "Value", "number", c.value, predicates.number_is, c.value),
        Field("is_hot", "Hot", "bool", c.is_hot, predicates.bool_is),
        Field(
            "win_likelihood",
            "Win likelihood",
            "number",
            func.coalesce(c.customized_win_likelihood, _name_of(stage, c.stage_id, "likelihood")),
            predicates.number_is,
        ),
        Field("stage", "Stage", "name", _name_of(stage, c.stage_id), _named(stage, c.stage_id)),
        Field(
            "stage_category",
            "Stage category",
            "name",
            _name_of(stage, c.stage_id, "category"),
            _named(stage, c.stage_id, "category"),
        ),
        Field(
            "pipeline",
            "Pipeline",
            "name",
            _name_of(pipeline, c.pipeline_id),
            _named(pipeline, c.pipeline_id),
        ),
        Field(
            "loss_reason",
            "Loss reason",
            "name",
            _name_of(reason, c.loss_reason_id),
            _named(reason, c.loss_reason_id),
        ),
        Field(
            "unqualified_reason",
            "Unqualified reason",
            "name",
            _name_of(reason, c.unqualified_reason_id),
            _named(reason, c.unqualified_reason_id),
        ),
    ]
    plain = _plain(deal, _DEAL, list_tables.DEAL_ORDERS)
    return {**plain, **_by_name(_shared(deal)), **_by_name(own)}


def _standing(table: Table, *more: Column) -> tuple[Column, ...]:
    return (table.c.archived_at.is_(None), table.c.merged_into.is_(None), *more)


FIXED = {
    "lead": Catalogue(
        "lead",
        lead,
        _standing(lead),
        {"converted_at": lead.c.converted_at.is_(None)},
        _people(
            lead,
            "status",
            "unqualified_reason",
            "converted_at",
            "first_response_at",
            "source_converted_at",
        ),
        "created_at",
        ("id", "name", "organization_name", "email", "status", "owner", "created_at"),
    ),
    "person": Catalogue(
        "person",
        contact,
        _standing(contact, contact.c.is_organization == false()),
        {},
        _people(contact, "customer_status", "prospect_status", "customer_type", "prospect_type"),
        "created_at",
        ("id", "name", "organization_name", "email", "customer_status", "owner", "created_at"),
    ),
    "company": Catalogue(
        "company",
        contact,
        _standing(contact, contact.c.is_organization == true()),
        {},
        _people(contact, "customer_status", "prospect_status", "customer_type", "prospect_type")
        | {"name": _COMPANY_NAME},
        "created_at",
        ("id", "name", "city", "customer_status", "owner", "created_at"),
    ),
    "deal": Catalogue(
        "deal",
        deal,
        (deal.c.archived_at.is_(None),),
        {},
        _deals(),
        "added_at",
        ("id", "name", "stage", "value", "currency", "owner", "estimated_close_date"),
    ),
}
