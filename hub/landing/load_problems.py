"""Values that load could not write: rows of the quarantine, beside those of the mappings."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, insert, text

from hub.frozen import dataclass
from hub.landing.tables import quarantine

LOADED = "load"
"""The `mapping_version` of problems that load found, not a mapping."""
_CLOSE_LOADED = text("""
UPDATE landing.quarantine SET resolved_at = now()
WHERE raw_id = ANY(CAST(:raws AS bigint[])) AND mapping_version = :loaded AND resolved_at IS NULL
""")


@dataclass(frozen=True, slots=True)
class LoadProblem:
    """A value that load could not write; severity as in `Problem`."""

    batch_id: int
    raw_id: int
    source: str
    stream: str
    source_id: str
    field: str
    value: str
    reason: str
    severity: str


def replace(conn: Connection, raw_ids: Sequence[int], problems: Sequence[LoadProblem]) -> None:
    """Write one quarantine row for each problem, in place of those of an earlier load."""
    conn.execute(_CLOSE_LOADED, {"raws": list(raw_ids), "loaded": LOADED})
    if problems:
        rows = [{**asdict(one), "mapping_version": LOADED} for one in problems]
        conn.execute(insert(quarantine), rows)
