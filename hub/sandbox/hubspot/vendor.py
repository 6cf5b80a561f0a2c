"""The description of the emulated HubSpot for the sandbox."""

import json

from starlette.applications import Starlette

from hub.sandbox.hubspot.app import create_app
from hub.sandbox.hubspot.errors import ApiError, no_credentials, no_scope, too_many
from hub.sandbox.vendor import JSON_HEADERS, Asked, Refusal, Vendor
from hub.sandbox.world import World

_READS = ("/search", "/batch/read")


def _create(world: World, _strict: bool) -> Starlette:  # noqa: FBT001  # the table's signature
    return create_app(world)


def is_read(method: str, path: str) -> bool:
    """Tell whether a call reads. Searches and batch reads are POSTs that read."""
    return method == "GET" or (method == "POST" and path.rstrip("/").endswith(_READS))


def is_later(body: bytes) -> bool:
    """Tell whether a search asks for a later page: by offset, or by a filter on the id."""
    try:
        asked = json.loads(body or b"{}")
    except ValueError:
        return False
    if not isinstance(asked, dict):
        return False
    groups = asked.get("filterGroups") or []
    filters = [one for group in groups for one in group.get("filters") or []]
    return bool(asked.get("after")) or any(
        one.get("propertyName") == "hs_object_id" and one.get("operator") == "GT" for one in filters
    )


def refuse(kind: str, status: int) -> Refusal:
    """Return the vendor's error envelope."""
    error = too_many("SECONDLY") if kind == "rate_limit" else ApiError(status, "", "internal error")
    return error.status, JSON_HEADERS, json.dumps(error.body()).encode()


def revoke(_asked: Asked) -> Refusal:
    """Return the 401 of a revoked token."""
    error = no_credentials()
    return error.status, JSON_HEADERS, json.dumps(error.body()).encode()


def forbid(asked: Asked, part: str) -> Refusal | None:
    """Return the 403 of a missing scope; objects and their properties have a scope each."""
    if part not in asked.names():
        return None
    kind = "schemas" if "properties" in asked.names() else "objects"
    error = no_scope(f"crm.{kind}.{part}.read")
    return error.status, JSON_HEADERS, json.dumps(error.body()).encode()


HUBSPOT = Vendor(
    name="hubspot",
    create_app=_create,
    credentials={"token": "hubspot_token"},
    app={
        "client_id": "hubspot_client_id",
        "client_secret": "hubspot_client_secret",
        "refresh_token": "hubspot_refresh_token",
    },
    env={"HUB_SOURCES__HUBSPOT__TOKEN": "hubspot_token"},
    refuse=refuse,
    revoke=revoke,
    forbid=forbid,
    is_read=is_read,
    is_later=is_later,
    webhook_secret="hubspot_client_secret",  # noqa: S106  # a key, not the secret
)
