"""The connections of a worker to the vendors, by which hints are read again.

A worker's requests are interactive: they take the share of each rate that bulk work leaves free. They wait
for seconds at most, because the rows of the inbox are locked meanwhile.
"""

from collections.abc import Sequence
from typing import Protocol

from hub.connectors.base import Connector, ReadsNamed, Stream
from hub.connectors.http import PROMPT
from hub.connectors.registry import KNOWN, connect, limits_of, streams_of
from hub.errors import ConfigError
from hub.etl.budget import SharedBudget, account_of
from hub.etl.context import Hub
from hub.etl.poller import Patience, PromptBudget
from hub.model.records import RawRecord

MOST_S = 8.0
"""Seconds that the reading of hints may take before its last request begins."""


class Reader(Protocol):
    """Reads what hints name."""

    def read(self, source: str, stream: str, names: Sequence[str]) -> Sequence[RawRecord]:
        """Return the present state of the objects that hints name.

        Raises:
            HubError: the vendor refuses, or gives no answer in time.
        """
        ...


class Vendors:
    """The open connections of one worker. Each source is read by one thread at a time.

    Args:
        hub: the hub.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lines: dict[str, tuple[Connector, Patience]] = {}

    def read(self, source: str, stream: str, names: Sequence[str]) -> Sequence[RawRecord]:
        """Return the present state of the objects that hints name.

        Raises:
            HubError: the vendor refuses, or gives no answer in time.
        """
        connector, patience = self._line(source)
        found = next((one for one in connector.streams() if one.name == stream), None)
        if found is None:
            return ()  # left out by the setting `skip`
        if not isinstance(connector, ReadsNamed):
            raise ConfigError(f"{source}: objects cannot be read by their names")
        patience.begin()
        return connector.read_named(found, names)

    def _line(self, source: str) -> tuple[Connector, Patience]:
        if source not in self._lines:
            self._hub.require_source(source)
            block: object = getattr(self._hub.settings.sources, source)
            clock = self._hub.clock
            patience = Patience(clock, MOST_S)
            shared = SharedBudget(
                self._hub.engine,
                account_of(source, block),
                limits_of(source),
                patience,
                time_scale=getattr(block, "time_scale", 1.0),
                reserve=getattr(block, "daily_reserve", 0.0),
            )
            budget = PromptBudget(shared, patience)
            made = connect(source, block, patience, budget=budget, retry_policy=PROMPT)
            self._lines[source] = made, patience
        return self._lines[source]


def stream_of(source: str, name: str) -> Stream:
    """Return a stream of a source; one that no connector reads (a form) has no capabilities."""
    known = streams_of(source) if source in KNOWN else ()
    return next((one for one in known if one.name == name), Stream(name, incremental=False))
