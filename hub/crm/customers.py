"""Who is a customer now: people and companies, by their deals or as a source says. Reads only."""

from sqlalchemy import Connection, text
from sqlalchemy.engine import RowMapping

from hub.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer, with the names and addresses by which a list may name it.

    Args:
        is_company: whether it is a company.
        company: the company's name; of a person the employer's.
        website: of the company.
        contact: e-mail addresses and numbers, as the CRM has them.
    """

    is_company: bool
    company: str
    website: str
    contact: tuple[str, ...]


_READ = text("""
SELECT is_organization, organization_name, website, email, emails, phone, mobile FROM crm.contact
WHERE (customer_status = 'current' OR customer_type = 'current')
  AND merged_into IS NULL AND archived_at IS NULL
ORDER BY id
""")


def current(conn: Connection) -> list[Customer]:
    """Return the customers of today."""
    return [_customer(row) for row in conn.execute(_READ).mappings()]


def _customer(row: RowMapping) -> Customer:
    said = [row["email"], row["phone"], row["mobile"], *(row["emails"] or ())]
    return Customer(
        row["is_organization"],
        row["organization_name"] or "",
        row["website"] or "",
        tuple(str(one) for one in said if one),
    )
