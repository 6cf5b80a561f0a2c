"""Map landed records again: refused ones, corrected ones, or a whole stream.

No request goes to a vendor. In: quarantine ids, a correction, or a stream. Out: counts from the batch's ledger. Each is a batch of its own,
so each record has a verdict.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from hub.db.locks import source_locks
from hub.errors import ConfigError
from hub.etl import consent_changes, derivations, flow
from hub.etl.closing import finish, finish_interrupted
from hub.etl.context import Hub
from hub.landing import corrections, quarantine
from hub.mappings.corrections import locate, value_like
from hub.model.records import JsonValue
from hub.model.verdicts import Lane
from hub.records import batches, drift, requeue
from hub.records import derivations as walks
from hub.records.batches import Batch
from hub.records.ledger import StreamLedger


@dataclass(slots=True)
class Reprocessed:
    """What became of records that were mapped again."""

    queued: int = 0
    quarantined: int = 0
    ledgers: list[StreamLedger] = field(default_factory=list)

    @property
    def verdicts(self) -> dict[str, int]:
        """Return how many records got each verdict."""
        found: dict[str, int] = {}
        for entry in self.ledgers:
            for name, n in entry.verdicts.items():
                found[name] = found.get(name, 0) + n
        return dict(sorted(found.items()))

    @property
    def holds(self) -> bool:
        """Whether every record is accounted for."""
        return all(entry.holds for entry in self.ledgers)


def retry(hub: Hub, ids: Sequence[int] | None = None, *, source: str | None = None) -> Reprocessed:
    """Map refused records again, with the mapping of today.

    Args:
        hub: the hub.
        ids: quarantine rows; None: all that are open.
        source: only those of one source.

    Raises:
        ConfigError: a row does not exist, or a source's sync was interrupted.
    """
    with hub.engine.begin() as conn:
        missing = requeue.unknown_ids(conn, ids or ())
        sources = sorted({name for name, _ in requeue.open_objects(conn, ids, source)})
    if missing:
        raise _unknown(missing[0])
    report = Reprocessed()
    with source_locks(hub.engine, sources):
        _refuse_interrupted(hub, sources)
        flow.run_stages(hub)
        with hub.engine.begin() as conn:  # another retry may have mapped some while this one waited
            objects = requeue.open_objects(conn, ids, source)
        running = [_open(hub, name, "retry", Lane.LIVE.value) for name in sources]
        by_source = {batch.source: batch for batch in running}
        for (name, stream), source_ids in objects.items():
            if name not in by_source or f"{name}/{stream}" not in hub.mappings:
                continue
            with hub.engine.begin() as conn:
                quarantine.close(conn, name, stream, source_ids)
                report.queued += requeue.queue_newest(
                    conn, batch=by_source[name].id, source=name, stream=stream, ids=source_ids
                )
        _run_and_close(hub, running, report)
    return report


@dataclass(frozen=True, slots=True)
class Fix:
    """A person's correction of the value in a quarantine row.

    `field` is a field of the mapping or a path in the record; `value` is as typed.
    """

    row: int
    field: str
    value: str
    who: str


def fix(hub: Hub, wanted: Fix) -> Reprocessed:
    """Store a correction, and map the record again with it; the raw record stays as it was sent.

    Raises:
        ConfigError: the row does not exist or is closed; the field names no single place in the
            record; there is a newer version; or the source's sync was interrupted.
    """
    source = _open_row(hub, wanted.row).source
    report = Reprocessed()
    with source_locks(hub.engine, [source]):
        _refuse_interrupted(hub, [source])
        flow.run_stages(hub)
        row = _open_row(hub, wanted.row)
        path, value = _correction(hub, row, wanted)
        batch = _open(hub, source, "fix", Lane.LIVE.value)
        with hub.engine.begin() as conn:
            is_newest = row.raw_id is not None and corrections.add(
                conn, row.raw_id, quarantine_id=row.id, field=wanted.field, path=path,
                value_json=json.dumps(value), who=wanted.who,
            )  # fmt: skip
            if is_newest:
                quarantine.close(conn, source, row.stream, [row.source_id])
                report.queued = requeue.queue_newest(
                    conn, batch=batch.id, source=source, stream=row.stream, ids=[row.source_id]
                )
        _run_and_close(hub, [batch], report)
    if not is_newest:
        raise ConfigError(
            f"the record of quarantine row {row.id} has a newer version, or is gone",
            hint="hub quarantine list shows the open rows",
        )
    return report


def _open_row(hub: Hub, row_id: int) -> requeue.Refused:
    with hub.engine.begin() as conn:
        row = requeue.refused(conn, row_id)
    if row is None:
        raise _unknown(row_id)
    if row.resolved_at is not None:
        raise ConfigError(
            f"quarantine row {row_id} is closed", hint="hub quarantine list shows the open rows"
        )
    return row


def _unknown(row_id: int) -> ConfigError:
    return ConfigError(
        f"there is no quarantine row {row_id}", hint="hub quarantine list shows the open rows"
    )


def _correction(hub: Hub, row: requeue.Refused, wanted: Fix) -> tuple[str, JsonValue]:
    try:
        wanted.value.replace("\0", "\ud800").encode()  # PostgreSQL keeps neither
    except UnicodeEncodeError as exc:
        raise ConfigError(
            "the value is not valid text: it contains bytes that are no characters"
        ) from exc
    payload = row.payload or b""
    path = locate(
        payload,
        hub.mapping(row.source, row.stream),
        field=wanted.field,
        refused=(row.field, row.value),
    )
    return path, value_like(payload, path, wanted.value)


def remap(
    hub: Hub, source: str, stream: str, *, accept_consent: bool = False, who: str = ""
) -> Reprocessed:
    """Map every version of a stream again, with the mapping of today; no notification is sent.

    Args:
        hub: the hub.
        source: the source.
        stream: its stream.
        accept_consent: lift the opt-outs that the mapping no longer reads.
        who: the user who accepts that.

    Raises:
        ConfigError: the stream has no mapping, the source's sync was interrupted, or the mapping
            would lift an opt-out and that is not accepted.
    """
    hub.mapping(source, stream)
    report = Reprocessed()
    with source_locks(hub.engine, [source]):
        _refuse_interrupted(hub, [source])
        flow.run_stages(hub)
        lifted = [] if accept_consent else consent_changes.foresee(hub, source, stream)
        if lifted:
            command = f"hub remap {source}/{stream} --accept-consent"
            raise consent_changes.refusal(lifted, command)
        batch = _open(hub, source, "remap", Lane.BULK.value)
        with hub.engine.begin() as conn:
            drift.forget(conn, source, stream)
            report.queued = requeue.queue_all(
                conn, batch=batch.id, source=source, stream=stream, lane=batch.lane
            )
            derivations.declare(conn, hub.mappings)
            walks.skip_to_end(conn, f"{source}/{stream}")
        _run_and_close(hub, [batch], report)
        if accept_consent:
            with hub.engine.begin() as conn:
                consent_changes.accept(conn, who, source, stream)
    return report


def _refuse_interrupted(hub: Hub, sources: Sequence[str]) -> None:
    with hub.engine.begin() as conn:
        for source in sources:
            if batches.running_batch(conn, source) is not None:
                raise ConfigError(
                    f"the last sync of {source} was interrupted",
                    hint=f"run it first: hub sync {source}",
                )


def _open(hub: Hub, source: str, kind: str, lane: str) -> Batch:
    finish_interrupted(hub, source)
    with hub.engine.begin() as conn:
        return batches.open_batch(conn, source=source, kind=kind, lane=lane)


def _run_and_close(hub: Hub, running: Sequence[Batch], report: Reprocessed) -> None:
    """Run the stages, then close the batches and add their ledgers to the report."""
    stages = flow.run_stages(hub)
    report.quarantined = stages["normalize"].get("quarantined", 0)
    for batch in running:
        report.ledgers += finish(hub, batch)
