"""The tables of the CRM that `load` fills, and how many rows they have. Reads only."""

from sqlalchemy import Connection, Table, false, func, select, true

from hub.crm.deal_tables import deal
from hub.crm.tables import contact, lead, ticket

TABLES: dict[str, Table] = {
    "leads": lead,
    "contacts": contact,
    "companies": contact,
    "deals": deal,
    "tickets": ticket,
}
"""A company is a row of contacts that `is_organization`."""


def row_counts(conn: Connection) -> dict[str, int]:
    """Return the number of leads, contacts, companies, deals and tickets."""
    kinds = {
        "contacts": contact.c.is_organization.is_(false()),
        "companies": contact.c.is_organization.is_(true()),
    }
    counts = [
        select(func.count())
        .select_from(table)
        .where(kinds.get(name, true()))
        .scalar_subquery()
        .label(name)
        for name, table in TABLES.items()
    ]
    return dict(conn.execute(select(*counts)).mappings().one())
