"""Migrations and their ranges. Owns `ops.migration` and `ops.migration_range`.

A migration is a batch of the kind `migrate`. It is `planned` while it is read and rehearsed, `running`
while the stages work on its records, then `done` or `failed`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from hub.db.json_text import write_json
from hub.frozen import dataclass
from hub.model.records import JsonValue
from hub.records import batches
from hub.records.batches import Batch
from hub.records.migration_tables import migration, migration_range

Spans = Mapping[str, tuple[datetime | None, datetime]]
"""The frozen span of each stream: since, until."""

Cut = tuple[str, str | None, str | None, int | None]
"""A range as it was cut: key, low, high, the vendor's count."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration, and how far it is; `delta_of` is the migration since which a delta moves changes."""

    batch: Batch
    state: str
    who: str
    windows: Spans
    planned_at: datetime | None
    rehearsed_at: datetime | None
    applied_at: datetime | None
    starts_at: datetime | None = None
    delta_of: int | None = None

    @property
    def since(self) -> datetime | None:
        """Return from when a delta reads what has changed: the earliest moment of its streams."""
        found = [since for since, _ in self.windows.values() if since is not None]
        return min(found) if self.delta_of is not None and found else None


@dataclass(frozen=True, slots=True)
class RangeState:
    """A range of a stream and its proof.

    Args:
        stream: of the source.
        key: the name of the range, `0001`.
        low: the first id that may be in it; None: of the first range.
        high: the first id after it; None: of the last range.
        state: open, proven, short or failed.
        cursor: after the last page that was stored.
        planned_n: objects by the vendor's count when the range was cut, None if it cannot count.
        counted: objects by the vendor's count after it was read, None if it cannot count.
        read_n: distinct objects that were read.
        reason: why it is short or failed.
    """

    stream: str
    key: str
    low: str | None
    high: str | None
    state: str
    cursor: Mapping[str, JsonValue] | None
    planned_n: int | None
    counted: int | None
    read_n: int
    reason: str | None


def open_migration(conn: Connection, source: str, who: str, *, delta_of: int | None = None) -> int:
    """Open a migration of a source; returns the number of its batch, which is `planned`.

    Args:
        conn: an open transaction.
        source: vendor name.
        who: the user who begins it.
        delta_of: of a delta, the migration since which it moves what has changed.
    """
    number = batches.open_planned(conn, source, who)
    conn.execute(insert(migration).values(batch_id=number, who=who, delta_of=delta_of))
    return number


_FIND = """
SELECT b.id, b.kind, b.source, b.lane, b.state, m.who, m.windows, m.planned_at, m.rehearsed_at,
  m.applied_at, m.starts_at, m.delta_of
FROM ops.migration m JOIN ops.batch b ON b.id = m.batch_id WHERE {which} ORDER BY b.id DESC LIMIT 1
"""
_BY_BATCH = text(_FIND.format(which="b.id = :batch"))
_UNDER_WAY = text(
    _FIND.format(which="b.source = :source AND b.state IN ('planned', 'running', 'partial')")
)


def was_begun_by(conn: Connection, batch_id: int, who: str) -> bool:
    """Tell whether a user began a migration."""
    own = select(migration.c.batch_id).where(
        migration.c.batch_id == batch_id, migration.c.who == who
    )
    return conn.execute(own).first() is not None


def of_batch(conn: Connection, batch_id: int) -> Migration | None:
    """Return the migration of a batch; None if the batch is none."""
    return _migration(conn.execute(_BY_BATCH, {"batch": batch_id}).first())


def under_way(conn: Connection, source: str) -> Migration | None:
    """Return the source's migration that is planned or running; None if there is none."""
    return _migration(conn.execute(_UNDER_WAY, {"source": source}).first())


def _migration(row: Any) -> Migration | None:
    if row is None:
        return None
    found = Batch(row.id, row.kind, row.source, row.lane)
    return Migration(
        found,
        row.state,
        row.who,
        _spans(row.windows),
        row.planned_at,
        row.rehearsed_at,
        row.applied_at,
        row.starts_at,
        row.delta_of,
    )


