"""The cheap question: it is quiet when a read would land nothing, and never when it would.

A promise asks for a declared capability of the stream, never for a vendor's name. Each was seen to
fail: `test_broken.py` runs it against a connector that is broken in just this way.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from hub.clock import SystemClock
from hub.connectors.base import Change, Connector, Cursor, News, Probes
from hub.connectors.governor import LocalBudget
from hub.connectors.http import PROMPT, RetryPolicy
from hub.connectors.registry import limits_of
from hub.errors import CredentialError, ForbiddenError, HubError, ProtocolError, TransientError
from tests.conformance.conftest import TIME_SCALE, Vendor, plain_ids, records_of, settle
from tests.conformance.wire import Answer, Call, Forward

HASTY = RetryPolicy(attempts=1, connect_s=0.3, answer_s=0.3)
MOST_LOGINS = 1
_LONGEST_S = 20.0  # no question waits for so long
MOST_ONCE = MOST_LOGINS + 4  # what a process asks once: a login, and what objects are made of


class CountingBudget(LocalBudget):
    """The budget of this process, which also counts the requests.

    The vendor's window is five milliseconds here. A busy machine delays a request for longer, so a
    request counts from its answer, when the vendor has counted it. It is the only one under way.
    """

    taken_n = 0
    paused_s = 0.0

    @contextmanager
    def slot(self) -> Iterator[None]:
        try:
            with super().slot():
                yield
        finally:
            answered = SystemClock().now()
            for log in self._logs.values():
                log[-1:] = [answered] * len(log[-1:])

    def take(self, n: int = 1, *, kind: str = "") -> None:
        self.taken_n += n
        super().take(n, kind=kind)

    def pause(self, seconds: float) -> None:
        self.paused_s = seconds


class Follower:
    """Reads a source as the hub does: it keeps the cursor of each stream, and what has landed."""

    def __init__(self, vendor: Vendor, **settings: Any) -> None:
        self.budget = CountingBudget(
            limits_of(vendor.source), SystemClock(), time_scale=TIME_SCALE / 2
        )
        settings = {"page_size": 100, **settings}
        self.one: Connector = vendor.connect(budget=self.budget, **settings)
        self.asker = vendor.connect(budget=self.budget, retry_policy=PROMPT, **settings)
        self.once_n = MOST_ONCE
        self.cursors: dict[str, Cursor] = {}
        self.landed: dict[str, dict[str, str]] = {}

    def sync(self, only: str = "") -> set[str]:
        """Read each stream once, or one; returns the plain ids of the records that changed."""
        changed: set[str] = set()
        for stream in self.one.streams():
            if only not in {"", stream.name}:
                continue
            landed = self.landed.setdefault(stream.name, {})
            window = self.one.window(stream, self.cursors.get(stream.name))
            for page in self.one.read(stream, window):
                self.cursors[stream.name] = page.cursor
                fresh = [r for r in page.records if landed.get(r.source_id) != r.version]
                changed.update(plain_ids(fresh))
                landed.update({r.source_id: r.version for r in page.records})
        return changed

    def ask(self) -> News:
        """Ask once; the budget has counted as many requests as the answer says."""
        assert isinstance(self.asker, Probes)
        before = self.budget.taken_n
        news = self.asker.news(self.cursors)
        taken_n = self.budget.taken_n - before
        assert 0 <= taken_n - news.requests_n <= self.once_n
        self.once_n = 0 if taken_n else self.once_n
        return news

    def streams_with_news(self) -> set[str]:
        glances = self.ask().glances
        return {name for name, one in glances.items() if one.has_news(self.landed[name])}


def test_each_change_is_news_until_it_was_read(vendor: Vendor):
    follower = Follower(vendor)
    settle()
    loser, winner, changed, gone = (vendor.create(n) for n in range(4))
    settle()
    follower.sync()
    stream = vendor.stream(follower.one)
    assert stream.probed
    assert not follower.streams_with_news()
    happens = {
        Change.CREATED: lambda: vendor.create(9),
        Change.UPDATED: lambda: vendor.event("update", id=changed, values=vendor.case.change(9)),
        Change.MERGED: lambda: vendor.event("merge", id=loser, into=winner),
        Change.DELETED: lambda: vendor.event("delete", id=gone),
    }
    for change, happen in happens.items():
        if change not in stream.probed:
            continue
        id_ = happen()
        settle()
        assert follower.streams_with_news() == {stream.name}, change
        assert {id_, winner} & follower.sync(), change
        assert not follower.streams_with_news(), f"{change} rings on"
    settle()
    assert not follower.streams_with_news(), "what was read rings later"


def test_a_change_that_is_not_due_yet_is_no_news(vendor: Vendor):
    settle()
    follower = Follower(vendor, lag_s=100_000)
    follower.sync()
    vendor.create(1)
    if not vendor.stream(follower.one).bounded:
        pytest.skip("the vendor itself holds back what is not due")
    assert not follower.streams_with_news()


def test_a_record_that_committed_late_is_news(vendor: Vendor):
    follower = Follower(vendor, lag_s=0)
    settle()
    follower.sync()
    vendor.break_by("late_commits")
    late = {vendor.create(n) for n in range(8)}
    # the watermark passes records that cannot be seen yet
    got = follower.sync(only=vendor.name)
    vendor.break_by("")
    settle()
    for _ in range(20):
        if not follower.streams_with_news():
            break
        got |= follower.sync()
    assert late <= got
    assert not follower.streams_with_news()


def test_a_question_is_a_few_requests_and_an_interrupted_read_is_news(vendor: Vendor):
    settle()
    follower = Follower(vendor)
    assert follower.ask().requests_n == 0, "there is nothing to compare with"
    follower.sync()
    follower.ask()  # what an object is made of is read once
    news = follower.ask()
    parts = len({vendor.part(r) for r in _all(follower, vendor)}) if vendor.case.part else 1
    assert 1 <= news.requests_n <= 1 + 2 * max(parts, len(vendor.stream(follower.one).probed))
    assert news.asked_at is not None
    stream = vendor.stream(follower.one)
    small = vendor.connect(budget=follower.budget)
    page = next(small.read(stream, small.window(stream, None)))
    assert "window" in page.cursor
    follower.cursors[stream.name] = page.cursor
    assert stream.name in follower.streams_with_news()


def _all(follower: Follower, vendor: Vendor) -> list[Any]:
    stream = vendor.stream(follower.one)
    return records_of(list(follower.one.read(stream, follower.one.window(stream, None))))


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        ("revoked", (CredentialError,)),
        ("down", (TransientError,)),
        ("hostile", (TransientError, ProtocolError)),
    ],
)
def test_a_vendor_that_gives_no_answer_is_told_at_once(vendor: Vendor, fault, kinds):
    settle()
    follower = Follower(vendor)
    follower.sync()
    vendor.break_by(f"{fault}:{vendor.source}")
    before = follower.budget.taken_n
    with pytest.raises(HubError) as caught:
        follower.ask()
    assert isinstance(caught.value, kinds)
    assert not isinstance(caught.value, ForbiddenError)
    assert follower.budget.taken_n - before <= 1 + MOST_LOGINS, "no second try"


def test_a_forbidden_part_is_named_and_the_others_are_asked(vendor: Vendor):
    settle()
    follower = Follower(vendor)
    follower.sync()
    stream = vendor.stream(follower.one)
    part = vendor.part(_all(follower, vendor)[0])
    vendor.break_by(f"forbidden:{vendor.source}/{part}")
    news = follower.ask()
    assert {fault.part for fault in news.faults} == {part}
    assert all(isinstance(fault.error, ForbiddenError) for fault in news.faults)
    others = {one.name for one in follower.one.streams() if one.probed and one.part != part}
    assert news.glances.keys() >= others
    assert not {n for n, g in news.glances.items() if g.has_news(follower.landed[n])}
    assert stream.name in news.glances or part == stream.part


def test_a_refusal_is_told_and_a_silence_is_given_up(vendor: Vendor):
    settle()
    follower = Follower(vendor)
    follower.sync()
    refusal = vendor.refusal("rate_limit", 429, **{"Retry-After": "40"})

    given_up = threading.Event()

    def refused(call: Call, forward: Forward) -> Answer:
        return refusal if vendor.is_read(call.method, call.path) else forward(call)

    def silent(call: Call, forward: Forward) -> Answer:
        given_up.wait(_LONGEST_S)
        return forward(call)

    for tamper, policy in ((refused, PROMPT), (silent, HASTY)):
        over = vendor.connect_over(tamper, budget=follower.budget, retry_policy=policy)
        assert isinstance(over, Probes)
        with pytest.raises(TransientError):
            over.news(follower.cursors)
        reads = [c for c in vendor.wire.calls if vendor.is_read(c.method, c.path)]
        assert len(reads) <= 1, "it asked again"
    given_up.set()
    assert follower.budget.paused_s > 0
