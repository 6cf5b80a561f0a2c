"""The description of the emulated Zendesk Sell for the sandbox."""

import json

from starlette.applications import Starlette

from hub.sandbox.sell.app import create_app
from hub.sandbox.sell.errors import (
    ApiError,
    forbidden,
    problem,
    request_id_of,
    too_many,
    unauthorized,
)
from hub.sandbox.vendor import JSON_HEADERS, Asked, Refusal, Vendor
from hub.sandbox.world import World

_ILL = {500: "server_error", 503: "temporarily_unavailable"}


def _create(world: World, _strict: bool) -> Starlette:  # noqa: FBT001  # the table's signature
    return create_app(world)


def _answer(error: ApiError) -> Refusal:
    body = error.body(request_id_of("sell", error.status))
    return error.status, {**JSON_HEADERS, **error.headers}, json.dumps(body).encode()


def refuse(kind: str, status: int) -> Refusal:
    """Return the vendor's error. A 429 has no header that says how long to wait."""
    if kind == "rate_limit":
        return _answer(too_many())
    text = "The server could not answer the request."
    return _answer(ApiError(status, [problem(_ILL[status], "server error", text)]))


def revoke(asked: Asked) -> Refusal:
    """Return the 401 of a revoked token, and the 401 of an app that may no longer log in."""
    if asked.path.endswith("/oauth2/token"):
        login = {"error": "invalid_client", "error_description": "Client authentication failed."}
        return 401, JSON_HEADERS, json.dumps(login).encode()
    return _answer(unauthorized())


def forbid(asked: Asked, part: str) -> Refusal | None:
    """Return the 403 of a token that may not read this object; everyone may read its own user."""
    names = asked.names()
    return _answer(forbidden("read")) if part in names and "self" not in names else None


SELL = Vendor(
    name="sell",
    create_app=_create,
    credentials={"token": "sell_token"},
    app={
        "client_id": "sell_client_id",
        "client_secret": "sell_client_secret",
        "refresh_token": "sell_refresh_token",
    },
    env={"HUB_SOURCES__SELL__TOKEN": "sell_token"},
    refuse=refuse,
    revoke=revoke,
    forbid=forbid,
)
