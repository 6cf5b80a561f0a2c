"""The order of the stages, and the only module that knows it.

    extract → land → normalize → match → load → route → notify

A sync of a source is a batch. An interrupted batch stays `running` and the next call continues it:
cursors and queues are in the database, so there is nothing else to remember.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from hub.connectors.base import Page, Stream
from hub.db.locks import source_locks
from hub.db.transactions import ask
from hub.errors import HubError, TransientError
from hub.etl import alerts
from hub.etl.ahead import read_ahead
from hub.etl.budget import account_of, forecast
from hub.etl.closing import close_live, finish, finish_interrupted
from hub.etl.collector import spare_the_program
from hub.etl.companies import match_companies
from hub.etl.contain import ends_source, fault_of, where
from hub.etl.context import Hub
from hub.etl.land import land_page
from hub.etl.live_first import take_live
from hub.etl.load import load_pending
from hub.etl.match import match_pending
from hub.etl.normalize import normalize_pending
from hub.etl.notify import deliver_alerts, deliver_pending
from hub.etl.refresh import refresh
from hub.etl.route import route_unowned, write_digests
from hub.etl.stage_reports import Subject, report_each
from hub.etl.waiting import unfinished_n, waiting_n
from hub.etl.window_proof import prove_window
from hub.landing import store
from hub.logs import get_logger
from hub.model.faults import Fault, is_paused, once_each
from hub.model.records import JsonValue
from hub.model.verdicts import Lane
from hub.records import batch_history, batches, queue
from hub.records.batches import Batch, Begun
from hub.records.ledger import StreamLedger

log = get_logger()
_NO_PROGRESS_S = 60.0
_LOOK_S = 0.2


@dataclass(slots=True)
class SyncReport:
    """What one sync did: counts by stage, and every stream's ledger.

    `stopped` names sources whose quota is used up; the next sync continues them. `faults` name the
    other parts that could not be read; all other parts were read.
    """

    stages: dict[str, dict[str, int]] = field(default_factory=dict)
    ledgers: list[StreamLedger] = field(default_factory=list)
    quarantined: int = 0
    stopped: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every ledger adds up."""
        return all(entry.holds for entry in self.ledgers)

    def add(self, stage: str, counts: Mapping[str, int]) -> None:
        """Add counts to those of a stage."""
        have = self.stages.setdefault(stage, {})
        for name, n in counts.items():
            have[name] = have.get(name, 0) + n


def sync(hub: Hub, sources: Sequence[str], *, full: bool = False) -> SyncReport:
    """Sync the named sources, from the vendor to the owner, in this process.

    A fault of one source, or of a part of it, is in the report and stops no other part.
    """
    report = SyncReport()
    with source_locks(hub.engine, sources):
        running = [begin(hub, source, full=full) for source in sources]
        for batch in running:
            for counts in land_source(hub, batch):
                report.add("land", counts)
        for stage, counts in run_stages(hub).items():
            report.add(stage, counts)
        for source in sources:
            finish_interrupted(hub, source)
        for batch in running:
            drain(hub, batch)
            faults = faults_of(hub, batch)
            if is_paused(faults):
                report.stopped[batch.source] = faults[0].told
                leave(hub, batch)
            else:
                report.faults += once_each(faults)
                report.ledgers += finish(hub, batch)
    report.quarantined = report.stages.get("normalize", {}).get("quarantined", 0)
    return report


def land_source(hub: Hub, batch: Batch) -> Iterator[dict[str, int]]:
    """Land the source's streams one after the other; yields the counts of each.

    Faults of a stream are noted with the batch. Refused credentials end the source, and so do two
    streams in a row for which the vendor is unavailable.
    """
    try:
        streams = hub.connector(batch.source).streams()
    except HubError as exc:
        _note(hub, batch, "", [fault_of(batch.source, "", exc)], unproved=False)
        return
    _note(hub, batch, "", (), unproved=False)
    was_away = False
    for stream in streams:
        landed = land_stream(hub, batch, stream)
        yield landed.counts
        is_away = isinstance(landed.error, TransientError)
        if landed.ends_source or (is_away and was_away):
            return
        was_away = is_away


