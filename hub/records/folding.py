"""The input of the fold: stale entities, their source records, edits and open verdicts."""

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from hub.frozen import dataclass
from hub.model.folding import (
    EarlierVersion,
    FoldRecord,
    LeftRecord,
    StaleEntity,
    StoredEdit,
    by_mode,
)
from hub.model.records import JsonValue
from hub.model.verdicts import Lane
from hub.records.entities import WHOLE


def claim_stale(
    conn: Connection,
    limit: int,
    among: Sequence[int] | None = None,
    kind: str = "person",
    *,
    waits: bool = False,
) -> list[StaleEntity]:
    """Lock stale entities, by id.

    A merged entity waits until its survivor is written, because its lead must point there.

    Args:
        conn: an open transaction.
        limit: entities at most.
        among: only these, if given.
        kind: people, or organisations.
        waits: wait for those that another transaction holds; else they are skipped.
    """
    args = {"limit": limit, "kind": kind, "among": None if among is None else list(among)}
    rows = conn.execute(_CLAIM_ALL if waits else _CLAIM_FREE, args)
    return [StaleEntity(*row) for row in rows]


_CLAIM = """
SELECT id, version, anchor_id, batch_id, lane, merged_into, folded_version = 0,
  version = quiet_version FROM ops.entity e
WHERE version > folded_version AND kind = :kind AND coalesce((SELECT
  s.folded_version > 0 FROM ops.entity s WHERE s.id = e.merged_into), true)
AND (CAST(:among AS bigint[]) IS NULL OR id = ANY(:among))
ORDER BY id LIMIT :limit FOR NO KEY UPDATE OF e
"""
_CLAIM_ALL, _CLAIM_FREE = text(_CLAIM), text(_CLAIM + " SKIP LOCKED")


@dataclass(frozen=True, slots=True)
class Stale:
    """Which entities wait to be folded.

    Args:
        companies: companies.
        new: people without a first fold who are not merged into another.
        others: other people.
    """

    companies: bool
    new: bool
    others: bool

    @property
    def people(self) -> bool:
        """Tell whether people wait."""
        return self.new or self.others


# in the order of the index, so that no other one is taken, for all statistics
_ANY_STALE = """
(SELECT id FROM ops.entity WHERE version > folded_version AND {which} ORDER BY id LIMIT 1) IS NOT NULL
"""
_IS_NEW = "folded_version = 0 AND merged_into IS NULL"
_STALE_KINDS = text(f"""
SELECT {_ANY_STALE.format(which="kind = 'organisation'")},
  {_ANY_STALE.format(which=f"kind = 'person' AND {_IS_NEW}")},
  {_ANY_STALE.format(which=f"kind = 'person' AND NOT ({_IS_NEW})")}
""")


def stale_kinds(conn: Connection) -> Stale:
    """Return which kinds of entities wait to be folded."""
    return Stale(*conn.execute(_STALE_KINDS).one())


_LIVE_STALE = text(
    "SELECT id FROM ops.entity WHERE version > folded_version AND kind = :kind "
    "AND lane = 'live' AND merged_into IS NULL ORDER BY id"
)


def live_stale(conn: Connection, kind: str = "person") -> Sequence[int]:
    """Return the people, or the companies, of the live lane that wait to be folded."""
    return list(conn.execute(_LIVE_STALE, {"kind": kind}).scalars())


# An entity without records is merged into another, and gets no lead. The rows are looked up one by one: in a first
# load the statistics are old.
_NEW_IN_ORDER = text("""
SELECT e.id, e.lane FROM ops.entity e
CROSS JOIN LATERAL (
  SELECT source, source_id FROM ops.source_record WHERE id = e.anchor_id OFFSET 0) a
CROSS JOIN LATERAL (
  SELECT min(CAST(canonical ->> 'created_at' AS timestamptz)) AS ever,
         min(CAST(canonical ->> 'created_at' AS timestamptz)) FILTER (WHERE gone_at IS NULL) AS living
  FROM ops.source_record
  WHERE entity_id = e.id AND target = 'person' AND withdrawn_by IS NULL) s
WHERE e.version > e.folded_version AND e.folded_version = 0 AND e.kind = 'person'
  AND e.merged_into IS NULL
ORDER BY coalesce(s.living, s.ever) NULLS LAST, a.source, a.source_id
""")


