"""What smart lists need of the tables: the orders that a page is read in, and what finds a few rows.

Every order that a list may have is an index over the rows that stand (`STANDING`), so that a page is
read from its beginning and no further. One GIN index a table holds tags, custom fields and the
trigrams of the texts that people search.
"""

from sqlalchemy import DDL, Index, Table, event, literal_column, text

from hub.crm.deal_tables import deal
from hub.crm.tables import contact, lead, ticket

STANDING = "archived_at IS NULL AND merged_into IS NULL"
DEAL_STANDING = "archived_at IS NULL"

# É sorts with E whatever the database's locale, and a letter is the same letter in either case; no
# more than 200 of them, because an entry of a B-tree holds 2,700 bytes and a name may be any length
NAME_ORDER = (
    "left(lower(regexp_replace(normalize(ltrim(coalesce(last_name, '') || ' ' || "
    "coalesce(first_name, '') || ' ' || coalesce(organization_name, '')), NFD), "
    r"'[\u0300-\u036f]', '', 'g')), 200) COLLATE " + '"C"'
)
PEOPLE_SEARCHED = ("first_name", "last_name", "organization_name", "email", "city")
DEALS_SEARCHED = ("name",)
PEOPLE_ORDERS = ("created_at", "last_activity_at", "last_communication_at", "next_task_at")
DEAL_ORDERS = (
    "added_at", "value", "estimated_close_date", "last_activity_at", "last_communication_at",
    "next_task_at",
)  # fmt: skip


def searched(names: tuple[str, ...]) -> str:
    """Return the text that the trigrams are of."""
    return "lower(" + " || ' ' || ".join(f"coalesce({name}, '')" for name in names) + ")"


PEOPLE_TEXT = searched(PEOPLE_SEARCHED)
DEALS_TEXT = searched(DEALS_SEARCHED)


def _orders(table: Table, names: tuple[str, ...], *before: str, where: str) -> None:
    for name in names:
        columns = [table.c[one] for one in (*before, name, "id")]
        Index(f"{table.name}_by_{name}", *columns, postgresql_where=text(where))


def _facets(table: Table, expression: str, where: str) -> None:
    Index(
        f"{table.name}_facets",
        table.c.tags,
        table.c.custom_fields,
        literal_column(expression).label("words"),
        postgresql_using="gin",
        postgresql_ops={
            "tags": "jsonb_path_ops",
            "custom_fields": "jsonb_path_ops",
            "words": "gin_trgm_ops",
        },
        postgresql_where=text(where),
    )


_orders(lead, PEOPLE_ORDERS, where=STANDING)
_orders(contact, PEOPLE_ORDERS, "is_organization", where=STANDING)
_orders(deal, DEAL_ORDERS, where=DEAL_STANDING)
Index("lead_by_name", text(NAME_ORDER), lead.c.id, postgresql_where=text(STANDING))
Index(
    "contact_by_name",
    contact.c.is_organization,
    text(NAME_ORDER),
    contact.c.id,
    postgresql_where=text(STANDING),
)
_facets(lead, PEOPLE_TEXT, STANDING)
_facets(contact, PEOPLE_TEXT, STANDING)
_facets(deal, DEALS_TEXT, DEAL_STANDING)
for _table in (lead, contact):
    Index(
        f"{_table.name}_email", text("lower(email)"), _table.c.id, postgresql_where=text(STANDING)
    )

# How common a status or a source is: without, the planner takes every word for a rare one.
_COUNTED = {
    "lead": ("status", "lead_source", "country", "industry", "city"),
    "contact": ("customer_status", "country", "industry", "city"),
}
for _table in (lead, contact):
    _words = ", ".join(f"lower({name})" for name in _COUNTED[_table.name])
    event.listen(
        _table,
        "after_create",
        DDL(  # type: ignore[no-untyped-call]
            f"CREATE STATISTICS crm.{_table.name}_words (mcv) ON {_words} FROM crm.{_table.name}"
        ),
    )
    event.listen(
        _table,
        "after_create",
        DDL(  # type: ignore[no-untyped-call]
            f"CREATE STATISTICS crm.{_table.name}_emails ON (lower(email)) FROM crm.{_table.name}"
        ),
    )

Index(
    "ticket_open",
    ticket.c.entity_id,
    postgresql_where=text(
        "archived_at IS NULL AND coalesce(status, '') NOT IN ('solved', 'closed')"
    ),
)
