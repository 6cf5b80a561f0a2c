"""The demo after its summary: new records keep arriving, and each new lead has an owner in seconds.

Dagster runs its schedules beside it. A launched Dagster run costs seconds, so what has just come in
takes the short way, in this process.
"""

import itertools
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import requests
from sqlalchemy import text

from hub.cli.dagster import Dagster
from hub.cli.output import stdout
from hub.cli.session import opened
from hub.clock import SystemClock
from hub.db.engine import Database
from hub.errors import TransientError
from hub.etl import flow
from hub.etl.context import Hub
from hub.sandbox.live import live_events, live_sources

_PAUSE_S = 1.0
_SETTLE_S = 2.0  # more than the connectors' lag at the demo's time scale
_LEAD_RATING = 4
_BECAME = {
    "created": "new person, not a lead by the mapping's rule",
    "merged": "duplicate of a known person",
}
_CLOCK = SystemClock()
_TURNS = text("""
SELECT a.id, a.lead_id, a.owner_email, a.reason, coalesce(l.lead_source LIKE 'Form/%', false) AS is_form,
  extract(epoch FROM a.at - l.created_at) AS seconds
FROM reporting.assignments a LEFT JOIN crm.lead l ON l.id = a.lead_id
WHERE a.id > :last ORDER BY a.id
""")
_LAST = text("SELECT coalesce(max(id), 0) FROM reporting.assignments")


def events_in_turn(seed: int, universe: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield live events of every source in turn, so that each source is seen.

    Of Mailchimp's members the recognisable ones: by the shipped mapping the others are no leads.
    """
    events = live_events(seed, universe)
    for source in itertools.cycle(sorted(live_sources(universe))):
        yield next(e for e in events if e["source"] == source and _stands_out(e))


def _stands_out(event: Mapping[str, Any]) -> bool:
    rating = event["values"].get("member_rating", _LEAD_RATING)
    return bool(rating >= _LEAD_RATING)


def arrive(dagster: Dagster, config: Path, control: str, seed: int) -> NoReturn:
    """Send new records until Ctrl-C, and print the owner of each new lead.

    Raises:
        HubError: a process ended too often.
    """
    universe = requests.get(f"{control}/universe", timeout=30).json()
    with opened(config) as (hub, database, _settings):
        last = _last(database)
        for event in events_in_turn(seed, universe):
            dagster.check()
            started = time.monotonic()
            requests.post(f"{control}/events", json=event, timeout=10).raise_for_status()
            _CLOCK.sleep(_SETTLE_S)
            try:
                last = _take_in(hub, database, event["source"], started, last)
            except TransientError as exc:  # PostgreSQL was killed: it is started again
                say_line(f"{exc.message}; the demo goes on")
            _CLOCK.sleep(_PAUSE_S)
    raise AssertionError("the events have no end")


def _last(database: Database) -> int:
    with database.engine.begin() as conn:
        return int(conn.execute(_LAST).scalar_one())


def _take_in(hub: Hub, database: Database, source: str, started: float, last: int) -> int:
    """Sync a source, and print the turns since the last one, those of the form too; returns the last turn."""
    report = flow.sync(hub, [source])
    for told in (*report.stopped.values(), *(fault.sentence for fault in report.faults)):
        say_line(f"{source:<11} {told}")  # as with `--faults`: the next sync continues
    with database.engine.begin() as conn:
        turns = conn.execute(_TURNS, {"last": last}).all()
    for turn in turns:
        name, took = f"lead {turn.lead_id} → {turn.owner_email}", time.monotonic() - started
        if turn.is_form:
            say_line(
                f"{'form':<11} {name} after {turn.seconds:.1f} s: {turn.reason}; its card: hub lead show {turn.lead_id}"
            )
        else:
            say_line(f"{source:<11} {name}, notified after {took:.1f} s")
    if all(turn.is_form for turn in turns):
        say_line(f"{source:<11} {_became(report)}")
    return max(last, *(int(turn.id) for turn in turns)) if turns else last


def _became(report: flow.SyncReport) -> str:
    """Say what became of records that gave no new lead."""
    counts: dict[str, int] = {}
    for entry in report.ledgers:
        for verdict, n in entry.verdicts.items():
            if verdict != "unchanged":
                counts[verdict] = counts.get(verdict, 0) + n
    words = [f"{n} {_BECAME.get(verdict, verdict)}" for verdict, n in sorted(counts.items())]
    return f"no new lead: {', '.join(words) or 'no new record'}"


def say_line(words: str) -> None:
    """Print a line with the time."""
    now: datetime = _CLOCK.now().astimezone()
    stdout.print(f"{now:%H:%M:%S}  {words}", highlight=False, markup=False, soft_wrap=True)
