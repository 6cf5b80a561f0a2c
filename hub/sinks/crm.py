"""The CRM core as a sink: golden records in, leads and contacts written only where they differ."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.engine import RowMapping

from hub.crm.contacts import CONTACTS
from hub.crm.folded_rows import FoldedRows
from hub.crm.leads import LEADS
from hub.frozen import dataclass
from hub.model.folding import GoldenRecord
from hub.model.records import JsonValue
from hub.records.history import append_changes

# columns of the state of a row, by their names in the history
_CONTACT_STATES = {"archived_at": "archived", "unasked_since": "unasked"}
_LEAD_STATES = {
    **_CONTACT_STATES,
    "converted_at": "converted_by_source",
    "source_converted_at": "converted_in_source",
}
_STATUS = ("status", "unqualified_reason")


@dataclass(frozen=True, slots=True)
class Loaded:
    """Entities whose row was created (with its id) or changed by this call."""

    created: Mapping[int, int]
    updated: frozenset[int]
    changes: Mapping[int, Mapping[str, JsonValue]] = field(default_factory=dict)


Given = Mapping[int, Mapping[str, Any]]
"""Columns of new rows that are not folded, by entity."""


def load_contacts(
    conn: Connection,
    golden: Sequence[GoldenRecord],
    existing: Mapping[int, RowMapping],
    given: Given | None = None,
) -> Loaded:
    """Write golden contacts; a row that would not change is not written.

    Args:
        conn: an open transaction.
        golden: what was folded.
        existing: the rows that were read of these entities.
        given: what else a new row has.
    """
    new = _new_rows(_contact_row, golden, existing, given or {})
    changes = {
        g.entity_id: diff
        for g in golden
        if (row := existing.get(g.entity_id)) is not None
        and (diff := _difference(g, row, CONTACTS.names) | _moved(g, row, _CONTACT_STATES))
    }
    return _write(conn, CONTACTS, golden, new=new, changes=changes)


def load_leads(
    conn: Connection,
    golden: Sequence[GoldenRecord],
    existing: Mapping[int, RowMapping],
    given: Given | None = None,
) -> Loaded:
    """Write golden leads; a row that would not change is not written, nor a held status.

    Args:
        conn: an open transaction.
        golden: what was folded; of a lead that was converted before there is nothing to write.
        existing: the rows that were read of these entities.
        given: what else a new row has.
    """
    new = _new_rows(_lead_row, golden, existing, given or {})
    changes = {
        g.entity_id: diff
        for g in golden
        if (row := existing.get(g.entity_id)) is not None
        and (
            diff := _difference(g, row, LEADS.names)
            | _moved(g, row, _LEAD_STATES)
            | _status(g, row)
        )
    }
    return _write(conn, LEADS, golden, new=new, changes=changes)


def _write(
    conn: Connection,
    rows: FoldedRows,
    golden: Sequence[GoldenRecord],
    *,
    new: Sequence[Mapping[str, Any]],
    changes: Mapping[int, Mapping[str, JsonValue]],
) -> Loaded:
    created = rows.insert(conn, new)
    rows.update(conn, [_update_row(g, rows.names) for g in golden if g.entity_id in changes])
    append_changes(conn, "sync", changes)
    return Loaded(created, frozenset(changes), changes)


def _new_rows(
    row_of: Callable[[GoldenRecord], dict[str, Any]],
    golden: Sequence[GoldenRecord],
    existing: Mapping[int, RowMapping],
    given: Given,
) -> list[dict[str, Any]]:
    return [
        {**row_of(g), **given.get(g.entity_id, {})} for g in golden if g.entity_id not in existing
    ]


def _contact_row(golden: GoldenRecord) -> dict[str, Any]:
    return {
        **_folded(golden.values, CONTACTS.names),
        "entity_id": golden.entity_id,
        "owner_id": golden.owner_id,
        "last_activity_at": golden.last_activity_at,
        "batch_id": golden.batch_id,
        "is_organization": golden.is_organization,
        "archived_at": _iso(golden.archived_at),
        "unasked_since": _iso(golden.unasked_since),
    }


def _lead_row(golden: GoldenRecord) -> dict[str, Any]:
    return {
        **_folded(golden.values, LEADS.names),
        "entity_id": golden.entity_id,
        "status": golden.status,
        "unqualified_reason": golden.unqualified_reason,
        "status_set_by": golden.status_set_by,
        "converted_at": golden.converted_at,
        "last_activity_at": golden.last_activity_at,
        "owner_id": golden.owner_id,
        "legacy_owner": golden.legacy_owner,
        "lane": golden.lane,
        "batch_id": golden.batch_id,
        "archived_at": _iso(golden.archived_at),
        "unasked_since": _iso(golden.unasked_since),
    }


def _update_row(golden: GoldenRecord, names: Sequence[str]) -> dict[str, Any]:
    return {
        **_folded(golden.values, names),
        "entity_id": golden.entity_id,
        "archived_at": _iso(golden.archived_at),
        "unasked_since": _iso(golden.unasked_since),
        "converted_at": golden.converted_at,
        "source_converted_at": golden.source_converted_at,
        "status": golden.status,
        "unqualified_reason": golden.unqualified_reason,
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _folded(values: Mapping[str, JsonValue], names: Sequence[str]) -> dict[str, JsonValue]:
    return {name: values.get(name) for name in names}


def _difference(
    golden: GoldenRecord, row: RowMapping, names: Sequence[str]
) -> dict[str, JsonValue]:
    """Return field → {old, new} of the folded columns that differ."""
    changed: dict[str, JsonValue] = {}
    for name in names:
        old, new = row[name], golden.values.get(name)
        if isinstance(old, datetime):
            if not (isinstance(new, str) and datetime.fromisoformat(new) == old):
                changed[name] = {"old": old.isoformat(), "new": new}
        elif (old or None) != (new or None):
            changed[name] = {"old": old, "new": new}
    return changed


def _moved(
    golden: GoldenRecord, row: RowMapping, states: Mapping[str, str]
) -> dict[str, JsonValue]:
    """Return what becomes of the row, or ceases to be so; a moment alone is no difference."""
    return {
        name: {"old": row[column] is not None, "new": getattr(golden, column) is not None}
        for column, name in states.items()
        if (row[column] is None) != (getattr(golden, column) is None)
    }


def _status(golden: GoldenRecord, row: RowMapping) -> dict[str, JsonValue]:
    """Return the difference of a status that follows the sources."""
    if row["status_set_by"] is not None:
        return {}
    return {
        name: {"old": row[name], "new": getattr(golden, name)}
        for name in _STATUS
        if row[name] != getattr(golden, name)
    }
