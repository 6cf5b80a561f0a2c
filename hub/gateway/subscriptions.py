"""Subscriptions: `POST /subscriptions`, `DELETE /subscriptions/{id}`, and samples, with a token of the scope `hooks`.

This is the interface that Zapier calls REST hooks. A token sees and ends its own subscriptions alone. Not here: what is
sent, and when (`hub.live.hook_turns`).
"""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Body, Depends, HTTPException, Path, Request, Response
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from hub.clock import Clock
from hub.crm import hook_subjects
from hub.db.transactions import run_transaction
from hub.errors import HubError
from hub.gateway.answers import refusals, refuse
from hub.gateway.bearer import Tokens, caller_of
from hub.gateway.doors import Doors
from hub.logs import get_logger
from hub.model import hook_events, open_addresses
from hub.model.hook_events import HookEventKind
from hub.model.standard_webhooks import secret_of
from hub.records import hook_deliveries, subscriptions
from hub.records import tokens as stored_tokens
from hub.records.hook_key import secret_key
from hub.records.tokens import HOOKS, Token

log = get_logger()

_BEARER = HTTPBearer(auto_error=False, description="A token of `hub token create --scope hooks`.")
_MOST_ID = 2**63 - 1
T = TypeVar("T")
Number = Annotated[int, Path(ge=1, le=_MOST_ID, description="The id of the subscription.")]


class NewSubscription(BaseModel):
    """What is subscribed to, and where its events go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event: HookEventKind = Field(description="The event.")
    target_url: Annotated[str, StringConstraints(max_length=open_addresses.MOST_URL)] = Field(
        description="The address to which the hub posts each event; https, and of no private network."
    )


class Subscribed(BaseModel):
    """A subscription."""

    model_config = ConfigDict(frozen=True)

    id: int
    event: HookEventKind
    target_url: str


class SubscribedNow(Subscribed):
    """A new subscription, with the secret that signs its events; the secret is not shown again."""

    secret: str = Field(description="`whsec_…`, as Standard Webhooks writes it.")


class Sample(BaseModel):
    """An event as it is posted."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="The same at each attempt.")
    type: HookEventKind
    timestamp: str
    data: dict[str, Any] = Field(description="The record, and what changed.")


class _Refused(Exception):  # noqa: N818  # an answer, not a fault
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def subscriptions_router(doors: Doors, engine: Engine, tokens: Tokens, clock: Clock) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["subscriptions"], dependencies=[Depends(_BEARER)])
    held = _Held(doors, engine, clock)

    async def caller(request: Request) -> Token:
        """Find the token before the body is looked at."""
        return await caller_of(request, tokens, HOOKS)

    @router.post(
        "/subscriptions",
        summary="Subscribe to an event",
        status_code=201,
        response_model=SubscribedNow,
        responses=refusals(401, 403, 409, 422),
    )
    async def subscribe(
        request: Request,
        token: Annotated[Token, Depends(caller)],
        wanted: Annotated[NewSubscription, Body()],
    ) -> Response:
        """Subscribe: each event from now on is posted to the address, signed as Standard Webhooks says."""
        try:
            made = await _work(engine, lambda conn: held.add(conn, token, wanted))
        except _Refused as exc:
            return refuse(request, exc.status, exc.code, exc.message)
        log.info("subscription_made", subscription=made.id, event_kind=made.event.value)
        return _json(made.model_dump(mode="json"), 201)

    @router.get(
        "/subscriptions",
        summary="List the subscriptions of the token",
        response_model=list[Subscribed],
        responses=refusals(401, 403),
    )
    async def listed(token: Annotated[Token, Depends(caller)]) -> Response:
        """Return the subscriptions in force that this token has made."""
        found = await _work(engine, lambda conn: subscriptions.every(conn, token.id))
        return _json([{"id": s.id, "event": s.event, "target_url": s.url} for s in found])

    @router.delete(
        "/subscriptions/{number}",
        summary="Unsubscribe",
        status_code=204,
        response_class=Response,
        responses=refusals(401, 403, 422),
    )
    async def unsubscribe(token: Annotated[Token, Depends(caller)], number: Number) -> Response:
        """End a subscription; one that has ended, or is not the token's, gives the same answer."""
        await _work(engine, lambda conn: held.end(conn, token, number))
        return Response(status_code=204)

    @router.get(
        "/samples/{event}",
        summary="Show the newest records as events",
        response_model=list[Sample],
        responses=refusals(401, 403, 422),
    )
    async def samples(token: Annotated[Token, Depends(caller)], event: HookEventKind) -> Response:  # noqa: ARG001  # only that there is one
        """Return up to three events of the newest records, the newest first: what a subscriber would get."""
        return _json(await _work(engine, lambda conn: held.samples(conn, event)))

    return router


class _Held:
    """What the routes do in a transaction."""

    def __init__(self, doors: Doors, engine: Engine, clock: Clock) -> None:
        self._doors, self._engine, self._clock = doors, engine, clock

    def add(self, conn: Connection, token: Token, wanted: NewSubscription) -> SubscribedNow:
        if not stored_tokens.is_valid(conn, token.id):  # it was looked up some seconds ago
            raise _Refused(401, "token", "the token was revoked")
        self._doors.by_source()  # a changed hub.yaml
        own = self._doors.settings
        allowed = open_addresses.networks(own.subscriptions.allowed_networks)
        if why := open_addresses.refusal(wanted.target_url, allowed):
            raise _Refused(422, "invalid", f"target_url: {why}")
        if subscriptions.in_force_n(conn) >= subscriptions.MOST:
            raise _Refused(
                409, "full", f"the hub has {subscriptions.MOST} subscriptions; end one first"
            )
        made = subscriptions.add(conn, wanted.event, wanted.target_url, token.name, token.id)
        secret = secret_of(secret_key(own.home, made.id, made.secret_version))
        return SubscribedNow(id=made.id, event=wanted.event, target_url=made.url, secret=secret)

    def end(self, conn: Connection, token: Token, number: int) -> None:
        found = subscriptions.find(conn, number)
        if found is None or found.token_id != token.id:
            return
        now, why = self._clock.now(), "unsubscribed"
        hook_deliveries.drop(conn, subscriptions.end(conn, [number], why, now), now, why)

    def samples(self, conn: Connection, event: HookEventKind) -> list[dict[str, Any]]:
        found = hook_subjects.samples(conn, event, self._doors.settings.public_url)
        return [
            hook_events.message(f"sample_{event}_{number}", event, at, said)
            for number, at, said in found
        ]


async def _work(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Do work in a transaction.

    Raises:
        HTTPException: 503, if the database or the hub's home does not take it now.
    """
    try:
        return await run_in_threadpool(run_transaction, engine, work)
    except (SQLAlchemyError, HubError) as exc:
        message = "the hub cannot do this now; try again soon"
        raise HTTPException(503, message, {"retry_after": "5"}) from exc


def _json(document: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(document), status, media_type="application/json")
