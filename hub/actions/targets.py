"""Records of the CRM by the names that people give them.

Every name that `lookup.find` accepts is a name as well: it means the lead, or the contact if there
is no lead or the lead was converted.
"""

from sqlalchemy import Connection, text
from sqlalchemy.engine import Row

from hub.actions import lookup
from hub.errors import ActionError
from hub.frozen import dataclass
from hub.model import names
from hub.model.names import RowName

KINDS = ("lead", "contact", "deal")
_ROW = {
    "lead": text("SELECT id, entity_id, owner_id, merged_into FROM crm.lead WHERE id = :id"),
    "contact": text("SELECT id, entity_id, owner_id, merged_into FROM crm.contact WHERE id = :id"),
    "deal": text(
        "SELECT id, NULL AS entity_id, owner_id, NULL AS merged_into FROM crm.deal WHERE id = :id"
    ),
}
_OF_ENTITY = text("""
SELECT 'lead' AS kind, id, owner_id FROM crm.lead
WHERE entity_id = :entity AND merged_into IS NULL AND converted_at IS NULL
UNION ALL
SELECT 'contact', id, owner_id FROM crm.contact WHERE entity_id = :entity AND merged_into IS NULL
UNION ALL
SELECT 'lead', id, owner_id FROM crm.lead
WHERE entity_id = :entity AND merged_into IS NULL AND converted_at IS NOT NULL
LIMIT 1
""")


_CONTACT_OF = text(
    "SELECT id, owner_id FROM crm.contact WHERE entity_id = :entity AND merged_into IS NULL"
)


@dataclass(frozen=True, slots=True)
class Target:
    """A record of the CRM.

    Args:
        kind: lead, contact or deal.
        id: its number.
        entity_id: the person or company; None of a deal.
        owner_id: its owner, if any.
    """

    kind: str
    id: int
    entity_id: int | None
    owner_id: int | None

    @property
    def name(self) -> str:
        """Return how people name it."""
        return f"{self.kind}/{self.id}"


def resolve(conn: Connection, said: str, kind: str = "lead") -> Target:
    """Return the record that is meant; of a merged one its survivor.

    Args:
        conn: an open connection.
        said: as `hub.model.names` says.
        kind: the kind of record that a plain number means.

    Raises:
        ActionError: there is none.
    """
    name = names.read(said, kind)
    if isinstance(name, RowName) and name.kind in KINDS:
        row = _row(conn, name.kind, name.number)
        if row is None:
            raise names.missing(said, name.kind)
        return Target(name.kind, row.id, row.entity_id, row.owner_id)
    if kind == "deal":  # a deal has no public id and no record of a source
        raise names.missing(said, kind)
    entity = lookup.find(conn, said).root_id
    found = conn.execute(_OF_ENTITY, {"entity": entity}).one_or_none()
    if found is None:
        raise ActionError(
            f"{said} is neither a lead nor a contact", resource="person", code="not_found"
        )
    return Target(found.kind, found.id, entity, found.owner_id)


def contact_of(conn: Connection, lead: Target) -> Target | None:
    """Return the contact of a lead's person, if there is one."""
    row = conn.execute(_CONTACT_OF, {"entity": lead.entity_id}).one_or_none()
    return None if row is None else Target("contact", row.id, lead.entity_id, row.owner_id)


def _row(conn: Connection, kind: str, number: int | None) -> Row[tuple[int, int, int, int]] | None:
    row = number and conn.execute(_ROW[kind], {"id": number}).one_or_none()
    while row and row.merged_into is not None:
        row = conn.execute(_ROW[kind], {"id": row.merged_into}).one_or_none()
    return row or None
