"""Normalize: pending raw rows through their mapping into canonical source records.

A record that a rule refuses becomes a quarantine row; the batch continues. Tombstones and vendor
merges are followed here, because they need no mapping. Consent events of all versions are stored,
also of a refused record. Older versions are mapped for this, and for an undo that restores them.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from hub.crm import derived, tickets
from hub.db.transactions import run_transaction
from hub.etl import consents
from hub.etl.context import Hub
from hub.etl.erased import Gate
from hub.landing import corrections, quarantine, store
from hub.landing.store import PendingRaw
from hub.logs import get_logger
from hub.mappings.corrections import corrected
from hub.mappings.document import MappingDocument
from hub.mappings.engine import Normalized, NormalizeSettings, normalize_parsed
from hub.mappings.parsing import ParsedRecord, context_references, parse_records, reads_forms
from hub.mappings.record_consents import CONSENT
from hub.model.entities import ABOUT, ACTIVITIES, PEOPLE
from hub.model.records import CanonicalRecord, RawRecord
from hub.model.verdicts import Cause, Op, Verdict
from hub.records import drift, present_records, queue, sources
from hub.records.companies import ORGANISATION
from hub.records.verdicts import set_verdicts

CHUNK = 500
PERSON = "person"
NOTE = "note"
log = get_logger()

_CAUSE = {Op.DELETE: Cause.DELETED, Op.MERGE_INTO: Cause.MERGED}
_STAGES = {
    PERSON: queue.MATCH,
    ORGANISATION: queue.COMPANIES,
    "user": queue.OWNERS,
    "ticket": queue.TICKETS,
    "deal": queue.DEALS,
    **dict.fromkeys(ACTIVITIES, queue.ACTIVITIES),
}
"""The next stage of the records, by target. A note that names nothing follows its person instead."""
VerdictRow = tuple[int, str, str, str, Verdict]


def normalize_pending(
    hub: Hub, *, source: str | None = None, stream: str | None = None, only_live: bool = False
) -> dict[tuple[str, str], dict[str, int]]:
    """Map what waits, chunk by chunk; returns counts by outcome, by (source, stream).

    A chunk that is not full is the last one. If the loop went on until nothing waits, records that
    arrive faster than a chunk is mapped would keep it from ending.
    """
    totals: dict[tuple[str, str], dict[str, int]] = {}
    contexts: dict[str, Mapping[str, Any]] = {}

    def some(conn: Connection) -> tuple[int, dict[tuple[str, str], dict[str, int]]]:
        pending = queue.take_raws(conn, CHUNK, source=source, stream=stream, only_live=only_live)
        groups: dict[tuple[str, str], list[PendingRaw]] = defaultdict(list)
        for row in pending:
            groups[row.source, row.stream].append(row)
        gate = Gate.of(conn, hub.settings.home) if groups else None
        counts = {
            group: _normalize_group(hub, conn, rows, contexts, gate=gate)
            for group, rows in sorted(groups.items())
        }
        queue.finish(conn, queue.NORMALIZE, [row.raw_id for row in pending])
        return len(pending), counts

    taken_n = CHUNK
    while taken_n >= CHUNK:
        taken_n, done = run_transaction(hub.engine, some)
        for group, counts in done.items():
            total = totals.setdefault(group, {})
            for name, n in counts.items():
                total[name] = total.get(name, 0) + n
            log.info("records_normalized", source=group[0], stream=group[1], **counts)
    return totals


def mapped(
    hub: Hub,
    conn: Connection,
    rows: Sequence[PendingRaw],
    contexts: dict[str, Mapping[str, Any]],
) -> Normalized:
    """Map raw rows of one stream, each object once; nothing is written.

    Args:
        hub: the hub.
        conn: where context objects are read.
        rows: objects that exist at the source.
        contexts: form definitions by source, filled as they are needed.
    """
    source, stream = rows[0].source, rows[0].stream
    document = hub.mappings[f"{source}/{stream}"]
    if reads_forms(document) and source not in contexts:
        contexts[source] = _forms(hub, conn, source)
    records = parse_records(document, _set_right(conn, rows))
    context = {**contexts.get(source, {}), **_looked_up(conn, document, records)}
    now = max([hub.clock.now(), *(row.record.at for row in rows if row.record.at)])
    settings = NormalizeSettings(default_region=hub.settings.company.default_region, now=now)
    return normalize_parsed(document, records, context, settings)


def _set_right(conn: Connection, rows: Sequence[PendingRaw]) -> list[RawRecord]:
    """Return the records as sent, with the corrections of users."""
    by_id = {row.raw_id: row.record.source_id for row in rows}
    held = corrections.of_rows(conn, rows[0].source, rows[0].stream, by_id)
    return [
        replace(
            row.record,
            payload=corrected(row.record.payload, [(c.path, c.value) for c in held[row.raw_id]]),
        )
        if row.raw_id in held
        else row.record
        for row in rows
    ]


def _looked_up(
    conn: Connection, document: MappingDocument, records: Sequence[ParsedRecord]
) -> dict[str, Any]:
    """Read the other objects of the source that these records name."""
    ids: dict[str, list[str]] = defaultdict(list)
    for stream, source_id in sorted(context_references(document, records)):
        ids[stream].append(source_id)
    return {
        f"{stream}/{key}": json.loads(body)
        for stream, known in ids.items()
        for key, body in store.context_payloads(conn, document.source, stream, known).items()
    }


def _forms(hub: Hub, conn: Connection, source: str) -> Mapping[str, Any]:
    """Read the form definitions of the source."""
    context: dict[str, Any] = {}
    for stream in store.landed_streams(conn, source):
        if f"{source}/{stream}" not in hub.mappings:
            payloads = store.context_payloads(conn, source, stream)
            context.update({key: json.loads(body) for key, body in payloads.items()})
    return context


def _normalize_group(
    hub: Hub,
    conn: Connection,
    rows: Sequence[PendingRaw],
    contexts: dict[str, Mapping[str, Any]],
    *,
    gate: Gate | None,
) -> dict[str, int]:
    source, stream = rows[0].source, rows[0].stream
    document = hub.mappings[f"{source}/{stream}"]
    # a later raw row supersedes
    newest = {row.record.source_id: row for row in rows if _is_present(row)}
    known = sources.lock(conn, source, stream, sorted({row.record.source_id for row in rows}))
    alive = [row for row in newest.values() if row.record.op is Op.UPSERT]
    gone = [row for row in newest.values() if row.record.op is not Op.UPSERT]
    result = mapped(hub, conn, alive, contexts) if alive else Normalized()
    if gate is not None and (stopped := gate.normalize(conn, rows, result)):
        left = gate.block(conn, rows, stopped)
        counts = _normalize_group(hub, conn, left, contexts, gate=None) if left else {}
        return {**counts, "erased": len(stopped.objects)}
    verdicts = _outright_verdicts(result, newest)
    # a record of an earlier version that this version does not give no longer counts for its entity
    unsaid = _dropped(known, result, newest)
    written = sources.upsert(
        conn, _new_records(result, newest, document.version), {k.key for k in known}
    )
    changed = {g.source_id for g in unsaid} | {w.source_id for w in written if w.is_changed}
    waiting = _sort_out(written, newest, changed, verdicts, _following(result))
    withdrawn = sources.mark_gone(
        conn, source, stream, _refused(result, newest) + unsaid, hub.clock.now()
    )
    _archive(conn, withdrawn.tickets)
    said = _say(hub, conn, rows, contexts, newest=newest, result=result)
    tombstoned = _tombstone(hub, conn, gone, verdicts)
    waiting[queue.MATCH] += said + withdrawn.people + tombstoned.people
    waiting[queue.COMPANIES] += withdrawn.companies + tombstoned.companies
    for stage in (queue.DEALS, queue.ACTIVITIES):
        gone_too = [
            one for t, one in (*withdrawn.others, *tombstoned.others) if _STAGES.get(t) == stage
        ]
        waiting[stage] += gone_too
    quarantine.close(conn, source, stream, newest)
    quarantine.add(
        conn,
        [(newest[p.source_id], p) for p in result.problems if p.source_id in newest],
        mapping_version=document.version,
    )
    drift.count(conn, source, stream, result.unknowns)
    new = {w.id for w in written if w.is_new}
    for stage, records in waiting.items():
        queue.put(conn, stage, sorted(set(records)), new)
    set_verdicts(conn, verdicts)
    return {
        "normalized": len({r.source_id for r in result.records}),
        "excluded": len(result.excluded),
        "rejected": len(result.rejected),
        "quarantined": len(result.problems),
        "drift": result.unknowns.total() - (placeholders := result.placeholders),
        "placeholders": placeholders,
        "deleted": len(gone),
    }


def _is_present(row: PendingRaw) -> bool:
    """Tell whether a version is in force, or was until a later one came."""
    return not row.is_undone and (row.is_newest or row.is_first)


def _say(
    hub: Hub,
    conn: Connection,
    rows: Sequence[PendingRaw],
    contexts: dict[str, Mapping[str, Any]],
    *,
    newest: Mapping[str, PendingRaw],
    result: Normalized,
) -> list[queue.Queued]:
    """Store consent events of all versions, and earlier versions of records; returns people to match."""
    source, stream = rows[0].source, rows[0].stream
    document = hub.mappings[f"{source}/{stream}"]
    present = {row.raw_id for row in newest.values()}
    living = [row for row in rows if row.record.op is Op.UPSERT]
    said = consents.events(result.consents, newest)
    requeue: list[queue.Queued] = []
    for some in by_age([row for row in living if row.raw_id not in present]):
        again = mapped(hub, conn, list(some.values()), contexts)
        said += consents.events(again.consents, some)
        requeue += sources.refresh(conn, _new_records(again, some, document.version))
        given = {r.source_id for r in again.records if target_name(r) == PERSON}
        none = {i: row.raw_id for i, row in some.items() if i not in given}
        sources.refuse(conn, source, stream, none)
    of_people = consents.keep(conn, document, living, said)
    return requeue + present_records.people_of(conn, source, stream, sorted(of_people))


def by_age(rows: Sequence[PendingRaw]) -> list[dict[str, PendingRaw]]:
    """Split versions into parts with one version of each object, the oldest first."""
    parts: list[dict[str, PendingRaw]] = []
    depth: Counter[str] = Counter()
    for row in rows:
        number = depth[row.record.source_id]
        depth[row.record.source_id] += 1
        if number == len(parts):
            parts.append({})
        parts[number][row.record.source_id] = row
    return parts


def _refused(result: Normalized, newest: Mapping[str, PendingRaw]) -> list[sources.Gone]:
    """Return the objects that the mapping excludes or rejects."""
    causes = {
        **dict.fromkeys(result.excluded, Cause.EXCLUDED),
        **dict.fromkeys(result.rejected, Cause.REJECTED),
    }
    return [sources.Gone(i, newest[i].raw_id, why) for i, why in causes.items() if i in newest]


def _dropped(
    known: Sequence[sources.Known], result: Normalized, newest: Mapping[str, PendingRaw]
) -> list[sources.Gone]:
    """Return records that an earlier version of these objects gave, and this version does not."""
    targets: dict[str, set[str]] = defaultdict(set)
    for record in result.records:
        if record.entity != CONSENT:
            targets[record.source_id].add(target_name(record))
    said = {i: (newest[i].raw_id, given) for i, given in targets.items() if i in newest}
    return sources.dropped(known, said)


def _outright_verdicts(result: Normalized, newest: Mapping[str, PendingRaw]) -> list[VerdictRow]:
    verdicts = [_verdict(newest[i], Verdict.EXCLUDED) for i in result.excluded if i in newest]
    verdicts += [_verdict(newest[i], Verdict.REJECTED) for i in result.rejected if i in newest]
    return verdicts


def _verdict(row: PendingRaw, verdict: Verdict) -> VerdictRow:
    return (row.batch_id, row.source, row.stream, row.record.source_id, verdict)


def _tombstone(
    hub: Hub, conn: Connection, gone: Sequence[PendingRaw], verdicts: list[VerdictRow]
) -> sources.Tombstoned:
    if not gone:
        return sources.Tombstoned([], [], [], [])
    verdicts += [_verdict(row, Verdict.DELETED) for row in gone]
    tombstoned = sources.mark_gone(
        conn,
        gone[0].source,
        gone[0].stream,
        [
            sources.Gone(row.record.source_id, row.raw_id, _CAUSE[row.record.op], row.record.into)
            for row in gone
        ],
        hub.clock.now(),
    )
    _archive(conn, tombstoned.tickets)
    return tombstoned


def _archive(conn: Connection, ticket_records: Sequence[int]) -> None:
    if ticket_records:
        tickets.archive(conn, ticket_records)
        derived.recompute(conn, tickets.entities_of(conn, ticket_records))


def target_name(record: CanonicalRecord) -> str:
    """Return the name under which a source object's emit target is kept.

    A person is one record, whether the mapping makes it a lead, a contact, or neither.
    """
    return PERSON if record.entity in PEOPLE else record.entity


def _following(result: Normalized) -> set[str]:
    """Return the objects whose note names nothing: it is on the person of the same object."""
    return {
        r.source_id for r in result.records if r.entity == NOTE and not r.refs.keys() & {*ABOUT}
    }


def _new_records(
    result: Normalized, rows: Mapping[str, PendingRaw], version: str
) -> list[sources.NewSourceRecord]:
    """Return the records to store; a consent is none, `hub.records.consents` has its event."""
    return [
        sources.NewSourceRecord(
            source=row.source,
            stream=row.stream,
            source_id=record.source_id,
            target=target_name(record),
            role=record.entity if record.entity in PEOPLE else None,
            raw_id=row.raw_id,
            batch_id=row.batch_id,
            lane=row.lane,
            mapping_version=version,
            trust=record.trust,
            values=record.values,
            refs=record.refs,
            source_at=row.record.at,
        )
        for record in result.records
        if (row := rows.get(record.source_id)) is not None and record.entity != CONSENT
    ]


def _sort_out(
    written: Sequence[sources.Written],
    newest: Mapping[str, PendingRaw],
    changed: Collection[str],
    verdicts: list[VerdictRow],
    following: Collection[str],
) -> dict[str, list[queue.Queued]]:
    """Return the next stage of records: of all records of the objects that changed.

    This includes objects whose version gives fewer records than before. `following` are objects whose
    note has no stage of its own.
    """
    waiting: dict[str, list[queue.Queued]] = {stage: [] for stage in _STAGES.values()}
    for w in written:
        row = newest[w.source_id]
        if w.source_id not in changed:
            verdicts.append(_verdict(row, Verdict.UNCHANGED))
        elif w.target in _STAGES and not (w.target == NOTE and w.source_id in following):
            waiting[_STAGES[w.target]].append((w.id, row.lane, row.batch_id))
    return waiting
