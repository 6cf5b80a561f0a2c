"""The acts of users in a home that no play has made: the oracle's memory, read from the home.

In: the audit, the conversions and what people wrote. Out: an `Oracle` that knows them.
"""

from sqlalchemy import Connection, text

from tests.plays import home
from tests.plays.oracle import Oracle

_CHANGES = text(
    # who asks again opens an unqualified lead: its status is set, and nobody has worked on it
    "SELECT entity_id, fields, who = 'inquiry' AS is_inquiry FROM ops.change "
    "WHERE entity_id IS NOT NULL AND who <> 'sync' ORDER BY id"
)
_WRITTEN = text(
    "SELECT 'note' AS kind, id, entity_id FROM crm.note WHERE record_id IS NULL "
    "AND entity_id IS NOT NULL "
    "UNION ALL SELECT 'task', id, entity_id FROM crm.task WHERE entity_id IS NOT NULL "
    "UNION ALL SELECT 'call', id, entity_id FROM crm.call WHERE entity_id IS NOT NULL"
)
_EDITED = text("SELECT entity_id FROM ops.edit WHERE revoked_at IS NULL")
_CONVERTED = text("SELECT l.entity_id FROM crm.lead l WHERE l.converted_at IS NOT NULL")
_KEPT = text(
    "SELECT c.entity_id FROM crm.conversion x JOIN crm.contact c ON c.id = x.person_id "
    "WHERE x.reopened_at IS NULL"
)


def oracle_of(conn: Connection) -> Oracle:
    """Return an oracle that remembers what people did in the home."""
    seen = home.read(conn)
    oracle = Oracle(is_of_strangers=True)
    oracle.adopt(seen)
    for row in conn.execute(_CHANGES):
        if not row.is_inquiry:
            oracle.touched.add(row.entity_id)
        if "status" in row.fields:
            reason = row.fields.get("unqualified_reason", {}).get("new")
            oracle.held[row.entity_id] = (row.fields["status"]["new"], reason)
    for row in conn.execute(_WRITTEN):
        oracle.touched.add(row.entity_id)
        oracle.typed[row.kind, row.id] = seen.anchors[row.entity_id]
    oracle.touched |= set(conn.execute(_EDITED).scalars())
    oracle.converted |= set(conn.execute(_CONVERTED).scalars())
    oracle.kept |= set(conn.execute(_KEPT).scalars())
    oracle.hired |= oracle.kept
    return oracle
