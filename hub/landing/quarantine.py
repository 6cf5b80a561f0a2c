"""The quarantine: values and records that a mapping refused, each with its reason. Owns `landing.quarantine`.

A row is open until its object is mapped again. Not here: what is refused while a record is loaded
(`load_problems`), sums of refusals (`refusals`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, text

from hub.landing.store import PendingRaw
from hub.landing.tables import quarantine
from hub.model.records import Problem

_CLOSE = text("""
UPDATE landing.quarantine SET resolved_at = now()
WHERE source = :source AND stream = :stream AND source_id = ANY(CAST(:ids AS text[]))
  AND resolved_at IS NULL
""")


def close(conn: Connection, source: str, stream: str, source_ids: Collection[str]) -> None:
    """Close the open quarantine rows of objects that are mapped again; new problems get new rows."""
    if source_ids:
        conn.execute(_CLOSE, {"source": source, "stream": stream, "ids": list(source_ids)})


def add(
    conn: Connection,
    problems: Sequence[tuple[PendingRaw, Problem]],
    *,
    mapping_version: str,
) -> None:
    """Write one quarantine row for each problem that the mapping found."""
    if not problems:
        return
    conn.execute(
        insert(quarantine),
        [
            {
                "batch_id": pending.batch_id,
                "raw_id": pending.raw_id,
                "source": pending.source,
                "stream": pending.stream,
                "source_id": pending.record.source_id,
                "mapping_version": mapping_version,
                "field": problem.field,
                "value": problem.value,
                "reason": problem.reason,
                "severity": problem.severity,
            }
            for pending, problem in problems
        ],
    )


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """One open quarantine row, as `hub quarantine list` shows it."""

    id: int
    source: str
    stream: str
    source_id: str
    field: str
    value: str
    reason: str
    severity: str
    created_at: datetime


def open_rows(conn: Connection, limit: int = 1000) -> list[QuarantineRow]:
    """Return the open quarantine rows, newest first."""
    c = quarantine.c
    rows = conn.execute(
        select(
            c.id,
            c.source,
            c.stream,
            c.source_id,
            c.field,
            c.value,
            c.reason,
            c.severity,
            c.created_at,
        )
        .where(c.resolved_at.is_(None))
        .order_by(c.id.desc())
        .limit(limit)
    )
    return [QuarantineRow(*row) for row in rows]