def run_stages(hub: Hub) -> dict[str, dict[str, int]]:
    """Run every stage after landing over what is pending; returns counts by stage.

    Live leads come first, with their notices, where records of an initial load wait as well.
    """
    if take_live(hub):
        run_notify(hub)
    counts = run_to_owner(hub) | {"notify": run_notify(hub)}
    close_live(hub)
    return counts


def run_to_owner(
    hub: Hub, say: Callable[[str], None] = lambda _: None
) -> dict[str, dict[str, int]]:
    """Map, match, load and route what is pending; nothing is sent to anyone. Returns counts by stage.

    Args:
        hub: the hub.
        say: told which stage begins.
    """
    counts: dict[str, dict[str, int]] = {}
    for name, stage in (
        ("normalize", run_normalize),
        ("match", run_match),
        ("load", run_load),
        ("route", run_route),
    ):
        say(name)
        counts[name] = stage(hub)
    return counts


def begin(hub: Hub, source: str, *, full: bool = False, run_id: str = "") -> Batch:
    """Open the source's batch, or take up the one that was interrupted.

    The first complete load of a source is bulk: it sends no single alerts, and each owner gets one
    digest. A full read after an undo is bulk too. `run_id` names the Dagster run that asks.

    Raises:
        ConfigError: the source is retired.
    """
    hub.refuse_retired(source)
    finish_interrupted(hub, source)
    with hub.engine.begin() as conn:
        if full:
            store.drop_cursors(conn, source)
        batch = batches.running_batch(conn, source) or batches.reopen(conn, source)
        if batch is not None:
            batches.take_up(conn, batch.id)
        else:
            is_first = not batch_history.has_finished_batch(conn, source)
            is_again = full and batch_history.has_undone_batch(conn, source)
            lane = Lane.BULK if is_first or is_again else Lane.LIVE
            batch = batches.open_batch(conn, source=source, kind="sync", lane=lane.value)
        if run_id:
            batches.note_run(conn, batch.id, run_id)
        return batch


def leave(hub: Hub, batch: Batch) -> None:
    """Say that no process works on the batch; if it is still open, the next sync continues it."""
    with hub.engine.begin() as conn:
        if is_open := batches.leave(conn, batch.id):
            alerts.after_fault(conn, hub, batch.source)
    if is_open:
        deliver_alerts(hub)


def drain(hub: Hub, batch: Batch) -> None:
    """Wait until no record of the batch is left in a queue, and run the stages for those that are.

    Stages take all pending records, so a run of another source can have records of this batch under
    way. Returns after a minute without progress: such records are part of the proof.
    """
    left, since = _unfinished(hub, batch), time.monotonic()
    while left and time.monotonic() - since < _NO_PROGRESS_S:
        run_stages(hub)
        still = _unfinished(hub, batch)
        if still == left:
            hub.clock.sleep(_LOOK_S)
        else:
            left, since = still, time.monotonic()


def _unfinished(hub: Hub, batch: Batch) -> int:
    with hub.engine.begin() as conn:
        return unfinished_n(conn, batch.id)


@dataclass(slots=True)
class StreamLanding:
    """The result of one stream in one run: counts, faults, duration, and requests to the vendor."""

    counts: dict[str, int] = field(
        default_factory=lambda: {"landed": 0, "unchanged": 0, "pages": 0}
    )
    faults: list[Fault] = field(default_factory=list)
    error: Exception | None = None
    seconds: float = 0.0
    requests_n: int = 0

    @property
    def ends_source(self) -> bool:
        """Whether no other stream of the source can be read either."""
        return self.error is not None and ends_source(self.error)


