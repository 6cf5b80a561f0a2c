"""Decide when to ask a vendor for news, and when to sync its source. Pure, apart from `wanted`.

In: what the database says of a source, the vendor's answer, the state of the runs. Out: whether to start a
sync, why, and one sentence. Not here: questions and connections (`hub.etl.poller`), Dagster (`hub.assets`).

A sync has one of these reasons:

- `first`: the source was never read.
- `news`: the vendor has records that did not land yet.
- `retry`: the last sync failed.
- `refused`: the vendor refuses the question. The sync fails too, and so the refusal is reported.
- `reconcile`: the last read is old. An ordinary sync finds what no question shows: deletions without a
  trace, lists that are read whole, values without a time. It also compares the counts and proves the source.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from hub.connectors.base import Cursor, News
from hub.connectors.governor import Limits
from hub.connectors.windows import iso, parse_time
from hub.errors import HubError, TransientError

SHARE = 0.05
"""The most that questions use of what a vendor allows an account."""
_DAY_S = 86_400
_BACK_OFF_S = (60.0, 120.0, 300.0, 600.0, 900.0)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database says of a source.

    Args:
        is_at_work: whether some process reads the source or works on its records.
        read_at: when the last sync ended well.
        has_failed: whether the last sync failed.
        cursors: of each stream that was read, by its name.
        is_followed: whether hub.yaml lets syncs read it.
    """

    is_at_work: bool
    read_at: datetime | None
    has_failed: bool
    cursors: Mapping[str, Cursor]
    is_followed: bool = True


@dataclass(frozen=True, slots=True)
class Runs:
    """What Dagster says of a source: a job that is under way, and how many syncs failed in a row."""

    active: str = ""
    failed_n: int = 0
    failed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What one look leaves to the next one.

    Args:
        asked_at: when the vendor was asked last.
        requests_n: the requests that the question took.
        turns: the questions that it takes to ask about every part of the source.
        unanswered_n: questions in a row without an answer.
    """

    asked_at: datetime | None = None
    requests_n: int = 1
    turns: int = 1
    unanswered_n: int = 0

    def to_text(self) -> str:
        """Return it as the text that a sensor keeps."""
        kept = (iso(self.asked_at), self.requests_n, self.turns, self.unanswered_n)
        return json.dumps(kept)

    @classmethod
    def of_text(cls, text: str | None) -> "Memory":
        """Return what a sensor kept; nothing for a text of another form."""
        try:
            at, *numbers = json.loads(text or "[]")
            requests_n, turns, unanswered_n = map(int, numbers)
        except (ValueError, TypeError):
            return cls()
        return cls(parse_time(at), requests_n, turns, unanswered_n)


@dataclass(frozen=True, slots=True)
class Look:
    """The result of one look: what to say, why to sync ("" = do not), what to remember."""

    says: str
    memory: Memory
    reason: str = ""


class Asking(Protocol):
    """What a look needs of the poller."""

    def now(self) -> datetime:
        """Return the present."""
        ...

    def standings(self, sources: Sequence[str]) -> Mapping[str, Standing]:
        """Return what the database says of some sources."""
        ...

    def interval_s(self, source: str, requests_n: int) -> float:
        """Return the seconds between two questions that take so many requests."""
        ...

    def ask(self, source: str, standing: Standing) -> tuple[Sequence[str], News]:
        """Return the names of the streams with news, and the vendor's answer."""
        ...


def interval_s(
    wanted_s: float,
    requests_n: int,
    limits: Limits,
    day_limit: int | None,
    *,
    time_scale: float = 1.0,
) -> float:
    """Return the seconds between two questions: as wanted, or more, so that they use `SHARE` at most.

    Args:
        wanted_s: the setting.
        requests_n: requests of one question; each may count against each of the rates.
        limits: of the account.
        day_limit: the requests a day that the vendor reported, None if it did not.
        time_scale: how many times faster than the hub's the vendor's clock runs.
    """
    per_request = [rate.per_s / rate.requests for rate in limits.rates]
    day = day_limit or limits.daily
    per_request += [_DAY_S / day] if day else []
    least = max(per_request, default=0.0) * requests_n / SHARE / time_scale
    return max(wanted_s, least)


