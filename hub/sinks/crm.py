"""The CRM core as a sink: golden records in, leads written only where they differ."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.engine import RowMapping

from hub.crm.contacts import CONTACTS
from hub.crm.folded_rows import FoldedRows
from hub.crm.leads import LEADS
from hub.model.folding import GoldenRecord
from hub.model.records import JsonValue


@dataclass(frozen=True, slots=True)
class Loaded:
    """Entities whose lead was created (with its id) or changed by this call."""

    created: Mapping[int, int]
    updated: frozenset[int]
    changes: Mapping[int, Mapping[str, JsonValue]] = field(default_factory=dict)


def load_contacts(
    conn: Connection, golden: Sequence[GoldenRecord], by_people: Collection[int] = ()
) -> Loaded:
    """Write golden contacts; one that would not change is not touched.

    Args:
        conn: an open transaction.
        golden: what was folded.
        by_people: entities that are contacts because people say so; no source archives them.
    """
    existing = CONTACTS.read(conn, [g.entity_id for g in golden])
    golden = [
        _as_people_say(g, existing.get(g.entity_id)) if g.entity_id in by_people else g
        for g in golden
    ]
    new = [_contact_row(g) for g in golden if g.entity_id not in existing]
    return _write(conn, CONTACTS, golden, new=new, existing=existing)


def _as_people_say(golden: GoldenRecord, row: RowMapping | None) -> GoldenRecord:
    is_theirs = row is not None and row["kept_by"] == "person"
    return replace(
        golden, archived_at=row["archived_at"] if row is not None and is_theirs else None
    )


def _contact_row(golden: GoldenRecord) -> dict[str, Any]:
    return {
        **_folded(golden.values, CONTACTS.names),
        "entity_id": golden.entity_id,
        "owner_id": golden.owner_id,
        "last_activity_at": golden.seeds.get("last_activity_at"),
        "batch_id": golden.batch_id,
        "is_organization": golden.is_organization,
    }


def load_leads(conn: Connection, golden: Sequence[GoldenRecord]) -> Loaded:
    """Write golden leads; a lead that would not change is not touched.

    A converted lead's row is frozen: what the source says later belongs to the contact.
    """
    existing = LEADS.read(conn, [g.entity_id for g in golden])
    new = [_insert_row(g) for g in golden if g.entity_id not in existing]
    open_ = {i: row for i, row in existing.items() if row["converted_at"] is None}
    return _write(conn, LEADS, golden, new=new, existing=open_)


def _write(
    conn: Connection,
    rows: FoldedRows,
    golden: Sequence[GoldenRecord],
    *,
    new: Sequence[Mapping[str, Any]],
    existing: Mapping[int, RowMapping],
) -> Loaded:
    """Insert new rows, and update those of the existing that would change."""
    created = rows.insert(conn, new)
    changes = {
        g.entity_id: diff
        for g in golden
        if (row := existing.get(g.entity_id)) is not None
        and (diff := _difference(g, row, rows.names))
    }
    rows.update(conn, [_update_row(g, rows.names) for g in golden if g.entity_id in changes])
    _audit(conn, changes)
    return Loaded(created, frozenset(changes), changes)


def _insert_row(golden: GoldenRecord) -> dict[str, Any]:
    return {
        **_folded(golden.values, LEADS.names),
        "entity_id": golden.entity_id,
        "status": golden.seeds.get("status") or "New",
        "unqualified_reason": golden.seeds.get("unqualified_reason"),
        "converted_at": golden.seeds.get("converted_at"),
        "last_activity_at": golden.seeds.get("last_activity_at"),
        "owner_id": golden.owner_id,
        "legacy_owner": golden.legacy_owner,
        "lane": golden.lane,
        "batch_id": golden.batch_id,
    }


def _update_row(golden: GoldenRecord, names: Sequence[str]) -> dict[str, Any]:
    return {
        **_folded(golden.values, names),
        "entity_id": golden.entity_id,
        "archived_at": golden.archived_at.isoformat() if golden.archived_at else None,
    }


def _folded(values: Mapping[str, JsonValue], names: Sequence[str]) -> dict[str, JsonValue]:
    return {name: values.get(name) for name in names}


def _difference(
    golden: GoldenRecord, row: RowMapping, names: Sequence[str]
) -> dict[str, JsonValue]:
    """Return field → {old, new} for what differs; archiving counts as a field."""
    changed: dict[str, JsonValue] = {}
    for name in names:
        old, new = row[name], golden.values.get(name)
        if isinstance(old, datetime):
            if not (isinstance(new, str) and datetime.fromisoformat(new) == old):
                changed[name] = {"old": old.isoformat(), "new": new}
        elif (old or None) != (new or None):
            changed[name] = {"old": old, "new": new}
    if (row["archived_at"] is None) != (golden.archived_at is None):
        changed["archived"] = {
            "old": row["archived_at"] is not None,
            "new": golden.archived_at is not None,
        }
    return changed


def _audit(conn: Connection, changes: Mapping[int, Mapping[str, JsonValue]]) -> None:
    if changes:
        conn.execute(
            text(
                "INSERT INTO ops.change (entity_id, who, fields) "
                "VALUES (:entity, 'sync', CAST(:fields AS jsonb))"
            ),
            [{"entity": e, "fields": json.dumps(dict(f))} for e, f in changes.items()],
        )
