"""Batches, their verdicts and their ledger: the proof that every source record is accounted for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert

from hub.model.faults import Fault, faults_of
from hub.model.records import JsonValue
from hub.model.verdicts import Verdict
from hub.records import sources
from hub.records.tables import batch, stage_report, verdict


@dataclass(frozen=True, slots=True)
class Batch:
    """One run of a source: `lane` bulk rings nobody."""

    id: int
    kind: str
    source: str
    lane: str


@dataclass(frozen=True, slots=True)
class StreamLedger:
    """One stream's sum: `counted` by the source (None: it cannot), `seen` by us, and verdicts.

    `lost` are ids that were seen and have neither a verdict nor a place in a queue.
    `shortage` is set where the source still counts more than it hands out after a second look.
    `faults` say what of the stream could not be read; stream "" stands for the whole source.
    """

    source: str
    stream: str
    counted: int | None
    seen: int
    verdicts: Mapping[str, int]
    lost: Sequence[str] = ()
    lost_n: int = 0
    shortage: Mapping[str, JsonValue] = field(default_factory=dict)
    faults: Sequence[Fault] = ()

    @property
    def holds(self) -> bool:
        """Whether everything the source counts is accounted for."""
        return not self.lost_n and not self.shortage and not self.faults


def open_batch(conn: Connection, *, source: str, kind: str, lane: str) -> Batch:
    """Return the source's running batch (an interrupted one goes on), or start one."""
    conn.execute(
        insert(batch)
        .values(source=source, kind=kind, lane=lane)
        .on_conflict_do_nothing(index_elements=["source"], index_where=text("state = 'running'"))
    )
    row = conn.execute(
        select(batch.c.id, batch.c.kind, batch.c.source, batch.c.lane).where(
            batch.c.source == source, batch.c.state == "running"
        )
    ).one()
    return Batch(*row)


def action_batch(conn: Connection, source: str) -> int:
    """Return the number of a new batch of what a person does: live, and done at once."""
    number: int = conn.execute(
        text(
            "INSERT INTO ops.batch (kind, source, lane, state, finished_at) "
            "VALUES ('action', :source, 'live', 'done', now()) RETURNING id"
        ),
        {"source": source},
    ).scalar_one()
    return number


def running_batch(conn: Connection, source: str) -> Batch | None:
    """Return the source's running batch, if there is one."""
    row = conn.execute(
        select(batch.c.id, batch.c.kind, batch.c.source, batch.c.lane).where(
            batch.c.source == source, batch.c.state == "running"
        )
    ).first()
    return Batch(*row) if row else None


def give_up(conn: Connection, source: str) -> None:
    """Close a running batch that only mapped again: what it queued is settled without it."""
    conn.execute(
        update(batch)
        .where(batch.c.source == source, batch.c.state == "running", batch.c.kind != "sync")
        .values(state="failed", finished_at=func.now())
    )


_REOPEN = text("""
UPDATE ops.batch SET state = 'running', finished_at = NULL, ledger = '{}'
WHERE id = (SELECT max(id) FROM ops.batch WHERE source = :source AND kind = 'sync')
  AND state = 'failed' AND EXISTS (
    SELECT 1 FROM jsonb_each(windows) AS w WHERE w.value ->> 'unproved' = 'true')
RETURNING id, kind, source, lane
""")


def reopen(conn: Connection, source: str) -> Batch | None:
    """Take up the source's last sync if a fault ended it inside a window: what it has read counts.

    A batch whose windows were all proved, or never begun, stays closed.
    """
    row = conn.execute(_REOPEN, {"source": source}).first()
    return Batch(*row) if row else None


_HAS_READ = text("""
SELECT EXISTS (
  SELECT 1 FROM ops.batch
  WHERE source = :source AND kind = 'sync' AND state IN ('done', 'failed', 'running')
    AND windows -> CAST(:stream AS text) -> 'until' IS NOT NULL)
""")


def has_read(conn: Connection, source: str, stream: str) -> bool:
    """Tell whether the stream was ever read to the end of a window, and not taken back since."""
    return bool(conn.execute(_HAS_READ, {"source": source, "stream": stream}).scalar_one())


