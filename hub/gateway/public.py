"""The public application: webhooks, leads and forms."""

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from hub.clock import Clock
from hub.gateway.answers import refuse
from hub.gateway.doors import Doors
from hub.gateway.hooks import Hooks, hooks_router
from hub.gateway.inbox_writer import InboxWriter
from hub.gateway.metrics import Metrics

_WORDS = {404: "not_found", 405: "method"}


def public_app(doors: Doors, writer: InboxWriter, clock: Clock, metrics: Metrics) -> FastAPI:
    """Return the application; its description is served by the private listener alone."""
    app = FastAPI(
        title="Lead Hub gateway",
        summary="Webhooks, leads and forms from outside.",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(hooks_router(Hooks(doors, writer, clock, metrics)))

    @app.exception_handler(HTTPException)
    async def refused(request: Request, exc: HTTPException) -> Response:
        code = _WORDS.get(exc.status_code, "refused")
        return refuse(
            request,
            exc.status_code,
            code,
            "there is nothing at this address",
            **(exc.headers or {}),
        )

    return app
