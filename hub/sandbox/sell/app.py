"""The app of Zendesk Sell: its paths, the check of token and User-Agent, and the limits before them."""

import itertools
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.sandbox.sell import writes
from hub.sandbox.sell.account import me_of, put_usual
from hub.sandbox.sell.errors import (
    ApiError,
    Json,
    bad_header,
    bad_payload,
    no_path,
    not_found,
    problem,
    request_id_of,
    unauthorized,
)
from hub.sandbox.sell.files import content_of
from hub.sandbox.sell.limits import TokenLimits
from hub.sandbox.sell.lists import Lists, collection, paging_of
from hub.sandbox.sell.oauth import Tokens
from hub.sandbox.sell.objects import OWN_FIELDS, RESOURCES, Resource
from hub.sandbox.sell.shapes import SOURCE, Shapes, download_key, envelope, number
from hub.sandbox.sell.streams import Firehose, SyncSessions
from hub.sandbox.world import Row, World, iso

Handler = Callable[[Request], Awaitable[Response]]
_BELOW_OTHERS = frozenset({"associated_contacts", "line_items", "custom_fields"})
_UPSERTED = frozenset({"leads", "contacts", "deals"})


def create_app(world: World) -> Starlette:
    """Return the emulated account."""
    put_usual(world)
    account = Account(world)
    table: list[tuple[str, Handler, list[str]]] = [
        ("/v2/accounts/self", account.account, ["GET"]),
        ("/v2/users/self", account.me, ["GET"]),
        ("/v2/sync/start", account.start_sync, ["POST"]),
        ("/v2/sync/ack", account.acknowledge, ["POST"]),
        ("/v2/sync/{session}/queues/main", account.drain, ["GET"]),
        ("/v2/sources", account.sources, ["GET"]),
        ("/v2/sources", account.create_source, ["POST"]),
        ("/v2/sources/{id}", account.source, ["GET", "PUT", "DELETE"]),
        ("/v2/{owner}/custom_fields", account.custom_fields, ["GET"]),
        ("/v2/deals/{id}/associated_contacts", account.associated, ["GET"]),
        ("/v2/deals/{id}/associated_contacts", account.associate, ["POST"]),
        ("/v2/deals/{id}/associated_contacts/{contact}", account.dissociate, ["DELETE"]),
        ("/v2/orders/{id}/line_items", account.line_items, ["GET"]),
        ("/v2/orders/{id}/line_items", account.add_line_item, ["POST"]),
        ("/v2/orders/{id}/line_items/{item}", account.line_item, ["GET", "DELETE"]),
        ("/v2/{resource}/upsert", account.upsert, ["POST"]),
        ("/v2/{resource}", account.listing, ["GET"]),
        ("/v2/{resource}", account.create, ["POST"]),
        ("/v2/{resource}/{id}", account.show, ["GET"]),
        ("/v2/{resource}/{id}", account.change, ["PUT"]),
        ("/v2/{resource}/{id}", account.remove, ["DELETE"]),
        ("/v3/{stream}/stream", account.stream, ["GET"]),
    ]
    routes = [
        Route(path, account.guarded(handler), methods=methods) for path, handler, methods in table
    ]
    routes += [
        Route("/oauth2/token", account.tokens.handler(), methods=["POST"]),
        Route("/files/{id}", account.download, methods=["GET"]),
    ]
    app = Starlette(routes=routes, exception_handlers={404: _unknown, 405: _unknown})
    app.router.redirect_slashes = False
    app.state.expire_tokens = account.tokens.expire
    return app


