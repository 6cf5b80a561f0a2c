"""Webhooks at `/hooks/<source>`: verified, taken apart into events, stored, then acknowledged."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from hub.clock import Clock
from hub.connectors.webhooks import Delivery, Event
from hub.errors import RecordError
from hub.gateway.answers import Accepted, full, not_stored, refusals, refuse
from hub.gateway.doors import Door, Doors
from hub.gateway.inbox_writer import InboxFullError, InboxWriter, NotWrittenError
from hub.gateway.metrics import Metrics
from hub.landing.inbox import Delivered
from hub.logs import get_logger

log = get_logger()

_Source = Annotated[str, Path(description="Name of the source, such as `typeform`.")]
_ACCEPTED = b'{"status":"accepted"}'
_Secret = Annotated[str, Path(description="The secret of a source whose address has one.")]


class Hooks:
    """Takes deliveries.

    Args:
        doors: whose deliveries are taken.
        writer: of the inbox.
        clock: for the age of signatures.
        metrics: what is counted.
    """

    def __init__(self, doors: Doors, writer: InboxWriter, clock: Clock, metrics: Metrics) -> None:
        self._doors, self._writer, self._clock, self._metrics = doors, writer, clock, metrics

    async def take(self, request: Request, source: str, secret: str = "") -> Response:
        """Answer one delivery."""
        door = self._doors.by_source().get(source)
        if door is None:
            return refuse(request, 404, "unknown_source", "no webhooks are taken at this address")
        if door.is_retired:
            return refuse(request, 410, "retired", "this source is retired; please stop sending")
        delivery = Delivery(
            url=self._doors.url_of(request.scope["raw_path"], request.scope["query_string"]),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.body(),
            path_secret=secret,
            method=request.method,
        )
        return await self._verified(request, door, delivery, self._clock.now())

    async def _verified(
        self, request: Request, door: Door, delivery: Delivery, now: datetime
    ) -> Response:
        refused = door.hook.refusal(delivery, door.secrets, now)
        if refused is not None:
            self._tell(request, door, "refused", reason=refused.reason)
            return refuse(
                request, refused.status, "refused", "the delivery is not proved to be genuine"
            )
        try:
            events = door.hook.events(delivery)
        except RecordError as exc:
            self._tell(request, door, "malformed", reason=exc.message)
            return refuse(request, 400, "malformed", "the body is not a delivery of this source")
        return await self._stored(request, door, events)

    async def _stored(self, request: Request, door: Door, events: Sequence[Event]) -> Response:
        rows = [_row(door.source, one, request.state.request_id) for one in events]
        try:
            new = sum(await self._writer.put(rows))
        except InboxFullError:
            self._tell(request, door, "full")
            return full(request)
        except NotWrittenError:
            self._tell(request, door, "failed")
            return not_stored(request)
        self._metrics.events.labels(door.source).inc(new)
        outcome = "new" if new else "repeated" if rows else "none"
        self._tell(request, door, outcome, events=len(rows), new=new)
        return Response(_ACCEPTED, media_type="application/json")

    def _tell(self, request: Request, door: Door, outcome: str, **values: object) -> None:
        self._metrics.deliveries.labels(door.source, outcome).inc()
        is_bad = outcome in {"refused", "malformed", "full", "failed"}
        say = log.warning if is_bad else log.info
        request_id = request.state.request_id
        say(f"delivery_{outcome}", source=door.source, request_id=request_id, **values)

    def validate(self, request: Request, source: str) -> Response:
        """Answer a GET, which a vendor sends without a secret when its webhook is saved."""
        door = self._doors.by_source().get(source)
        if door is None:
            return refuse(request, 404, "unknown_source", "no webhooks are taken at this address")
        if not door.hook.validates_by_get:
            return refuse(
                request, 405, "method", "this source sends its webhooks by POST", allow="POST"
            )
        return Response(_ACCEPTED, media_type="application/json")


def _row(source: str, event: Event, request_id: str) -> Delivered:
    return Delivered(
        source=source,
        door="hook",
        kind=event.kind,
        stream=event.stream,
        source_id=event.source_id,
        key=event.key,
        at=event.at,
        body=event.body,
        version=event.version,
        is_record=event.is_record,
        correlation_id=request_id,
    )


def hooks_router(hooks: Hooks) -> APIRouter:
    """Return the routes of webhooks."""
    router = APIRouter(tags=["webhooks"])
    said = refusals(401, 404, 410, 429)

    @router.post(
        "/hooks/{source}",
        summary="Take a delivery of a vendor",
        response_model=Accepted,
        responses=said,
    )
    async def take(request: Request, source: _Source) -> Response:
        """Verify the delivery, store its events, and acknowledge after the commit.

        A delivery that comes again is acknowledged, and stored once.
        """
        return await hooks.take(request, source)

    @router.post(
        "/hooks/{source}/{secret}",
        summary="Take a delivery by the address's secret",
        response_model=Accepted,
        responses=said,
    )
    async def take_secret(request: Request, source: _Source, secret: _Secret) -> Response:
        """As above, for a vendor that does not sign: the secret is part of the address."""
        return await hooks.take(request, source, secret)

    got = refusals(404, 405)

    @router.get(
        "/hooks/{source}",
        summary="Show that the address exists",
        response_model=Accepted,
        responses=got,
    )
    async def validate(request: Request, source: _Source) -> Response:
        """Mailchimp asks so when a webhook is saved; other sources get 405."""
        return hooks.validate(request, source)

    @router.get(
        "/hooks/{source}/{secret}",
        summary="Show that the address exists",
        response_model=Accepted,
        responses=got,
    )
    async def validate_secret(request: Request, source: _Source, secret: _Secret) -> Response:  # noqa: ARG001  # not compared: the answer tells nothing of it
        """As above, for an address with a secret; whether it is right is not told."""
        return hooks.validate(request, source)

    return router
