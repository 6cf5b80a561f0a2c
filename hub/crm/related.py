"""What the relations of deals and activities mean here: entities, contacts, deals, users.

A relation names an object of the same source by its id. Reads only. Not here: which stream a relation
names (`hub.model.entities`), and what waits for an object that is not there (`hub.records.wanted`).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, text

from hub.records.wanted import ObjectKey

# An object that the source merged into another one, or deleted, counts as the one it is now.
_ENTITIES = text("""
WITH RECURSIVE standing AS (
  SELECT n.ord, r.*
  FROM unnest(CAST(:o AS int[]), CAST(:s AS text[]), CAST(:t AS text[]), CAST(:i AS text[]))
    AS n(ord, source, stream, source_id)
  CROSS JOIN LATERAL (
    SELECT r.source, r.stream, r.entity_id, r.gone_at, r.alias_of FROM ops.source_record r
    WHERE r.source = n.source AND r.stream = n.stream AND r.source_id = n.source_id
      AND r.target IN ('person', 'organisation') AND r.withdrawn_by IS NULL OFFSET 0) r
  UNION
  SELECT n.ord, r.* FROM standing n
  CROSS JOIN LATERAL (
    SELECT r.source, r.stream, r.entity_id, r.gone_at, r.alias_of FROM ops.source_record r
    WHERE r.source = n.source AND r.stream = n.stream AND r.source_id = n.alias_of
      AND r.target IN ('person', 'organisation') AND r.withdrawn_by IS NULL OFFSET 0) r
  WHERE n.gone_at IS NOT NULL
)
SELECT DISTINCT ON (ord) ord, entity_id FROM standing WHERE entity_id IS NOT NULL
ORDER BY ord, gone_at IS NOT NULL, entity_id
""")
_CONTACTS = text("""
SELECT c.* FROM unnest(CAST(:ids AS bigint[])) AS i(id) CROSS JOIN LATERAL (
  SELECT entity_id, id, is_organization FROM crm.contact WHERE entity_id = i.id OFFSET 0) c
""")
_DEALS = text("""
SELECT n.ord, d.id
FROM unnest(CAST(:o AS int[]), CAST(:s AS text[]), CAST(:t AS text[]), CAST(:i AS text[]))
  AS n(ord, source, stream, source_id)
CROSS JOIN LATERAL (
  SELECT r.id FROM ops.source_record r
  WHERE r.source = n.source AND r.stream = n.stream AND r.source_id = n.source_id
    AND r.target = 'deal' AND r.withdrawn_by IS NULL OFFSET 0) r
CROSS JOIN LATERAL (SELECT d.id FROM crm.deal d WHERE d.record_id = r.id OFFSET 0) d
""")
_USERS = text("""
SELECT o.source, o.source_id, o.user_id, coalesce(u.email, u.name) AS who
FROM unnest(CAST(:s AS text[]), CAST(:i AS text[])) AS n(source, source_id)
JOIN crm.owner_identity o USING (source, source_id) LEFT JOIN crm."user" u ON u.id = o.user_id
""")


@dataclass(frozen=True, slots=True)
class Contact:
    """A row of `crm.contact`."""

    id: int
    is_company: bool


@dataclass(frozen=True, slots=True)
class Owner:
    """Who a source's owner is here; a queue is no user."""

    user_id: int | None
    who: str | None


@dataclass(slots=True)
class Related:
    """What objects are here; an object that is not here is in none of these.

    Args:
        entities: people and companies.
        contacts: the rows of entities, by entity.
        deals: the rows of deals.
        owners: users, by source and id.
    """

    entities: Mapping[ObjectKey, int] = field(default_factory=dict)
    contacts: Mapping[int, Contact] = field(default_factory=dict)
    deals: Mapping[ObjectKey, int] = field(default_factory=dict)
    owners: Mapping[tuple[str, str], Owner] = field(default_factory=dict)

    def contact(self, key: ObjectKey | None) -> Contact | None:
        """Return the row of a person or a company; None if it is not here."""
        entity = self.entities.get(key) if key is not None else None
        return None if entity is None else self.contacts.get(entity)


