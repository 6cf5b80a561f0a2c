"""Companies by the names that people give them: contact/12, company/12, 12, a public id, or a record."""

from sqlalchemy import Connection, text

from hub.actions import lookup
from hub.errors import ActionError
from hub.frozen import dataclass
from hub.model import names
from hub.model.names import PublicId, RecordName

_PREFIX = "company/"
_OF_ROW = text("SELECT entity_id FROM crm.contact WHERE id = :id AND is_organization")
_OF_RECORD = text(
    "SELECT id, entity_id FROM ops.source_record WHERE source = :source AND stream = :stream "
    "AND source_id = :id AND target = 'organisation' AND withdrawn_by IS NULL"
)
_OF_PUBLIC_ID = text("SELECT id FROM ops.entity WHERE public_id = :id AND kind = 'organisation'")
_REPRESENTATIVE = text("""
SELECT s.id FROM ops.source_record s JOIN ops.entity e ON e.id = s.entity_id
WHERE e.id = :id AND s.target = 'organisation' AND s.withdrawn_by IS NULL
ORDER BY s.gone_at IS NOT NULL, s.id <> e.anchor_id, s.id LIMIT 1
""")
_RECORDS = text("""
SELECT id FROM ops.source_record
WHERE entity_id = :id AND target = 'organisation' AND withdrawn_by IS NULL ORDER BY id
""")


@dataclass(frozen=True, slots=True)
class NamedCompany:
    """A company that was named.

    Args:
        entity_id: as named, merged or not.
        root_id: the entity that holds the records now.
        record_id: the source record, where one was named.
    """

    entity_id: int
    root_id: int
    record_id: int | None = None


def find(conn: Connection, said: str) -> NamedCompany:
    """Return the company that is meant.

    Raises:
        ActionError: there is none, or it is a person.
    """
    wanted = said.replace(_PREFIX, "contact/", 1) if said.startswith(_PREFIX) else said
    name = names.read(wanted, "contact")
    record_id: int | None = None
    entity_id: int | None = None
    if isinstance(name, RecordName):
        of = {"source": name.source, "stream": name.stream, "id": name.source_id}
        row = conn.execute(_OF_RECORD, of).one_or_none()
        record_id, entity_id = (None, None) if row is None else (row.id, row.entity_id)
    elif isinstance(name, PublicId):
        entity_id = conn.execute(_OF_PUBLIC_ID, {"id": name.id}).scalar_one_or_none()
    elif name.kind == "contact" and name.number is not None:
        entity_id = conn.execute(_OF_ROW, {"id": name.number}).scalar_one_or_none()
    if entity_id is None:
        raise ActionError(
            f"{names.full(wanted, 'contact')[:100]} is not a company",
            resource="company",
            code="not_found",
            hint="name contact/12, a public id, or a record: hubspot/companies/9001",
        )
    return NamedCompany(entity_id, lookup.root(conn, entity_id), record_id)


def representative(conn: Connection, entity_id: int) -> int:
    """Return the record that represents a company: the one it began with, else its oldest.

    Raises:
        ActionError: it has no record any more: its source deleted it, or an undo took it back.
    """
    found: int | None = conn.execute(_REPRESENTATIVE, {"id": entity_id}).scalar_one_or_none()
    if found is None:
        raise ActionError("the company has no records left", resource="company", code="conflict")
    return found


def records(conn: Connection, entity_id: int) -> list[int]:
    """Return the records of a company."""
    return list(conn.execute(_RECORDS, {"id": entity_id}).scalars())


def contact_id(conn: Connection, entity_id: int) -> int:
    """Return the number of a company's row; call when it was folded."""
    return int(
        conn.execute(
            text("SELECT id FROM crm.contact WHERE entity_id = :id"), {"id": entity_id}
        ).scalar_one()
    )


def is_company(conn: Connection, said: str) -> bool:
    """Tell whether a name is a company's; a plain number would be a lead's."""
    if said.isdigit():
        return False
    try:
        find(conn, said)
    except ActionError:
        return False
    return True
