"""A row of the quarantine, with the raw record as the source sent it, and its corrections."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub.landing import corrections
from hub.landing.corrections import Correction
from hub.records.requeue import refused


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineRow:
    """A value or a record that a mapping refused.

    Args:
        id: its number.
        source: vendor.
        stream: kind of object.
        source_id: the vendor's id.
        field: the field; empty of a whole record.
        value: the refused value.
        reason: why it was refused.
        severity: `field` or `record`.
        mapping_version: of the mapping that refused it.
        batch_id: the batch in which that was.
        raw_id: number of the raw record; null where it is not kept.
        created_at: when it was refused.
        resolved_at: when it was resolved; null while it is open.
        payload: the raw record as JSON, or as text if it is not JSON.
        corrections: the values that users corrected in it.
    """

    id: int
    source: str
    stream: str
    source_id: str
    field: str
    value: str
    reason: str
    severity: str
    mapping_version: str
    batch_id: int
    raw_id: int | None
    created_at: datetime
    resolved_at: datetime | None
    payload: Any
    corrections: tuple[Correction, ...]


def of_row(conn: Connection, number: int) -> QuarantineRow | None:
    """Return a row; None if there is none of that number."""
    row = refused(conn, number)
    if row is None:
        return None
    known = {row.raw_id: row.source_id} if row.raw_id else {}
    held = corrections.of_rows(conn, row.source, row.stream, known)
    return QuarantineRow(
        id=row.id,
        source=row.source,
        stream=row.stream,
        source_id=row.source_id,
        field=row.field,
        value=row.value,
        reason=row.reason,
        severity=row.severity,
        mapping_version=row.mapping_version,
        batch_id=row.batch_id,
        raw_id=row.raw_id,
        created_at=row.created_at,
        resolved_at=row.resolved_at,
        payload=_readable(row.payload),
        corrections=tuple(held.get(row.raw_id or 0, ())),
    )


def _readable(payload: bytes | None) -> Any:
    """Return a payload as JSON, or as text if it is not JSON."""
    if payload is None:
        return None
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload.decode("utf-8", "backslashreplace")
