"""The lead endpoint: `POST /leads` with a token of the scope `ingest`."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, HTTPException, Request, Response
from fastapi.security import HTTPBearer

from hub.clock import Clock
from hub.gateway.answers import Accepted, full, not_stored, refusals
from hub.gateway.bearer import Tokens, caller_of
from hub.gateway.inbox_writer import InboxFullError, InboxWriter, NotWrittenError
from hub.gateway.lead import Lead, delivered
from hub.gateway.metrics import Metrics
from hub.logs import get_logger
from hub.model.leads import SOURCE
from hub.records.tokens import INGEST, Token

log = get_logger()

_LATER = 503
_ACCEPTED = b'{"status":"accepted"}'
_BEARER = HTTPBearer(auto_error=False, description="A token of `hub token create`.")


def leads_router(writer: InboxWriter, tokens: Tokens, clock: Clock, metrics: Metrics) -> APIRouter:
    """Return the route."""
    router = APIRouter(tags=["leads"])

    async def caller(request: Request) -> Token:
        """Find the token before the body is looked at."""
        try:
            return await caller_of(request, tokens, INGEST)
        except HTTPException as exc:
            if exc.status_code != _LATER:
                metrics.deliveries.labels(SOURCE, "refused").inc()
            raise

    @router.post(
        "/leads",
        summary="Add a lead",
        status_code=202,
        response_model=Accepted,
        responses=refusals(401, 403, 422, 429),
        dependencies=[Depends(_BEARER)],
    )
    async def add(
        request: Request, token: Annotated[Token, Depends(caller)], lead: Annotated[Lead, Body()]
    ) -> Response:
        """Store the lead, and acknowledge after the commit.

        The answer is the same whether the hub knows the person or not. The values fill blanks, and
        never change what the team or a trusted source has said.
        """
        request_id: str = request.state.request_id
        event = delivered(
            lead, token=(token.id, token.name), now=clock.now(), request_id=request_id
        )
        try:
            (is_new,) = await writer.put([event])
        except InboxFullError:
            metrics.deliveries.labels(SOURCE, "full").inc()
            return full(request)
        except NotWrittenError:
            metrics.deliveries.labels(SOURCE, "failed").inc()
            return not_stored(request)
        metrics.deliveries.labels(SOURCE, "new" if is_new else "repeated").inc()
        metrics.events.labels(SOURCE).inc(int(is_new))
        log.info("lead_accepted", token=token.name, new=is_new, request_id=request_id)
        return Response(_ACCEPTED, 202, media_type="application/json")

    return router