def new_in_order(conn: Connection) -> tuple[Sequence[int], bool]:
    """Return people that no load has folded yet, by their date.

    It is the date that their rows get, if the earliest of several dates counts. People of one date are in
    the order of their anchors.

    Returns:
        The entities, and whether the lane of one is bulk.
    """
    people: array[int] = array("q")
    has_bulk = False
    for row in conn.execute(_NEW_IN_ORDER, execution_options={"stream_results": True}):
        people.append(row.id)
        has_bulk = has_bulk or row.lane == Lane.BULK
    return people, has_bulk


_KNOWN = text("""
SELECT id FROM ops.entity
WHERE version > folded_version AND folded_version > 0 AND kind = 'person' ORDER BY id
""")


def known_stale(conn: Connection) -> Sequence[int]:
    """Return stale people that a load has folded before."""
    return array("q", conn.execute(_KNOWN).scalars())


_STALE = text("""
SELECT count(*) FROM ops.entity
WHERE version > folded_version AND (CAST(:batch AS bigint) IS NULL OR batch_id = :batch)
""")


def stale_n(conn: Connection, batch_id: int | None = None) -> int:
    """Count entities that wait to be folded, of one batch or of all."""
    return int(conn.execute(_STALE, {"batch": batch_id}).scalar_one())


# Entity by entity: while nothing is known of the table, an array of ids is taken for half of it.
_RECORDS = text("""
SELECT s.id, s.entity_id, s.source, s.stream, s.source_id, s.trust, s.canonical, s.refs,
  s.source_at, s.gone_at IS NOT NULL, s.gone_at, s.gone_why, s.batch_id, s.joined_batch_id,
  v.batch_id IS NOT NULL, s.role, s.lane
FROM unnest(CAST(:ids AS bigint[])) AS i(id)
CROSS JOIN LATERAL (SELECT * FROM ops.source_record WHERE entity_id = i.id OFFSET 0) s
LEFT JOIN LATERAL (
  SELECT batch_id FROM ops.verdict WHERE batch_id = s.batch_id AND source = s.source
    AND stream = s.stream AND source_id = s.source_id AND verdict IS NULL OFFSET 0) v ON true
WHERE s.target = :target AND s.withdrawn_by IS NULL
ORDER BY s.id
""")


def records_of(
    conn: Connection, entity_ids: Sequence[int], target: str = "person"
) -> dict[int, list[FoldRecord]]:
    """Return the records of people, or of organisations; those that their mode leaves out are gone."""
    found: dict[int, list[FoldRecord]] = defaultdict(list)
    for row in conn.execute(_RECORDS, {"ids": list(entity_ids), "target": target}):
        found[row[1]].append(FoldRecord(*row))
    return {entity: by_mode(records) for entity, records in found.items()}


# An edit of a merged record counts for the survivor, and goes back with it.
_EDITS = text(f"""
WITH RECURSIVE {WHOLE}
SELECT w.root, e.field, e.value, e.at, e.who
FROM whole w JOIN ops.edit e ON e.entity_id = w.id AND e.revoked_at IS NULL
ORDER BY e.at, e.id
""")  # noqa: S608 our own text


def edits_of(conn: Connection, entity_ids: Sequence[int]) -> dict[int, list[StoredEdit]]:
    """Return edits in force of entities and of those merged into them, oldest first."""
    found: dict[int, list[StoredEdit]] = defaultdict(list)
    if not entity_ids:
        return found
    for row in conn.execute(_EDITS, {"ids": list(entity_ids)}):
        found[row.root].append(StoredEdit(*row))
    return found


# Versions that are marked as gone, or were undone, do not count.
_VERSIONS = text("""
SELECT entity_id, record_id, raw_id, replaced_by, role, is_converted, until FROM (
  SELECT s.entity_id, v.record_id, v.raw_id, v.replaced_by, v.role, v.gone_at, v.withdrawn_by,
    v.canonical ->> 'converted_at' IS NOT NULL AS is_converted,
    coalesce(lead(coalesce(v.gone_at, v.source_at)) OVER (
      PARTITION BY v.record_id ORDER BY v.replaced_by), s.gone_at, s.source_at) AS until
  FROM ops.source_record s JOIN ops.record_version v ON v.record_id = s.id
  WHERE s.entity_id = ANY(:ids) AND s.target = 'person' AND s.withdrawn_by IS NULL) t
WHERE gone_at IS NULL AND withdrawn_by IS NULL
ORDER BY record_id, replaced_by
""")


