"""Explain: where each value of a person came from, and why their records are one."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, text

from hub.actions import lookup
from hub.actions.context import Context
from hub.actions.identity.consent import card
from hub.actions.rights import Right, require
from hub.etl.survivorship import rules_in_force
from hub.golden.fold import source_version
from hub.golden.survive import Candidate, Edit, survive
from hub.model.folding import StoredEdit
from hub.records import folding

_RECORDS = text("""
SELECT id, source, stream, source_id, trust, role, mapping_version, source_at, gone_at, batch_id
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
_CHANGES = text("""
SELECT at, who, fields FROM ops.change WHERE entity_id = :entity ORDER BY id DESC LIMIT 50
""")


def explain(ctx: Context, name: str) -> dict[str, Any]:
    """Return who a person is, as one JSON-ready document.

    Keys: `entity`, `public_id`, `lead`, `contact` (row numbers or null), `absorbed` (entities
    merged into this one), `account` (the company: `contact`, `name` and `why`; or null), `records`,
    `fields` (per field `value`, `from`, `rule`, `by`, `mapping_version`
    and `against`, the values it won over), `links` (judged pairs with `weight` in bits and the
    `reasons` that add up to it), `consents` (the person's addresses, each with its states), `edits`,
    `changes` (the newest 50).

    Raises:
        ActionError: there is no such person.
    """
    require(ctx, Right.READ)
    conn = ctx.conn
    entity = lookup.find(conn, name).root_id
    found = conn.execute(_ENTITY, {"entity": entity}).mappings().one()
    rows = conn.execute(_RECORDS, {"entity": entity}).mappings().all()
    company = conn.execute(_COMPANY, {"entity": entity}).mappings().one_or_none()
    edits = folding.edits_of(conn, [entity]).get(entity, [])
    versions = {_key(row): row["mapping_version"] for row in rows}
    return {
        "entity": entity,
        "public_id": found["public_id"],
        "lead": found["lead"],
        "contact": found["contact"],
        "absorbed": found["absorbed"],
        "account": None if company is None else dict(company),
        "records": [
            {
                "record": _key(row), "trust": row["trust"], "role": row["role"],
                "at": _iso(row["source_at"]), "gone": row["gone_at"] is not None,
                "mapping_version": row["mapping_version"], "batch": row["batch_id"],
            }
            for row in rows
        ],
        "fields": _fields(conn, entity, edits, versions),
        "links": [
            {**link, "made_at": _iso(link["made_at"])}
            for link in conn.execute(_LINKS, {"entity": entity}).mappings()
        ],
        "consents": card(conn, entity),
        "edits": [{**asdict(e), "at": e.at.isoformat()} for e in edits],
        "changes": [
            {**change, "at": _iso(change["at"])}
            for change in conn.execute(_CHANGES, {"entity": entity}).mappings()
        ],
    }  # fmt: skip


def _fields(
    conn: Connection,
    entity: int,
    edits: Sequence[StoredEdit],
    versions: dict[str, str],
) -> dict[str, Any]:
    records = folding.records_of(conn, [entity]).get(entity, [])
    golden = survive(
        [source_version(r) for r in records],
        [Edit(e.field, e.value, e.at.isoformat(), e.who) for e in edits],
        rules_in_force(conn),
        explain=True,
    )
    return {
        field: {
            "value": golden.values.get(field),
            "from": why.winner.stable_key if why.winner else None,
            "rule": why.rule,
            "by": why.by,
            "mapping_version": versions.get(why.winner.stable_key) if why.winner else None,
            "against": [_candidate(loser) for loser in why.losers],
        }
        for field, why in (golden.explanation or {}).items()
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {"from": candidate.stable_key, "value": candidate.value, "at": candidate.at}


def _key(row: Any) -> str:
    return f"{row['source']}/{row['stream']}/{row['source_id']}"


def _iso(at: Any) -> str | None:
    return None if at is None else str(at.isoformat())
