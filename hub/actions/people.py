"""People by the names that people give them."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from hub.errors import ActionError

# The root of a merged entity is the one that was written last.
_ROOT = text("""
WITH RECURSIVE up AS (
  SELECT id, merged_into FROM ops.entity WHERE id = :id
  UNION SELECT e.id, e.merged_into FROM ops.entity e JOIN up ON e.id = up.merged_into)
SELECT id FROM up WHERE merged_into IS NULL
""")


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


def find(conn: Connection, name: str) -> Named:
    """Return who is meant by a lead's number, a public id, or `source/stream/id`.

    Raises:
        ActionError: nobody is.
    """
    record_id: int | None = None
    entity_id: int | None
    if name.count("/") >= 2:  # noqa: PLR2004 two slashes part source, stream and id
        source, stream, source_id = name.split("/", 2)
        row = conn.execute(
            text(
                "SELECT id, entity_id FROM ops.source_record WHERE source = :source "
                "AND stream = :stream AND source_id = :id AND target = 'person'"
            ),
            {"source": source, "stream": stream, "id": source_id},
        ).one_or_none()
        record_id, entity_id = (None, None) if row is None else (row.id, row.entity_id)
    elif name.isascii() and name.isdigit():
        entity_id = _entity(conn, "SELECT entity_id FROM crm.lead WHERE id = :name", int(name))
    else:
        entity_id = _entity(conn, "SELECT id FROM ops.entity WHERE public_id = :name", name)
    if entity_id is None:
        raise ActionError(
            f"there is nobody named {name!r}",
            resource="person",
            code="not_found",
            hint="name a lead's number, a public id, or a record: salesforce/leads/00Q…",
        )
    found = root(conn, entity_id)
    return Named(entity_id, found, record_id)


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


def _entity(conn: Connection, statement: str, name: int | str) -> int | None:
    if isinstance(name, int) and name.bit_length() > 63:  # noqa: PLR2004 no bigint is longer
        return None
    found: int | None = conn.execute(text(statement), {"name": name}).scalar_one_or_none()
    return found


def representative(conn: Connection, entity_id: int) -> int:
    """Return the record that stands for an entity: the one it began with, else its oldest.

    Raises:
        ActionError: the entity holds no records.
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
        raise ActionError(f"person {entity_id} has no records", resource="person", code="not_found")
    return int(found)
