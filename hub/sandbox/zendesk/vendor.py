"""The description of the emulated Zendesk for the sandbox."""

import json

from starlette.applications import Starlette

from hub.sandbox.vendor import JSON_HEADERS, Asked, Refusal, Vendor
from hub.sandbox.world import World
from hub.sandbox.zendesk.app import create_app

_RETRY_AFTER_S = "7"


def _create(world: World, strict: bool) -> Starlette:  # noqa: FBT001  # the table's signature
    return create_app(world, strict=strict)


def refuse(kind: str, status: int) -> Refusal:
    """Return the vendor's error. `Retry-After` is always a whole number of seconds."""
    if kind == "rate_limit":
        text = "Number of allowed incremental export API requests per minute exceeded"
        body = {"error": "APIRateLimitExceeded", "description": text}
        headers = {**JSON_HEADERS, "Retry-After": _RETRY_AFTER_S}
        return 429, headers, json.dumps(body).encode()
    body = {"error": "InternalError", "description": "Something went wrong"}
    return status, JSON_HEADERS, json.dumps(body).encode()


def revoke(_asked: Asked) -> Refusal:
    """Return the 401 of a revoked token."""
    return 401, JSON_HEADERS, json.dumps({"error": "Couldn't authenticate you"}).encode()


def forbid(asked: Asked, part: str) -> Refusal | None:
    """Return the 403 of a role that may not read this; every role may read its own user."""
    if part not in asked.names() or "me" in asked.names():
        return None
    text = "You do not have access to this page. Please contact the account owner of this help desk"
    body = {"error": "Forbidden", "description": f"{text} for further help."}
    return 403, JSON_HEADERS, json.dumps(body).encode()


ZENDESK = Vendor(
    name="zendesk",
    create_app=_create,
    credentials={"subdomain": "=acme", "email": "zendesk_email", "api_token": "zendesk_token"},
    env={"HUB_SOURCES__ZENDESK__API_TOKEN": "zendesk_token"},
    refuse=refuse,
    revoke=revoke,
    forbid=forbid,
    webhook_secret="zendesk_secret",  # noqa: S106  # a key, not the secret
)
