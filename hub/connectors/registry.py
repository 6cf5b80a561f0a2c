"""Which sources there are, and a connector for a source's settings block."""

import dataclasses
from collections.abc import Sequence
from typing import Protocol, TypeVar

from hub.clock import Clock
from hub.connectors.base import Connector, Stream
from hub.errors import ConfigError

KNOWN = ("salesforce", "typeform")
_T = TypeVar("_T")


class _Secret(Protocol):
    def get_secret_value(self) -> str:
        """Return the text behind the stars."""
        ...


def connect(source: str, settings_block: object, clock: Clock) -> Connector:
    """Return the connector of a source; raises `ConfigError` for an unknown one.

    Args:
        source: one of `KNOWN`.
        settings_block: an object with the attributes of the source's config dataclass; secrets
            may be `SecretStr`, None means the default.
        clock: waits, and tells how long.
    """
    # imported here: the SDKs cost time that other sources need not pay
    if source == "salesforce":
        from hub.connectors.salesforce.client import SalesforceConfig  # noqa: PLC0415
        from hub.connectors.salesforce.streams import SalesforceConnector  # noqa: PLC0415

        return SalesforceConnector(to_config(SalesforceConfig, settings_block), clock)
    if source == "typeform":
        from hub.connectors.typeform.client import TypeformConfig  # noqa: PLC0415
        from hub.connectors.typeform.streams import TypeformConnector  # noqa: PLC0415

        return TypeformConnector(to_config(TypeformConfig, settings_block), clock)
    raise ConfigError(f"unknown source {source!r}", hint=f"one of {', '.join(KNOWN)}")


def streams_of(source: str) -> Sequence[Stream]:
    """Return a source's streams in reading order, without settings and without a request."""
    if source == "salesforce":
        from hub.connectors.salesforce.streams import STREAMS as salesforce_streams  # noqa: PLC0415, N811

        return salesforce_streams
    if source == "typeform":
        from hub.connectors.typeform.streams import STREAMS as typeform_streams  # noqa: PLC0415, N811

        return typeform_streams
    raise ConfigError(f"unknown source {source!r}", hint=f"one of {', '.join(KNOWN)}")


def to_config(kind: type[_T], settings_block: object) -> _T:
    """Return the config dataclass filled from attributes of the same names, secrets opened."""
    values: dict[str, object] = {}
    for one in dataclasses.fields(kind):  # type: ignore[arg-type]  # any dataclass
        value = _opened(getattr(settings_block, one.name, None))
        if value is not None:
            values[one.name] = tuple(value) if isinstance(value, list) else value
    return kind(**values)


def _opened(value: object) -> object:
    if hasattr(value, "get_secret_value"):
        secret: _Secret = value
        return secret.get_secret_value()
    return value
