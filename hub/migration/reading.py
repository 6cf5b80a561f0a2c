"""Read the ranges of a migration: store each page with its position, and count each range again.

A range whose count differs from what was read is read a second time from its beginning. It is `short` if
it differs again. A fault of one range stops no other range. A used-up quota ends the call: the next call
continues. Each range has a lock, so that the command line and Dagster can read a source side by side.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from threading import Lock

from hub.connectors.base import Page, PartFault, Range, Stream
from hub.db.locks import only_one
from hub.errors import BudgetError, HubError
from hub.etl.ahead import read_ahead
from hub.etl.contain import ends_source
from hub.etl.context import Hub
from hub.etl.erased import Gate
from hub.landing import planned
from hub.landing.planned import Kept
from hub.logs import get_logger
from hub.migration.parts import Parts
from hub.migration.planning import faults_of, streams_of, window_of
from hub.migration.side_by_side import SideBySide
from hub.model.faults import Fault
from hub.records import migrations
from hub.records.migrations import Migration, RangeState

log = get_logger()
OPEN = ("open", "short", "failed")
"""States of a range that the next call reads again."""
_TRIES = 2


@dataclass(frozen=True, slots=True)
class Progress:
    """One page that was stored.

    Args:
        stream: of the source.
        records: on the page.
        expected: records of the stream in all, by the vendor's count when it was planned.
    """

    stream: str
    records: int
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """How a call ended.

    Args:
        unproven: the ranges that are not proven.
        paused: the message of a used-up quota; "" if there is quota left.
        faults: the streams that could not be planned.
    """

    unproven: Sequence[RangeState]
    paused: str = ""
    faults: Sequence[Fault] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every stream was planned, and every range read and proven."""
        return not (self.unproven or self.paused or self.faults)


def read(hub: Hub, found: Migration, on_page: Callable[[Progress], None] = lambda _: None) -> Read:
    """Read every range that is not proven yet; one that another process reads comes last.

    As many ranges are read at once as the vendor allows one process (`ReadsSideBySide`).

    Args:
        hub: the hub.
        found: the migration, planned.
        on_page: told of each page that was stored, by one thread at a time.

    Raises:
        CredentialError: the vendor refuses the credentials.
    """
    parts = Parts(hub.connector(found.batch.source))
    order = {one.name: n for n, one in enumerate(streams_of(parts, found))}
    ranges = _ranges(hub, found)
    todo = [one for one in ranges if one.state in OPEN and one.stream in order]
    todo.sort(key=lambda one: (order[one.stream], one.key))
    for waits in (False, True):
        some = _Pass(hub, found, SideBySide(todo), _expected(ranges), on_page, waits=waits)
        some.run(parts.side_by_side(len(todo)))
        if some.paused is not None:
            return Read(_unproven(hub, found), some.paused, faults_of(hub, found))
        todo = sorted(some.left, key=lambda one: (order[one.stream], one.key))
    return Read(_unproven(hub, found), faults=faults_of(hub, found))


class _Pass:
    """One pass over some ranges.

    Args:
        hub: the hub.
        found: the migration.
        ranges: to read.
        expected: records of each stream by the vendor's count.
        on_page: told of each page.
        waits: whether to wait for a range that another process reads.
    """

    def __init__(
        self,
        hub: Hub,
        found: Migration,
        ranges: SideBySide[RangeState],
        expected: Mapping[str, int | None],
        on_page: Callable[[Progress], None],
        *,
        waits: bool,
    ) -> None:
        self._hub, self._found, self._ranges = hub, found, ranges
        self._expected, self._on_page, self._waits = expected, on_page, waits
        self._lock = Lock()
        self.left: list[RangeState] = []
        self.paused: str | None = None

    def run(self, readers: Sequence[Parts]) -> None:
        """Read the ranges, each by one of the readers; a used-up quota ends all of them."""
        self._ranges.run([partial(self._read, one) for one in readers])

    def _read(self, parts: Parts, wanted: RangeState) -> bool:
        state = read_range(
            self._hub, parts, self._found, wanted, self._told,
            waits=self._waits, expected=self._expected.get(wanted.stream),
        )  # fmt: skip
        if state is None:
            self.left.append(wanted)
        elif state.state == "open":
            self.paused = state.reason or ""
            return False
        return True

    def _told(self, progress: Progress) -> None:
        with self._lock:
            self._on_page(progress)
        self._ranges.check()


