"""Events for subscribers: each subscription in turn, each turn in a thread of its own.

A turn posts what a subscription waits for, the oldest first, one after the other. It ends at the first failure, so a
receiver that is slow or down costs one request a turn, and its own events alone wait. An attempt is counted before it
is made and its result is stored after it: a worker that is killed leaves the event to the next turn, under the same id.
A subscription is claimed by a lock of the worker's session, which ends with the worker. No transaction is open while a
request is under way.
"""

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from hub.crm import hook_subjects
from hub.db.outbox import Claims
from hub.db.transactions import ask
from hub.errors import HubError
from hub.etl import alerts
from hub.etl.context import Core
from hub.logs import get_logger
from hub.model import hook_events, hook_pauses, open_addresses
from hub.model.hook_events import HookEventKind
from hub.model.standard_webhooks import ID, SIGNATURE, TIMESTAMP, signature
from hub.notify.post import GONE, Answer, Poster
from hub.records import hook_deliveries, subscriptions
from hub.records.hook_deliveries import HookDelivery
from hub.records.hook_key import secret_key
from hub.records.subscriptions import Subscription

AT_ONCE = 32
"""Subscriptions that one worker serves at the same time."""
_TURN_S = 20.0
"""Seconds after which a turn ends, so that others have theirs."""
_REST_S = 30.0
"""Seconds for which a subscription is left alone after a fault of the hub itself."""
_AGENT = "Lead-Hub"
_SAID = {word: f"hook_event_{word}" for word in ("delivered", "failed", "given_up", "ended")}
log = get_logger()


def poster_of(core: Core) -> Poster:
    """Return what posts, by the settings."""
    own = core.settings.subscriptions
    return Poster(open_addresses.networks(own.allowed_networks), own.timeout_s)


@dataclass(frozen=True, slots=True)
class _Letter:
    """A delivery that is posted now."""

    delivery: HookDelivery
    url: str
    failures: int
    headers: dict[str, str]
    body: bytes


class Turn:
    """The turn of one subscription.

    Args:
        core: database, clock and settings.
        subscription_id: the subscription, which this worker has claimed.
        poster: posts.
    """

    def __init__(self, core: Core, subscription_id: int, poster: Poster) -> None:
        self._core, self._id, self._poster = core, subscription_id, poster
        self._delivered_at: datetime | None = None

    def run(self, goes_on: Callable[[], bool] = lambda: True) -> Counter[str]:
        """Post what is due; returns counts. Ends after some time, or at the first failure."""
        counts: Counter[str] = Counter()
        until = monotonic() + _TURN_S
        while goes_on() and monotonic() < until:
            with self._core.engine.begin() as conn:
                letter, dropped = self._next(conn)
            counts["dropped"] += dropped
            if letter is None:
                break
            answer = self._poster.post(letter.url, letter.headers, letter.body)
            with self._core.engine.begin() as conn:
                outcome = self._keep(conn, letter, answer)
            counts[outcome] += 1
            if outcome != "delivered":
                return +counts
        with self._core.engine.begin() as conn:
            subscriptions.free(conn, self._id, self._now(), self._delivered_at)
        return +counts

    def _now(self) -> datetime:
        return self._core.clock.now()

    def _next(self, conn: Connection) -> tuple[_Letter | None, int]:
        """Return the next delivery that has something to say, and how many had nothing."""
        own = subscriptions.find(conn, self._id)
        if own is None or own.removed_at is not None:
            return None, 0
        now, dropped = self._now(), 0
        kept = timedelta(hours=self._core.settings.subscriptions.give_up_hours)
        if hook_deliveries.expire(conn, self._id, now, now - kept):
            self._tell_given_up(conn, own.last_error or "they waited too long")
        while (found := hook_deliveries.due(conn, self._id, now)) is not None:
            said = self._said(conn, found)
            if said is not None:
                hook_deliveries.begin(conn, found.id)
                return self._letter(own, found, said), dropped
            hook_deliveries.finish(conn, found.id, "dropped", now, error="its record is gone")
            dropped += 1
        return None, dropped

    def _said(self, conn: Connection, one: HookDelivery) -> dict[str, Any] | None:
        kind, base = HookEventKind(one.event), self._core.settings.public_url
        number = one.lead_id if one.deal_id is None else one.deal_id
        return None if number is None else hook_subjects.read(conn, kind, number, one.facts, base)

    def _letter(self, own: Subscription, one: HookDelivery, said: dict[str, Any]) -> _Letter:
        body = hook_events.body(one.event_id, one.event, one.at, said)
        stamp = str(int(self._now().timestamp()))
        key = secret_key(self._core.settings.home, own.id, own.secret_version)
        headers = {
            "User-Agent": _AGENT,
            ID: one.event_id,
            TIMESTAMP: stamp,
            SIGNATURE: signature(key, one.event_id, stamp, body),
        }
        return _Letter(one, own.url, own.failures, headers, body)

    def _keep(self, conn: Connection, letter: _Letter, answer: Answer) -> str:
        """Store what became of a request; returns the word that counts it."""
        one, now = letter.delivery, self._now()
        attempts = one.attempts + 1
        outcome = self._outcome(conn, letter, answer, now, attempts)
        log.info(
            _SAID[outcome],
            subscription=self._id,
            event_kind=one.event,
            event_id=one.event_id,
            status=answer.status or None,
            attempts=attempts,
        )
        return outcome

    def _outcome(
        self, conn: Connection, letter: _Letter, answer: Answer, now: datetime, attempts: int
    ) -> str:
        one, status = letter.delivery, answer.status or None
        if answer.is_taken:
            hook_deliveries.finish(conn, one.id, "done", now, status=status)
            self._delivered_at = now
            if letter.failures:
                alerts.events_taken(conn, self._core, self._id)
            return "delivered"
        if answer.status == GONE:
            why = "the receiver answered 410: it wants no events any more"
            subscriptions.end(conn, [self._id], why, now)
            hook_deliveries.drop(conn, [self._id], now, why)
            return "ended"
        alone = hook_pauses.alone_s(letter.failures + 1, answer.retry_after_s)
        subscriptions.failed(conn, self._id, answer.why, now + timedelta(seconds=alone))
        pause = hook_pauses.again_s(one.event_id, attempts, answer.retry_after_s)
        kept = timedelta(hours=self._core.settings.subscriptions.give_up_hours)
        again = now + timedelta(seconds=pause)
        if again > one.give_up_from + kept:
            hook_deliveries.finish(conn, one.id, "dead", now, status=status, error=answer.why)
            self._tell_given_up(conn, answer.why)
            return "given_up"
        hook_deliveries.postpone(conn, one.id, again, status=status, error=answer.why)
        return "failed"

    def _tell_given_up(self, conn: Connection, why: str) -> None:
        alerts.events_given_up(conn, self._core, self._id, why)


