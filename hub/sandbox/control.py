"""The control server: the true identity of each record, the mail, events, request counts, faults.

It emulates no vendor: it needs no credentials and answers JSON of our own. Not here: the
vendors' apps.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from hub.errors import ConfigError
from hub.sandbox import mail_page
from hub.sandbox.faults import PROFILES
from hub.sandbox.http_middleware import RequestCounts
from hub.sandbox.replay import EventReplay
from hub.sandbox.sell.export import export
from hub.sandbox.smtp import Mailbox
from hub.sandbox.universe import apply_event, check
from hub.sandbox.world import World

Json = dict[str, Any]
_FURTHEST_S = 30 * 24 * 3600  # of one call; the clock cannot go back


class Control:
    """The handlers of the control server."""

    def __init__(
        self,
        world: World,
        *,
        universe: Mapping[str, Any],
        mailbox: Mailbox,
        requests: RequestCounts,
        replay: EventReplay,
    ) -> None:
        self.world = world
        self.universe = universe
        self.mailbox = mailbox
        self.requests = requests
        self.replay = replay

    def app(self) -> Starlette:
        """Return the Starlette app."""
        reads: Mapping[str, Callable[[], object]] = {
            "/": lambda: {
                "paths": [*reads, "/truth", "/sell/export.zip"],
                "now": self.world.clock.now().isoformat(),
            },
            "/mail": lambda: {"mail": self.mailbox.mail()},
            "/events": lambda: {"events": self.world.events, "pending": self.replay.pending()},
            "/requests": self.requests.shown,
            "/faults": self._faults,
            "/universe": lambda: self.universe,
            "/users": lambda: {"users": self.world.users},
        }
        routes = [Route(path, _reader(read), methods=["GET"]) for path, read in reads.items()]
        routes += [
            Route("/truth", self.show_truth, methods=["GET"]),
            Route("/sell/export.zip", self.export_sell, methods=["GET"]),
            Route("/events", self.add_event, methods=["POST"]),
            Route("/clock", self.advance_clock, methods=["POST"]),
            Route("/faults", self.set_faults, methods=["PUT", "POST"]),
            Route("/mail", self.clear_mail, methods=["DELETE"]),
            Route("/inbox", self.show_mail, methods=["GET"]),
        ]
        handlers: Any = {HTTPException: _http_error, ConfigError: _config_error}
        return Starlette(routes=routes, exception_handlers=handlers)

    async def show_truth(self, request: Request) -> Response:
        """Show who each record is; with `source=NAME` that vendor's records with all their values."""
        source = request.query_params.get("source", "")
        records = self.world.whole_truth(source) if source else self.world.truth()
        return JSONResponse({"records": records})

    async def export_sell(self, _request: Request) -> Response:
        """Answer the export that a customer of Zendesk Sell asks for: a zip with a CSV file for each object."""
        return Response(export(self.world), media_type="application/zip")

    async def add_event(self, request: Request) -> Response:
        """Apply one event, now or `after_s` vendor seconds from now."""
        event = await _json(request)
        check(event, "event", name="event")
        if event.get("after_s"):
            self.replay.plan(event)
            return JSONResponse({"planned": event}, status_code=202)
        row = apply_event(self.world, event)
        done = {"source": row.source, "stream": row.stream, "id": row.id}
        return JSONResponse({**done, "event": {**event, "id": row.id}}, status_code=201)

    async def advance_clock(self, request: Request) -> Response:
        """Move the vendors' clock `ahead_s` vendor seconds ahead: rates and lags of that time are over."""
        ahead_s = (await _json(request)).get("ahead_s")
        if not isinstance(ahead_s, int | float) or not 0 <= ahead_s <= _FURTHEST_S:
            raise ConfigError(
                f"ahead_s is not a number from 0 to {_FURTHEST_S}", hint='send {"ahead_s": 60}'
            )
        self.world.clock.advance(ahead_s)
        return JSONResponse({"now": self.world.clock.now().isoformat()})

    async def set_faults(self, request: Request) -> Response:
        """Activate exactly the named profiles.

        The body is a text with commas, a JSON list, or a JSON object that has one of these as
        `faults`.
        """
        had_ties = self.world.faults.is_on("ties")
        self.world.faults.set(_profiles(await request.body()))
        if self.world.faults.is_on("ties") and not had_ties:
            self.world.touch_all()
        return JSONResponse(self._faults())

    async def clear_mail(self, _request: Request) -> Response:
        """Delete all mail."""
        self.mailbox.clear()
        return Response(status_code=204)

    async def show_mail(self, _request: Request) -> Response:
        """Show the mail to a person."""
        shown = mail_page.page(self.mailbox.mail())
        return HTMLResponse(shown, headers=mail_page.HEADERS)

    def _faults(self) -> Json:
        return {"faults": str(self.world.faults), "profiles": list(PROFILES)}


def _reader(read: Callable[[], object]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_request: Request) -> Response:
        return JSONResponse(read())

    return answer


async def _json(request: Request) -> Json:
    try:
        body = json.loads(await request.body())
    except ValueError as exc:
        raise ConfigError(f"the body is not JSON: {exc}") from exc
    if not isinstance(body, dict):
        raise ConfigError("the body is not a JSON object")
    return body


def _profiles(body: bytes) -> str:
    text = body.decode(errors="replace").strip()
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if isinstance(value, dict):
        keys = ("faults", "profile", "on", "profiles")
        if value and not any(key in value for key in keys):
            raise ConfigError(
                f"unknown keys {', '.join(value)}", hint='send {"faults": "cut,ties"}'
            )
        value = next((value[key] for key in keys if key in value), None)
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value or "")


async def _http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else str(error)
    return JSONResponse({"error": detail}, status_code=status)


async def _config_error(_request: Request, error: Exception) -> Response:
    hint = error.hint if isinstance(error, ConfigError) else None
    return JSONResponse({"error": str(error), "hint": hint}, status_code=400)
