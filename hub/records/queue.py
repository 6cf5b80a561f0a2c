"""The queue of records on their way to an entity; the one module that writes `ops.pending`.

These stages take from it: `normalize` (raw rows), `match` (records of people), `companies` (records of
companies), and the parts of load that need no matching: `owners`, `tickets`, `deals` and `activities`. What activities
change on a person or a deal is derived once for many of them: `derive people` and `derive deals` hold entities
and deals instead of records. A stage takes a chunk, works on it and finishes it in one transaction, so a
crash leaves the chunk queued. Pages are queued by the statement that lands them
(`hub.landing.store`), and old raw rows by the one that enters them in a ledger
(`hub.records.requeue`).
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.frozen import dataclass
from hub.landing.store import PendingRaw, bytes_as_sent
from hub.model.records import RawRecord
from hub.model.verdicts import Lane, Op

NORMALIZE, MATCH, COMPANIES = "normalize", "match", "companies"
OWNERS, TICKETS = "owners", "tickets"
DEALS, ACTIVITIES = "deals", "activities"
DERIVE_PEOPLE, DERIVE_DEALS = "derive people", "derive deals"
Queued = tuple[int, str, int]
"""The id of a record, its lane, and the batch that queues it."""

_INSERT = """
INSERT INTO ops.pending (stage, ref, lane, batch_id)
SELECT :stage, ref, lane, batch FROM unnest(CAST(:refs AS bigint[]), CAST(:lanes AS text[]),
  CAST(:batches AS bigint[])) AS t(ref, lane, batch)
"""
_PUT = text(f"""{_INSERT}
ON CONFLICT (stage, ref) DO UPDATE SET lane = excluded.lane, batch_id = excluded.batch_id
WHERE pending.lane = 'bulk' AND excluded.lane = 'live'
""")
_PUT_NEW = text(_INSERT)


def put(
    conn: Connection, stage: str, rows: Sequence[Queued], new: Collection[int] = frozenset()
) -> None:
    """Queue records, each once.

    A live change of a record that waits in the bulk lane takes it over into the live lane.

    Args:
        conn: an open transaction.
        stage: that takes them.
        rows: the records.
        new: which of them this transaction has made: no such record waits already.
    """
    for statement, some in (
        (_PUT_NEW, [r for r in rows if r[0] in new]),
        (_PUT, [r for r in rows if r[0] not in new]),
    ):
        if some:
            conn.execute(
                statement,
                {
                    "stage": stage,
                    "refs": [r[0] for r in some],
                    "lanes": [r[1] for r in some],
                    "batches": [r[2] for r in some],
                },
            )


_PUT_MEMBERS = text("""
INSERT INTO ops.pending (stage, ref, lane, batch_id)
SELECT :stage, id, 'bulk', batch_id FROM ops.source_record
WHERE entity_id = ANY(:entities) AND target = :target AND withdrawn_by IS NULL
ON CONFLICT DO NOTHING
""")


def put_members(conn: Connection, stage: str, entity_ids: Sequence[int], target: str) -> None:
    """Queue the records of a target that entities hold, in the bulk lane."""
    conn.execute(_PUT_MEMBERS, {"stage": stage, "entities": list(entity_ids), "target": target})


_PUT_AGAIN = text("""
INSERT INTO ops.pending (stage, ref, lane, batch_id)
SELECT CASE target WHEN 'deal' THEN 'deals' ELSE 'activities' END, id, 'bulk', batch_id
FROM ops.source_record WHERE id = ANY(CAST(:ids AS bigint[])) AND withdrawn_by IS NULL
  AND target IN ('deal', 'task', 'call', 'visit', 'message', 'note')