_HAS_FINISHED = text("""
SELECT EXISTS (
  SELECT 1 FROM ops.batch
  WHERE source = :source AND kind = 'sync' AND (state = 'done' OR state = 'failed' AND EXISTS (
    SELECT 1 FROM jsonb_each(windows) AS w WHERE w.value -> 'until' IS NOT NULL)))
""")


def has_finished_batch(conn: Connection, source: str) -> bool:
    """Tell whether a sync of the source has ended in which a stream was read to its end."""
    return bool(conn.execute(_HAS_FINISHED, {"source": source}).scalar_one())


def has_undone_batch(conn: Connection, source: str) -> bool:
    """Tell whether anything of the source was ever taken back."""
    return bool(
        conn.execute(
            select(func.count())
            .select_from(batch)
            .where(batch.c.source == source, batch.c.state == "undone")
        ).scalar_one()
    )


@dataclass(frozen=True, slots=True)
class Begun:
    """Where a batch began to read a stream, however often it was interrupted since."""

    since: datetime | None
    cursor: Mapping[str, JsonValue] | None


def begin_window(
    conn: Connection,
    batch_id: int,
    stream: str,
    *,
    since: datetime | None,
    cursor: Mapping[str, JsonValue] | None,
) -> Begun:
    """Note where the batch begins to read; an interrupted batch keeps its first beginning.

    What was read before a crash was not proved yet, so it is proved with what comes after.
    """
    began: Any = window_note(conn, batch_id, stream).get("began")
    if began is not None and since is not None:
        first = datetime.fromisoformat(began["since"]) if began["since"] else None
        return Begun(first and min(first, since), began["cursor"])
    kept: dict[str, JsonValue] = {
        "since": since.isoformat() if since else None,
        "cursor": None if cursor is None else dict(cursor),
    }
    note_window(conn, batch_id, stream, {"began": kept})
    return Begun(since, cursor)


def note_window(
    conn: Connection, batch_id: int, stream: str, note: Mapping[str, JsonValue]
) -> None:
    """Add to what is known of a stream's window (bounds, count, shortage) with its batch."""
    known = window_note(conn, batch_id, stream)
    conn.execute(
        update(batch)
        .where(batch.c.id == batch_id)
        .values(windows=batch.c.windows.op("||")(literal({stream: {**known, **note}}, JSONB)))
    )


def note_faults(
    conn: Connection, batch_id: int, stream: str, faults: Sequence[Fault], *, unproved: bool
) -> None:
    """Note what of a stream could not be read in this batch; none where all could.

    Args:
        conn: an open transaction.
        batch_id: the batch.
        stream: the stream, "" for the whole source.
        faults: of its last read; those of an earlier one are forgotten.
        unproved: whether pages have landed and the window they belong to has not been proved.
    """
    known = window_note(conn, batch_id, stream)
    note: dict[str, JsonValue] = {"faults": [fault.to_json() for fault in faults]}
    if unproved != bool(known.get("unproved")):
        note["unproved"] = unproved
    if faults or known.get("faults") or "unproved" in note:
        note_window(conn, batch_id, stream, note)


def note_run(conn: Connection, batch_id: int, run_id: str) -> None:
    """Note that a Dagster run opened the batch or took it up: what its proof goes by."""
    runs = window_note(conn, batch_id, "").get("runs")
    known: list[JsonValue] = runs if isinstance(runs, list) else []
    if run_id not in known:
        note_window(conn, batch_id, "", {"runs": [*known, run_id]})


def faults_noted(conn: Connection, batch_id: int) -> list[Fault]:
    """Return what could not be read in the batch so far, of all its streams."""
    windows = conn.execute(select(batch.c.windows).where(batch.c.id == batch_id)).scalar_one()
    return [one for note in windows.values() for one in faults_of(note.get("faults"))]


def seen(conn: Connection, batch_id: int, stream: str, since: object, until: object) -> int:
    """Count the live objects that the batch has seen in a span of the source's time."""
    return int(
        conn.execute(
            text(
                "SELECT count(*) FROM ops.verdict WHERE batch_id = :batch AND stream = :stream "
                "AND is_live AND (CAST(:since AS timestamptz) IS NULL OR at >= :since) "
                "AND (CAST(:until AS timestamptz) IS NULL OR at IS NULL OR at < :until)"
            ),
            {"batch": batch_id, "stream": stream, "since": since, "until": until},
        ).scalar_one()
    )


