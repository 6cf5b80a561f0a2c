"""The fields of leads, people, companies and deals: the fixed ones and the team's own."""

from dataclasses import replace

from sqlalchemy import Connection, Table, Text, false, literal, true
from sqlalchemy.dialects.postgresql import JSONB

from hub.crm import custom_fields
from hub.crm.custom_fields import WITH_CHOICES, CustomField
from hub.crm.deal_tables import deal
from hub.crm.tables import contact, lead
from hub.crm.words import scope_of
from hub.lists import custom, search_text
from hub.lists.deal_fields import deals
from hub.lists.document import Op
from hub.lists.fields import CUSTOM, Catalogue, Field
from hub.lists.people_fields import COMPANY_NAME, people
from hub.lists.predicates import Asking, Column, Values


def catalogue(conn: Connection, object_: str) -> Catalogue:
    """Return the fields of a kind of record, with the custom ones as they are defined now."""
    made = FIXED[object_]
    own = [
        _custom(made.table, field)
        for field in custom_fields.fields_of(conn, object_).values()
        if field.is_filterable
    ]
    return replace(made, fields={**made.fields, **{field.name: field for field in own}})


def _custom(table: Table, field: CustomField) -> Field:
    column = table.c.custom_fields
    shown = column.op("->", return_type=JSONB)(literal(field.key, Text))
    predicate = custom.predicate_of(field, search_text.TOKENS[table.name])

    def over_all(_shown: Column, op: Op, values: Values, asking: Asking) -> Column:
        return predicate(column, op, values, asking)

    names = "choice" if field.type in WITH_CHOICES else None
    return Field(
        f"{CUSTOM}{field.key}", field.name, field.type, shown, over_all, names=names,
        scope=scope_of(field.object, field.key) if names else "", words=field.choices,
    )  # fmt: skip


def _standing(table: Table, *more: Column) -> tuple[Column, ...]:
    return (table.c.archived_at.is_(None), table.c.merged_into.is_(None), *more)


_CONTACT = ("customer_status", "prospect_status", "customer_type", "prospect_type")
FIXED = {
    "lead": Catalogue(
        "lead",
        lead,
        _standing(lead),
        {"converted_at": lead.c.converted_at.is_(None)},
        people(
            lead,
            "status",
            "unqualified_reason",
            "converted_at",
            "first_response_at",
            "source_converted_at",
        ),
        "created_at",
        ("id", "name", "company", "email", "status", "owner", "created_at"),
    ),
    "person": Catalogue(
        "person",
        contact,
        _standing(contact, contact.c.is_organization == false()),
        {},
        people(contact, *_CONTACT),
        "created_at",
        ("id", "name", "company", "email", "customer_status", "owner", "created_at"),
    ),
    "company": Catalogue(
        "company",
        contact,
        _standing(contact, contact.c.is_organization == true()),
        {},
        people(contact, *_CONTACT) | {"name": COMPANY_NAME},
        "created_at",
        ("id", "name", "city", "customer_status", "owner", "created_at"),
    ),
    "deal": Catalogue(
        "deal",
        deal,
        (deal.c.archived_at.is_(None),),
        {},
        deals(),
        "added_at",
        ("id", "name", "stage", "value", "currency", "owner", "close_date"),
    ),
}
