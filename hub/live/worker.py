"""The worker: threads that land what waits in the inbox, take it to its owners, and send notices.

- the *listener*, the thread of the caller, is told of new rows and wakes the lanes
- one *lane* for events that have their record, and one for the hints of each source: so a vendor that
  does not answer holds up its own hints alone
- the *stages* take the live lane to its owners
- the *notices* threads send mail: a slow mail server holds up no lead. One looks, the others help it
- the *subscribers* thread gives each subscription its turn, in a thread of its own (`hub.live.hook_turns`): a slow
  receiver holds up its own events alone
- the *closing* thread closes live batches once a minute, and reports what was done to Dagster's sensor

Each thread goes on after a fault, a little later each time. All state is in the database, so a worker can be
killed at any moment, and any number of them may run side by side.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError

from hub.db.transactions import ask
from hub.errors import HubError
from hub.etl import alerts
from hub.etl.closing import close_live
from hub.etl.collector import spare_the_program
from hub.etl.contain import where
from hub.etl.context import Hub
from hub.etl.live_first import run_live
from hub.etl.notify import deliver_pending
from hub.etl.stage_reports import Subject
from hub.landing import inbox
from hub.landing.inbox import Door
from hub.live.hook_turns import HookTurns
from hub.live.lane import Lane
from hub.live.listening import Listener
from hub.live.post import SENDERS, Post
from hub.live.tally import Tally
from hub.live.vendors import Reader, Vendors
from hub.logs import get_logger
from hub.model import forms, leads
from hub.records import queue

LOOK_S = 2.0
"""Seconds between two looks at the inbox while nothing is heard."""
CLOSE_S = 20.0
"""Seconds between two looks for live batches that are a minute old."""
_AGAIN_S = 0.1
_LANE_S, _STAGES_S, _POST_S, _HELP_S = 60.0, 5.0, 2.0, 60.0
_LONGEST_S = 30.0
_JOIN_S = 8.0
_LOOKS, _LOOK_AGAIN_S = 40, 0.05
log = get_logger()


@dataclass(slots=True)
class _Thread:
    """One thread: it works until nothing is left, then waits for a bell or a time.

    Args:
        name: in the log.
        work: does some work; returns whether there may be more now.
        every_s: seconds after which it looks without a bell.
        stop: set once the worker ends.
        at_end: called in the thread once it has ended its work.
    """

    name: str
    work: Callable[[], bool]
    every_s: float
    stop: threading.Event
    bell: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    at_end: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Start it; a thread of the worker ends with the process."""
        self.thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self.thread.start()

    def ring(self) -> None:
        """Let it look now."""
        self.bell.set()

    def join(self, seconds: float) -> bool:
        """Wait for its end; returns whether it has ended."""
        if self.thread is not None:
            self.thread.join(seconds)
        return self.thread is None or not self.thread.is_alive()

    def _run(self) -> None:
        faults_n = 0
        while not self.stop.is_set():
            self.bell.clear()
            try:
                is_more = self.work()
                faults_n = 0
            except Exception as exc:  # noqa: BLE001  # the edge: a fault ends no thread
                faults_n += 1
                _say(self.name, exc)
                self.stop.wait(min(_LONGEST_S, _AGAIN_S * 2**faults_n))
                continue
            if not is_more:
                self.bell.wait(self.every_s)
        self.at_end()


def _say(name: str, exc: Exception) -> None:
    """Log a fault once; a `HubError` says itself what to do."""
    said = exc.message if isinstance(exc, HubError) else where(exc)
    log.error("worker_fault", thread=name, why=said)


