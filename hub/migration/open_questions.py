"""Questions that a plan leaves open: owners without an active user, unknown values, record types without a pipeline.

In: the database in which a batch ran, and the one before it. Out: each question with its records, and what
became of them without an answer. So a dry run decides nothing silently. Not here: the questions that the
source's own counts raise before anything is read (`hub.migration.inventory`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

from hub.crm import pipelines
from hub.records import drift
from hub.records.batches import Batch


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """What nobody has answered, and what the hub does until then.

    Args:
        kind: owner, value or pipeline.
        what: the owner, the value with its stream and field, or the record type.
        records: how many records it concerns.
        effect: what becomes of them without an answer.
    """

    kind: str
    what: str
    records: int
    effect: str


_OWNERS = text("""
SELECT s.refs ->> 'owner' AS id, coalesce(u.name, max(n.name)) AS name, u.email, i.is_queue, i.user_id IS NULL AS is_unknown,
  count(DISTINCT (s.stream, s.source_id)) AS n, count(*) FILTER (WHERE s.role = 'lead') AS leads
FROM ops.source_record s
LEFT JOIN crm.owner_identity i ON i.source = s.source AND i.source_id = s.refs ->> 'owner'
LEFT JOIN crm."user" u ON u.id = i.user_id
LEFT JOIN LATERAL (
  SELECT o.canonical ->> 'name' AS name FROM ops.source_record o WHERE o.source = s.source
    AND o.source_id = s.refs ->> 'owner' AND o.target = 'user' LIMIT 1) n ON i.is_queue
WHERE s.batch_id = :batch AND s.refs ? 'owner' AND s.target <> 'user' AND u.is_active IS NOT TRUE
  AND s.withdrawn_by IS NULL AND s.gone_why IS DISTINCT FROM 'rejected'
GROUP BY s.refs ->> 'owner', u.name, u.email, i.is_queue, i.user_id
ORDER BY count(DISTINCT (s.stream, s.source_id)) DESC, 1
""")
_PIPELINES = text("""
SELECT s.canonical ->> 'pipeline' AS name, count(*) AS n FROM ops.source_record s
WHERE s.batch_id = :batch AND s.target = 'deal' AND s.withdrawn_by IS NULL AND s.canonical ->> 'pipeline' IS NOT NULL
  AND NOT EXISTS (SELECT FROM crm.pipeline p WHERE lower(p.name) = lower(s.canonical ->> 'pipeline'))
GROUP BY 1 ORDER BY n DESC, 1
""")
_REFUSED = text("""
SELECT EXISTS (SELECT FROM ops.source_record WHERE batch_id = :batch AND stream = :stream AND target = 'deal'
  AND canonical ->> 'stage' = :value AND gone_why = 'rejected')
""")
_TYPES = text("""
SELECT canonical -> 'custom_fields' ->> 'record_type' AS name, count(*) AS n FROM ops.source_record
WHERE batch_id = :batch AND target = 'deal' AND withdrawn_by IS NULL AND canonical ->> 'pipeline' IS NULL
  AND canonical -> 'custom_fields' ->> 'record_type' IS NOT NULL
GROUP BY 1 ORDER BY n DESC, 1
""")


def open_questions(after: Connection, before: Connection, batch: Batch) -> list[OpenQuestion]:
    """Return what a batch leaves open.

    Args:
        after: to the database in which the batch ran.
        before: to the database as it was before.
        batch: of the migration.
    """
    return [
        *_owners(after, batch),
        *_types(after, batch),
        *_pipelines(after, batch),
        *_values(after, before, batch),
    ]


def _owners(conn: Connection, batch: Batch) -> Iterator[OpenQuestion]:
    for row in conn.execute(_OWNERS, {"batch": batch.id}):
        who = " ".join(filter(None, (row.name, row.email))) or row.id
        if row.is_queue:
            why, rest = "a queue", "other records have no owner"
        elif row.is_unknown:
            why, rest = "no user has this name", "other records have no owner"
        else:
            why = "an inactive user here"
            rest = "deals and activities keep this owner, other records have none"
        go = "lead goes" if row.leads == 1 else "leads go"
        leads = f"{row.leads:,} {go} to the fallback of routing; " if row.leads else ""
        yield OpenQuestion("owner", f"{who}: {why}", row.n, leads + rest)


def _types(conn: Connection, batch: Batch) -> Iterator[OpenQuestion]:
    rows = conn.execute(_TYPES, {"batch": batch.id}).all()
    first = next((one.name for one in pipelines.read(conn) if not one.is_disabled), "")
    for row in rows:
        effect = f"the deals are in the first pipeline, {first}"
        yield OpenQuestion("pipeline", f"record type {row.name}", row.n, effect)


def _pipelines(conn: Connection, batch: Batch) -> Iterator[OpenQuestion]:
    for row in conn.execute(_PIPELINES, {"batch": batch.id}):
        effect = "the deals are refused: the hub has no pipeline of this name"
        yield OpenQuestion("pipeline", f"pipeline {row.name}", row.n, effect)


def _values(after: Connection, before: Connection, batch: Batch) -> Iterator[OpenQuestion]:
    known = _unknown_values(before, batch)
    for key, n in sorted(
        _unknown_values(after, batch).items(), key=lambda item: (-item[1], item[0])
    ):
        if n > known.get(key, 0):
            stream, field, value = key
            args = {"batch": batch.id, "stream": stream, "value": value}
            is_refused = bool(after.execute(_REFUSED, args).scalar_one())
            effect = "the value is kept as it came"
            if is_refused:
                effect = "the deals are refused: their pipeline has no such stage"
            yield OpenQuestion(
                "value", f"{stream}, {field}: {value}", n - known.get(key, 0), effect
            )


def _unknown_values(conn: Connection, batch: Batch) -> Mapping[tuple[str, str, str], int]:
    found = drift.of_source(conn, batch.source)
    return {
        (str(d["stream"]), str(d["field"]), str(d["value"])): int(d["n"])
        for d in found
        if d["kind"] == "value"
    }