ON CONFLICT DO NOTHING
""")


def put_again(conn: Connection, record_ids: Sequence[int]) -> None:
    """Queue records of deals and activities for their load, in the bulk lane; others are left out."""
    if record_ids:
        conn.execute(_PUT_AGAIN, {"ids": list(record_ids)})


@dataclass(frozen=True, slots=True)
class Taken:
    """Records that a stage has taken.

    Args:
        ids: the records.
        is_derivation: they were queued since our rules changed; else since they did.
        is_last: the stage's queue held nothing else when they were taken.
    """

    ids: list[int]
    is_derivation: bool
    is_last: bool


# The next rows of a stage: live ones by their own index, then bulk ones by the primary key.
_NEXT = """
live AS MATERIALIZED (
  SELECT p.ref, p.lane, p.batch_id FROM ops.pending p
  WHERE p.stage = :stage AND p.lane = 'live' {condition}
  ORDER BY p.ref LIMIT :limit FOR UPDATE OF p SKIP LOCKED
), bulk AS MATERIALIZED (
  SELECT p.ref, p.lane, p.batch_id FROM ops.pending p
  WHERE p.stage = :stage AND p.lane <> 'live' AND NOT :only_live {condition}
  ORDER BY p.ref LIMIT :limit - (SELECT count(*) FROM live) FOR UPDATE OF p SKIP LOCKED
), taken AS MATERIALIZED (
  SELECT * FROM live UNION ALL SELECT * FROM bulk
)
"""
_TAKE = text(f"""
WITH {_NEXT.format(condition="")}, deriving AS MATERIALIZED (
  SELECT b.id FROM (SELECT DISTINCT batch_id FROM taken) t CROSS JOIN LATERAL (
    SELECT id, kind FROM ops.batch WHERE id = t.batch_id OFFSET 0) b
  WHERE b.kind IN ('remap', 'rederive')
)
SELECT ref, lane, batch_id IN (SELECT id FROM deriving) AS is_derivation FROM taken
""")  # noqa: S608 our own text


def _in_turn(rows: Iterable[Row[Any]]) -> list[Row[Any]]:
    """Sort rows by (lane, ref): live before bulk; PostgreSQL would plan to sort the whole queue."""
    return sorted(rows, key=lambda row: (row.lane != Lane.LIVE, row.ref))


def take(conn: Connection, stage: str, limit: int, *, only_live: bool = False) -> Taken:
    """Lock records that wait for a stage, live ones first; all of them for the same reason."""
    wanted = {"stage": stage, "limit": limit, "only_live": only_live}
    rows = _in_turn(conn.execute(_TAKE, wanted))
    if not rows:
        return Taken([], is_derivation=False, is_last=True)
    why = rows[0].is_derivation
    ids = [row.ref for row in rows if row.is_derivation == why]
    return Taken(ids, why, is_last=len(ids) == len(rows) < limit)


_OF_STREAM = """
AND ((CAST(:source AS text) IS NULL AND CAST(:stream AS text) IS NULL) OR (
  SELECT r.source = coalesce(:source, r.source) AND r.stream = coalesce(:stream, r.stream)
  FROM landing.raw r WHERE r.id = p.ref))
"""
# The first steps read the queue alone. A prepared plan does not know the limit, so with the payloads in
# the same step PostgreSQL would sort all of them.
_TAKE_RAWS = text(f"""
WITH {_NEXT.format(condition=_OF_STREAM)}
SELECT p.ref, r.id, r.source, r.stream, p.lane, p.batch_id, r.source_id, r.op, r.at, r.version,
       r.payload::text AS payload, r.body, r.into_id, r.batch_id = p.batch_id AS is_first,
       r.withdrawn_by IS NOT NULL AS is_undone, h.raw_id = r.id AS is_newest
FROM taken p
CROSS JOIN LATERAL (SELECT * FROM landing.raw WHERE id = p.ref OFFSET 0) r
LEFT JOIN LATERAL (
  SELECT raw_id FROM landing.head WHERE source = r.source AND stream = r.stream
    AND source_id = r.source_id OFFSET 0) h ON true
