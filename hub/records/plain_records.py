"""Records that load takes without matching: deals and activities. It also refuses them, and takes them up again."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from hub.frozen import dataclass
from hub.model.records import JsonValue
from hub.model.verdicts import Cause
from hub.records.wanted import ObjectKey


@dataclass(frozen=True, slots=True)
class PlainRecord:
    """A record of a deal or an activity.

    Args:
        id: the source record.
        target: deal, task, call, visit, message, note.
        values: canonical values.
        refs: relation → id of an object of the same source.
        said_at: when its source changed it last; without that, when it landed.
        is_gone: its source does not have it any more, or its mapping leaves it out.
        is_refused: load has refused it.
        is_beside: the same object gives a record that has the verdict: a deal, a person, a company.
    """

    id: int
    batch_id: int
    lane: str
    raw_id: int
    source: str
    stream: str
    source_id: str
    target: str
    values: Mapping[str, JsonValue]
    refs: Mapping[str, str]
    said_at: datetime
    is_gone: bool
    is_refused: bool
    is_beside: bool

    @property
    def key(self) -> ObjectKey:
        """Return the key of its object."""
        return self.source, self.stream, self.source_id


_READ = text("""
SELECT s.id, s.batch_id, s.lane, s.raw_id, s.source, s.stream, s.source_id, s.target, s.canonical,
  s.refs, coalesce(s.source_at, r.landed_at), s.gone_at IS NOT NULL,
  s.gone_why IS NOT DISTINCT FROM 'rejected', o.is_beside IS TRUE
FROM unnest(CAST(:ids AS bigint[])) AS i(id)
CROSS JOIN LATERAL (SELECT * FROM ops.source_record WHERE id = i.id OFFSET 0) s
CROSS JOIN LATERAL (SELECT landed_at FROM landing.raw WHERE id = s.raw_id OFFSET 0) r
LEFT JOIN LATERAL (
  SELECT true AS is_beside FROM ops.source_record o WHERE o.source = s.source
    AND o.stream = s.stream AND o.source_id = s.source_id AND s.target <> 'deal'
    AND o.target IN ('deal', 'person', 'organisation', 'ticket') AND o.withdrawn_by IS NULL
  LIMIT 1) o ON true
WHERE s.withdrawn_by IS NULL ORDER BY s.id
""")


def read(conn: Connection, ids: Sequence[int]) -> list[PlainRecord]:
    """Return the records in force among these, by id."""
    return [PlainRecord(*row) for row in conn.execute(_READ, {"ids": list(ids)})]


_REFUSE = text("""
UPDATE ops.source_record SET gone_at = now(), gone_why = :why
WHERE id = ANY(CAST(:ids AS bigint[])) AND gone_at IS NULL
""")


def refuse(conn: Connection, ids: Sequence[int]) -> None:
    """Mark records that load cannot write; a retry, or an object that they name, takes them up again."""
    if ids:
        conn.execute(_REFUSE, {"ids": list(ids), "why": Cause.REJECTED})


_TAKE_UP = text("""
UPDATE ops.source_record SET gone_at = NULL, gone_why = NULL
WHERE id = ANY(CAST(:ids AS bigint[])) AND gone_why = :why AND target = ANY(CAST(:targets AS text[]))
RETURNING source, stream, source_id, batch_id
""")


def take_up(
    conn: Connection, ids: Sequence[int], targets: Sequence[str]
) -> list[tuple[ObjectKey, int]]:
    """Let refused records count again; returns their objects and batches."""
    args = {"ids": list(ids), "why": Cause.REJECTED, "targets": list(targets)}
    rows = conn.execute(_TAKE_UP, args)
    return [((row.source, row.stream, row.source_id), row.batch_id) for row in rows]
