"""When to ask, and when to sync: each rule of the sensors, without a vendor and without Dagster."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.connectors.base import Glance, News, PartFault
from hub.connectors.governor import Limits, Rate
from hub.connectors.registry import KNOWN, limits_of
from hub.errors import CredentialError, ForbiddenError, HubError, TransientError
from hub.etl import rounds
from hub.etl.polling import (
    SHARE,
    Look,
    Memory,
    Runs,
    Standing,
    back_off_s,
    due_together,
    interval_s,
)
from hub.etl.promise import promise_s
from hub.etl.rounds import Rounds

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
READ = {"leads": {"watermark": "2026-05-01T11:58:00Z"}}
CALM = Standing(
    is_at_work=False, read_at=NOW - timedelta(minutes=2), has_failed=False, cursors=READ
)


def test_questions_use_a_twentieth_of_every_limit() -> None:
    for source in KNOWN:
        for requests_n in (1, 2, 7, 41):
            every = interval_s(60, requests_n, limits_of(source), 15_000)
            for rate in limits_of(source).rates:
                assert requests_n / every <= SHARE * rate.requests / rate.per_s * (1 + 1e-9)
            assert requests_n / every <= SHARE * 15_000 / 86_400 * (1 + 1e-9)
            assert every >= 60


@pytest.mark.parametrize(
    ("wanted", "requests_n", "limits", "day", "scale", "every"),
    [
        (60, 1, Limits(), None, 1.0, 60),
        (60, 1, Limits(), 15_000, 1.0, 115.2),
        (60, 1, Limits(), 100_000, 1.0, 60),
        (60, 2, Limits((Rate("exports", 10, 60.0),)), None, 1.0, 240),
        (60, 2, Limits((Rate("exports", 10, 60.0),)), None, 60.0, 60),
        (60, 21, Limits((Rate("account", 2, 1.0),)), None, 1.0, 210),
        (10, 1, Limits(daily=86_400), None, 1.0, 20),
    ],
)
def test_an_interval_is_stretched(  # noqa: PLR0917  # a table
    wanted: float, requests_n: int, limits: Limits, day: int | None, scale: float, every: float
) -> None:
    assert interval_s(wanted, requests_n, limits, day, time_scale=scale) == pytest.approx(every)


def test_failures_are_waited_out_longer_and_longer_up_to_fifteen_minutes() -> None:
    waits = [back_off_s(n) for n in range(12)]
    assert waits[0] == 0
    assert waits[1] == 60
    assert waits == sorted(waits)
    assert waits[-1] == 900


def test_the_promise_is_lag_interval_and_thirty_seconds() -> None:
    assert promise_s(60, 60) == 150
    assert promise_s(5, 100, turns=3) == 335


def test_sources_are_reconciled_together() -> None:
    ages = {"a": 3600, "b": 2800, "c": 600, "d": None}
    at = {n: None if age is None else NOW - timedelta(seconds=age) for n, age in ages.items()}
    assert due_together(at, NOW, 3600) == ["a", "b"]
    assert due_together({**at, "a": NOW}, NOW, 3600) == []
    assert due_together({}, NOW, 3600) == []


def test_memory_survives_as_text() -> None:
    one = Memory(NOW, 7, 2, 3)
    assert Memory.of_text(one.to_text()) == one
    assert Memory.of_text(Memory().to_text()) == Memory()
    for text in (None, "", "{}", "17", "[1]"):
        assert Memory.of_text(text) == Memory()


@dataclass
class Asked:
    """A poller written by hand."""

    at: Standing = CALM
    says: News | HubError = field(default_factory=lambda: News({}, requests_n=2))
    found: Sequence[str] = ()
    every_s: float = 60
    asked_n: int = 0

    def now(self) -> datetime:
        return NOW

    def standings(self, sources: Sequence[str]) -> Mapping[str, Standing]:
        return dict.fromkeys(sources, self.at)

    def interval_s(self, source: str, requests_n: int) -> float:
        return self.every_s

    def ask(self, source: str, standing: Standing) -> tuple[Sequence[str], News]:
        self.asked_n += 1
        if isinstance(self.says, HubError):
            raise self.says
        return self.found, self.says


def look(asked: Asked, source: str, memory: Memory, runs: Callable[[], Runs]) -> Look:
    """A round of one source."""
    done = Rounds(asked).look({source: memory}, lambda _: runs())
    assert not done.errors
    return done.looks[source]


FAILED = Runs(failed_n=3, failed_at=NOW - timedelta(minutes=1))
REFUSED = CredentialError("GET api.example/x answered 401")


@pytest.mark.parametrize(
    ("asked", "memory", "runs", "reason", "says"),
    [
        (Asked(), Memory(), Runs(), "", "nothing new since 11:58:00 UTC"),
        (Asked(found=["leads"]), Memory(), Runs(), "news", "1 stream has news: leads"),
        (Asked(found=["a", "b"]), Memory(), Runs(), "news", "2 streams have news: a, b"),
        (Asked(found=["a"]), Memory(), Runs("sync_x"), "", "waits: sync_x is running"),
        (Asked(found=["a"]), Memory(), FAILED, "", "3 syncs in a row failed: next try at 12:04:00"),
        (
            Asked(found=["a"]),
            Memory(),
            replace(FAILED, failed_at=NOW - timedelta(minutes=6)),
            "news",
            "has news",
        ),
        (
            Asked(found=["a"], at=replace(CALM, read_at=NOW)),
            Memory(),
            FAILED,
            "news",
            "has news",
        ),
        (Asked(replace(CALM, is_at_work=True)), Memory(), Runs(), "", "waits: x is being synced"),
        (Asked(replace(CALM, cursors={})), Memory(), Runs(), "first", "was never read"),
        (Asked(replace(CALM, has_failed=True)), Memory(), Runs(), "retry", "tried again"),
        (Asked(replace(CALM, has_failed=True)), Memory(), FAILED, "", "next try at 12:04:00"),
        (Asked(says=REFUSED), Memory(), Runs(), "refused", "answered 401"),
        (Asked(says=REFUSED), Memory(), FAILED, "", "next try at 12:04:00 UTC"),
        (
            Asked(says=TransientError("no route")),
            Memory(),
            Runs(),
            "",
            "no answer from x: no route",
        ),
        (Asked(), Memory(NOW - timedelta(seconds=60)), Runs(), "", "nothing new since"),
        (Asked(every_s=240), Memory(NOW - timedelta(seconds=60)), Runs(), "", "due at 12:03:00"),
        (
            Asked(),
            Memory(NOW - timedelta(seconds=60), unanswered_n=3),
            Runs(),
            "",
            "3 questions had no answer: the next one is due at 12:04:00",
        ),
        (
            Asked(says=News({}, [PartFault("forms/F", ForbiddenError("no"))], requests_n=2)),
            Memory(),
            Runs(),
            "",
            "refused: forms/F",
        ),
    ],
)
def test_one_look(asked: Asked, memory: Memory, runs: Runs, reason: str, says: str) -> None:
    seen = look(asked, "x", memory, lambda: runs)
    assert (seen.reason, says in seen.says) == (reason, True), seen.says


def test_a_look_that_need_not_ask_does_not() -> None:
    for at in (
        replace(CALM, is_at_work=True),
        replace(CALM, cursors={}),
        replace(CALM, has_failed=True),
    ):
        asked = Asked(at)
        look(asked, "x", Memory(), Runs)
        assert asked.asked_n == 0
    early = Asked()
    look(early, "x", Memory(NOW - timedelta(seconds=30)), Runs)
    assert early.asked_n == 0


def test_runs_are_only_looked_up_for_a_sync_that_is_to_start() -> None:
    def unexpected() -> Runs:
        raise AssertionError

    assert look(Asked(), "x", Memory(), unexpected).reason == ""


def test_what_is_remembered() -> None:
    def seen(says: Any, memory: Memory) -> Look:
        return look(Asked(says=says), "x", memory, Runs)

    assert seen(News({}, requests_n=5, turns=2), Memory()).memory == Memory(NOW, 5, 2, 0)
    before = Memory(NOW - timedelta(hours=1), 5, 2, 1)
    assert seen(TransientError("no"), before).memory == Memory(NOW, 5, 2, 2)
    glances = News({"a": Glance()}, requests_n=5)
    assert seen(glances, Memory(NOW - timedelta(hours=1), 5, 1, 2)).memory.unanswered_n == 0


@dataclass
class Hanging(Asked):
    """One vendor does not answer until it is released; another breaks the hub."""

    released: threading.Event = field(default_factory=threading.Event)

    def ask(self, source: str, standing: Standing) -> tuple[Sequence[str], News]:
        if source == "slow":
            self.released.wait(20)
        if source == "broken":
            raise ZeroDivisionError
        return super().ask(source, standing)


def test_a_vendor_that_hangs_holds_up_no_other_and_its_answer_is_for_the_next_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rounds, "WAIT_S", 0.2)
    asked = Hanging(found=["leads"])
    both = Rounds(asked)
    known = {"slow": Memory(), "x": Memory(), "broken": Memory()}
    first = both.look(known, lambda _: Runs())
    assert first.looks["x"].reason == "news"
    assert first.looks["slow"].says == "slow has not answered yet"
    assert list(first.errors) == ["broken"]
    assert both.look({"slow": Memory()}, lambda _: Runs()).looks["slow"].reason == ""
    assert asked.asked_n == 1, "an open question is not asked again"
    asked.released.set()
    monkeypatch.undo()
    assert both.look({"slow": Memory()}, lambda _: Runs()).looks["slow"].reason == "news"
    assert asked.asked_n == 2
