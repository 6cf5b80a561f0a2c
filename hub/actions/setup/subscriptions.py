"""Subscriptions: an admin makes, lists and removes them, and sends again what was given up.

Programs subscribe by the gateway (`hub.gateway.subscriptions`), with a token. Here are those of both.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.errors import ActionError, invalid
from hub.model import open_addresses
from hub.model.hook_events import HookEventKind
from hub.model.open_addresses import Network
from hub.model.standard_webhooks import secret_of
from hub.records import hook_deliveries, subscriptions
from hub.records.hook_key import secret_key
from hub.records.subscriptions import Subscription

_RESOURCE = "subscription"
_MOST_SHOWN = 500
STATES = ("pending", "done", "dead", "dropped")


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """A subscription in force, and how it stands.

    Args:
        id: its number.
        event: what is sent.
        receiver: the address without its path, which may be a secret.
        made_by: the token or the user.
        made_at: when.
        waiting: events that are still to be sent.
        given_up: events that no attempt could deliver.
        delivered_at: when its receiver took an event the last time.
        failures: failed requests since then.
        last_error: why the last request failed; null after a success.
    """

    id: int
    event: str
    receiver: str
    made_by: str
    made_at: datetime
    waiting: int
    given_up: int
    delivered_at: datetime | None
    failures: int
    last_error: str | None


@dataclass(frozen=True, slots=True)
class NewSubscription:
    """A new subscription, or one with a new secret.

    Args:
        id: its number.
        event: what is sent.
        secret: signs what is sent.
    """

    id: int
    event: str
    secret: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """An event of a subscription.

    Args:
        event_id: the id that the receiver gets, at each attempt.
        event: such as lead.created.
        record: lead/12, deal/7.
        at: when it happened.
        state: pending; done; dead: given up; dropped: nothing to send any more.
        attempts: requests so far.
        next_at: of a pending one, when it is due.
        status: of the last answer.
        error: why the last request failed.
    """

    event_id: str
    event: str
    record: str
    at: datetime
    state: str
    attempts: int
    next_at: datetime | None
    status: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many events are sent again."""

    id: int
    events: int


@dataclass(frozen=True, slots=True)
class Removed:
    """A subscription that was removed, and how many waiting events were dropped with it."""

    id: int
    event: str
    dropped: int


def add(
    ctx: Context, url: str, event: str, *, home: Path, allowed: tuple[Network, ...]
) -> NewSubscription:
    """Send an event to an address from now on.

    Args:
        ctx: the actor, in an open transaction.
        url: the address.
        event: one of `HookEventKind`.
        home: of the hub; has the key of the secrets.
        allowed: private networks that hub.yaml allows.

    Raises:
        ActionError: there is no such event, the address may not be called, or there are too many.
        ConfigError: the key of the secrets cannot be used.
    """
    require(ctx, Right.SET_UP)
    try:
        kind = HookEventKind(event)
    except ValueError as exc:
        known = ", ".join(HookEventKind)
        raise invalid(
            _RESOURCE, "event", f"there is no event {event!r}", f"events: {known}"
        ) from exc
    if why := open_addresses.refusal(url, allowed):
        hint = "subscriptions.allowed_networks in hub.yaml allows a private network"
        raise invalid(_RESOURCE, "url", f"{open_addresses.shown(url)}: {why}", hint)
    if subscriptions.in_force_n(ctx.conn) >= subscriptions.MOST:
        raise ActionError(
            f"there are {subscriptions.MOST} subscriptions, and the hub takes no more",
            resource=_RESOURCE, code="conflict", hint="hub subscription remove ends one",
        )  # fmt: skip
    made = subscriptions.add(ctx.conn, kind, url, ctx.who, None)
    return _with_secret(made, home)


def listed(ctx: Context) -> list[SubscriptionState]:
    """Return the subscriptions in force."""
    require(ctx, Right.SET_UP)
    counts = hook_deliveries.counts(ctx.conn)
    return [
        SubscriptionState(
            one.id,
            one.event,
            open_addresses.shown(one.url),
            one.made_by,
            one.made_at,
            *counts.get(one.id, (0, 0)),
            one.delivered_at,
            one.failures,
            one.last_error,
        )
        for one in subscriptions.every(ctx.conn)
    ]


def remove(ctx: Context, number: int) -> Removed:
    """End a subscription; what still waits is dropped. One that has ended stays as it is.

    Raises:
        ActionError: there is no such subscription.
    """
    require(ctx, Right.SET_UP)
    found = _found(ctx, number)
    now, why = ctx.clock.now(), f"removed by {ctx.who}"
    ended = subscriptions.end(ctx.conn, [number], why, now)
    return Removed(number, found.event, hook_deliveries.drop(ctx.conn, ended, now, why))


def deliveries(ctx: Context, number: int, state: str | None = None) -> list[Delivered]:
    """Return the newest events of a subscription.

    Raises:
        ActionError: there is no such subscription or state.
    """
    require(ctx, Right.SET_UP)
    if state is not None and state not in STATES:
        raise invalid(
            _RESOURCE, "state", f"there is no state {state!r}", f"states: {', '.join(STATES)}"
        )
    _found(ctx, number)
    found = hook_deliveries.listed(ctx.conn, number, [state] if state else [], _MOST_SHOWN)
    return [
        Delivered(
            one.event_id,
            one.event,
            f"deal/{one.deal_id}" if one.lead_id is None else f"lead/{one.lead_id}",
            one.at,
            one.state,
            one.attempts,
            one.not_before if one.state == "pending" else None,
            one.last_status,
            one.last_error,
        )
        for one in found
    ]


def replay(ctx: Context, number: int, event_id: str | None = None) -> Replayed:
    """Send again what was given up, or one event that was given up or taken. The ids of events stay.

    Raises:
        ActionError: there is no such subscription, it has ended, or it has no such event.
    """
    require(ctx, Right.SET_UP)
    found = _found(ctx, number)
    if found.removed_at is not None:
        raise ActionError(
            f"subscription {number} has ended: {found.removed_why}",
            resource=_RESOURCE, code="conflict", hint="hub subscription add makes a new one",
        )  # fmt: skip
    now = ctx.clock.now()
    n = hook_deliveries.replay(ctx.conn, number, now, event_id)
    if event_id is not None and not n:
        raise ActionError(
            f"subscription {number} has no event {event_id!r} that could be sent again",
            resource=_RESOURCE, code="not_found", hint=f"hub subscription deliveries {number} shows them",
        )  # fmt: skip
    if n:
        subscriptions.wake(ctx.conn, [number], now)
    return Replayed(number, n)


def secret(ctx: Context, number: int, *, home: Path, renew: bool = False) -> NewSubscription:
    """Return the secret of a subscription; a new one if it is asked for.

    Raises:
        ActionError: there is no such subscription.
        ConfigError: the key of the secrets cannot be used.
    """
    require(ctx, Right.SET_UP)
    _found(ctx, number)
    if renew:
        subscriptions.renew(ctx.conn, number)
    return _with_secret(_found(ctx, number), home)


def _with_secret(one: Subscription, home: Path) -> NewSubscription:
    key = secret_key(home, one.id, one.secret_version)
    return NewSubscription(one.id, one.event, secret_of(key))


def _found(ctx: Context, number: int) -> Subscription:
    found = subscriptions.find(ctx.conn, number)
    if found is None:
        raise ActionError(
            f"there is no subscription {number}", resource=_RESOURCE, code="not_found",
            hint="hub subscription list shows them",
        )  # fmt: skip
    return found
