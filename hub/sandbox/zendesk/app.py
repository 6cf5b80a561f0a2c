"""The Zendesk app: paths (with and without `.json`) and their handlers, credentials, limits."""

import base64
import binascii
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.sandbox.world import Row, World, iso
from hub.sandbox.zendesk import writes
from hub.sandbox.zendesk.errors import ApiError, not_found
from hub.sandbox.zendesk.limits import AccountLimits
from hub.sandbox.zendesk.paging import (
    METRIC_EVENTS,
    Asked,
    cursor_export,
    listed,
    live_rows,
    time_export,
)
from hub.sandbox.zendesk.people import (
    ORGANIZATIONS,
    SOURCE,
    STAFF,
    TICKETS,
    USERS,
    Directory,
    add_agents,
    email_of,
    follow_requesters,
    is_gone,
    role_of,
)
from hub.sandbox.zendesk.search import MOST, find
from hub.sandbox.zendesk.shapes import Json, shown, shown_audit
from hub.sandbox.zendesk.webhooks import Webhooks

STREAMS = (TICKETS, USERS, ORGANIZATIONS)
# lists that are empty in this account; clients read them before they start
EMPTY = (
    "user_fields", "organization_fields", "ticket_fields", "ticket_forms", "groups", "macros",
    "group_memberships", "tags", "satisfaction_ratings", "sla_policies", "brands",
    "phone_numbers",
)  # fmt: skip
_ME = "360000000001"
_MOST_AT_ONCE = 100
Handler = Callable[[Request], Awaitable[Response]]


def create_app(world: World, *, strict: bool = False) -> Starlette:  # noqa: ARG001  # Zendesk has no strict behaviour
    """Return the emulated account."""
    add_agents(world)
    follow_requesters(world)
    account = Account(world)
    table: list[tuple[str, Handler, list[str]]] = [
        ("/incremental/{stream}/cursor", account.export_by_cursor, ["GET"]),
        ("/incremental/{stream}", account.export_by_time, ["GET"]),
        ("/users/me", account.me, ["GET"]),
        ("/users/{id}/merge", account.merge_users, ["PUT"]),
        ("/webhooks", account.list_webhooks, ["GET"]),
        ("/webhooks", account.add_webhook, ["POST"]),
        ("/webhooks/{id}", account.get_webhook, ["GET"]),
        ("/webhooks/{id}", account.change_webhook, ["PATCH"]),
        ("/webhooks/{id}", account.delete_webhook, ["DELETE"]),
        ("/webhooks/{id}/signing_secret", account.get_signing_secret, ["GET"]),
        ("/webhooks/{id}/invocations", account.list_invocations, ["GET"]),
        ("/slas/policies", account.empty("sla_policies"), ["GET"]),
        ("/channels/voice/phone_numbers", account.empty("phone_numbers"), ["GET"]),
        ("/search", account.search, ["GET"]),
        ("/search/count", account.count_search, ["GET"]),
        ("/{stream}/count", account.count, ["GET"]),
        ("/{stream}/show_many", account.show_many, ["GET"]),
        ("/{stream}", account.listing, ["GET"]),
        ("/{stream}", account.create, ["POST"]),
        ("/{stream}/{id}", account.show, ["GET"]),
        ("/{stream}/{id}", account.change, ["PUT", "PATCH"]),
        ("/{stream}/{id}", account.remove, ["DELETE"]),
    ]
    routes = [
        Route(f"/api/v2{path}{end}", account.guarded(handler), methods=methods)
        for path, handler, methods in table
        for end in (".json", "", "/")
    ]
    app = Starlette(routes=routes, exception_handlers={404: _unknown_path, 405: _unknown_path})
    app.router.redirect_slashes = False
    app.state.close = account.hooks.close
    return app


