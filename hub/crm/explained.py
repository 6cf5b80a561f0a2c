"""What `hub explain` reads of a person: rows of the CRM, records of sources, judged pairs, changes."""

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, text

_ENTITY = text("""
SELECT e.id, e.public_id, l.id AS lead, c.id AS contact,
       (SELECT coalesce(json_agg(m.id ORDER BY m.id), '[]') FROM ops.entity m
        WHERE m.merged_into = e.id) AS absorbed
FROM ops.entity e LEFT JOIN crm.lead l ON l.entity_id = e.id
LEFT JOIN crm.contact c ON c.entity_id = e.id WHERE e.id = :entity
""")
_COMPANY = text("""
SELECT coalesce(a.merged_into, a.id) AS contact, a.organization_name AS name, l.account_why AS why
FROM crm.lead l JOIN crm.contact a ON a.id = l.account_id WHERE l.entity_id = :entity
UNION ALL
SELECT coalesce(a.merged_into, a.id), a.organization_name, 'employee'
FROM crm.contact c JOIN crm.contact a ON a.id = c.company_id WHERE c.entity_id = :entity
LIMIT 1
""")
_RECORDS = text("""
SELECT concat_ws('/', source, stream, source_id) AS record, trust, role, source_at AS at,
       gone_at IS NOT NULL AS gone, mapping_version, batch_id AS batch
FROM ops.source_record WHERE entity_id = :entity AND target = 'person' ORDER BY id
""")
_LINKS = text("""
SELECT concat_ws('/', a.source, a.stream, a.source_id) AS a,
       concat_ws('/', b.source, b.stream, b.source_id) AS b,
       e.judgement, e.weight, e.made_by, e.made_at, e.reasons
FROM ops.edge e JOIN ops.source_record a ON a.id = e.a JOIN ops.source_record b ON b.id = e.b
WHERE e.revoked_at IS NULL AND (a.entity_id = :entity OR b.entity_id = :entity)
ORDER BY e.weight DESC, e.a, e.b
""")
_CHANGES = text("""
SELECT at, who, fields FROM ops.change WHERE entity_id = :entity ORDER BY id DESC LIMIT 50
""")


def entity(conn: Connection, entity_id: int) -> RowMapping:
    """Return `public_id`, `lead`, `contact` and `absorbed`: the entities merged into this one."""
    return conn.execute(_ENTITY, {"entity": entity_id}).mappings().one()


def company(conn: Connection, entity_id: int) -> RowMapping | None:
    """Return the company of a person: `contact`, `name`, `why`; None if there is none."""
    return conn.execute(_COMPANY, {"entity": entity_id}).mappings().one_or_none()


def records(conn: Connection, entity_id: int) -> Sequence[RowMapping]:
    """Return the records of a person, the oldest first."""
    return conn.execute(_RECORDS, {"entity": entity_id}).mappings().all()


def links(conn: Connection, entity_id: int) -> Sequence[RowMapping]:
    """Return the judged pairs of a person's records, the heaviest first."""
    return conn.execute(_LINKS, {"entity": entity_id}).mappings().all()


def changes(conn: Connection, entity_id: int) -> Sequence[RowMapping]:
    """Return the newest 50 changes of a person."""
    return conn.execute(_CHANGES, {"entity": entity_id}).mappings().all()
