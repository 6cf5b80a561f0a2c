"""Source records: the canonical values of each source object, and its tombstones."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b

from sqlalchemy import Connection, text

from hub.db.copy import CopyRefusedError, copy_rows
from hub.db.json_text import write_json
from hub.frozen import dataclass
from hub.model.records import JsonValue
from hub.model.verdicts import Cause, Trust
from hub.records.queue import Queued


@dataclass(frozen=True, slots=True)
class NewSourceRecord:
    """One canonical record ready to be stored under its source key and target."""

    source: str
    stream: str
    source_id: str
    target: str
    role: str | None
    raw_id: int
    batch_id: int
    lane: str
    mapping_version: str
    trust: Trust
    values: Mapping[str, JsonValue]
    refs: Mapping[str, str]
    source_at: datetime | None


_STAGE = text("""
CREATE TEMPORARY TABLE IF NOT EXISTS record_page (
  source text, stream text, source_id text, target text, role text, raw_id bigint, batch_id bigint, lane text,
  mapping_version text, trust text, canonical jsonb, canonical_hash bytea, refs jsonb,
  source_at timestamptz) ON COMMIT DELETE ROWS
""")

# Earlier versions of records, from `before`: an undo restores them.
_KEPT = """
kept AS (
  INSERT INTO ops.record_version
    (record_id, replaced_by, raw_id, batch_id, lane, mapping_version, trust, role, canonical,
     canonical_hash, refs, source_at, gone_at, withdrawn_by, alias_of, gone_why)
  SELECT id, replaced_by, raw_id, batch_id, lane, mapping_version, trust, role, canonical,
     canonical_hash, refs, source_at, gone_at, withdrawn_by, alias_of, gone_why
  FROM before WHERE raw_id < replaced_by
  ON CONFLICT DO NOTHING
)
"""
# A record that comes back (restored in the source) is no longer gone. An older raw row that is
# normalised late never replaces a newer one: raw ids are the order of landing.
_UPSERT = text(f"""
WITH page AS (
  SELECT DISTINCT ON (source, stream, source_id, target) * FROM record_page
  ORDER BY source, stream, source_id, target, raw_id DESC
), before AS (
  SELECT s.*, page.raw_id AS replaced_by
  FROM ops.source_record s JOIN page USING (source, stream, source_id, target)
), {_KEPT}, written AS (
  INSERT INTO ops.source_record AS s
    (source, stream, source_id, target, role, raw_id, batch_id, lane, mapping_version, trust, canonical,
     canonical_hash, refs, source_at)
  SELECT source, stream, source_id, target, role, raw_id, batch_id, lane, mapping_version, trust,
         canonical, canonical_hash, refs, source_at
  FROM page ORDER BY raw_id
  ON CONFLICT (source, stream, source_id, target) DO UPDATE SET
    role = excluded.role, raw_id = excluded.raw_id, batch_id = excluded.batch_id, lane = excluded.lane,
    mapping_version = excluded.mapping_version, trust = excluded.trust,
    canonical = excluded.canonical, canonical_hash = excluded.canonical_hash,
    refs = excluded.refs, source_at = excluded.source_at, gone_at = NULL, gone_why = NULL,
    alias_of = NULL,
    withdrawn_by = NULL
  WHERE s.raw_id <= excluded.raw_id
  RETURNING s.id, s.source, s.stream, s.source_id, s.target, s.canonical_hash, s.source_at
)
SELECT w.id, w.source, w.stream, w.source_id, w.target,
       b.id IS NULL AS is_new,
       b.id IS NULL OR b.canonical_hash <> w.canonical_hash OR b.gone_at IS NOT NULL
         OR b.withdrawn_by IS NOT NULL
         -- the newest source wins a field: a later time alone may change whose value counts
         OR b.source_at IS DISTINCT FROM w.source_at AS is_changed