""")  # noqa: S608 our own text


_OPS = {op.value: op for op in Op}


def take_raws(
    conn: Connection,
    limit: int,
    *,
    source: str | None = None,
    stream: str | None = None,
    only_live: bool = False,
) -> list[PendingRaw]:
    """Lock and return raw rows that are queued for mapping: the live lane first, oldest rows first."""
    wanted = {"stage": NORMALIZE, "limit": limit, "source": source, "stream": stream,
              "only_live": only_live}  # fmt: skip
    # taken apart by place: a row gives a column by its name only after a search for it
    return [
        PendingRaw(
            raw_id,
            source,
            stream,
            lane,
            batch_id,
            RawRecord(source_id, _OPS[op], at, version, bytes_as_sent(payload, body), into),
            bool(is_newest),
            is_first,
            is_undone,
        )
        for (
            _, raw_id, source, stream, lane, batch_id, source_id, op, at, version,
            payload, body, into, is_first, is_undone, is_newest,
        ) in map(tuple, _in_turn(conn.execute(_TAKE_RAWS, wanted)))
    ]  # fmt: skip


_FINISH = text("DELETE FROM ops.pending WHERE stage = :stage AND ref = ANY(CAST(:ids AS bigint[]))")


def finish(conn: Connection, stage: str, ids: Sequence[int]) -> None:
    """Take records off the queue of a stage: the stage is done with them, or they are undone."""
    if ids:
        conn.execute(_FINISH, {"stage": stage, "ids": list(ids)})


_WAITS = text(
    "SELECT EXISTS (SELECT 1 FROM ops.pending WHERE stage = ANY(CAST(:stages AS text[])))"
)


def has_records(conn: Connection, *stages: str) -> bool:
    """Tell whether anything waits for one of the stages."""
    return bool(conn.execute(_WAITS, {"stages": list(stages)}).scalar_one())


_LIVE = text("""
SELECT ARRAY(SELECT DISTINCT stage FROM ops.pending WHERE lane = 'live') AS stages,
  ARRAY(SELECT DISTINCT kind FROM ops.entity
        WHERE version > folded_version AND lane = 'live' AND merged_into IS NULL) AS kinds
""")


def live_waits(conn: Connection) -> frozenset[str]:
    """Return the stages for which records of the live lane wait, and the kinds of its stale entities."""
    row = conn.execute(_LIVE).one()
    return frozenset([*row.stages, *row.kinds])


_LANES = text("""
SELECT EXISTS (SELECT 1 FROM ops.pending WHERE lane = 'live' AND stage IN ('normalize', 'match'))
    OR EXISTS (SELECT 1 FROM ops.entity WHERE version > folded_version AND kind = 'person'
               AND lane = 'live' AND merged_into IS NULL) AS live,
  EXISTS (SELECT 1 FROM ops.pending WHERE lane = 'bulk')
    OR EXISTS (SELECT 1 FROM ops.entity WHERE version > folded_version AND lane = 'bulk') AS bulk
""")


def both_lanes_wait(conn: Connection) -> bool:
    """Tell whether people of the live lane wait for a stage before route, and others as well."""
    row = conn.execute(_LANES).one()
    return bool(row.live and row.bulk)


_BULK = text("""
SELECT EXISTS (SELECT 1 FROM ops.pending WHERE stage = 'normalize' AND lane = 'bulk')
    OR EXISTS (SELECT 1 FROM ops.pending WHERE stage = 'match' AND lane = 'bulk')
""")


def has_bulk_people(conn: Connection) -> bool:
    """Tell whether a person of the bulk lane waits to be mapped or matched."""
    return bool(conn.execute(_BULK).scalar_one())


_COUNTS = text("""
SELECT count(*) FILTER (WHERE stage = 'normalize') AS normalize,
       count(*) FILTER (WHERE stage IN ('match', 'companies')) AS match,
       count(*) FILTER (WHERE stage NOT IN ('normalize', 'match', 'companies')) AS load
FROM ops.pending WHERE CAST(:batch AS bigint) IS NULL OR batch_id = :batch
""")


def counts(conn: Connection, batch_id: int | None = None) -> dict[str, int]:
    """Count what waits to be mapped, matched, and loaded without matching, of one batch or of all."""
    return dict(conn.execute(_COUNTS, {"batch": batch_id}).mappings().one())