def _claims(core: Core) -> Claims:
    return Claims(core.engine, "subscription")


def deliver_due(core: Core, poster: Poster | None = None) -> dict[str, int]:
    """Post all that is due now, one subscription after the other, in this thread; returns counts."""
    totals: Counter[str] = Counter()
    posts = poster or poster_of(core)
    with _claims(core) as claims:
        while claimed := claims.take(_due(core), 1):
            totals.update(Turn(core, claimed[0], posts).run())
            claims.free(claimed)
    return dict(totals)


def _due(core: Core) -> list[int]:
    now = core.clock.now()
    return ask(core.engine, lambda conn: subscriptions.due(conn, now))


class HookTurns:
    """The turns of one worker: at most `AT_ONCE` at the same time, each in a thread that ends with it.

    Args:
        core: database, clock and settings.
        goes_on: returns False once the worker ends.
        ring: lets the worker look for more, after a turn.
    """

    def __init__(self, core: Core, goes_on: Callable[[], bool], ring: Callable[[], None]) -> None:
        self._core, self._goes_on, self._ring = core, goes_on, ring
        self._poster = poster_of(core)
        self._claims: Claims | None = None
        self._guard = threading.Lock()
        self._running: set[int] = set()
        self._done: list[int] = []
        self._resting: dict[int, float] = {}

    def step(self) -> bool:
        """Begin the turns that are due; returns whether there may be more now.

        One thread calls it. If the session with the locks is lost, another worker may post the same event
        once more, under the same id.
        """
        with self._guard:
            done, self._done = self._done, []
            self._running.difference_update(done)
            busy = self._running | {
                one for one, until in self._resting.items() if until > monotonic()
            }
            room = AT_ONCE - len(self._running)
        try:
            if done:
                self._session().free(done)
            waiting = [one for one in _due(self._core) if one not in busy]
            claimed = self._session().take(waiting, room) if waiting and room else []
        except SQLAlchemyError:
            self.close()
            raise
        with self._guard:
            self._running.update(claimed)
        for one in claimed:
            name = f"subscription {one}"
            threading.Thread(target=self._turn, args=(one,), name=name, daemon=True).start()
        return False

    def close(self) -> None:
        """Give all subscriptions back."""
        claims, self._claims = self._claims, None
        if claims is not None:
            with suppress(SQLAlchemyError):
                claims.__exit__(None, None, None)

    def _session(self) -> Claims:
        if self._claims is None:
            self._claims = _claims(self._core).__enter__()
        return self._claims

    def _turn(self, subscription_id: int) -> None:
        try:
            Turn(self._core, subscription_id, self._poster).run(self._goes_on)
        except (HubError, SQLAlchemyError) as exc:
            said = exc.message if isinstance(exc, HubError) else type(exc).__name__
            log.error("hook_turn_failed", subscription=subscription_id, why=said)  # noqa: TRY400
            with self._guard:
                self._resting[subscription_id] = monotonic() + _REST_S
        finally:
            with self._guard:
                self._done.append(subscription_id)
            self._ring()