FROM written w LEFT JOIN before b USING (source, stream, source_id, target)
""")  # noqa: S608 our own text


@dataclass(frozen=True, slots=True)
class Written:
    """What storing one canonical record did."""

    id: int
    source: str
    stream: str
    source_id: str
    target: str
    is_new: bool
    is_changed: bool


Key = tuple[str, str]
"""A record of a stream: the object's source id, and the target."""


@dataclass(frozen=True, slots=True)
class Known:
    """A stored record: its raw version, and whether it is in force and not gone."""

    source_id: str
    target: str
    raw_id: int
    is_living: bool

    @property
    def key(self) -> Key:
        """Return its key in its stream."""
        return self.source_id, self.target


_LOCK = text("""
SELECT source_id, target, raw_id, gone_at IS NULL AND withdrawn_by IS NULL
FROM ops.source_record WHERE source = :source AND stream = :stream
  AND source_id = ANY(CAST(:ids AS text[]))
ORDER BY source_id COLLATE "C", target COLLATE "C" FOR NO KEY UPDATE
""")


def lock(conn: Connection, source: str, stream: str, source_ids: Iterable[str]) -> list[Known]:
    """Lock the records of objects, in the order of their keys; returns those that exist.

    A transaction that writes several records calls this first. So two transactions with the same
    records wait for each other in one order, and never in a cycle.
    """
    rows = conn.execute(_LOCK, {"source": source, "stream": stream, "ids": list(source_ids)})
    return [Known(*row) for row in rows]


def upsert(
    conn: Connection, records: Sequence[NewSourceRecord], known: Collection[Key] | None = None
) -> list[Written]:
    """Store canonical records; tell which are new and which changed.

    Args:
        conn: an open transaction.
        records: of one stream if `known` is given.
        known: the keys of those that are stored; None if the caller does not know.
    """
    new = [] if known is None else [r for r in records if (r.source_id, r.target) not in known]
    added = _append(conn, new) if new else []
    if added is None:
        return upsert(conn, records)
    rest = records if known is None else [r for r in records if (r.source_id, r.target) in known]
    return added + (_replace(conn, rest) if rest else [])


_IDS = text("SELECT nextval('ops.source_record_id_seq') FROM generate_series(1, :n)")
_UNIQUE_VIOLATION = "23505"
_COLUMNS = (
    "source", "stream", "source_id", "target", "role", "raw_id", "batch_id", "lane",
    "mapping_version", "trust", "canonical", "canonical_hash", "refs", "source_at",
)  # fmt: skip


def _append(conn: Connection, records: Sequence[NewSourceRecord]) -> list[Written] | None:
    """Append new records; None, and none is stored, if another transaction has just stored one."""
    newest = {(r.source_id, r.target): r for r in sorted(records, key=lambda r: r.raw_id)}
    ids = conn.execute(_IDS, {"n": len(newest)}).scalars()
    numbered = dict(zip(ids, sorted(newest.values(), key=lambda r: r.raw_id), strict=True))
    try:
        with conn.begin_nested():
            rows = [(i, *_row(record)) for i, record in numbered.items()]
            copy_rows(conn, "ops.source_record", ("id", *_COLUMNS), rows)
    except CopyRefusedError as exc:
        if exc.sqlstate != _UNIQUE_VIOLATION:
            raise
        return None
    return [
        Written(i, r.source, r.stream, r.source_id, r.target, is_new=True, is_changed=True)
        for i, r in numbered.items()
    ]


def _replace(conn: Connection, records: Sequence[NewSourceRecord]) -> list[Written]:
    """Store records, some or all of which exist already."""
    _stage(conn, records)
    written = [Written(*row) for row in conn.execute(_UPSERT)]
    conn.execute(text("DELETE FROM record_page"))
    return written


def _stage(conn: Connection, records: Sequence[NewSourceRecord]) -> None:
    conn.execute(_STAGE)
    copy_rows(conn, "record_page", _COLUMNS, [_row(record) for record in records])


