"""The Mailchimp app: the paths and their handlers, the API key, the limit of ten connections."""

import asyncio
import base64
import binascii
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub.sandbox.mailchimp import writes
from hub.sandbox.mailchimp.errors import PROBLEM_HEADERS, ApiError, invalid, not_found
from hub.sandbox.mailchimp.fields import limited
from hub.sandbox.mailchimp.lists import (
    SOURCE,
    STREAM,
    Audience,
    Json,
    audiences_of,
    hexed,
    link,
    shown_list,
    shown_merge_fields,
)
from hub.sandbox.mailchimp.members import SILENT, shown_member, shown_tags, tags_of
from hub.sandbox.mailchimp.pages import members_page, page_of, read
from hub.sandbox.mailchimp.webhooks import Webhooks
from hub.sandbox.world import Row, World

MOST_CONNECTIONS = 10
_LATENCY_S, _MOST_REAL_LATENCY_S = 0.3, 0.02
_HEADERS = {"content-type": "application/json; charset=utf-8"}
Handler = Callable[[Request], Awaitable[Response]]


def create_app(world: World) -> Starlette:
    """Return the emulated account."""
    account = Account(world)
    world.make_silent(SOURCE, STREAM, *SILENT)
    one, member = "/3.0/lists/{list_id}", "/3.0/lists/{list_id}/members/{hash}"
    hook = "/3.0/lists/{list_id}/webhooks/{id}"
    table: list[tuple[str, Handler, list[str]]] = [
        ("/3.0", account.root, ["GET"]),
        ("/3.0/ping", account.ping, ["GET"]),
        ("/3.0/lists", account.list_lists, ["GET"]),
        (one, account.get_list, ["GET"]),
        (one, account.subscribe_several, ["POST"]),
        (f"{one}/merge-fields", account.list_merge_fields, ["GET"]),
        (f"{one}/members", account.list_members, ["GET"]),
        (f"{one}/members", account.create_member, ["POST"]),
        (member, account.get_member, ["GET"]),
        (member, account.put_member, ["PUT"]),
        (member, account.patch_member, ["PATCH"]),
        (member, account.archive_member, ["DELETE"]),
        (f"{member}/actions/delete-permanent", account.delete_member, ["POST"]),
        (f"{member}/tags", account.list_tags, ["GET"]),
        (f"{member}/tags", account.set_tags, ["POST"]),
        (f"{one}/webhooks", account.list_webhooks, ["GET"]),
        (f"{one}/webhooks", account.add_webhook, ["POST"]),
        (hook, account.get_webhook, ["GET"]),
        (hook, account.change_webhook, ["PATCH"]),
        (hook, account.delete_webhook, ["DELETE"]),
    ]
    routes = [
        Route(path + end, account.guarded(handler), methods=methods)
        for path, handler, methods in table
        for end in ("", "/")
    ]
    app = Starlette(routes=routes, exception_handlers={404: _unknown_path, 405: _unknown_path})
    app.router.redirect_slashes = False
    return app


