"""The list of sources, and how a connector is made from a source's settings."""

import dataclasses
import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from hub.clock import Clock
from hub.connectors.base import Connector, Stream
from hub.connectors.governor import Budget, Limits
from hub.connectors.http import RetryPolicy
from hub.errors import ConfigError

# source → the names of its config and its connector class in `hub.connectors.<source>.streams`
_CLASSES: Mapping[str, tuple[str, str]] = {
    "hubspot": ("HubspotConfig", "HubspotConnector"),
    "salesforce": ("SalesforceConfig", "SalesforceConnector"),
    "sell": ("SellConfig", "SellConnector"),
    "typeform": ("TypeformConfig", "TypeformConnector"),
    "mailchimp": ("MailchimpConfig", "MailchimpConnector"),
    "zendesk": ("ZendeskConfig", "ZendeskConnector"),
}
KNOWN = tuple(_CLASSES)
_T = TypeVar("_T")


class _Secret(Protocol):
    def get_secret_value(self) -> str:
        """Return the secret as plain text."""
        ...


def connect(
    source: str,
    settings_block: object,
    clock: Clock,
    *,
    budget: Budget | None = None,
    retry_policy: RetryPolicy | None = None,
) -> Connector:
    """Return a connector for a source; raise `ConfigError` if the source is unknown.

    Args:
        source: one of `KNOWN`.
        settings_block: an object with the attributes of the source's config dataclass; secrets
            may be `SecretStr`, None means the default.
        clock: for waits and the present time.
        budget: shared with other processes; None makes one for this process alone.
        retry_policy: how long to wait and how often to try; None is the usual one.
    """
    module = _module(source)
    config, connector = (getattr(module, name) for name in _CLASSES[source])
    make = cast("Callable[..., Connector]", connector)
    return make(to_config(config, settings_block), clock, budget=budget, retry_policy=retry_policy)


def streams_of(source: str) -> Sequence[Stream]:
    """Return a source's streams in the order they are read; needs no settings, sends no request."""
    streams: Sequence[Stream] = _module(source).STREAMS
    return streams


def objects_of(source: str) -> Sequence[Stream]:
    """Return everything that a migration can read of a source, in reading order; sends no request."""
    objects: Sequence[Stream] = getattr(_module(source), "OBJECTS", streams_of(source))
    return objects


def limits_of(source: str) -> Limits:
    """Return the rate limits that the vendor sets for one account."""
    _module(source)
    limits: Limits = importlib.import_module(f"hub.connectors.{source}.client").LIMITS
    return limits


def _module(source: str) -> Any:
    """Import a source's package on first use, because the SDKs are slow to import."""
    if source not in _CLASSES:
        raise ConfigError(f"unknown source {source!r}", hint=f"one of {', '.join(KNOWN)}")
    return importlib.import_module(f"hub.connectors.{source}.streams")


def to_config(kind: type[_T], settings_block: object) -> _T:
    """Return the config, filled from attributes of the same names, secrets as plain text."""
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