def versions_of(conn: Connection, entity_ids: Sequence[int]) -> dict[int, list[EarlierVersion]]:
    """Return earlier versions of people's records, by entity; the oldest first."""
    found: dict[int, list[EarlierVersion]] = defaultdict(list)
    for row in conn.execute(_VERSIONS, {"ids": list(entity_ids)}):
        found[row.entity_id].append(EarlierVersion(*row))
    return found


# A record leaves because it says something else, or because one does that stays or left with it. A batch
# of our own making sends nothing new: it maps, or derives, what has landed.
_LEFT = text("""
SELECT s.left_entity_id, s.role,
  EXISTS (SELECT 1 FROM ops.source_record o JOIN ops.batch b ON b.id = o.batch_id
          WHERE (o.entity_id = s.left_entity_id OR o.left_entity_id = s.left_entity_id)
          AND b.state IN ('running', 'partial') AND b.kind NOT IN ('remap', 'rederive')),
  EXISTS (SELECT 1 FROM ops.edge e JOIN ops.source_record o
          ON o.id = CASE e.a WHEN s.id THEN e.b ELSE e.a END
          WHERE s.id IN (e.a, e.b) AND e.revoked_at IS NULL AND e.judgement = 'different'
          AND starts_with(e.made_by, 'person:') AND o.entity_id = s.left_entity_id)
FROM ops.source_record s
WHERE s.left_entity_id = ANY(:ids) AND s.entity_id <> s.left_entity_id
  AND s.target = 'person' AND s.withdrawn_by IS NULL
ORDER BY s.id
""")


def left_records(conn: Connection, entity_ids: Sequence[int]) -> dict[int, list[LeftRecord]]:
    """Return the records that have left entities for another, by the entity they left."""
    found: dict[int, list[LeftRecord]] = defaultdict(list)
    for row in conn.execute(_LEFT, {"ids": list(entity_ids)}):
        found[row[0]].append(LeftRecord(*row))
    return found


_PEOPLE = text("""
SELECT id, source_id, entity_id, role FROM ops.source_record
WHERE source = :source AND stream = :stream AND source_id = ANY(:ids) AND target = 'person'
  AND withdrawn_by IS NULL AND gone_at IS NULL AND entity_id IS NOT NULL
""")


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """A living record of a person: its entity, and the role that it gives."""

    id: int
    source_id: str
    entity_id: int
    role: str


def people_of(
    conn: Connection, source: str, stream: str, source_ids: Sequence[str]
) -> list[PersonRecord]:
    """Return the living records of people that objects of a stream give."""
    args = {"source": source, "stream": stream, "ids": list(source_ids)}
    return [PersonRecord(*row) for row in conn.execute(_PEOPLE, args)]


def moment(conn: Connection) -> datetime:
    """Return the moment of the transaction."""
    found: datetime = conn.execute(text("SELECT now()")).scalar_one()
    return found


@dataclass(frozen=True, slots=True)
class PlainRecord:
    """A record that needs no matching: an owner, a ticket."""

    id: int
    batch_id: int
    source: str
    stream: str
    source_id: str
    values: Mapping[str, JsonValue]
    refs: Mapping[str, str]
    is_gone: bool


def by_id(
    conn: Connection, ids: Sequence[int], target: str, *, standing: bool = False
) -> list[PlainRecord]:
    """Return the records of a target, by id; with `standing` only those that are not gone."""
    rows = conn.execute(
        text(
            "SELECT id, batch_id, source, stream, source_id, canonical, refs, gone_at IS NOT NULL "
            "FROM ops.source_record WHERE id = ANY(:ids) AND target = :target "
            "AND (NOT :standing OR gone_at IS NULL AND withdrawn_by IS NULL) ORDER BY id"
        ),
        {"ids": list(ids), "target": target, "standing": standing},
    )
    return [PlainRecord(*row) for row in rows]