class Account:
    """One account: its records and its limits."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.limits = AccountLimits(world.clock)
        self.hooks = Webhooks(world)

    def guarded(self, handler: Handler) -> Handler:
        """Return the handler with a check of credentials and limits before it.

        Errors become JSON.
        """

        async def answer(request: Request) -> Response:
            export = _export_kind(request)
            try:
                self._check_credentials(request.headers.get("authorization", ""))
                self.limits.take(is_export=bool(export))
                response = await handler(request)
            except ApiError as exc:
                response = JSONResponse(
                    exc.body(), status_code=exc.status, headers=dict(exc.headers)
                )
            response.headers.update(self.limits.headers(export=export))
            response.headers["x-zendesk-api-version"] = "v2"
            return response

        return answer

    async def export_by_cursor(self, request: Request) -> Response:
        """Answer a page of a cursor-based export of tickets or users."""
        stream = _stream_of(request, (TICKETS, USERS))
        directory = Directory(self.world)
        body, rows = cursor_export(self._asked(request, stream, directory))
        return JSONResponse({**body, **self._sideloads(request, rows, directory)})

    async def export_by_time(self, request: Request) -> Response:
        """Answer a page of a time-based export."""
        stream = _stream_of(request, (*STREAMS, METRIC_EVENTS))
        directory = Directory(self.world)
        body, rows = time_export(self._asked(request, stream, directory))
        return JSONResponse({**body, **self._sideloads(request, rows, directory)})

    async def listing(self, request: Request) -> Response:
        """Answer a page of a list."""
        stream = _stream_of(request, (*STREAMS, *EMPTY))
        directory = Directory(self.world)
        body, rows = listed(self._asked(request, stream, directory))
        return JSONResponse({**body, **self._sideloads(request, rows, directory)})

    def empty(self, name: str) -> Handler:
        """Return the handler of an empty list whose name differs from its path."""

        async def answer(request: Request) -> Response:
            request.path_params["stream"] = name
            return await self.listing(request)

        return answer

    async def count(self, request: Request) -> Response:
        """Answer the number of records, counted now."""
        rows = live_rows(self.world, _stream_of(request))
        at = iso(self.world.clock.now())
        return JSONResponse({"count": {"value": len(rows), "refreshed_at": at}})

    async def count_search(self, request: Request) -> Response:
        """Answer the number of records that match a query."""
        return JSONResponse({"count": len(self._found(request))})

    async def search(self, request: Request) -> Response:
        """Answer a page of the records that match a query, at most 1,000 in all."""
        found = self._found(request)
        page, size = (
            max(1, int(text)) if (text := request.query_params.get(name, "")).isdecimal() else most
            for name, most in (("page", 1), ("per_page", _MOST_AT_ONCE))
        )
        size = min(size, _MOST_AT_ONCE)
        if page * size > MOST:
            raise ApiError(
                422, "invalid", "Requested response size was greater than Search Response Limits"
            )
        chosen = found[(page - 1) * size : page * size]
        more = page * size < min(len(found), MOST)
        link = str(request.url.include_query_params(page=page + 1))
        return JSONResponse(
            {
                "results": [{**shown, "result_type": kind} for kind, shown in chosen],
                "facets": None,
                "next_page": link if more else None,
                "previous_page": None,
                "count": len(found),
            }
        )

    def _found(self, request: Request) -> list[tuple[str, Json]]:
        directory = Directory(self.world)
        return find(
            self.world,
            request.query_params.get("query", ""),
            {one: stream for stream, one in writes.SINGULAR.items()},
            lambda row: self._shown(request, row, directory),
        )

    async def me(self, request: Request) -> Response:
        """Answer the token's user."""
        return JSONResponse({"user": self._shown(request, self._me(), Directory(self.world))})

    async def show(self, request: Request) -> Response:
        """Answer one record: 404 for a deleted ticket, an inactive user for a deleted user."""
        row = self._row(request)
        if is_gone(row) and row.stream != USERS:
            raise not_found()
        return self._answer(request, row)

    async def show_many(self, request: Request) -> Response:
        """Answer the records of up to 100 ids, without unknown ones."""
        stream = _stream_of(request)
        ids = [one.strip() for one in request.query_params.get("ids", "").split(",")]
        if len(ids) > _MOST_AT_ONCE:
            raise ApiError(400, "InvalidValue", f"at most {_MOST_AT_ONCE} ids")
        directory = Directory(self.world)
        rows = [row for one in ids if (row := self.world.get(SOURCE, stream, one)) is not None]
        rows = [row for row in rows if not is_gone(row)]
        body: Json = {
            stream: [self._shown(request, row, directory) for row in rows],
            "next_page": None,
            "previous_page": None,
            "count": len(rows),
        }
        return JSONResponse({**body, **self._sideloads(request, rows, directory)})

    async def create(self, request: Request) -> Response:
        """Create a record."""
        row = writes.create(self.world, _stream_of(request), await _json(request))
        answer = self._answer(request, row, status=201)
        answer.headers["location"] = f"{_base(request)}/api/v2/{row.stream}/{row.id}.json"
        return answer

    async def change(self, request: Request) -> Response:
        """Change a record."""
        row = self._row(request)
        if row.deleted and row.merged_into is None:
            raise not_found()
        return self._answer(request, writes.change(self.world, row, await _json(request)))

    async def remove(self, request: Request) -> Response:
        """Delete a record. The answer for a user is the inactive user."""
        row = self._row(request)
        if row.deleted:
            raise not_found()
        gone = writes.remove(self.world, row)
        return self._answer(request, gone) if row.stream == USERS else Response(status_code=204)

    async def merge_users(self, request: Request) -> Response:
        """Merge a user into another user and answer the second one."""
        request.path_params["stream"] = USERS
        row = self._row(request)
        if row.deleted or role_of(row) in STAFF:
            raise not_found()
        return self._answer(request, writes.merge_users(self.world, row, await _json(request)))

    async def list_webhooks(self, _request: Request) -> Response:
        """Answer the webhooks."""
        return JSONResponse({
            "webhooks": self.hooks.every(),
            "meta": {"has_more": False, "after_cursor": None, "before_cursor": None},
            "links": {"prev": None, "next": None},
        })  # fmt: skip

    async def add_webhook(self, request: Request) -> Response:
        """Add a webhook."""
        hook = self.hooks.add(await _json(request))
        return JSONResponse({"webhook": hook}, status_code=201)

    async def get_webhook(self, request: Request) -> Response:
        """Answer one webhook."""
        return JSONResponse({"webhook": self.hooks.find(request.path_params["id"])})

    async def change_webhook(self, request: Request) -> Response:
        """Change a webhook; the vendor answers without a body."""
        self.hooks.change(request.path_params["id"], await _json(request))
        return Response(status_code=204)

    async def delete_webhook(self, request: Request) -> Response:
        """Delete a webhook."""
        self.hooks.remove(request.path_params["id"])
        return Response(status_code=204)

    async def get_signing_secret(self, request: Request) -> Response:
        """Answer the secret that signs a webhook's deliveries."""
        secret = self.hooks.signing_secret(request.path_params["id"])
        return JSONResponse({"signing_secret": secret})

    async def list_invocations(self, request: Request) -> Response:
        """Answer the newest deliveries of a webhook."""
        size = request.query_params.get("page[size]", "")
        found = self.hooks.invocations(request.path_params["id"])
        shown = found[: int(size) if size.isdecimal() else _MOST_AT_ONCE]
        meta = {"has_more": len(found) > len(shown), "after_cursor": None, "before_cursor": None}
        return JSONResponse({"invocations": shown, "meta": meta})

    def _asked(self, request: Request, stream: str, directory: Directory) -> Asked:
        url = f"{_base(request)}{request.url.path}"
        return Asked(
            self.world,
            stream,
            request.query_params,
            url,
            lambda row: self._shown(request, row, directory),
        )

    def _answer(self, request: Request, row: Row, *, status: int = 200) -> Response:
        directory = Directory(self.world)
        body: Json = {writes.SINGULAR[row.stream]: self._shown(request, row, directory)}
        if row.stream == TICKETS and request.method != "GET":
            body["audit"] = shown_audit(row, directory)
        return JSONResponse(body, status_code=status)

    def _shown(self, request: Request, row: Row, directory: Directory) -> Json:
        return shown(row, directory, _base(request))

    def _sideloads(self, request: Request, rows: Sequence[Row], directory: Directory) -> Json:
        """Return the users and organizations that the parameter `include` adds to an answer."""
        wanted = {one.strip() for one in request.query_params.get("include", "").split(",")}
        body: Json = {}
        if USERS in wanted:
            ids = dict.fromkeys(
                id_
                for row in rows
                if row.stream == TICKETS and (id_ := directory.requester_id(row))
            )
            users = [user for id_ in ids if (user := directory.user(id_)) is not None]
            body[USERS] = [self._shown(request, user, directory) for user in users]
        if ORGANIZATIONS in wanted:
            named = (self._shown(request, row, directory).get("organization_id") for row in rows)
            found = (
                self.world.get(SOURCE, ORGANIZATIONS, str(id_))
                for id_ in dict.fromkeys(named)
                if id_ is not None
            )
            body[ORGANIZATIONS] = [
                self._shown(request, row, directory) for row in found if row is not None
            ]
        return body

    def _row(self, request: Request) -> Row:
        stream, id_ = _stream_of(request), request.path_params["id"]
        if stream == USERS and id_ == _ME:
            return self._me()
        row = self.world.get(SOURCE, stream, id_)
        if row is None:
            raise not_found()
        return row

    def _me(self) -> Row:
        email = self.world.secrets["zendesk_email"]
        for row in self.world.rows(SOURCE, USERS):
            if email_of(row).lower() == email:
                return row
        at = self.world.clock.start.replace(microsecond=0)
        values = {"name": "Integration", "email": email, "role": "admin"}
        return Row(SOURCE, USERS, _ME, values, at, at, at)

    def _check_credentials(self, header: str) -> None:
        scheme, _, given = header.partition(" ")
        email, token = (self.world.secrets[f"zendesk_{name}"] for name in ("email", "token"))
        if scheme.lower() == "bearer" and given.strip() == token:
            return
        if scheme.lower() == "basic":
            try:
                user, _, password = base64.b64decode(given.strip()).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                user, password = "", ""
            if user.lower() == f"{email}/token" and password == token:
                return
        raise ApiError(401, "Couldn't authenticate you")


def _export_kind(request: Request) -> str:
    path = request.url.path
    if not path.startswith("/api/v2/incremental/"):
        return ""
    return "cursor" if "/cursor" in path else "time"


def _stream_of(request: Request, streams: Sequence[str] = STREAMS) -> str:
    stream = str(request.path_params["stream"])
    if stream not in streams:
        raise ApiError(404, "InvalidEndpoint", "Not found")
    return stream


async def _json(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError as exc:
        raise ApiError(400, "Unparseable JSON", "the body is not JSON") from exc
    if not isinstance(body, dict):
        raise ApiError(400, "Unparseable JSON", "the body is not an object")
    return body


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


async def _unknown_path(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"error": "InvalidEndpoint", "description": "Not found"}, status_code=404)
