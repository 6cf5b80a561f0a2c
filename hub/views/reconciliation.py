"""The proof that a batch is complete: for each stream the source's count and the sum of the verdicts.

Each number can be taken apart: `records` yields the objects behind it. Not here: how it is printed
(`hub.cli.reconcile`), how batches are closed (`hub.etl.closing`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, text

from hub.landing import refusals
from hub.landing.refusals import Refusals
from hub.migration.outcomes import outcomes
from hub.records import ledger, plans
from hub.records.ledger import StreamLedger
from hub.records.plans import Outcome

_MOST_REJECTS = 1_000
_OWNED = ("lead", "contact", "company", "deal", "task")
"""Kinds of rows that have an owner."""


@dataclass(frozen=True, slots=True)
class StreamTotals:
    """One stream of a batch.

    Args:
        stream: of the source.
        counted: living objects by the source's own count; None: it cannot count.
        verdicts: how many objects have each verdict.
        total: the sum of the verdicts.
        gone: how many of them are deleted or merged at the source, and so not counted there.
        without_verdict: objects that were read and have no verdict.
        missing: objects that the source counts and did not hand out.
        faults: why a part could not be read.
        holds: whether it adds up.
        checksum: SHA-256 over its lines of `lines`.
    """

    stream: str
    counted: int | None
    verdicts: Mapping[str, int]
    total: int
    gone: int
    without_verdict: int
    missing: int
    faults: Sequence[str]
    holds: bool
    checksum: str


@dataclass(frozen=True, slots=True)
class OwnerTotals:
    """How many rows of a kind an owner has from this batch.

    Args:
        owner: e-mail address or name; None: nobody.
        kind: lead, contact, company, deal and others.
        records: how many.
        is_active: whether the owner is an active user.
    """

    owner: str | None
    kind: str
    records: int
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that was refused.

    Args:
        stream: of the source.
        source_id: the vendor's id.
        reason: why.
    """

    stream: str
    source_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The proof of a batch.

    Args:
        batch: its number.
        kind: sync, migrate, delta, live and others.
        source: vendor name.
        delta_of: of a delta, the batch of the migration that it follows.
        state: of the batch.
        who: the user who began a migration; None: the hub did.
        started_at: when it began.
        finished_at: when it was closed.
        streams: the totals; streams that only other mappings read have no verdicts and are left out.
        owners: who owns what came, most first.
        rejects: refused records, 1,000 at most.
        rejects_n: how many there are.
        refusals: refused values and records, summed up by field and reason.
        mappings: the version of each mapping that made the records.
        holds: whether every stream adds up.
    """

    batch: int
    kind: str
    source: str
    delta_of: int | None
    state: str
    who: str | None
    started_at: datetime
    finished_at: datetime | None
    streams: Sequence[StreamTotals]
    owners: Sequence[OwnerTotals]
    rejects: Sequence[Reject]
    rejects_n: int
    refusals: Sequence[Refusals]
    mappings: Mapping[str, str]
    holds: bool


_BATCH = text("""
SELECT CASE WHEN m.delta_of IS NULL THEN b.kind ELSE 'delta' END AS kind, b.source, m.delta_of, b.state,
  b.who, b.started_at, b.finished_at
FROM ops.batch b LEFT JOIN ops.migration m ON m.batch_id = b.id WHERE b.id = :batch
""")
_REJECTS = text("""
SELECT v.stream, v.source_id, coalesce(string_agg(DISTINCT CASE
    WHEN q.value = '' OR strpos(q.reason, q.value) > 0 THEN q.reason
    ELSE concat(q.reason, ': ', left(q.value, 60)) END, '; '), 'no reason was kept') AS reason
FROM ops.verdict v LEFT JOIN landing.quarantine q ON q.batch_id = v.batch_id AND q.source = v.source
  AND q.stream = v.stream AND q.source_id = v.source_id AND q.severity = 'record'
