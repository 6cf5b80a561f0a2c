"""People by the names that people give them."""

from sqlalchemy import Connection, text

from hub.errors import ActionError
from hub.frozen import dataclass
from hub.model import names
from hub.model.names import PublicId, RecordName, RowName

# The root of a merged entity is the one that was written last.
_ROOT = text("""
WITH RECURSIVE up AS (
  SELECT id, merged_into FROM ops.entity WHERE id = :id
  UNION SELECT e.id, e.merged_into FROM ops.entity e JOIN up ON e.id = up.merged_into)
SELECT id FROM up WHERE merged_into IS NULL
""")


_OF_ROW = {
    "lead": text("SELECT entity_id FROM crm.lead WHERE id = :number"),
    "contact": text("SELECT entity_id FROM crm.contact WHERE id = :number"),
}
_OF_RECORD = text(
    "SELECT id, entity_id FROM ops.source_record WHERE source = :source "
    "AND stream = :stream AND source_id = :id AND target = 'person'"
)
_OF_PUBLIC_ID = text("SELECT id FROM ops.entity WHERE public_id = :id")


@dataclass(frozen=True, slots=True)
class Named:
    """A person that was named.

    Args:
        entity_id: as named, merged or not.
        root_id: the entity that holds the records now.
        record_id: the source record, where one was named.
    """

    entity_id: int
    root_id: int
    record_id: int | None = None


def find(conn: Connection, said: str) -> Named:
    """Return who is meant; `hub.model.names` says how people are named.

    Raises:
        ActionError: there is none.
    """
    name, kind = names.read(said), "person"
    record_id: int | None = None
    entity_id: int | None
    if isinstance(name, RecordName):
        record_id, entity_id = _of_record(conn, name)
    elif isinstance(name, PublicId):
        entity_id = conn.execute(_OF_PUBLIC_ID, {"id": name.id}).scalar_one_or_none()
    else:
        entity_id = _of_row(conn, name)
        kind = name.kind if name.kind in _OF_ROW else kind
    if entity_id is None:
        raise names.missing(said, kind)
    return Named(entity_id, root(conn, entity_id), record_id)


def _of_row(conn: Connection, name: RowName) -> int | None:
    if name.kind not in _OF_ROW or name.number is None:
        return None
    statement = _OF_ROW[name.kind]
    found: int | None = conn.execute(statement, {"number": name.number}).scalar_one_or_none()
    return found


def _of_record(conn: Connection, name: RecordName) -> tuple[int | None, int | None]:
    row = conn.execute(
        _OF_RECORD, {"source": name.source, "stream": name.stream, "id": name.source_id}
    ).one_or_none()
    return (None, None) if row is None else (row.id, row.entity_id)


def root(conn: Connection, entity_id: int) -> int:
    """Return the entity that holds the records of another now, itself unless it was merged."""
    return int(conn.execute(_ROOT, {"id": entity_id}).scalar_one())


def owners_of(conn: Connection, entity_id: int) -> list[int | None]:
    """Return who owns the rows of an entity in the CRM, for `rights.require`."""
    rows = conn.execute(
        text(
            "SELECT owner_id FROM crm.lead WHERE entity_id = :id "
            "UNION SELECT owner_id FROM crm.contact WHERE entity_id = :id"
        ),
        {"id": entity_id},
    )
    return list(rows.scalars())


def representative(conn: Connection, entity_id: int, said: str) -> int:
    """Return the record that represents a person: the one they began with, else their oldest.

    Raises:
        ActionError: they have none, as a company has none; it is named as `said`.
    """
    found = conn.execute(
        text(
            "SELECT s.id FROM ops.source_record s JOIN ops.entity e ON e.id = s.entity_id "
            "WHERE e.id = :id AND s.target = 'person' "
            "ORDER BY s.id <> e.anchor_id, s.id LIMIT 1"
        ),
        {"id": entity_id},
    ).scalar_one_or_none()
    if found is None:
        raise ActionError(
            f"{names.full(said)} has no records of a person", resource="person", code="not_found"
        )
    return int(found)