def _spans(windows: Mapping[str, Any]) -> Spans:
    return {
        stream: (_moment(one["since"]), datetime.fromisoformat(one["until"]))
        for stream, one in windows.items()
    }


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A migration whose records were handed to the stages.

    Args:
        batch: its number.
        delta_of: of a delta, the migration that it follows.
        is_undone: whether it was taken back, or is being taken back.
        spans: since when and until when each stream was read, of the streams that were read whole.
    """

    batch: int
    delta_of: int | None
    is_undone: bool
    spans: Spans


_LOADED = text("""
SELECT m.batch_id, m.delta_of, m.windows, b.state, ARRAY(
  SELECT DISTINCT r.stream FROM ops.migration_range r
  WHERE r.batch_id = m.batch_id AND r.state <> 'proven') AS unproven
FROM ops.migration m JOIN ops.batch b ON b.id = m.batch_id
WHERE b.source = :source AND m.applied_at IS NOT NULL
  AND b.state IN ('done', 'failed', 'undoing', 'undone')
ORDER BY m.batch_id
""")


def loaded(conn: Connection, source: str) -> list[Loaded]:
    """Return the migrations of a source that were loaded to their end, oldest first."""
    return [
        Loaded(
            row.batch_id,
            row.delta_of,
            row.state in {"undoing", "undone"},
            {
                stream: span
                for stream, span in _spans(row.windows).items()
                if stream not in row.unproven
            },
        )
        for row in conn.execute(_LOADED, {"source": source})
    ]


def set_fields(conn: Connection, batch_id: int, fields: Sequence[Mapping[str, JsonValue]]) -> None:
    """Store the custom fields that a migration is to define."""
    own = update(migration).where(migration.c.batch_id == batch_id)
    conn.execute(own.values(fields=[dict(one) for one in fields]))


def fields_of(conn: Connection, batch_id: int) -> list[dict[str, Any]]:
    """Return the custom fields that a migration is to define; none of another batch."""
    found = select(migration.c.fields).where(migration.c.batch_id == batch_id)
    return list(conn.execute(found).scalar_one_or_none() or ())


def set_defined(
    conn: Connection, batch_id: int, defined: Sequence[Mapping[str, JsonValue]]
) -> None:
    """Store the custom fields that a migration has defined or extended, before and after."""
    own = update(migration).where(migration.c.batch_id == batch_id)
    conn.execute(own.values(defined=[dict(one) for one in defined]))


def defined_by(conn: Connection, batch_id: int) -> list[dict[str, Any]] | None:
    """Return what `set_defined` stored; None before, and of a batch that is no migration."""
    found = select(migration.c.defined).where(migration.c.batch_id == batch_id)
    kept = conn.execute(found).scalar_one_or_none()
    return None if kept is None else list(kept)


def set_span(
    conn: Connection, batch_id: int, stream: str, since: datetime | None, until: datetime
) -> None:
    """Store the frozen span of a stream."""
    span = {"since": since.isoformat() if since else None, "until": until.isoformat()}
    conn.execute(
        text(
            "UPDATE ops.migration SET windows = windows || CAST(:own AS jsonb) WHERE batch_id = :batch"
        ),
        {"batch": batch_id, "own": write_json({stream: span})},
    )


def mark(conn: Connection, batch_id: int, what: str) -> None:
    """Note when a migration was planned, rehearsed or applied: `planned_at`, …, now."""
    column = migration.c[what]
    conn.execute(
        update(migration).where(migration.c.batch_id == batch_id).values({column: func.now()})
    )


_OVER = text("""
SELECT m.batch_id FROM ops.migration m JOIN ops.batch b ON b.id = m.batch_id
WHERE b.state IN ('done', 'failed', 'undone') AND b.finished_at < :before
""")


def over_before(conn: Connection, before: datetime) -> set[int]:
    """Return the migrations that ended before a moment."""
    return set(conn.execute(_OVER, {"before": before}).scalars())


def set_start(conn: Connection, batch_id: int, at: datetime) -> None:
    """Let a migration run by itself from a moment on; an earlier wait for a quota is over."""
    conn.execute(
        update(migration)
        .where(migration.c.batch_id == batch_id)
        .values(starts_at=at, waits_until=None)
    )


def put_off(conn: Connection, batch_id: int, until: datetime) -> None:
    """Let a migration that runs by itself wait for its quota until a moment."""
    conn.execute(
        update(migration).where(migration.c.batch_id == batch_id).values(waits_until=until)
    )


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """A migration that is not over.

    Args:
        batch: its number.
        source: vendor name.
        state: `planned` while it is read, `running` or `partial` while it is loaded.
        starts_at: from when it runs by itself; None: by hand.
        waits_until: until when it waits for a quota; None: it does not wait.
        is_planned: whether every stream has its ranges.
        ranges: of all streams.
        proven: those of them that were read and proven.
        delta_of: of a delta, the batch of the migration that it follows.
        is_rehearsed: whether a dry run has made a plan, which can be applied.
    """

    batch: int
    source: str
    state: str
    starts_at: datetime | None
    waits_until: datetime | None
    is_planned: bool
    ranges: int
    proven: int
    delta_of: int | None = None
    is_rehearsed: bool = False


_UNFINISHED = text("""
SELECT m.batch_id AS batch, b.source, b.state, m.starts_at, m.waits_until,
  m.planned_at IS NOT NULL AS is_planned, count(r.key) AS ranges,
  count(r.key) FILTER (WHERE r.state = 'proven') AS proven, m.delta_of,
  m.rehearsed_at IS NOT NULL AS is_rehearsed
