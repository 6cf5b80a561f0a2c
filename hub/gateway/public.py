"""The public application: webhooks, leads, forms and subscriptions."""

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy import Engine
from starlette.exceptions import HTTPException

from hub.clock import Clock
from hub.gateway.answers import refuse
from hub.gateway.bearer import Tokens
from hub.gateway.confirm import Confirmations, confirm_router
from hub.gateway.doors import Doors
from hub.gateway.forms import Forms, forms_router
from hub.gateway.hooks import Hooks, hooks_router
from hub.gateway.inbox_writer import InboxWriter
from hub.gateway.leads import leads_router
from hub.gateway.metrics import Metrics
from hub.gateway.subscriptions import subscriptions_router

_WORDS = {401: "token", 403: "scope", 404: "not_found", 405: "method", 503: "not_stored"}
_OURS = frozenset({401, 403, 503})
"""Statuses of which the application itself gives the sentence."""
_SHOWN = 10


def public_app(
    doors: Doors, writer: InboxWriter, engine: Engine, clock: Clock, metrics: Metrics
) -> FastAPI:
    """Return the application; its description is served by the private listener alone."""
    app = FastAPI(
        title="Lead Hub gateway",
        summary="Webhooks, leads, forms and subscriptions from outside.",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(hooks_router(Hooks(doors, writer, clock, metrics)))
    app.include_router(forms_router(Forms(doors, writer, clock, metrics)))
    app.include_router(confirm_router(Confirmations(doors, writer, clock, metrics)))
    tokens = Tokens(engine)
    app.include_router(leads_router(writer, tokens, clock, metrics))
    app.include_router(subscriptions_router(doors, engine, tokens, clock))

    @app.exception_handler(HTTPException)
    async def refused(request: Request, exc: HTTPException) -> Response:
        code = _WORDS.get(exc.status_code, "refused")
        is_ours = exc.status_code in _OURS
        message = exc.detail if is_ours else "there is nothing for this request at this address"
        return refuse(request, exc.status_code, code, message, **(exc.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, exc: RequestValidationError) -> Response:
        return refuse(request, 422, "invalid", _sentences(exc))

    return app


def _sentences(exc: RequestValidationError) -> str:
    """Say which fields are wrong and why, without any value of the request."""
    said = [
        f"{'.'.join(str(part) for part in error['loc'][1:] if not _is_long(part)) or 'body'}: {error['msg']}"
        for error in exc.errors()[:_SHOWN]
    ]
    return "; ".join(said)


def _is_long(part: object) -> bool:
    """Tell whether a part of a place may be a text of the sender, and no name of ours."""
    return isinstance(part, str) and (len(part) > 64 or not part.isidentifier())  # noqa: PLR2004