def earliest_seen(conn: Connection, batch_id: int, stream: str) -> datetime | None:
    """Return the oldest modification time among the objects the batch has seen."""
    return conn.execute(
        select(func.min(verdict.c.at)).where(
            verdict.c.batch_id == batch_id, verdict.c.stream == stream
        )
    ).scalar()


def set_verdicts(conn: Connection, rows: Sequence[tuple[int, str, str, str, Verdict]]) -> None:
    """Give verdicts: (batch, source, stream, source id, verdict) each, open rows only.

    The record's own last verdict, which BI tools see, moves with it; `unchanged` never hides
    what became of the record before.
    """
    firsts: dict[tuple[int, str, str, str], Verdict] = {}
    for batch_id, source, stream, source_id, given in rows:
        firsts.setdefault((batch_id, source, stream, source_id), given)
    objects: dict[tuple[str, str], set[str]] = {}
    for _, source, stream, source_id in firsts:
        objects.setdefault((source, stream), set()).add(source_id)
    for (source, stream), source_ids in sorted(objects.items()):
        sources.lock(conn, source, stream, source_ids)
    groups: dict[tuple[int, str, str, str], list[str]] = {}
    for (batch_id, source, stream, source_id), given in firsts.items():
        groups.setdefault((batch_id, source, stream, given.value), []).append(source_id)
    for (batch_id, source, stream, value), ids in sorted(groups.items()):
        args = {"batch": batch_id, "source": source, "stream": stream, "verdict": value}
        conn.execute(_SET_VERDICT, {**args, "ids": ids})


# Ids as an array, so that both go by an index whatever is known of the tables' sizes; coalesce, so
# that it is not the index of open verdicts: in a first load these are all.
_SET_VERDICT = text("""
WITH told AS (
  UPDATE ops.verdict SET verdict = :verdict
  WHERE batch_id = :batch AND source = :source AND stream = :stream
    AND source_id = ANY(CAST(:ids AS text[])) AND coalesce(verdict, '') = ''
)
UPDATE ops.source_record SET verdict = :verdict
WHERE source = :source AND stream = :stream AND source_id = ANY(CAST(:ids AS text[]))
  AND verdict IS DISTINCT FROM :verdict AND (:verdict <> 'unchanged' OR verdict IS NULL)
""")

_COUNTS = text("""
SELECT source, stream, verdict, count(*) AS n, count(*) FILTER (WHERE is_live) AS live
FROM ops.verdict WHERE batch_id = :batch GROUP BY source, stream, verdict
""")

_LOST = text("""
SELECT v.source_id FROM ops.verdict v
WHERE v.batch_id = :batch AND v.stream = :stream AND v.verdict IS NULL
ORDER BY v.source_id LIMIT 20
""")


def ledger(conn: Connection, batch_id: int) -> list[StreamLedger]:
    """Add up a batch, stream by stream; call when its stages have run."""
    windows = conn.execute(
        select(batch.c.windows, batch.c.source).where(batch.c.id == batch_id)
    ).one()
    by_stream: dict[str, dict[str, int]] = {}
    seen_n: dict[str, int] = {}
    open_n: dict[str, int] = {}
    for row in conn.execute(_COUNTS, {"batch": batch_id}):
        seen_n[row.stream] = seen_n.get(row.stream, 0) + row.live
        if row.verdict is None:
            open_n[row.stream] = open_n.get(row.stream, 0) + row.n
        else:
            counts = by_stream.setdefault(row.stream, {})
            counts[row.verdict] = counts.get(row.verdict, 0) + row.n
    ledgers = []
    for stream in sorted({*windows.windows, *seen_n}):
        note = windows.windows.get(stream, {})
        if not stream and not note.get("faults"):
            continue  # the source itself: only its faults are of interest
        lost_n = open_n.get(stream, 0)
        lost = (
            [r.source_id for r in conn.execute(_LOST, {"batch": batch_id, "stream": stream})]
            if lost_n
            else []
        )
        ledgers.append(
            StreamLedger(
                windows.source,
                stream,
                note.get("counted"),
                seen_n.get(stream, 0),
                by_stream.get(stream, {}),
                lost,
                lost_n,
                note.get("shortage") or {},
                faults_of(note.get("faults")),
            )
        )
    return ledgers


