"""The description of the emulated Salesforce for the sandbox."""

import json

from starlette.applications import Starlette

from hub.sandbox.salesforce.app import create_app
from hub.sandbox.salesforce.errors import not_found
from hub.sandbox.salesforce.permissions import hidden_type, object_of
from hub.sandbox.vendor import JSON_HEADERS, Asked, Refusal, Vendor
from hub.sandbox.world import World

_ILL = {500: "UNKNOWN_EXCEPTION", 503: "SERVER_UNAVAILABLE"}


def _create(world: World, _strict: bool) -> Starlette:  # noqa: FBT001  # the table's signature
    return create_app(world)


def is_read(method: str, path: str) -> bool:
    """Tell whether a call reads; of the composite resource only reads are emulated."""
    return method == "GET" or (method == "POST" and path.rstrip("/").endswith("/composite"))


def refuse(kind: str, status: int) -> Refusal:
    """Return the vendor's error: a list with a code. A rate limit is a 403."""
    busy = kind == "rate_limit"
    code = "REQUEST_LIMIT_EXCEEDED" if busy else _ILL[status]
    text = "ConcurrentRequests (Concurrent API Requests) Limit exceeded." if busy else code
    body = json.dumps([{"message": text, "errorCode": code}]).encode()
    return 403 if busy else status, JSON_HEADERS, body


def revoke(asked: Asked) -> Refusal:
    """Return the 401 of an ended session, and the 400 of a login that is no longer allowed."""
    if asked.path.endswith("/oauth2/token"):
        login = {"error": "invalid_grant", "error_description": "authentication failure"}
        return 400, JSON_HEADERS, json.dumps(login).encode()
    said = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    return 401, JSON_HEADERS, json.dumps(said).encode()


def forbid(asked: Asked, part: str) -> Refusal | None:
    """Return the answer for an object that the user may not read: it does not exist for the user."""
    is_its_own = asked.is_under(f"sobjects/{object_of(part)}")
    error = not_found() if is_its_own else hidden_type(asked.query, part)
    if error is None:
        return None
    return error.status, JSON_HEADERS, json.dumps(error.body()).encode()


SALESFORCE = Vendor(
    name="salesforce",
    create_app=_create,
    credentials={
        "domain": "=acme.my",
        "client_id": "client_id",
        "client_secret": "client_secret",
        "username": "username",
        "password": "password",
        "security_token": "security_token",
    },
    app={
        "client_id": "client_id",
        "client_secret": "client_secret",
        "refresh_token": "refresh_token",
    },
    env={"HUB_SOURCES__SALESFORCE__CLIENT_SECRET": "client_secret"},
    refuse=refuse,
    revoke=revoke,
    forbid=forbid,
    is_read=is_read,
)
