"""The description of the emulated Typeform for the sandbox."""

import json

from starlette.applications import Starlette

from hub.sandbox.typeform.app import create_app
from hub.sandbox.vendor import JSON_HEADERS, Refusal, Vendor
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


TYPEFORM = Vendor(
    name="typeform",
    create_app=_create,
    credentials={"token": "typeform_token"},
    env={"HUB_SOURCES__TYPEFORM__TOKEN": "typeform_token"},
    refuse=refuse,
    webhook_secret="typeform_secret",  # noqa: S106  # a key, not the secret
)
