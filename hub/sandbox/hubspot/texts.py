"""How the vendor writes values: every property is a text or null."""

from datetime import datetime
from typing import Any

from hub.sandbox.world import whole_second

SOURCE = "hubspot"
Json = dict[str, Any]


def moment(at: datetime) -> str:
    """Return a time as records write it."""
    return whole_second(at).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def text_of(value: object) -> str | None:
    """Return a property's value as the vendor writes it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(str(one) for one in value)
    return str(value)