class Account:
    """One account: its records, tokens and limits."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tokens = Tokens(world)
        self.limits = TokenLimits(world.clock)
        self.lists = Lists(world)
        self.shapes = Shapes(world)
        self.base = "https://api.getbase.com"
        self.sessions = SyncSessions(world, self._show)
        self.firehose = Firehose(world, self._show)
        self._requests = itertools.count(1)

    def guarded(self, handler: Handler) -> Handler:
        """Return the handler with a check of token, User-Agent and limits before it."""

        async def answer(request: Request) -> Response:
            request_id = request_id_of("sell", self.world.seed, next(self._requests))
            try:
                self._check(request)
                self.base = f"{request.url.scheme}://{request.url.netloc}"
                response = await handler(request)
            except ApiError as exc:
                response = JSONResponse(
                    exc.body(request_id), status_code=exc.status, headers=exc.headers
                )
            response.headers["x-request-id"] = request_id
            return response

        return answer

    def _check(self, request: Request) -> None:
        if not request.headers.get("user-agent", "").strip():
            raise bad_header("invalid_user_agent", "The header User-Agent is required.")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.tokens.holds(token.strip()):
            raise unauthorized()
        self.limits.take(token.strip())

    async def account(self, _request: Request) -> Response:
        """Answer the account."""
        at = iso(self.world.clock.start.replace(microsecond=0))
        data = {
            "id": 1 + self.world.seed,
            "name": "Acme",
            "currency": "EUR",
            "time_format": "24H",
            "timezone": "UTC+01:00",
            "phone": None,
            "subdomain": None,
            "created_at": at,
            "updated_at": at,
        }
        return JSONResponse(envelope(data, "account"))

    async def me(self, _request: Request) -> Response:
        """Answer the token's user."""
        return self._answer(RESOURCES["users"], me_of(self.world))

    async def listing(self, request: Request) -> Response:
        """Answer a page of a list."""
        resource = self._resource(request)
        return self._page(request, resource, self.lists.rows(resource, request.query_params))

    async def custom_fields(self, request: Request) -> Response:
        """Answer the definitions of an object's custom fields."""
        owner = request.path_params["owner"]
        if owner not in OWN_FIELDS:
            raise no_path()
        rows = self.lists.rows(RESOURCES["custom_fields"], {"sort_by": "id"})
        rows = [row for row in rows if row.values.get("resource_type") == owner]
        return self._page(request, RESOURCES["custom_fields"], rows)

    async def show(self, request: Request) -> Response:
        """Answer one record."""
        resource = self._resource(request)
        return self._answer(resource, self._row(resource, request.path_params["id"]))

    async def create(self, request: Request) -> Response:
        """Create a record; the vendor answers 200."""
        resource = self._resource(request, "c")
        data = writes.data_of(await _json(request))
        return self._answer(resource, writes.create(self.world, resource, data, by=self._by()))

    async def change(self, request: Request) -> Response:
        """Change a record."""
        resource = self._resource(request, "u")
        row = self._row(resource, request.path_params["id"])
        data = writes.data_of(await _json(request))
        return self._answer(resource, writes.change(self.world, resource, row, data, by=self._by()))

    async def remove(self, request: Request) -> Response:
        """Delete a record."""
        resource = self._resource(request, "d")
        row = self._row(resource, request.path_params["id"])
        self.world.delete(SOURCE, resource.path, row.id)
        return Response(status_code=204)

    async def upsert(self, request: Request) -> Response:
        """Change the one record that the filters of the query find, or create one."""
        resource = self._resource(request, "u")
        if resource.path not in _UPSERTED:
            raise no_path()
        data = writes.data_of(await _json(request))
        rows = self.lists.rows(resource, request.query_params)
        if len(rows) > 1:
            details = f"{len(rows)} records match the filters."
            raise ApiError(422, [problem("incorrect_value", "not one record", details)])
        if rows and request.query_params:
            row = writes.change(self.world, resource, rows[0], data, by=self._by())
        else:
            row = writes.create(self.world, resource, data, by=self._by())
        return self._answer(resource, row)

    async def sources(self, request: Request) -> Response:
        """Answer the sources of leads and deals together, under the older path."""
        rows = [
            row
            for path in ("lead_sources", "deal_sources")
            for row in self.lists.rows(RESOURCES[path], {**request.query_params, "sort_by": "id"})
        ]
        return self._page(request, RESOURCES["lead_sources"], rows, type_="source")

    async def create_source(self, request: Request) -> Response:
        """Create a source of leads or deals."""
        data = writes.data_of(await _json(request))
        path = "deal_sources" if data.get("resource_type") == "deal" else "lead_sources"
        row = writes.create(self.world, RESOURCES[path], data, by=self._by())
        return self._answer(RESOURCES[path], row, type_="source")

    async def source(self, request: Request) -> Response:
        """Answer, change or delete a source of leads or deals."""
        for path in ("lead_sources", "deal_sources"):
            row = self.world.get(SOURCE, path, request.path_params["id"])
            if row is None or row.deleted:
                continue
            if request.method == "DELETE":
                self.world.delete(SOURCE, path, row.id)
                return Response(status_code=204)
            if request.method == "PUT":
                data = writes.data_of(await _json(request))
                row = writes.change(self.world, RESOURCES[path], row, data, by=self._by())
            return self._answer(RESOURCES[path], row, type_="source")
        raise not_found()

    async def associated(self, request: Request) -> Response:
        """Answer the contacts of a deal."""
        deal = self._row(RESOURCES["deals"], request.path_params["id"])
        shown = self.shapes.contacts_of(deal)
        return self._shown_page(request, shown, "associated_contact")

    async def associate(self, request: Request) -> Response:
        """Add a contact to a deal."""
        deal = self._row(RESOURCES["deals"], request.path_params["id"])
        data = writes.data_of(await _json(request))
        resource = RESOURCES["associated_contacts"]
        row = writes.create(self.world, resource, data, by=self._by(), deal_id=number(deal.id))
        return self._answer(resource, row)

    async def dissociate(self, request: Request) -> Response:
        """Take a contact from a deal."""
        deal = self._row(RESOURCES["deals"], request.path_params["id"])
        for row in self.shapes.involved(deal.id):
            if str(row.values.get("contact_id")) == request.path_params["contact"]:
                self.world.delete(SOURCE, "associated_contacts", row.id)
                return Response(status_code=204)
        raise not_found()

    async def line_items(self, request: Request) -> Response:
        """Answer the line items of an order."""
        order = self._row(RESOURCES["orders"], request.path_params["id"])
        return self._page(request, RESOURCES["line_items"], self.shapes.items_of(order.id))

    async def add_line_item(self, request: Request) -> Response:
        """Add a line item to an order."""
        order = self._row(RESOURCES["orders"], request.path_params["id"])
        data = writes.data_of(await _json(request))
        resource = RESOURCES["line_items"]
        row = writes.create(self.world, resource, data, by=self._by(), order_id=number(order.id))
        return self._answer(resource, row)

    async def line_item(self, request: Request) -> Response:
        """Answer or delete a line item of an order."""
        order = self._row(RESOURCES["orders"], request.path_params["id"])
        row = self._row(RESOURCES["line_items"], request.path_params["item"])
        if str(row.values.get("order_id")) != order.id:
            raise not_found()
        if request.method == "DELETE":
            self.world.delete(SOURCE, "line_items", row.id)
            return Response(status_code=204)
        return self._answer(RESOURCES["line_items"], row)

    async def start_sync(self, request: Request) -> Response:
        """Start a session of the Sync API; 204 if the device has everything."""
        session = self.sessions.start(_device(request))
        if session is None:
            return Response(status_code=204)
        return JSONResponse(envelope(session, "sync_session"), status_code=201)

    async def drain(self, request: Request) -> Response:
        """Answer the next items of a session; 204 when it is drained."""
        items = self.sessions.take(_device(request), request.path_params["session"])
        if not items:
            return Response(status_code=204)
        meta = {"type": "collection", "count": len(items)}
        return JSONResponse({"items": items, "meta": meta})

    async def acknowledge(self, request: Request) -> Response:
        """Note what a device has."""
        keys = writes.data_of(await _json(request)).get("ack_keys")
        if not isinstance(keys, list):
            raise bad_payload("The attribute 'ack_keys' must be an array.")
        self.sessions.acknowledge(_device(request), keys)
        return Response(status_code=202)

    async def stream(self, request: Request) -> Response:
        """Answer a page of a stream of the Firehose."""
        return JSONResponse(self.firehose.read(request.path_params["stream"], request.query_params))

    async def download(self, request: Request) -> Response:
        """Answer the bytes of a document; its address is the permission, no token is asked for."""
        id_ = request.path_params["id"]
        row = self.world.get(SOURCE, "documents", id_)
        is_allowed = request.query_params.get("token") == download_key(self.world.seed, id_)
        if row is None or row.deleted or not is_allowed:
            return Response("Not found", status_code=404, media_type="text/plain")
        kind = row.values.get("content_type") or "application/octet-stream"
        name = str(row.values.get("name") or id_).encode("ascii", "replace").decode()
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(content_of(row), media_type=kind, headers=headers)

    def _page(
        self, request: Request, resource: Resource, rows: list[Row], *, type_: str = ""
    ) -> Response:
        page, size = paging_of(request.query_params)
        chosen = rows[(page - 1) * size : page * size]
        shown = [self._show(row.stream, row) for row in chosen]
        if "associated_contacts" in request.query_params.get("includes", "").split(","):
            for one, row in zip(shown, chosen, strict=True):
                if row.stream == "deals":
                    one["associated_contacts"] = self._contacts_within(row)
        return self._collection(
            request, shown, type_ or resource.type, has_more=page * size < len(rows)
        )

    def _shown_page(self, request: Request, every: list[Json], type_: str) -> Response:
        page, size = paging_of(request.query_params)
        shown = every[(page - 1) * size : page * size]
        return self._collection(request, shown, type_, has_more=page * size < len(every))

    def _collection(
        self, request: Request, shown: list[Json], type_: str, *, has_more: bool
    ) -> Response:
        url = f"{self.base}{request.url.path}"
        asked = dict(request.query_params)
        return JSONResponse(collection(shown, type_, url=url, asked=asked, has_more=has_more))

    def _contacts_within(self, deal: Row) -> Json:
        shown = self.shapes.contacts_of(deal)
        return {
            "items": [{"data": one, "meta": {"type": "associated_contact"}} for one in shown],
            "meta": {"type": "collection", "count": len(shown)},
        }

    def _show(self, stream: str, row: Row) -> Json:
        return self.shapes.shown(RESOURCES[stream], row, self.base)

    def _answer(self, resource: Resource, row: Row, *, type_: str = "") -> Response:
        return JSONResponse(envelope(self._show(resource.path, row), type_ or resource.type))

    def _by(self) -> int:
        return number(me_of(self.world).id) or 0

    def _resource(self, request: Request, may: str = "") -> Resource:
        resource = RESOURCES.get(request.path_params["resource"])
        if resource is None or resource.path in _BELOW_OTHERS or may not in resource.may:
            raise no_path()
        return resource

    def _row(self, resource: Resource, id_: str) -> Row:
        row = self.world.get(SOURCE, resource.path, id_)
        if row is None:
            rows = self.world.rows(SOURCE, resource.path)
            row = next((one for one in rows if str(number(one.id)) == id_), None)
        if row is None or row.deleted:
            raise not_found()
        return row


def _device(request: Request) -> str:
    return request.headers.get("x-basecrm-device-uuid", "").strip()


async def _json(request: Request) -> Any:
    if "json" not in request.headers.get("content-type", ""):
        raise bad_header("invalid_header", "The header Content-Type must be application/json.")
    try:
        return json.loads(await request.body())
    except ValueError as exc:
        raise bad_payload("The payload is not JSON.") from exc


async def _unknown(_request: Request, _error: Exception) -> Response:
    error = no_path()
    return JSONResponse(error.body(request_id_of("sell", "path")), status_code=error.status)
