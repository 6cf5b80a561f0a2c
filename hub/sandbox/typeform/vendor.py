"""The description of the emulated Typeform for the sandbox."""

import json

from starlette.applications import Starlette

from hub.sandbox.typeform.app import create_app
from hub.sandbox.vendor import JSON_HEADERS, Asked, Refusal, Vendor
from hub.sandbox.world import World


def _create(world: World, strict: bool) -> Starlette:  # noqa: FBT001  # the table's signature
    return create_app(world, strict=strict)


def refuse(kind: str, status: int) -> Refusal:
    """Return the vendor's error: a code and a description."""
    busy = kind == "rate_limit"
    code = "TOO_MANY_REQUESTS" if busy else "INTERNAL_ERROR"
    text = "Too many requests" if busy else "Something went wrong"
    body = json.dumps({"code": code, "description": text}).encode()
    return 429 if busy else status, JSON_HEADERS, body


def revoke(_asked: Asked) -> Refusal:
    """Return the 401 of a revoked token."""
    text = "Authentication credentials not found or invalid"
    body = {"code": "AUTHENTICATION_FAILED", "description": text}
    return 401, JSON_HEADERS, json.dumps(body).encode()


def forbid(asked: Asked, part: str) -> Refusal | None:
    """Return the 403 of a form that the token's user may not see."""
    if not asked.is_under(part):
        return None
    body = {"code": "FORBIDDEN", "description": "Insufficient permissions to access the form"}
    return 403, JSON_HEADERS, json.dumps(body).encode()


TYPEFORM = Vendor(
    name="typeform",
    create_app=_create,
    credentials={"token": "typeform_token"},
    env={"HUB_SOURCES__TYPEFORM__TOKEN": "typeform_token"},
    refuse=refuse,
    revoke=revoke,
    forbid=forbid,
    webhook_secret="typeform_secret",  # noqa: S106  # a key, not the secret
)
