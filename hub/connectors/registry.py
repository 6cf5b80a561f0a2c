"""Which sources there are, and a connector for a source's settings block."""

import dataclasses
import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from hub.clock import Clock
from hub.connectors.base import Connector, Stream
from hub.connectors.governor import Budget, Limits
from hub.errors import ConfigError

# source → its config and its connector, both names in `hub.connectors.<source>.streams`
_CLASSES: Mapping[str, tuple[str, str]] = {
    "hubspot": ("HubspotConfig", "HubspotConnector"),
    "salesforce": ("SalesforceConfig", "SalesforceConnector"),
    "typeform": ("TypeformConfig", "TypeformConnector"),
    "mailchimp": ("MailchimpConfig", "MailchimpConnector"),
    "zendesk": ("ZendeskConfig", "ZendeskConnector"),
}
KNOWN = tuple(_CLASSES)
_T = TypeVar("_T")


class _Secret(Protocol):
    def get_secret_value(self) -> str:
        """Return the text behind the stars."""
        ...


def connect(
    source: str, settings_block: object, clock: Clock, *, budget: Budget | None = None
) -> Connector:
    """Return the connector of a source; raises `ConfigError` for an unknown one.

    Args:
        source: one of `KNOWN`.
        settings_block: an object with the attributes of the source's config dataclass; secrets
            may be `SecretStr`, None means the default.
        clock: waits, and tells how long.
        budget: instead of a budget of this process alone.
    """
    module = _module(source)
    config, connector = (getattr(module, name) for name in _CLASSES[source])
    make = cast("Callable[..., Connector]", connector)
    return make(to_config(config, settings_block), clock, budget=budget)


def streams_of(source: str) -> Sequence[Stream]:
    """Return a source's streams in reading order, without settings and without a request."""
    streams: Sequence[Stream] = _module(source).STREAMS
    return streams


def limits_of(source: str) -> Limits:
    """Return what a source's vendor allows one account."""
    _module(source)
    limits: Limits = importlib.import_module(f"hub.connectors.{source}.client").LIMITS
    return limits


def _module(source: str) -> Any:
    """Import a source's package when it is asked for: the SDKs cost time others need not pay."""
    if source not in _CLASSES:
        raise ConfigError(f"unknown source {source!r}", hint=f"one of {', '.join(KNOWN)}")
    return importlib.import_module(f"hub.connectors.{source}.streams")


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
