"""What every stage receives: database, clock, settings, mappings, connectors."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from hub.clock import Clock
from hub.errors import ConfigError
from hub.frozen import dataclass

if TYPE_CHECKING:  # an action takes no hub, and does not wait for these
    from hub.connectors.base import Connector
    from hub.mappings.document import MappingDocument
    from hub.settings import Settings


@dataclass(frozen=True, slots=True)
class Core:
    """What a notification needs: the database, the clock and the settings."""

    engine: Engine
    clock: Clock
    settings: "Settings"


@dataclass(frozen=True, slots=True)
class Hub(Core):
    """The hub's working parts, assembled once by an entry point.

    `in_dagster` is true if Dagster itself records the stages. `requests_n` returns the requests of
    these parts to a source so far.
    """

    mappings: "Mapping[str, MappingDocument]"
    connector: "Callable[[str], Connector]"
    in_dagster: bool = False
    requests_n: Callable[[str], int] = lambda _: 0

    def sources(self) -> list[str]:
        """Return the sources that may be read, in a fixed order: the configured ones that are not retired."""
        return self.settings.sources.readable()

    def require_source(self, source: str) -> None:
        """Check that a source may be read.

        Raises:
            ConfigError: it is not configured, or retired.
        """
        self.refuse_retired(source)
        if source not in self.sources():
            raise ConfigError(
                f"source {source!r} is not configured",
                hint=f"configured: {', '.join(self.sources()) or 'none'}",
            )

    def refuse_retired(self, source: str) -> None:
        """Refuse a retired source; files, and sources of tests, are in no settings.

        Raises:
            ConfigError: it is retired.
        """
        if source in self.settings.sources.retired():
            raise ConfigError(
                f"source {source} is retired: nothing is read from it any more",
                hint=f"hub source follow {source} lets syncs read it again",
            )

    def followed(self) -> list[str]:
        """Return the sources that a sync of everything reads, in a fixed order."""
        return self.settings.sources.followed()

    def mapping(self, source: str, stream: str) -> "MappingDocument":
        """Return the mapping of a stream.

        Raises:
            ConfigError: there is none.
        """
        name = f"{source}/{stream}"
        if name not in self.mappings:
            raise ConfigError(
                f"there is no mapping {name!r}", hint=f"known: {', '.join(sorted(self.mappings))}"
            )
        return self.mappings[name]
