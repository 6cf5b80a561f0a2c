"""The hub as a Dagster resource: opened once a run, holding the locks of the sources it syncs."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import dagster as dg
from pydantic import PrivateAttr

from hub.clock import SystemClock
from hub.db.engine import open_database
from hub.db.locks import source_locks
from hub.etl.assemble import assemble
from hub.etl.context import Hub
from hub.etl.flow import begin
from hub.logs import configure_once
from hub.records.batches import Batch
from hub.settings import find, load


def configured_sources() -> list[str] | None:
    """Return the sources of hub.yaml, None where there is no hub.yaml.

    Raises:
        ConfigError: hub.yaml has a mistake.
    """
    return None if find() is None else load().sources.configured()


class HubResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Opens the database and the connectors as `hub.yaml` says; `config` names another file."""

    config: str | None = None
    _hub: Hub | None = PrivateAttr(default=None)
    _runs: tuple[str, ...] = PrivateAttr(default=())
    _batches: dict[str, Batch] = PrivateAttr(default_factory=dict)
    _stack: ExitStack = PrivateAttr(default_factory=ExitStack)

    @contextmanager
    def yield_for_execution(
        self,
        context: dg.InitResourceContext,
    ) -> Iterator["HubResource"]:
        """Open the hub for one run and close it after."""
        configure_once()
        settings = load(self.config)
        clock = SystemClock()
        with ExitStack() as stack:
            database = stack.enter_context(open_database(settings, clock))
            self._hub = replace(assemble(settings, database, clock), in_dagster=True)
            self._stack = stack
            self._batches = {}
            parent = context.run.parent_run_id if context.run else None
            self._runs = tuple(filter(None, (context.run_id, parent)))
            yield self

    @property
    def hub(self) -> Hub:
        """The open hub."""
        if self._hub is None:
            raise RuntimeError("the hub resource is not open")
        return self._hub

    def batch(self, source: str) -> Batch:
        """Return the source's batch in this run; the first call takes its lock and opens it."""
        if source not in self._batches:
            self._stack.enter_context(source_locks(self.hub.engine, [source]))
            self._batches[source] = begin(self.hub, source, run_id="".join(self._runs[:1]))
        return self._batches[source]

    def runs(self) -> tuple[str, ...]:
        """Return the id of this run, and of the one that it repeats, if it does."""
        return self._runs