WHERE v.batch_id = :batch AND v.verdict = 'rejected'
GROUP BY v.stream, v.source_id ORDER BY v.stream, v.source_id
""")
_ACTIVE = text('SELECT coalesce(email, name) FROM crm."user" WHERE is_active')
_MAPPINGS = text("""
SELECT DISTINCT ON (stream) stream, mapping_version FROM ops.source_record
WHERE batch_id = :batch ORDER BY stream, id DESC
""")


def records(conn: Connection, batch_id: int) -> Iterator[Outcome]:
    """Yield every object of a batch, by stream and id; of a planned migration as its plan says."""
    state = conn.execute(
        text("SELECT state FROM ops.batch WHERE id = :b"), {"b": batch_id}
    ).scalar()
    if state == "planned":
        yield from plans.each(conn, batch_id)
        return
    for page in outcomes(conn, None, batch_id):
        yield from page


def line(one: Outcome, reason: str = "") -> tuple[str, ...]:
    """Return an object as a line of the list that checksums are made of."""
    return (one.stream, one.source_id, one.verdict or "", one.kind or "", one.owner or "", reason)


LINE = ("stream", "source_id", "verdict", "kind", "owner", "reason")
"""The columns of a line."""


def reconciliation(conn: Connection, batch_id: int) -> Reconciliation | None:
    """Return the proof of a batch; None if there is no such batch."""
    row = conn.execute(_BATCH, {"batch": batch_id}).first()
    if row is None:
        return None
    reasons = reject_reasons(conn, batch_id)
    owners: dict[tuple[str | None, str], int] = {}
    sums: dict[str, dict[str, int]] = {}
    digests: dict[str, Any] = {}
    for one in records(conn, batch_id):
        if one.kind in _OWNED:
            key = (one.owner, str(one.kind))
            owners[key] = owners.get(key, 0) + 1
        own = sums.setdefault(one.stream, {})
        own[one.verdict or ""] = own.get(one.verdict or "", 0) + 1
        written = "\t".join(line(one, reasons.get(one.key, "")))
        digests.setdefault(one.stream, sha256()).update(f"{written}\n".encode())
    active = set(conn.execute(_ACTIVE).scalars())
    streams = [
        _totals(entry, sums.get(entry.stream, {}), digests.get(entry.stream))
        for entry in ledger.of_batch(conn, batch_id)
        if entry.stream in sums or entry.counted is not None or not entry.holds
    ]
    return Reconciliation(
        batch_id,
        row.kind,
        row.source,
        row.delta_of,
        row.state,
        row.who,
        row.started_at,
        row.finished_at,
        streams,
        [
            OwnerTotals(owner, kind, n, owner is None or owner in active)
            for (owner, kind), n in sorted(owners.items(), key=lambda o: (-o[1], str(o[0])))
        ],
        [Reject(*key, reason) for key, reason in list(reasons.items())[:_MOST_REJECTS]],
        len(reasons),
        refusals.of_batch(conn, batch_id),
        {r.stream: r.mapping_version for r in conn.execute(_MAPPINGS, {"batch": batch_id})},
        all(one.holds for one in streams),
    )


def reject_reasons(conn: Connection, batch_id: int) -> dict[tuple[str, str], str]:
    """Return why each refused record of a batch was refused, by stream and id."""
    rows = conn.execute(_REJECTS, {"batch": batch_id})
    return {(row.stream, row.source_id): row.reason for row in rows}


def _totals(entry: StreamLedger, verdicts: Mapping[str, int], digest: Any) -> StreamTotals:
    given = {name: n for name, n in sorted(verdicts.items()) if name}
    total = sum(given.values())
    return StreamTotals(
        entry.stream,
        entry.counted,
        given,
        total,
        total + verdicts.get("", 0) - entry.seen,
        verdicts.get("", 0),
        entry.missing_n,
        [fault.sentence for fault in entry.faults],
        entry.holds,
        (digest or sha256()).hexdigest(),
    )