# Of a record that is gone the last version that gave it still holds its values: those are refreshed,
# and it stays gone.
_REFRESH = text("""
WITH kept AS (
  UPDATE ops.record_version v SET canonical = p.canonical, canonical_hash = p.canonical_hash,
    refs = p.refs, role = p.role, trust = p.trust, mapping_version = p.mapping_version,
    gone_at = CASE WHEN v.replaced_by = f.first AND v.gone_why = ANY(:ours) THEN NULL ELSE v.gone_at END,
    gone_why = CASE WHEN v.replaced_by = f.first AND v.gone_why = ANY(:ours) THEN NULL ELSE v.gone_why END
  FROM record_page p JOIN ops.source_record s USING (source, stream, source_id, target)
  CROSS JOIN LATERAL (
    SELECT min(replaced_by) AS first FROM ops.record_version o
    WHERE o.record_id = s.id AND o.raw_id = p.raw_id) f
  WHERE v.record_id = s.id AND v.raw_id = p.raw_id
), before AS (
  SELECT s.id, s.canonical_hash FROM record_page p
  JOIN ops.source_record s USING (source, stream, source_id, target)
  WHERE s.raw_id = p.raw_id
)
UPDATE ops.source_record s SET canonical = p.canonical, canonical_hash = p.canonical_hash,
  refs = p.refs, role = p.role, trust = p.trust, mapping_version = p.mapping_version
FROM record_page p JOIN before b ON true
WHERE s.id = b.id AND s.source = p.source AND s.stream = p.stream AND s.source_id = p.source_id
  AND s.target = p.target AND s.raw_id = p.raw_id
RETURNING s.id, s.target, p.lane, p.batch_id,
  s.withdrawn_by IS NULL AND b.canonical_hash <> p.canonical_hash AS is_changed
""")


_OURS = [Cause.EXCLUDED, Cause.REJECTED, Cause.UNSAID]
# What a raw version said first is what the mapping makes of it; later records with the same number
# were ended by a later version.
_REFUSE = text("""
UPDATE ops.record_version v SET gone_at = coalesce(v.gone_at, now()),
  gone_why = coalesce(v.gone_why, 'excluded')
FROM unnest(CAST(:ids AS text[]), CAST(:raws AS bigint[])) AS t(source_id, raw_id)
JOIN ops.source_record s ON s.source = :source AND s.stream = :stream
  AND s.source_id = t.source_id AND s.target = 'person'
CROSS JOIN LATERAL (
  SELECT min(replaced_by) AS first FROM ops.record_version o
  WHERE o.record_id = s.id AND o.raw_id = t.raw_id) f
WHERE v.record_id = s.id AND v.raw_id = t.raw_id AND v.replaced_by = f.first
""")


def refuse(conn: Connection, source: str, stream: str, raws: Mapping[str, int]) -> None:
    """Note that the mapping makes no person of earlier versions any more: object → raw version."""
    if raws:
        args = {"source": source, "stream": stream, "ids": list(raws), "raws": list(raws.values())}
        conn.execute(_REFUSE, args)


def refresh(conn: Connection, records: Sequence[NewSourceRecord]) -> list[Queued]:
    """Store again what versions said that are no longer, or not again, what their object says.

    Returns the people whose last version changed by it.
    """
    if not records:
        return []
    _stage(conn, records)
    rows = conn.execute(_REFRESH, {"ours": _OURS}).all()
    conn.execute(text("DELETE FROM record_page"))
    return [
        (row.id, row.lane, row.batch_id)
        for row in rows
        if row.target == "person" and row.is_changed
    ]


