"""The record of an event as a subscriber gets it: a lead, or a deal, with names in place of numbers.

In: an event's record and what changed, by numbers. Out: a document. It is read when the event is sent, so it says
what the record is then; a record that is gone, or whose person was erased, gives nothing.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.engine import RowMapping

from hub.model.hook_events import HookEventKind
from hub.model.records import JsonValue

_SAMPLES = 3
_LEAD = text("""
SELECT l.id, l.first_name, l.last_name, l.email, l.phone, l.mobile, l.organization_name AS company,
  l.title, l.website, l.street, l.postal_code, l.city, l.state, l.country, l.lead_source AS source,
  l.status, coalesce(l.tags, '[]') AS tags, coalesce(l.custom_fields, '{}') AS custom_fields,
  coalesce(u.email, u.name) AS owner, coalesce(l.created_at, l.recorded_at) AS created_at,
  l.converted_at, l.merged_into
FROM crm.lead l LEFT JOIN crm."user" u ON u.id = l.owner_id WHERE l.id = :id
""")
_DEAL = text("""
SELECT d.id, d.name, d.value, d.currency, p.name AS pipeline, s.name AS stage, s.category,
  coalesce(u.email, u.name) AS owner, d.source, d.tags, d.custom_fields, d.contact_id,
  d.organization_id AS company_id, o.organization_name AS company, d.lead_id, d.added_at AS created_at,
  d.closed_at, d.estimated_close_date
FROM crm.deal d JOIN crm.pipeline p ON p.id = d.pipeline_id JOIN crm.stage s ON s.id = d.stage_id
LEFT JOIN crm.contact o ON o.id = d.organization_id LEFT JOIN crm."user" u ON u.id = d.owner_id
WHERE d.id = :id
""")
_USERS = text('SELECT id, coalesce(email, name) AS name FROM crm."user" WHERE id = ANY(:ids)')
_STAGES = text("SELECT id, name FROM crm.stage WHERE id = ANY(:ids)")


def read(
    conn: Connection,
    kind: HookEventKind,
    record_id: int,
    facts: Mapping[str, JsonValue],
    base_url: str,
) -> dict[str, Any] | None:
    """Return what an event says; None if its record is gone.

    Args:
        conn: a connection.
        kind: the event.
        record_id: its lead or deal.
        facts: as the event holds them.
        base_url: of links to records.
    """
    name = "lead" if kind.is_of_lead else "deal"
    row = conn.execute(_LEAD if kind.is_of_lead else _DEAL, {"id": record_id}).mappings().first()
    if row is None or (kind.is_of_lead and not _has_person(row)):
        return None
    shown = {key: _plain(value) for key, value in row.items()}
    shown["url"] = f"{base_url.rstrip('/')}/{name}s/{record_id}"
    return {name: shown, **_changed(conn, kind, facts)}


def _has_person(row: RowMapping) -> bool:
    """Tell whether a lead still names a person or a company: an erased one names none."""
    return any(
        row[name] for name in ("first_name", "last_name", "email", "phone", "mobile", "company")
    )


def _changed(
    conn: Connection, kind: HookEventKind, facts: Mapping[str, JsonValue]
) -> dict[str, Any]:
    if kind is HookEventKind.LEAD_ASSIGNED:
        users = _names(conn, _USERS, facts, "owner_id", "previous_owner_id")
        return {"owner": users[0], "previous_owner": users[1]}
    if kind is HookEventKind.DEAL_STAGE_CHANGED:
        stages = _names(conn, _STAGES, facts, "from_stage_id", "to_stage_id")
        return {"from_stage": stages[0], "to_stage": stages[1]}
    if kind is HookEventKind.LEAD_CONVERTED:
        return {name: facts.get(name) for name in ("contact_id", "company_id", "deal_id")}
    return {}


def _names(
    conn: Connection, statement: Any, facts: Mapping[str, JsonValue], *keys: str
) -> list[str | None]:
    ids = [facts.get(key) for key in keys]
    found = {
        row.id: row.name
        for row in conn.execute(statement, {"ids": [one for one in ids if one is not None]})
    }
    return [found.get(one) for one in ids]


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: moments in ISO 8601, amounts as text, so that no digit is lost."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


_NEWEST: Mapping[HookEventKind, str] = {
    HookEventKind.LEAD_CREATED: "SELECT id, recorded_at AS at, CAST('{}' AS jsonb) AS facts FROM crm.lead "
    "WHERE merged_into IS NULL AND archived_at IS NULL ORDER BY id DESC LIMIT :most",
    HookEventKind.LEAD_ASSIGNED: "SELECT id, recorded_at AS at, "
    "jsonb_build_object('owner_id', owner_id) AS facts FROM crm.lead WHERE owner_id IS NOT NULL "
    "AND merged_into IS NULL AND archived_at IS NULL ORDER BY id DESC LIMIT :most",
    HookEventKind.LEAD_CONVERTED: "SELECT lead_id AS id, at, jsonb_build_object('contact_id', person_id, "
    "'company_id', company_id, 'deal_id', deal_id) AS facts FROM crm.conversion "
    "WHERE reopened_at IS NULL ORDER BY id DESC LIMIT :most",
    HookEventKind.DEAL_STAGE_CHANGED: "SELECT deal_id AS id, at, jsonb_build_object('from_stage_id', "
    "from_stage_id, 'to_stage_id', to_stage_id) AS facts FROM crm.stage_transition "
    "WHERE from_stage_id IS NOT NULL ORDER BY id DESC LIMIT :most",
}


def samples(
    conn: Connection, kind: HookEventKind, base_url: str
) -> list[tuple[int, datetime, dict[str, Any]]]:
    """Return what the newest records would say: (record, moment, document) each, the newest first."""
    rows = conn.execute(text(_NEWEST[kind]), {"most": _SAMPLES}).all()
    found = [(row.id, row.at, read(conn, kind, row.id, row.facts, base_url)) for row in rows]
    return [(number, at, said) for number, at, said in found if said is not None]
