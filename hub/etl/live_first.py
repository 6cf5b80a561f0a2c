"""Take live records the whole way before records of an initial load or a migration.

A stage takes all that waits, so a lead that arrives now would wait until each stage has ended for thousands
of records. Here only the live lane is mapped, matched, loaded and routed.

`take_live` is for the stages: nothing happens unless records of both lanes wait, and what is left of the
live lane (companies, deals, activities) goes with the stages. `run_live` is for the worker: it takes
everything of the live lane, and never a record of the other one.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping

from hub.db.transactions import ask
from hub.etl.companies import match_companies
from hub.etl.context import Hub
from hub.etl.load import load_live, load_live_companies
from hub.etl.match import match_pending
from hub.etl.normalize import normalize_pending
from hub.etl.route import route_unowned
from hub.etl.stage_reports import Subject
from hub.etl.unmatched import RELATED, load_owners, load_related, load_tickets
from hub.records import folding, queue
from hub.records.companies import ORGANISATION

_MOST_S, _LOOK_S = 1.0, 0.02
_ALL = Subject()


def take_live(hub: Hub) -> bool:
    """Take live people to their owners, if bulk records wait too; returns whether there were any.

    A record that another process has in hand is looked for again, for a second at most. No more time is
    given to leads that keep arriving: the bulk must go on, and a worker has them in hand.
    """
    is_taken, until = False, time.monotonic() + _MOST_S
    while time.monotonic() < until and ask(hub.engine, queue.both_lanes_wait):
        if is_taken:
            hub.clock.sleep(_LOOK_S)
        normalize_pending(hub, only_live=True)
        match_pending(hub, only_live=True)
        load_live(hub, ask(hub.engine, folding.live_stale))
        route_unowned(hub, bulk=False)
        is_taken = True
    return is_taken


Report = Callable[[str, Mapping[str, int], Subject], None]
"""Is told what a stage has done, and of which stream if it is of one."""


def run_live(hub: Hub, report: Report = lambda *_: None) -> Mapping[str, int]:
    """Take what waits of the live lane as far as it gets now; returns counts, none if nothing waited.

    A record that another process has in hand is left to that process: call again a moment later.
    """
    waits = ask(hub.engine, queue.live_waits)
    if not waits:
        return {}
    counts: Counter[str] = Counter()

    def say(stage: str, done: Mapping[str, int], subject: Subject = _ALL) -> None:
        counts.update(done)
        report(stage, done, subject)

    if queue.NORMALIZE in waits:
        for (source, stream), done in normalize_pending(hub, only_live=True).items():
            say("normalize", done, Subject(None, source, stream))
        waits |= ask(hub.engine, queue.live_waits)
    if queue.MATCH in waits:
        say("match", match_pending(hub, only_live=True))
    if queue.COMPANIES in waits:
        say("match", match_companies(hub, only_live=True))
    say("load", _loaded(hub, waits))
    say("route", route_unowned(hub, bulk=False))
    return counts


def _loaded(hub: Hub, waits: frozenset[str]) -> Counter[str]:
    """Load in the order of `hub.etl.load.load_pending`."""
    counts: Counter[str] = Counter()
    if queue.OWNERS in waits:
        counts.update(load_owners(hub, only_live=True))
    if queue.TICKETS in waits:
        counts.update(load_tickets(hub, only_live=True))
    if waits & {queue.COMPANIES, ORGANISATION}:
        ids = ask(hub.engine, lambda conn: folding.live_stale(conn, ORGANISATION))
        counts.update(load_live_companies(hub, ids))
    if ids := ask(hub.engine, folding.live_stale):
        counts.update(load_live(hub, ids))
    if waits & {*RELATED}:
        counts.update(load_related(hub, only_live=True))
        if ids := ask(hub.engine, folding.live_stale):
            counts.update(load_live(hub, ids))
    return counts