def land_stream(hub: Hub, batch: Batch, stream: Stream) -> StreamLanding:
    """Extract and land one stream's window, then compare it with the vendor's own count.

    Raises no error of the vendor: faults are in the result, and noted with the batch. The cursor of
    an unread part does not move.
    """
    spare_the_program()
    started, landing = time.monotonic(), StreamLanding()
    before_n = hub.requests_n(batch.source)
    is_proved = False
    try:
        _land_window(hub, batch, stream, landing)
        is_proved = True
    except SQLAlchemyError:
        raise  # the hub's own database failed: no fault can be noted there
    except Exception as exc:  # noqa: BLE001  # a stage's edge: even a bug of one ends no other source
        landing.error = exc
        landing.faults.append(fault_of(batch.source, stream.part, exc))
    if landing.error is not None and not isinstance(landing.error, HubError):
        at = where(landing.error)
        log.error("stream_broke", source=batch.source, stream=stream.name, where=at)
    unproved = not is_proved and bool(landing.counts["pages"] or _is_unproved(hub, batch, stream))
    _note(hub, batch, stream.name, landing.faults, unproved=unproved)
    _report(hub, batch, "land", landing.counts, started, stream=stream.name)
    landing.seconds = time.monotonic() - started
    landing.requests_n = hub.requests_n(batch.source) - before_n
    return landing


def _is_unproved(hub: Hub, batch: Batch, stream: Stream) -> bool:
    return bool(window_note(hub, batch, stream.name).get("unproved"))


def _note(hub: Hub, batch: Batch, stream: str, faults: Sequence[Fault], *, unproved: bool) -> None:
    with hub.engine.begin() as conn:
        batches.note_faults(conn, batch.id, stream, faults, unproved=unproved)
    for fault in faults:
        log.info("part_not_read", source=fault.source, part=fault.part, message=fault.sentence)


def faults_of(hub: Hub, batch: Batch) -> list[Fault]:
    """Return what could not be read in the batch, as noted with it."""
    with hub.engine.begin() as conn:
        return batches.faults_noted(conn, batch.id)


def _land_window(hub: Hub, batch: Batch, stream: Stream, landing: StreamLanding) -> None:
    connector = hub.connector(batch.source)
    if all(one.name != stream.name for one in connector.streams()):
        return  # left out by the setting `skip`
    with hub.engine.begin() as conn:
        cursor = store.read_cursor(conn, batch.source, stream.name)
        if not batch_history.has_read(conn, batch.source, stream.name):
            batch = replace(batch, lane=Lane.BULK.value)  # its first load sends no single alerts
    window = connector.window(stream, cursor)
    with hub.engine.begin() as conn:
        begun = batches.begin_window(conn, batch.id, stream.name, since=window.since, cursor=cursor)

    def land(page: Page, *, move_cursor: bool = True) -> None:
        landed = land_page(hub, batch, stream, page, move_cursor=move_cursor)
        landing.counts["landed"] += landed.changed
        if move_cursor:  # a page of a window that is read again was counted before
            landing.counts["unchanged"] += landed.unchanged
        landing.counts["pages"] += 1
        if move_cursor:
            landing.faults += [fault_of(batch.source, p.part, p.error) for p in page.faults]

    if window.since is None and not window.resume and stream.countable:
        _log_forecast(hub, batch, connector.count(stream, None, window.until), stream)
    for page in read_ahead(connector.read(stream, window)):
        land(page)
    if f"{batch.source}/{stream.name}" in hub.mappings:
        whole = replace(window, since=begun.since)
        note = prove_window(hub, batch, stream, whole, lambda page: land(page, move_cursor=False))
        with hub.engine.begin() as conn:
            batches.note_window(conn, batch.id, stream.name, note)
            if note["shortage"]:
                _reopen(conn, batch, stream, begun)
    _refresh(hub, batch, stream, landing, is_complete=window.since is None)


def _refresh(
    hub: Hub, batch: Batch, stream: Stream, landing: StreamLanding, *, is_complete: bool
) -> None:
    """Read silent values again; a fault here leaves the proof of the window as it is."""
    try:
        refreshed = refresh(hub, batch, stream, is_complete=is_complete)
    except HubError as exc:
        landing.faults.append(fault_of(batch.source, stream.name, exc))
    else:
        landing.counts["landed"] += refreshed.landed