def find(
    conn: Connection,
    *,
    people: Iterable[ObjectKey] = (),
    deals: Iterable[ObjectKey] = (),
    owners: Iterable[tuple[str, str]] = (),
    with_contacts: bool = False,
) -> Related:
    """Return what objects are here.

    Args:
        conn: an open transaction.
        people: objects of people and companies.
        deals: objects of deals.
        owners: source and id of users there.
        with_contacts: look up the rows of the people too.
    """
    found = Related(_of_keys(conn, "entities", people))
    if with_contacts:
        found.contacts = contacts_of(conn, set(found.entities.values()))
    found.deals = _of_keys(conn, "deals", deals)
    wanted = sorted(set(owners))
    if wanted:
        args = {"s": [source for source, _ in wanted], "i": [i for _, i in wanted]}
        rows = conn.execute(_USERS, args)
        found.owners = {(r.source, r.source_id): Owner(r.user_id, r.who) for r in rows}
    return found


def contacts_of(conn: Connection, entity_ids: Collection[int]) -> dict[int, Contact]:
    """Return the rows of people and companies: entity → row."""
    if not entity_ids:
        return {}
    rows = conn.execute(_CONTACTS, {"ids": sorted(entity_ids)})
    return {row.entity_id: Contact(row.id, row.is_organization) for row in rows}


def _of_keys(conn: Connection, what: str, keys: Iterable[ObjectKey]) -> dict[ObjectKey, int]:
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    args = {
        "o": list(range(len(wanted))),
        "s": [source for source, _, _ in wanted],
        "t": [stream for _, stream, _ in wanted],
        "i": [source_id for _, _, source_id in wanted],
    }
    statement = _ENTITIES if what == "entities" else _DEALS
    return {wanted[row[0]]: row[1] for row in conn.execute(statement, args)}


_LEFT = text("""
SELECT DISTINCT s.source, s.source_id FROM ops.source_record s
WHERE s.left_entity_id = ANY(CAST(:ids AS bigint[])) AND s.entity_id IS DISTINCT FROM s.left_entity_id
  AND s.target IN ('person', 'organisation') AND s.withdrawn_by IS NULL
""")
_DEPENDING = text("""
WITH gone AS MATERIALIZED (
  SELECT * FROM unnest(CAST(:sources AS text[]), CAST(:source_ids AS text[])) AS g(source, source_id)
), near AS MATERIALIZED (
  SELECT record_id FROM crm.task WHERE entity_id = ANY(CAST(:ids AS bigint[]))
  UNION ALL SELECT record_id FROM crm.call WHERE entity_id = ANY(CAST(:ids AS bigint[]))
  UNION ALL SELECT record_id FROM crm.visit WHERE entity_id = ANY(CAST(:ids AS bigint[]))
  UNION ALL SELECT record_id FROM crm.message WHERE entity_id = ANY(CAST(:ids AS bigint[]))
  UNION ALL SELECT record_id FROM crm.note WHERE entity_id = ANY(CAST(:ids AS bigint[]))
    AND given IS NOT NULL
  UNION ALL SELECT d.record_id FROM crm.contact c CROSS JOIN LATERAL (
    SELECT record_id FROM crm.deal WHERE contact_id = c.id
    UNION ALL SELECT record_id FROM crm.deal WHERE organization_id = c.id
    UNION ALL SELECT o.record_id FROM crm.deal_contact x JOIN crm.deal o ON o.id = x.deal_id
      WHERE x.contact_id = c.id) d
  WHERE c.entity_id = ANY(CAST(:ids AS bigint[]))
)
SELECT DISTINCT s.id FROM near n JOIN ops.source_record s ON s.id = n.record_id JOIN gone g
  ON g.source = s.source AND (g.source_id IN (s.refs ->> 'contact', s.refs ->> 'lead', s.refs ->> 'company')
    OR s.canonical -> 'contacts' @> jsonb_build_array(jsonb_build_object('ref', g.source_id)))
""")


def depending(conn: Connection, entity_ids: Collection[int]) -> list[int]:
    """Return records of deals and activities on entities that name a record which has left the entity.

    Args:
        conn: an open transaction.
        entity_ids: people or companies that were just written.
    """
    left = conn.execute(_LEFT, {"ids": list(entity_ids)}).all()
    if not left:
        return []
    args = {"sources": [row.source for row in left], "source_ids": [row.source_id for row in left]}
    return list(conn.execute(_DEPENDING, {"ids": list(entity_ids), **args}).scalars())