def read_range(
    hub: Hub,
    parts: Parts,
    found: Migration,
    wanted: RangeState,
    on_page: Callable[[Progress], None] = lambda _: None,
    *,
    waits: bool = True,
    expected: int | None = None,
) -> RangeState | None:
    """Read one range and prove it, unless it is proven; several processes may read several ranges.

    Args:
        hub: the hub.
        parts: of the source.
        found: the migration, planned.
        wanted: the range.
        on_page: told of each page that was stored.
        waits: whether to wait while another process reads the range.
        expected: records of the stream in all, by the vendor's count.

    Returns:
        The range as it is afterwards: proven, short or failed; open if the quota is used up. None if
        another process reads it.

    Raises:
        CredentialError: the vendor refuses the credentials.
    """
    name = f"range:{found.batch.id}:{wanted.stream}:{wanted.key}"
    with only_one(hub.engine, name, waits=waits) as is_ours:
        if not is_ours:
            return None
        now = _range(hub, found, wanted)
        stream = parts.stream(wanted.stream)
        if now.state not in OPEN or stream is None:
            return now
        _try(_Reader(hub, parts, found, stream, now, on_page, expected))
        return _range(hub, found, wanted)


def _try(reader: "_Reader") -> None:
    """Read a range; an error that concerns the range alone is its state."""
    try:
        reader.run()
    except BudgetError as exc:
        reader.note("open", reason=exc.message)
    except HubError as exc:
        reader.note("failed", reason=exc.message)
        state = reader.state
        log.info("range_failed", stream=state.stream, range=state.key, message=exc.message)
        if ends_source(exc):
            raise


def _range(hub: Hub, found: Migration, wanted: RangeState) -> RangeState:
    with hub.engine.begin() as conn:
        return migrations.range_named(conn, found.batch.id, wanted.stream, wanted.key)


def _ranges(hub: Hub, found: Migration) -> list[RangeState]:
    with hub.engine.begin() as conn:
        return migrations.ranges(conn, found.batch.id)


def _expected(ranges: Sequence[RangeState]) -> dict[str, int | None]:
    """Return the objects of each stream by the vendor's count; None where one range has none."""
    totals: dict[str, int | None] = {}
    for one in ranges:
        had = totals.get(one.stream, 0)
        totals[one.stream] = None if had is None or one.planned_n is None else had + one.planned_n
    return totals


def _unproven(hub: Hub, found: Migration) -> list[RangeState]:
    return [one for one in _ranges(hub, found) if one.state != "proven"]


@dataclass(frozen=True, slots=True)
class _Reader:
    """One range that is read."""

    hub: Hub
    parts: Parts
    found: Migration
    stream: Stream
    state: RangeState
    on_page: Callable[[Progress], None]
    expected: int | None

    @property
    def part(self) -> Range:
        return Range(self.state.key, self.state.low, self.state.high)

    def run(self) -> None:
        """Read the range and compare the counts; once more from the beginning if they differ."""
        window = window_of(self.found, self.stream.name)
        resume = self.state.cursor if self.state.state == "open" else None
        if resume is None:
            self._restart()
        counted, read_n = None, 0
        for tried in range(_TRIES):
            if tried:
                self._restart()
                resume = None
            pages = self.parts.read(self.stream, window, self.part, resume)
            refused: list[PartFault] = []
            for page in read_ahead(pages):
                self._store(page)
                refused += page.faults
            kept = self._kept(window.since)
            counted = self.parts.count(self.stream, window, self.part)
            read_n = kept.objects if self.parts.counts_gone(window) else kept.objects - kept.gone
            if refused:
                reason = "; ".join(f"{one.part}: {one.error.message}" for one in refused)
                self.note("failed", counted=counted, read_n=read_n, reason=reason)
                return
            # an object that changes after it was read leaves the span of a delta
            if counted is None or counted == read_n or (window.since and counted < read_n):
                self.note("proven", counted=counted, read_n=read_n, reason=None)
                return
        self.note(
            "short",
            counted=counted,
            read_n=read_n,
            reason=f"the source counted {counted}, handed out {read_n}",
        )

    def note(self, state: str, **values: object) -> None:
        """Store the state of the range."""
        with self.hub.engine.begin() as conn:
            migrations.update_range(
                conn, self.found.batch.id, self.stream.name, self.state.key, state=state, **values
            )

    def _restart(self) -> None:
        number, own = self.found.batch.id, (self.stream.name, self.state.key)
        with self.hub.engine.begin() as conn:
            planned.drop_range(conn, number, *own)
            migrations.update_range(conn, number, *own, state="open", cursor=None)

    def _store(self, page: Page) -> None:
        source, number = self.found.batch.source, self.found.batch.id
        own = (self.stream.name, self.state.key)
        with self.hub.engine.begin() as conn:
            gate = Gate.of(conn, self.hub.settings.home)
            blocked = gate.blocked_ids(conn, page.records, source, own[0]) if gate else {}
            planned.keep(
                conn, page.records, batch_id=number, stream=own[0], key=own[1], blocked=blocked
            )
            migrations.update_range(conn, number, *own, cursor=dict(page.cursor))
        self.on_page(Progress(self.stream.name, len(page.records), self.expected))

    def _kept(self, since: datetime | None) -> Kept:
        number, name = self.found.batch.id, self.stream.name
        with self.hub.engine.begin() as conn:
            return planned.count(conn, number, name, self.state.key, since)