def back_off_s(failed_n: int) -> float:
    """Return the seconds to wait after so many failures in a row: a minute, at most fifteen."""
    return _BACK_OFF_S[min(failed_n, len(_BACK_OFF_S)) - 1] if failed_n > 0 else 0.0


def due_together(
    read_at: Mapping[str, datetime | None], now: datetime, every_s: float
) -> list[str]:
    """Return the sources to reconcile in one run: when one is due, also those that soon are.

    Args:
        read_at: the end of each source's last good sync; sources that were never read are left out.
        now: the present.
        every_s: seconds between two reconciling reads.
    """
    ages = {name: (now - at).total_seconds() for name, at in read_at.items() if at is not None}
    if not any(age >= every_s for age in ages.values()):
        return []
    return [name for name, age in ages.items() if age >= every_s * 0.75]


def wanted(asking: Asking, source: str, memory: Memory, standing: Standing) -> Look:
    """Look at a source once, and ask the vendor if that is due; a run that is under way is not looked for.

    Args:
        asking: the poller.
        source: the source.
        memory: of the last look.
        standing: what the database says of the source.
    """
    if not standing.is_followed:
        return Look(f"hub.yaml says that {source} is not followed", memory)
    if standing.is_at_work:
        return Look(f"waits: {source} is being synced", memory)
    if not standing.cursors:
        return Look(f"{source} was never read", memory, "first")
    if standing.has_failed:
        return Look(f"the last sync of {source} failed: it is tried again", memory, "retry")
    return _wait(asking, source, memory) or _asked(asking, source, standing, memory)


def _asked(asking: Asking, source: str, standing: Standing, memory: Memory) -> Look:
    """Return what the vendor's answer says."""
    memory = replace(memory, asked_at=asking.now())
    try:
        found, news = asking.ask(source, standing)
    except TransientError as exc:
        memory = replace(memory, unanswered_n=memory.unanswered_n + 1)
        return Look(f"no answer from {source}: {exc.message}", memory)
    except HubError as exc:
        return Look(f"{source} refuses the question: {exc.message}", memory, "refused")
    memory = Memory(memory.asked_at, max(news.requests_n, 1), news.turns)
    refused = f"; refused: {', '.join(one.part for one in news.faults)}" if news.faults else ""
    if not found:
        marks = [parse_time(one.get("watermark")) for one in standing.cursors.values()]
        since = max((at for at in marks if at is not None), default=None)
        return Look(f"nothing new since {_clock(since)}{refused}", memory)
    streams = f"{len(found)} stream{'s have' if len(found) > 1 else ' has'} news"
    return Look(f"{streams}: {', '.join(found)}{refused}", memory, "news")


def _wait(asking: Asking, source: str, memory: Memory) -> Look | None:
    """Return that it is too early for a question, None if it is time."""
    if memory.asked_at is None:
        return None
    every = asking.interval_s(source, memory.requests_n)
    due_at = memory.asked_at + timedelta(seconds=max(every, back_off_s(memory.unanswered_n)))
    if asking.now() >= due_at - timedelta(seconds=1):  # a sensor's tick is never exact
        return None
    why = (
        f"{memory.unanswered_n} questions had no answer"
        if memory.unanswered_n
        else f"questions use {SHARE:.0%} of the account's requests at most"
    )
    return Look(f"{why}: the next one is due at {_clock(due_at)}", memory)


def started(seen: Look, standing: Standing, runs: Runs, now: datetime) -> Look:
    """Return the look, without a reason if a sync is under way or failed a moment ago."""
    if runs.active:
        return replace(seen, says=f"{seen.says}; waits: {runs.active} is running", reason="")
    has_recovered = runs.failed_at and standing.read_at and standing.read_at > runs.failed_at
    if not runs.failed_n or runs.failed_at is None or has_recovered:
        return seen
    next_at = runs.failed_at + timedelta(seconds=back_off_s(runs.failed_n))
    if now >= next_at:
        return seen
    failed = f"{runs.failed_n} sync{'s' if runs.failed_n > 1 else ''} in a row failed"
    return replace(seen, says=f"{seen.says}; {failed}: next try at {_clock(next_at)}", reason="")


def _clock(at: datetime | None) -> str:
    return f"{at:%H:%M:%S} UTC" if at else "the beginning"