def _log_forecast(hub: Hub, batch: Batch, counted: int | None, stream: Stream) -> None:
    """Log how many requests a complete load needs, before it begins."""
    block = getattr(hub.settings.sources, batch.source, None)
    if counted is None or block is None:
        return
    foreseen = forecast(
        hub.engine,
        account_of(batch.source, block),
        counted,
        block.page_size,
        reserve=getattr(block, "daily_reserve", 0.0),
    )
    say = log.info if foreseen.fits else log.warning
    say(
        "budget_forecast",
        source=batch.source,
        stream=stream.name,
        needs=foreseen.needs,
        of=foreseen.of,
        message=str(foreseen),
    )


def _reopen(conn: Connection, batch: Batch, stream: Stream, begun: Begun) -> None:
    """Set the cursor back, so that the next sync reads a window without a proof again."""
    if begun.cursor is None:
        store.drop_cursor(conn, batch.source, stream.name)
    else:
        store.write_cursor(conn, batch.source, stream.name, begun.cursor)


def run_normalize(
    hub: Hub, *, source: str | None = None, stream: str | None = None
) -> dict[str, int]:
    """Normalize what is pending, of one stream or of all."""
    spare_the_program()
    started = time.monotonic()
    totals: dict[str, int] = {}
    for (its_source, its_stream), counts in normalize_pending(
        hub, source=source, stream=stream
    ).items():
        _report(hub, None, "normalize", counts, started, source=its_source, stream=its_stream)
        for name, n in counts.items():
            totals[name] = totals.get(name, 0) + n
    return totals


def run_match(hub: Hub) -> dict[str, int]:
    """Match what is pending: people, and companies."""
    spare_the_program()
    started = time.monotonic()
    take_live(hub)
    counts = match_pending(hub)
    if ask(hub.engine, lambda conn: queue.has_records(conn, queue.COMPANIES)):
        counts |= match_companies(hub)
    _report(hub, None, "match", counts, started)
    return counts


def run_load(hub: Hub) -> dict[str, int]:
    """Connect owners, then fold and load stale entities; most new leads get their owner at once."""
    spare_the_program()
    started = time.monotonic()
    counts = load_pending(hub)
    routed = {name: n for name, n in counts.items() if name == "assigned"}
    loaded = {name: n for name, n in counts.items() if name not in routed}
    report_each(hub, {"load": loaded, "route": routed}, started)
    return counts


def run_route(hub: Hub) -> dict[str, int]:
    """Assign leads without an owner, and write digests of initial loads; call after the loads."""
    spare_the_program()
    started = time.monotonic()
    counts = route_unowned(hub, bulk=True) | write_digests(hub)
    _report(hub, None, "route", counts, started)
    return counts


def run_notify(hub: Hub) -> dict[str, int]:
    """Deliver due notifications."""
    started = time.monotonic()
    counts = deliver_pending(hub)
    _report(hub, None, "notify", counts, started)
    return counts


def _report(
    hub: Hub,
    batch: Batch | None,
    stage: str,
    counts: Mapping[str, int],
    started: float,
    *,
    stream: str | None = None,
    source: str | None = None,
) -> None:
    subject = Subject(batch.id if batch else None, batch.source if batch else source, stream)
    report_each(hub, {stage: counts}, started, subject)


def window_note(hub: Hub, batch: Batch, stream: str) -> dict[str, JsonValue]:
    """Return the notes of a stream's window: bounds, the source's count, a shortage."""
    with hub.engine.begin() as conn:
        return batches.window_note(conn, batch.id, stream)


def waiting(hub: Hub) -> dict[str, int]:
    """Count the records that are left in a queue: none, after a complete sync."""
    with hub.engine.begin() as conn:
        return waiting_n(conn)
