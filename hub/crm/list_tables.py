"""What smart lists need of the tables: the orders that a page is read in, and what finds a few rows.

Every order of a list has an index over the present rows (`STANDING`). So only the rows of the page
are read. One GIN index a table (`…_facets`) finds what a few rows have: the trigrams of what people
search, and search tokens (`list_columns`). A column of it for names, e-mail addresses and companies
each: what is rare in one of them is common in the others together.
"""

from sqlalchemy import DDL, Index, Table, event, literal_column, text

from hub.crm.deal_tables import deal
from hub.crm.tables import contact, lead, ticket
from hub.db.metadata import because, without_statistics

STANDING = "archived_at IS NULL AND merged_into IS NULL"
DEAL_STANDING = "archived_at IS NULL"

WORDS = ("city", "phone", "mobile", "title", "website")  # of people, searched more seldom
WORDS_TEXT = "lower(" + " || ' ' || ".join(f"coalesce({name}, '')" for name in WORDS) + ")"
_PEOPLE_SEARCHED = {
    "names": "names",
    "words": WORDS_TEXT,
    **{name: f"lower({name})" for name in ("email", "organization_name")},
}
PEOPLE_ORDERS = ("created_at", "last_activity_at", "last_communication_at", "next_task_at")
DEAL_ORDERS = (
    "added_at", "value", "estimated_close_date", "last_activity_at", "last_communication_at",
    "next_task_at",
)  # fmt: skip


def _orders(table: Table, names: tuple[str, ...], *before: str, where: str) -> None:
    for name in names:
        columns = [table.c[one] for one in (*before, name, "id")]
        why = f"a page of a list sorted by {name}"
        Index(f"{table.name}_by_{name}", *columns, postgresql_where=text(where), info=because(why))


def _facets(table: Table, searched: dict[str, str], where: str) -> None:
    Index(
        f"{table.name}_facets",
        *(literal_column(expression).label(name) for name, expression in searched.items()),
        table.c.search_tokens,
        postgresql_using="gin",
        postgresql_ops=dict.fromkeys(searched, "gin_trgm_ops"),
        postgresql_where=text(where),
        info=because("finds the rows that have a word or a search token that few have"),
    )


_orders(lead, PEOPLE_ORDERS, where=STANDING)
_orders(contact, PEOPLE_ORDERS, "is_organization", where=STANDING)
_orders(deal, DEAL_ORDERS, where=DEAL_STANDING)
_BY_NAME = because("a page of a list sorted by name")
Index("lead_by_name", lead.c.sort_key, lead.c.id, postgresql_where=text(STANDING), info=_BY_NAME)
Index(
    "contact_by_name",
    contact.c.is_organization,
    contact.c.sort_key,
    contact.c.id,
    postgresql_where=text(STANDING),
    info=_BY_NAME,
)
for _table in (lead, contact):
    _facets(_table, _PEOPLE_SEARCHED, STANDING)
    Index(
        f"{_table.name}_email",
        literal_column("lower(email)").label("address"),
        _table.c.id,
        postgresql_ops={"address": "text_pattern_ops"},  # finds a beginning in any locale
        postgresql_where=text(STANDING),
        info=because("finds the people with an address, and addresses by how they begin"),
    )
_facets(deal, {"name": "lower(name)"}, DEAL_STANDING)


def _statistics(table: Table) -> None:
    """Give the planner the frequency of addresses and parts of names; it assumes that each is rare."""
    made = [
        f"CREATE STATISTICS crm.{table.name}_{name} ON (lower({column})) FROM crm.{table.name}"
        for name, column in (("emails", "email"), ("organizations", "organization_name"))
    ]
    # a hundred samples do not show what one row in two hundred has: a tag, a part of a name
    made += [
        f"ALTER TABLE crm.{table.name} ALTER COLUMN {name} SET STATISTICS 400"
        for name in ("names", "search_tokens")
    ]
    for statement in made:
        event.listen(table, "after_create", DDL(statement))  # type: ignore[no-untyped-call]


# Conditions on these ask `search_tokens`, `names` or `lower(…)`: statistics of the column itself serve none.
_ASKED_OTHERWISE = (
    "first_name", "last_name", "email", "emails", "phone", "mobile", "fax", "organization_name",
    "title", "website", "description", "street", "postal_code", "city", "tags", "custom_fields",
)  # fmt: skip
for _table in (lead, contact):
    _statistics(_table)
    without_statistics(_table, *_ASKED_OTHERWISE)

Index(
    "ticket_open",
    ticket.c.entity_id,
    info=because("lists show whether a person has an open ticket"),
    postgresql_where=text(
        "archived_at IS NULL AND coalesce(status, '') NOT IN ('solved', 'closed')"
    ),
)