FROM ops.migration m JOIN ops.batch b ON b.id = m.batch_id
LEFT JOIN ops.migration_range r ON r.batch_id = m.batch_id
WHERE b.state IN ('planned', 'running', 'partial')
GROUP BY m.batch_id, b.id ORDER BY m.batch_id
""")


def unfinished(conn: Connection) -> list[MigrationStatus]:
    """Return all migrations that are not over, oldest first."""
    return [MigrationStatus(**row) for row in conn.execute(_UNFINISHED).mappings()]


def add_ranges(conn: Connection, batch_id: int, stream: str, cuts: Sequence[Cut]) -> None:
    """Store the ranges of a stream; a second call changes nothing."""
    rows = [
        {"batch_id": batch_id, "stream": stream, "key": key, "low": low, "high": high,
         "planned_n": count_n}
        for key, low, high, count_n in cuts
    ]  # fmt: skip
    conn.execute(insert(migration_range).on_conflict_do_nothing(), rows)


_RANGE = (
    "stream", "key", "low", "high", "state", "cursor", "planned_n", "counted", "read_n", "reason",
)  # fmt: skip


def ranges(conn: Connection, batch_id: int) -> list[RangeState]:
    """Return all ranges of a migration, by stream and key."""
    c = migration_range.c
    found = select(*(c[name] for name in _RANGE)).where(c.batch_id == batch_id)
    rows = conn.execute(found.order_by(c.stream, c.key)).mappings()
    return [RangeState(**row) for row in rows]


def range_named(conn: Connection, batch_id: int, stream: str, key: str) -> RangeState:
    """Return one range; raises `NoResultFound` if there is none."""
    c = migration_range.c
    found = select(*(c[name] for name in _RANGE)).where(
        c.batch_id == batch_id, c.stream == stream, c.key == key
    )
    return RangeState(**conn.execute(found).mappings().one())


def update_range(conn: Connection, batch_id: int, stream: str, key: str, **values: Any) -> None:
    """Store new values of a range: state, cursor, counted, read_n, reason."""
    c = migration_range.c
    conn.execute(
        update(migration_range)
        .where(c.batch_id == batch_id, c.stream == stream, c.key == key)
        .values(**values, updated_at=func.now())
    )