class Account:
    """One account: its key, its connections, its lists."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._under_way = 0
        self._refusals = itertools.count()
        self.hooks = Webhooks(world.seed)

    def guarded(self, handler: Handler) -> Handler:
        """Return the handler with a check of key and limit before it.

        Errors become problem documents.
        """

        async def answer(request: Request) -> Response:
            if self._under_way >= MOST_CONNECTIONS:
                return self._too_many()
            self._under_way += 1
            try:
                await asyncio.sleep(min(self.world.clock.real_s(_LATENCY_S), _MOST_REAL_LATENCY_S))
                self._check_key(request.headers.get("authorization", ""))
                return await handler(request)
            except ApiError as exc:
                return Response(exc.body(), exc.status, PROBLEM_HEADERS)
            finally:
                self._under_way -= 1

        return answer

    async def root(self, request: Request) -> Response:
        """Answer the account's details."""
        body = {
            "account_id": hexed(f"mailchimp/account/{self.world.seed}", 24),
            "login_id": "1",
            "account_name": "Acme",
            "email": "news@acme.example.com",
            "username": "acme",
            "role": "owner",
            "total_subscribers": len(self.world.rows(SOURCE, STREAM)),
            "_links": [link("lists", f"{_base(request)}/3.0/lists")],
        }
        return _said(limited(body, request.query_params))

    async def ping(self, _request: Request) -> Response:
        """Answer the health check."""
        return _said({"health_status": "Everything's Chimpy!"})

    async def list_lists(self, request: Request) -> Response:
        """Answer a page of the account's lists."""
        lists = [shown_list(one, _base(request)) for one in audiences_of(self.world).values()]
        rest = {"constraints": {"may_create": True, "max_instances": 5}}
        return _said(limited(page_of("lists", lists, request.query_params, rest), _params(request)))

    async def get_list(self, request: Request) -> Response:
        """Answer one list."""
        return _said(limited(shown_list(self._list(request), _base(request)), _params(request)))

    async def list_merge_fields(self, request: Request) -> Response:
        """Answer a page of a list's merge fields."""
        audience = self._list(request)
        fields = shown_merge_fields(audience)
        rest = {"list_id": audience.id}
        page = page_of("merge_fields", fields, request.query_params, rest)
        return _said(limited(page, _params(request)))

    async def list_members(self, request: Request) -> Response:
        """Answer a page of a list's members."""
        audience, asked = self._list(request), read(request.query_params)
        page = members_page(self.world, audience, asked, _base(request))
        return _said(limited(page, _params(request)))

    async def create_member(self, request: Request) -> Response:
        """Add a member."""
        row = writes.create(self.world, self._list(request), await _body(request))
        return self._shown(request, row)

    async def get_member(self, request: Request) -> Response:
        """Answer one member."""
        return self._shown(request, self._member(request))

    async def put_member(self, request: Request) -> Response:
        """Add or change a member."""
        audience, body = self._list(request), await _body(request)
        return self._shown(
            request, writes.put(self.world, audience, request.path_params["hash"], body)
        )

    async def patch_member(self, request: Request) -> Response:
        """Change a member."""
        row = writes.update(self.world, self._member(request), await _body(request))
        return self._shown(request, row)

    async def archive_member(self, request: Request) -> Response:
        """Archive a member."""
        writes.archive(self.world, self._member(request))
        return Response(status_code=204)

    async def delete_member(self, request: Request) -> Response:
        """Delete a member permanently: no list shows the member again."""
        self.world.delete(SOURCE, STREAM, self._member(request).id)
        return Response(status_code=204)

    async def list_tags(self, request: Request) -> Response:
        """Answer a page of a member's tags."""
        row = self._member(request)
        added = row.modified_at.strftime("%Y-%m-%dT%H:%M:%S+00:00")
        tags = [{**tag, "date_added": added} for tag in shown_tags(tags_of(row.values))]
        return _said(page_of("tags", tags, request.query_params, {}))

    async def set_tags(self, request: Request) -> Response:
        """Add tags to a member and remove others."""
        writes.set_tags(self.world, self._member(request), await _body(request))
        return Response(status_code=204)

    async def subscribe_several(self, request: Request) -> Response:
        """Add or change several members at once."""
        audience, base = self._list(request), _base(request)
        new, changed, errors = writes.batch(self.world, audience, await _body(request))
        return _said({
            "new_members": [shown_member(row, audience, base) for row in new],
            "updated_members": [shown_member(row, audience, base) for row in changed],
            "errors": errors,
            "total_created": len(new),
            "total_updated": len(changed),
            "error_count": len(errors),
            "_links": [],
        })  # fmt: skip

    async def list_webhooks(self, request: Request) -> Response:
        """Answer a list's webhooks."""
        audience = self._list(request)
        found = self.hooks.of_list(audience.id)
        body = {"webhooks": found, "list_id": audience.id, "total_items": len(found), "_links": []}
        return _said(limited(body, request.query_params))

    async def add_webhook(self, request: Request) -> Response:
        """Add a webhook."""
        body = await _body(request)
        return _said(await self.hooks.add(self._list(request).id, body, _base(request)))

    async def get_webhook(self, request: Request) -> Response:
        """Answer one webhook."""
        return _said(self.hooks.find(self._list(request).id, request.path_params["id"]))

    async def change_webhook(self, request: Request) -> Response:
        """Change a webhook."""
        list_id, body = self._list(request).id, await _body(request)
        return _said(await self.hooks.change(list_id, request.path_params["id"], body))

    async def delete_webhook(self, request: Request) -> Response:
        """Delete a webhook."""
        self.hooks.remove(self._list(request).id, request.path_params["id"])
        return Response(status_code=204)

    def _shown(self, request: Request, row: Row) -> Response:
        shown = shown_member(row, self._list(request), _base(request))
        return _said(limited(shown, _params(request)))

    def _list(self, request: Request) -> Audience:
        audience = audiences_of(self.world).get(request.path_params["list_id"])
        if audience is None:
            raise not_found()
        return audience

    def _member(self, request: Request) -> Row:
        row = writes.find(self._list(request), request.path_params["hash"])
        if row is None:
            raise not_found()
        return row

    def _check_key(self, header: str) -> None:
        scheme, _, given = header.partition(" ")
        given = given.strip()
        if scheme.lower() == "basic":
            given = _password(given)
        if scheme.lower() not in {"basic", "bearer", "oauth"} or not given:
            raise ApiError(401, "API Key Missing", "Your request did not include an API key.")
        if given != self.world.secrets["mailchimp_key"]:
            raise ApiError(
                401,
                "API Key Invalid",
                "Your API key may be invalid, or you've attempted to access the wrong datacenter.",
            )

    def _too_many(self) -> Response:
        """Return a 429; every second one has no body, as the vendor's under load."""
        if next(self._refusals) % 2:
            return Response(status_code=429)
        detail = f"You have exceeded the limit of {MOST_CONNECTIONS} simultaneous connections."
        error = ApiError(429, "Too Many Requests", detail)
        return Response(error.body(), error.status, PROBLEM_HEADERS)


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _said(body: Json) -> Response:
    return JSONResponse(body, headers=_HEADERS)


def _params(request: Request) -> Mapping[str, str]:
    return request.query_params


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


async def _body(request: Request) -> Mapping[str, Any]:
    try:
        body = json.loads(await request.body())
    except ValueError as exc:
        raise ApiError(
            400, "JSON Parse Error", "We encountered an unspecified JSON parsing error."
        ) from exc
    if not isinstance(body, dict):
        raise invalid("", "Schema describes object, array found instead")
    return body


async def _unknown_path(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    wrong = not_found()
    if status == 405:  # noqa: PLR2004
        wrong = ApiError(405, "Method Not Allowed", "The requested method is not supported.")
    return Response(wrong.body(), wrong.status, PROBLEM_HEADERS)