def _row(r: NewSourceRecord) -> tuple[object, ...]:
    canonical = write_json(r.values)
    refs = write_json(r.refs)
    digest = blake2b((canonical + refs + (r.role or "")).encode(), digest_size=16).digest()
    return (
        r.source, r.stream, r.source_id, r.target, r.role, r.raw_id, r.batch_id, r.lane,
        r.mapping_version, r.trust.value, canonical, digest, refs, r.source_at,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tombstoned:
    """Records whose object is gone: people and companies, to be matched again, tickets, and others.

    All but tickets come as (record id, lane, batch); the others with their target before it.
    """

    people: list[Queued]
    tickets: list[int]
    companies: list[Queued]
    others: list[tuple[str, Queued]]


@dataclass(frozen=True, slots=True)
class Gone:
    """An object that is gone by a raw version.

    Args:
        source_id: the object.
        raw_id: the version that says so.
        why: the cause.
        into: the object that it was merged into, if that is the cause.
        target: the one record of the object that is gone; None for all of them.
    """

    source_id: str
    raw_id: int
    why: Cause
    into: str | None = None
    target: str | None = None


def dropped(known: Iterable[Known], said: Mapping[str, tuple[int, Collection[str]]]) -> list[Gone]:
    """Return what living objects gave before, and what their present version does not give.

    The version may be a newer one, or the same one as before that a changed mapping has read.

    Args:
        known: the records that the objects have.
        said: by object: the raw version, and the targets that it gives.
    """
    return [
        Gone(k.source_id, said[k.source_id][0], Cause.UNSAID, target=k.target)
        for k in known
        if k.is_living
        and k.source_id in said
        and k.target not in said[k.source_id][1]
        and k.raw_id <= said[k.source_id][0]
    ]


# An older version that is normalised late does not end what a later one gave.
_MARK_GONE = text(f"""
WITH g AS (
  SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:intos AS text[]), CAST(:raws AS bigint[]),
    CAST(:targets AS text[]), CAST(:causes AS text[])) AS g(source_id, into_id, raw_id, target, cause)
), before AS (
  SELECT s.*, g.raw_id AS replaced_by, g.into_id, g.cause
  FROM ops.source_record s JOIN g USING (source_id)
  WHERE s.source = :source AND s.stream = :stream AND s.withdrawn_by IS NULL
    AND (g.target IS NULL OR g.target = s.target) AND s.raw_id <= g.raw_id
), {_KEPT}
UPDATE ops.source_record s
SET gone_at = coalesce(s.gone_at, :at), gone_why = b.cause,
  alias_of = CASE WHEN b.cause IN ('deleted', 'merged') THEN coalesce(b.into_id, s.alias_of) END
FROM before b WHERE s.id = b.id
RETURNING s.id, s.target, s.lane, s.batch_id
""")  # noqa: S608 our own text


def mark_gone(
    conn: Connection, source: str, stream: str, gone: Sequence[Gone], at: datetime
) -> Tombstoned:
    """Mark records that no longer count for their entity: deleted, merged by the vendor, or excluded."""
    if not gone:
        return Tombstoned([], [], [], [])
    rows = conn.execute(
        _MARK_GONE,
        {
            "at": at,
            "source": source,
            "stream": stream,
            "ids": [g.source_id for g in gone],
            "intos": [g.into for g in gone],
            "raws": [g.raw_id for g in gone],
            "targets": [g.target for g in gone],
            "causes": [g.why for g in gone],
        },
    ).all()
    return Tombstoned(
        [(row.id, row.lane, row.batch_id) for row in rows if row.target == "person"],
        [row.id for row in rows if row.target == "ticket"],
        [(row.id, row.lane, row.batch_id) for row in rows if row.target == "organisation"],
        [
            (row.target, (row.id, row.lane, row.batch_id))
            for row in rows
            if row.target not in ("person", "ticket", "organisation")
        ],
    )


_PLACE = text("""
UPDATE ops.source_record s SET
  left_entity_id = CASE WHEN m.entity IS NULL THEN s.left_entity_id ELSE s.entity_id END,
  entity_id = coalesce(m.entity, s.entity_id),
  joined_batch_id = CASE WHEN m.entity IS NULL THEN s.joined_batch_id ELSE s.batch_id END,
  match_keys = coalesce(CAST(m.keys AS bigint[]), s.match_keys)
FROM unnest(CAST(:records AS bigint[]), CAST(:entities AS bigint[]), CAST(:keys AS text[]))
  AS m(record, entity, keys)
WHERE s.id = m.record
""")
_NO_KEYS = text("UPDATE ops.source_record SET match_keys = NULL WHERE id = ANY(:ids)")


def place(
    conn: Connection, moves: Mapping[int, int], keys: Mapping[int, Sequence[int]] | None = None
) -> None:
    """Put records into entities, and note by which hashes they are found; one write a record.

    Args:
        conn: an open transaction, under the lock of their kind.
        moves: record → the entity that it joins; the batch of its present version joined it.
        keys: record → the hashes of its keys in `ops.match_key`.
    """
    keys = keys or {}
    ids = sorted({*moves, *keys})
    if ids:
        args = {
            "records": ids,
            "entities": [moves.get(i) for i in ids],
            "keys": [_array(own) if (own := keys.get(i)) is not None else None for i in ids],
        }
        conn.execute(_PLACE, args)


def forget_keys(conn: Connection, ids: Sequence[int]) -> None:
    """Delete the hashes in the rows of records: no key finds them any more."""
    if ids:
        conn.execute(_NO_KEYS, {"ids": list(ids)})


def _array(numbers: Sequence[int]) -> str:
    return f"{{{','.join(map(str, numbers))}}}"


def delete_of_entity(conn: Connection, entity_id: int, source: str) -> None:
    """Mark the records that an entity has of a source as deleted."""
    conn.execute(
        text(
            "UPDATE ops.source_record SET gone_at = now(), gone_why = 'deleted' "
            "WHERE entity_id = :entity AND source = :source AND gone_at IS NULL"
        ),
        {"entity": entity_id, "source": source},
    )


def take_out(conn: Connection, ids: Sequence[int], batch_id: int) -> None:
    """Take records out of their entities, until their source sends them again.

    The rows lose the hashes of their keys: the caller has read them (`identity.keys_of`), and deletes the keys.

    Args:
        conn: an open transaction.
        ids: records.
        batch_id: the batch that takes them out: an undo, or a derivation.
    """
    conn.execute(
        text(
            "UPDATE ops.source_record SET withdrawn_by = :batch, entity_id = NULL, "
            "joined_batch_id = NULL, match_keys = NULL WHERE id = ANY(:ids)"
        ),
        {"ids": list(ids), "batch": batch_id},
    )


# The batch's first version of an object replaced what had been said before the batch.
FIRST_VERSIONS = """
SELECT DISTINCT ON (v.record_id) v.* FROM ops.record_version v
JOIN landing.raw r ON r.id = v.replaced_by
WHERE v.record_id = ANY(:ids) AND r.batch_id = :batch AND r.withdrawn_by IS NULL
ORDER BY v.record_id, v.replaced_by
"""
_RESTORE = text(f"""
WITH first AS ({FIRST_VERSIONS})
UPDATE ops.source_record s SET
  raw_id = f.raw_id, batch_id = f.batch_id, lane = f.lane, mapping_version = f.mapping_version,
  trust = f.trust, role = f.role, canonical = f.canonical, canonical_hash = f.canonical_hash,
  refs = f.refs, source_at = f.source_at, gone_at = f.gone_at, gone_why = f.gone_why,
  alias_of = f.alias_of, withdrawn_by = f.withdrawn_by,
  entity_id = CASE WHEN f.withdrawn_by IS NULL THEN s.entity_id END
FROM first f WHERE s.id = f.record_id
RETURNING s.id, s.withdrawn_by IS NOT NULL AS is_undone
""")  # noqa: S608 our own text
_FORGET_VERSIONS = text("""
DELETE FROM ops.record_version v USING landing.raw r
WHERE r.id = v.replaced_by AND r.batch_id = :batch AND v.record_id = ANY(:ids)
""")


def restore(conn: Connection, batch_id: int, record_ids: Sequence[int]) -> set[int]:
    """Restore the values of records from before the batch; returns those that were undone then."""
    args = {"batch": batch_id, "ids": list(record_ids)}
    undone = {row.id for row in conn.execute(_RESTORE, args) if row.is_undone}
    conn.execute(_FORGET_VERSIONS, args)
    return undone
