"""The hub as a Dagster resource: opened by the first step of a run, it holds the sources' locks.

Not here: what a step does with it.
"""

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import dagster as dg
from pydantic import Field, PrivateAttr

from hub.assets.launcher import run_lock
from hub.clock import SystemClock
from hub.db.engine import open_database
from hub.db.kept_lock import KeptLock, kept
from hub.db.locks import source_locks
from hub.errors import HubError
from hub.etl import flow
from hub.etl.assemble import assemble
from hub.etl.context import Hub
from hub.logs import configure_once
from hub.records.batches import Batch
from hub.settings import Settings, find, load


def configured() -> Settings | None:
    """Return the settings of hub.yaml, None where there is no hub.yaml.

    Raises:
        ConfigError: hub.yaml has a mistake.
    """
    return None if find() is None else load()


def _steps_of(run: dg.DagsterRun | None, instance: dg.DagsterInstance | None) -> Collection[str]:
    """Return the steps of a run. The run of a sensor or a schedule names them in its plan alone."""
    if run is None or instance is None:
        return ()
    if run.step_keys_to_execute is not None:
        return run.step_keys_to_execute
    plan = run.execution_plan_snapshot_id
    return instance.get_execution_plan_snapshot(plan).step_keys_to_execute if plan else ()


class HubResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Database and connectors as `hub.yaml` says."""

    config: str | None = Field(None, description="Path of another hub.yaml.")
    full: bool = Field(
        default=False,
        description="Read the sources of this run from the beginning, not only what has changed. "
        "Records that did not change are not mapped again.",
    )
    _hub: Hub | None = PrivateAttr(default=None)
    _mistake: HubError | None = PrivateAttr(default=None)
    _run: dg.DagsterRun | None = PrivateAttr(default=None)
    _steps: Collection[str] = PrivateAttr(default=())
    _locked: set[str] = PrivateAttr(default_factory=set)
    _batches: dict[str, Batch] = PrivateAttr(default_factory=dict)
    _stack: ExitStack = PrivateAttr(default_factory=ExitStack)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["HubResource"]:
        """Close the hub at the end of the run; batches that are still open stay as `partial`.

        A step opens the hub, so that a mistake in the settings is the failure of a step.
        """
        with ExitStack() as stack:
            self._hub = self._mistake = None
            self._run, self._stack = context.run, stack
            self._steps = _steps_of(context.run, context.instance)
            self._locked, self._batches = set(), {}
            yield self

    @property
    def hub(self) -> Hub:
        """The open hub.

        Raises:
            HubError: it cannot be opened; each step of the run gets the same answer.
        """
        if self._mistake is not None:
            raise self._mistake
        if self._hub is None:
            try:
                self._hub = self._open()
            except HubError as exc:
                self._mistake = exc
                raise
        return self._hub

    def _open(self) -> Hub:
        configure_once()
        settings, clock = load(self.config), SystemClock()
        database = self._stack.enter_context(open_database(settings, clock))
        if self.run_id:
            lock = KeptLock(database.engine, run_lock(self.run_id), is_shared=True)
            self._stack.enter_context(kept(lock))
        return replace(assemble(settings, database, clock), in_dagster=True)

    @property
    def outside(self) -> Hub:
        """The hub, for a step whose stages the sensor `what_happened_outside` tells."""
        return replace(self.hub, in_dagster=False)

    @property
    def run_id(self) -> str:
        """The id of this run; "" outside a run."""
        return self._run.run_id if self._run else ""

    @property
    def runs(self) -> list[str]:
        """The id of this run, and of the one that it executes again, if it does."""
        parent = self._run.parent_run_id if self._run else None
        return [self.run_id, *([parent] if parent else [])]

    def has_step(self, *stages: str) -> bool:
        """Tell whether this run has a step of one of the stages."""
        return any(step.split("__")[0] in stages for step in self._steps)

    def proves(self, source: str) -> bool:
        """Tell whether this run proves a source."""
        return f"proof__{source}" in self._steps

    def lock(self, source: str) -> None:
        """Take the source's lock until the run ends; waits while another process works on the source."""
        if source not in self._locked:
            self._stack.enter_context(source_locks(self.hub.engine, [source]))
            self._locked.add(source)

    def batch(self, source: str) -> Batch:
        """Return the source's batch in this run; the first call takes its lock and opens it."""
        if source not in self._batches:
            self.lock(source)
            batch = flow.begin(self.hub, source, full=self.full, run_id=self.run_id)
            self._stack.callback(flow.leave, self.hub, batch)
            self._batches[source] = batch
        return self._batches[source]

    @property
    def sources_read(self) -> list[str]:
        """The sources of which this run has opened a batch."""
        return list(self._batches)
