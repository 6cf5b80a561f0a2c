"""The Salesforce app: paths and handlers, for any Host (`acme.my.salesforce.com` and others)."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.sandbox.salesforce import (
    batches,
    bulk,
    composite,
    limits,
    oauth,
    query,
    soap,
    sobjects,
)
from hub.sandbox.salesforce.effects import Effects
from hub.sandbox.salesforce.errors import not_found
from hub.sandbox.salesforce.lengths import Lengths
from hub.sandbox.salesforce.org import Org
from hub.sandbox.salesforce.store import Store
from hub.sandbox.salesforce.wire import Json, guarded
from hub.sandbox.world import World

_DATA = "/services/data/{version}"
_CLIENT_PREFIX = "/.salesforce.com"


def create_app(world: World) -> Starlette:
    """Return the app of the emulated org of a world. `app.state.org` has its state.

    `app.state.expire_tokens()` and `app.state.expire_locators()` end all sessions and cursors.
    """
    org = Org(world, Store(world))
    world.subscribe(Effects(world))
    app = Starlette(
        routes=[*_open_routes(), *_data_routes()],
        exception_handlers={404: _unknown_path, 405: _unknown_method},
    )
    app.router.redirect_slashes = False
    app.add_middleware(TidyPath)
    app.add_middleware(Lengths)
    app.state.org = org
    app.state.expire_tokens = org.expire_tokens
    app.state.expire_locators = org.expire_locators
    return app


def _open_routes() -> list[Route]:
    return [
        Route("/services/oauth2/token", oauth.token, methods=["POST"]),
        Route("/services/oauth2/revoke", oauth.revoke, methods=["GET", "POST"]),
        Route("/services/oauth2/userinfo", oauth.userinfo, methods=["GET", "POST"]),
        Route("/id/{org}/{user}", oauth.userinfo),
        Route("/services/Soap/{wsdl}/{version}", soap.soap, methods=["POST"]),
        Route("/services/Soap/{wsdl}/{version}/{org}", soap.soap, methods=["POST"]),
        Route("/services/data", limits.versions),
    ]


def _data_routes() -> list[Route]:
    table = [
        ("", limits.resources, ["GET"]),
        ("/limits", limits.limits, ["GET"]),
        ("/limits/recordCount", limits.record_count, ["GET"]),
        ("/query", query.query, ["GET"]),
        ("/queryAll", query.query_all, ["GET"]),
        ("/query/{locator}", query.query_more, ["GET"]),
        ("/queryAll/{locator}", query.query_more, ["GET"]),
        ("/sobjects", sobjects.list_objects, ["GET"]),
        ("/sobjects/{name}", sobjects.object_root, ["GET", "POST"]),
        ("/sobjects/{name}/describe", sobjects.describe, ["GET"]),
        ("/sobjects/{name}/updated", sobjects.updated, ["GET"]),
        ("/sobjects/{name}/deleted", sobjects.deleted, ["GET"]),
        ("/sobjects/{name}/{id}", sobjects.record, ["GET", "PATCH", "DELETE"]),
        ("/sobjects/{name}/{id}/{field}", sobjects.blob, ["GET"]),
        ("/composite", composite.composite, ["POST"]),
        ("/composite/sobjects", batches.write_many, ["POST", "PATCH", "DELETE"]),
        ("/composite/sobjects/{name}", batches.read_many, ["GET", "POST"]),
        ("/jobs/query", bulk.jobs, ["GET", "POST"]),
        ("/jobs/query/{id}", bulk.job, ["GET", "PATCH", "DELETE"]),
        ("/jobs/query/{id}/results", bulk.results, ["GET"]),
        ("/jobs/query/{id}/resultPages", bulk.result_pages, ["GET"]),
    ]
    return [
        Route(_DATA + path, guarded(handler), methods=methods) for path, handler, methods in table
    ]


async def _unknown_path(_request: Request, _error: Exception) -> Response:
    return Json(not_found().body(), status_code=404)


async def _unknown_method(request: Request, error: Exception) -> Response:
    allowed = (error.headers or {}).get("Allow", "") if isinstance(error, HTTPException) else ""
    message = f"HTTP Method '{request.method}' not allowed. Allowed are {allowed}"
    body = [{"message": message, "errorCode": "METHOD_NOT_ALLOWED"}]
    return Json(body, status_code=405, headers={"Allow": allowed})


class TidyPath:
    """Removes one trailing slash and the prefix that `domain='localhost:1/'` causes from a path."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with the cleaned path."""
        if scope["type"] == "http":
            path = scope["path"].removeprefix(_CLIENT_PREFIX)
            scope = {**scope, "path": path.removesuffix("/") or "/"}
        await self.app(scope, receive, send)