class Worker:
    """The worker of one process.

    Args:
        hub: the hub.
        vendors: read the hints; None opens connections to the vendors.
    """

    def __init__(self, hub: Hub, vendors: Reader | None = None) -> None:
        self._hub = hub
        self._stop = threading.Event()
        self._vendors = vendors or Vendors(hub)
        self._looks = 0
        self._tally = Tally(hub)
        self._stages = self._thread("stages", self._run_stages, _STAGES_S)
        self._helpers = [self._sender(n, _HELP_S) for n in range(2, SENDERS + 1)]
        self._notices = self._sender(1, _POST_S)
        self._subscribers = self._thread("subscribers", self._post, _POST_S)
        self._hooks = HookTurns(hub, lambda: not self._stop.is_set(), self._subscribers.ring)
        self._closing = self._thread("closing", self._close_batches, CLOSE_S)
        self._lanes: dict[Door, _Thread] = {}

    def stop(self) -> None:
        """End soon: what is under way is finished. May be called from a signal handler."""
        self._stop.set()

    def run(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Work until `stop`, or until `goes_on` says no; it is asked every few seconds."""
        spare_the_program()
        listener = Listener(self._hub.engine)
        threads = (
            self._stages, self._notices, *self._helpers, self._subscribers, self._closing,
        )  # fmt: skip
        for one in threads:
            one.start()
        faults_n = 0
        try:
            while not self._stop.is_set() and goes_on():
                try:
                    self._wake()
                    listener.wait(LOOK_S)
                    faults_n = 0
                except Exception as exc:  # noqa: BLE001  # the edge
                    faults_n += 1
                    _say("listener", exc)
                    self._stop.wait(min(_LONGEST_S, _AGAIN_S * 2**faults_n))
        finally:
            self._stop.set()
            listener.close()
            self._end([*threads, *self._lanes.values()])
            self._hooks.close()
            with suppress(HubError, SQLAlchemyError):
                self._tally.report()

    def _thread(self, name: str, work: Callable[[], bool], every_s: float) -> _Thread:
        return _Thread(name, work, every_s, self._stop)

    def _end(self, threads: list[_Thread]) -> None:
        for one in threads:
            one.ring()
        left = [one.name for one in threads if not one.join(_JOIN_S / len(threads))]
        log.info("worker_stopped", left=left)

    def _wake(self) -> None:
        """Ring the lane of each door that has rows; a door's first row starts its lane."""
        for door in ask(self._hub.engine, inbox.due):
            if door not in self._lanes:
                self._lanes[door] = self._open(door)
            self._lanes[door].ring()

    def _open(self, door: Door) -> _Thread:
        lane = Lane(self._hub, door, self._vendors)
        name = f"hints of {door.source}" if door.source else "records"
        made = self._thread(name, lambda: self._land(lane), _LANE_S)
        made.start()
        return made

    def _land(self, lane: Lane) -> bool:
        self._tally.begin()
        done = lane.step()
        if done.changed:
            self._stages.ring()
        for landed in done.landed:
            for (source, stream), (changed, unchanged) in landed.by_place.items():
                counts = {"landed": changed, "unchanged": unchanged}
                self._tally.add("land", counts, Subject(None, source, stream))
        return bool(done.taken)

    def _run_stages(self) -> bool:
        self._tally.begin()
        if any(run_live(self._hub, self._tally.add).values()):
            self._looks = 0
            self._notices.ring()
            self._subscribers.ring()
            return True
        if self._looks < _LOOKS and ask(self._hub.engine, queue.live_waits):
            self._looks += 1  # another process has it in hand
            self._hub.clock.sleep(_LOOK_AGAIN_S)
            return True
        self._looks = 0
        return False

    def _sender(self, number: int, every_s: float) -> _Thread:
        """Return a thread that sends notices; the first one wakes the others when it finds many."""
        post = Post(self._hub, self._hub.clock, self._help if number == 1 else lambda: None)
        made = self._thread(f"notices {number}", lambda: self._send(post), every_s)
        made.at_end = post.close
        return made

    def _help(self) -> None:
        for one in self._helpers:
            one.ring()

    def _send(self, post: Post) -> bool:
        self._tally.begin()
        counts = post.send()
        if counts:
            self._tally.add("notify", counts, Subject())
        return any(counts.values())

    def _post(self) -> bool:
        return self._hooks.step()

    def _close_batches(self) -> bool:
        self._tally.report()
        close_live(self._hub)
        with self._hub.engine.begin() as conn:
            dead = inbox.dead_sources(conn)
            own = {forms.SOURCE, leads.SOURCE, *self._hub.settings.hooks}
            for source in sorted({*self._hub.sources(), *own} - dead):
                alerts.deliveries_well(conn, self._hub, source)
        return False


def run_until_empty(hub: Hub, vendors: Reader | None = None) -> dict[str, int]:
    """Land and load what is due in the inbox, in this thread, and send the notices; returns counts."""
    reader = vendors or Vendors(hub)
    landed = 0
    while doors := ask(hub.engine, inbox.due):
        for door in doors:
            landed += Lane(hub, door, reader).step().taken
    return {"landed": landed, **run_live(hub), **deliver_pending(hub)}
