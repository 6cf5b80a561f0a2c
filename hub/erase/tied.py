"""What belongs to a person, as ids: records, raw rows, leads, contacts, deals. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

from hub.erase.person import Person


@dataclass(frozen=True, slots=True)
class Tied:
    """Ids by which rows of the tables belong to a person; see `hub.erase.rows`."""

    entities: list[int]
    records: list[int]
    leads: list[int]
    contacts: list[int]
    deals: list[int]
    beside: list[
        int
    ]  # others who were one with the person, by mistake: their history names the person


_RECORDS = text("""
SELECT s.id FROM ops.source_record s
JOIN unnest(CAST(:sources AS text[]), CAST(:streams AS text[]), CAST(:ids AS text[]))
  AS k(source, stream, source_id) USING (source, stream, source_id)
UNION SELECT id FROM ops.source_record WHERE entity_id = ANY(:entities)
""")
_ROWS: Mapping[str, str] = {
    "leads": "SELECT id FROM crm.lead WHERE entity_id = ANY(:entities)",
    "contacts": "SELECT id FROM crm.contact WHERE entity_id = ANY(:entities)",
}
_BESIDE = text("""
SELECT DISTINCT entity_id FROM ops.source_record WHERE id = ANY(:records) AND target = 'person'
  AND entity_id IS NOT NULL AND entity_id <> ALL(:entities)
""")
_DEALS = text("""
SELECT id FROM crm.deal WHERE contact_id = ANY(:contacts) OR lead_id = ANY(:leads)
UNION SELECT deal_id FROM crm.deal_contact WHERE contact_id = ANY(:contacts)
""")


def tied(conn: Connection, person: Person) -> Tied:
    """Return the ids of what belongs to a person now."""
    objects, entities = sorted(person.objects), sorted(person.entities)
    args = {
        "entities": entities,
        "sources": [source for source, _, _ in objects],
        "streams": [stream for _, stream, _ in objects],
        "ids": [source_id for _, _, source_id in objects],
    }
    records = sorted(conn.execute(_RECORDS, args).scalars())
    beside = conn.execute(_BESIDE, {"records": records, "entities": entities}).scalars()
    rows = {
        name: sorted(conn.execute(text(statement), args).scalars())
        for name, statement in _ROWS.items()
    }
    deals = sorted(conn.execute(_DEALS, rows).scalars())
    return Tied(entities, records, rows["leads"], rows["contacts"], deals, sorted(beside))
