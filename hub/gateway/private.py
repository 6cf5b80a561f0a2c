"""The private application, on the loopback address: health, readiness, metrics, the public API's description."""

from collections.abc import Callable

from fastapi import FastAPI, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from hub.gateway.metrics import Metrics
from hub.landing.inbox import Depth


class State(BaseModel):
    """The state of the gateway."""

    model_config = ConfigDict(frozen=True)

    status: str = Field(description="`ok`, or a sentence that says what is wrong.")
    waiting: int | None = Field(None, description="Events that wait in the inbox.")


def private_app(
    public: FastAPI,
    metrics: Metrics,
    depth: Callable[[], Depth],
    most_waiting: int,
    is_stopping: Callable[[], bool],
) -> FastAPI:
    """Return the application.

    Args:
        public: the application that is described.
        metrics: what is counted.
        depth: asks the database for the depth of the inbox.
        most_waiting: events in the inbox from which on the gateway refuses new ones.
        is_stopping: whether the gateway takes no new requests any more.
    """
    app = FastAPI(
        title="Lead Hub gateway, private", docs_url=None, redoc_url=None, openapi_url=None
    )

    @app.get("/healthz")
    async def healthz() -> State:
        """Say that the process works."""
        return State(status="ok")

    @app.get("/readyz")
    async def readyz(response: Response) -> State:
        """Say whether the gateway takes requests: it is not stopping, the database answers, the inbox has room."""
        found = await run_in_threadpool(_asked, depth)
        state = _state(found, most_waiting, is_stopping=is_stopping())
        response.status_code = 200 if state.status == "ok" else 503
        return state

    @app.get("/metrics")
    async def all_metrics() -> Response:
        """Return all metrics."""
        text = await run_in_threadpool(metrics.text)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/openapi.json")
    async def openapi() -> dict[str, object]:
        """Return the description of the public API."""
        return public.openapi()

    return app


def _asked(depth: Callable[[], Depth]) -> Depth | None:
    try:
        return depth()
    except Exception:  # noqa: BLE001 whatever it is, the database does not answer
        return None


def _state(found: Depth | None, most_waiting: int, *, is_stopping: bool) -> State:
    waiting = found.waiting if found else None
    if is_stopping:
        return State(status="the gateway is stopping", waiting=waiting)
    if found is None:
        return State(status="the database does not answer")
    if found.waiting >= most_waiting:
        return State(status="the inbox is full", waiting=waiting)
    return State(status="ok", waiting=waiting)