def close_batch(conn: Connection, batch_id: int, *, ledger_json: JsonValue, ok: bool) -> None:
    """End a batch; a failed one stays visible and its cursor stands."""
    conn.execute(
        update(batch)
        .where(batch.c.id == batch_id)
        .values(state="done" if ok else "failed", ledger=ledger_json, finished_at=func.now())
    )


def report_stage(
    conn: Connection,
    stage: str,
    counts: Mapping[str, int],
    *,
    seconds: float,
    batch_id: int | None = None,
    source: str | None = None,
    stream: str | None = None,
    in_dagster: bool = False,
) -> None:
    """Keep what a stage did, for sensors and `hub status`."""
    conn.execute(
        insert(stage_report).values(
            batch_id=batch_id,
            stage=stage,
            source=source,
            stream=stream,
            counts=dict(counts),
            seconds=seconds,
            in_dagster=in_dagster,
        )
    )


@dataclass(frozen=True, slots=True)
class StageReport:
    """What one stage did, once: counts by outcome."""

    id: int
    stage: str
    source: str | None
    stream: str | None
    counts: Mapping[str, int]
    in_dagster: bool


_REPORTS = text("""
SELECT id, stage, source, stream, counts, in_dagster FROM ops.stage_report
WHERE id > coalesce(CAST(:after AS bigint),
                    (SELECT max(id) FROM ops.stage_report) - CAST(:most AS bigint))
ORDER BY id LIMIT :most
""")


def reports_since(conn: Connection, after: int | None, most: int) -> list[StageReport]:
    """Return what stages did, oldest first.

    Args:
        conn: an open connection.
        after: id of the last report that is known; None: begin with the latest ones.
        most: how many reports to return.
    """
    return [StageReport(*row) for row in conn.execute(_REPORTS, {"after": after, "most": most})]


def window_note(conn: Connection, batch_id: int, stream: str) -> dict[str, JsonValue]:
    """Return what was noted of a stream's window."""
    windows = conn.execute(select(batch.c.windows).where(batch.c.id == batch_id)).scalar_one()
    return dict(windows.get(stream, {}))


def waiting(conn: Connection) -> dict[str, int]:
    """Count records in each queue, and leads without an owner."""
    row = (
        conn.execute(
            text(
                "SELECT (SELECT count(*) FROM ops.pending WHERE stage = 'normalize') AS normalize, "
                "(SELECT count(*) FROM ops.pending WHERE stage IN ('match', 'companies')) AS match, "
                "(SELECT count(*) FROM ops.entity WHERE version > folded_version) AS load, "
                "(SELECT count(*) FROM crm.lead WHERE owner_id IS NULL AND archived_at IS NULL "
                " AND merged_into IS NULL) AS route"
            )
        )
        .mappings()
        .one()
    )
    return dict(row)


_LATEST = text("""
SELECT b.id, b.kind, b.source, b.lane, b.state, b.started_at, b.finished_at,
       CASE WHEN jsonb_typeof(b.ledger) = 'array' THEN
         (SELECT coalesce(jsonb_object_agg(v.key, v.n), '{}') FROM (
            SELECT e.key, sum(CAST(e.value AS bigint)) AS n
            FROM jsonb_array_elements(b.ledger) AS s, jsonb_each_text(s -> 'verdicts') AS e
            GROUP BY e.key) v)
         ELSE '{}' END AS verdicts,
       b.windows -> 'undone' AS undone
FROM ops.batch b ORDER BY b.id DESC LIMIT :limit
""")


def latest(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """Return the latest batches with the sum of their verdicts; `undone`: what an undo took back."""
    return [dict(row) for row in conn.execute(_LATEST, {"limit": limit}).mappings()]
