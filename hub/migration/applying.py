"""Apply a migration: hand its records to the stages over the hub's own database, close it, compare.

Continues after an interruption. A plan is rehearsed again first if something has changed since.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import text

from hub.db.locks import only_one
from hub.errors import ActionError
from hub.etl import closing, flow
from hub.etl.context import Hub
from hub.landing import store
from hub.migration.adopting import adopt
from hub.migration.differences import Difference, from_plan
from hub.migration.parts import Parts
from hub.migration.planning import busy, command_of, of_batch, streams_of, window_of
from hub.migration.stages import Say, run_quietly
from hub.records.ledger import StreamLedger
from hub.records.migrations import Migration


@dataclass(frozen=True, slots=True)
class Applied:
    """How a migration ended.

    Args:
        ledgers: one for each stream.
        differences: from the plan; empty without a plan.
        was_planned: whether there was a plan to compare with.
    """

    ledgers: Sequence[StreamLedger]
    differences: Sequence[Difference] = field(default=())
    was_planned: bool = False

    @property
    def holds(self) -> bool:
        """Whether every ledger adds up."""
        return all(entry.holds for entry in self.ledgers)


def apply(
    hub: Hub,
    found: Migration,
    say: Say = lambda _: None,
    on_page: Callable[[int], None] = lambda _: None,
) -> Applied:
    """Load a migration into the CRM, and close its batch.

    Args:
        hub: the hub.
        found: the migration; all it could read was read.
        say: told which step begins.
        on_page: told how many records were landed.

    Raises:
        ActionError: another process works on the source's migration, or it is over.
    """
    with only_one(hub.engine, f"migration:{found.batch.source}") as is_ours:
        if not is_ours:
            raise busy(found.batch.source)
        found = of_batch(hub, found.batch.id)  # another process may have ended it meanwhile
        check_open(found)
        say("land")
        adopt(hub, found, on_page)
        run_quietly(hub, found.batch, say)
        flow.drain(hub, found.batch)
        ledgers = closing.finish(hub, found.batch)
        if found.delta_of is None:
            _hand_over(hub, found)
        flow.run_notify(hub)
    if found.rehearsed_at is None:
        return Applied(ledgers)
    with hub.engine.begin() as conn:
        return Applied(ledgers, list(from_plan(conn, found.batch.id)), was_planned=True)


def check_open(found: Migration) -> None:
    """Refuse a migration that is over.

    Raises:
        ActionError: it was loaded, discarded or undone.
    """
    if found.state not in ("planned", "running", "partial"):
        is_gone = found.state == "undone" and found.applied_at is None
        raise ActionError(
            f"batch {found.batch.id} {'was discarded' if is_gone else f'is {found.state}'}: it cannot be applied",
            resource="batch",
            code="conflict",
            hint=f"{command_of(found.batch.source)} begins a new one",
        )


def _hand_over(hub: Hub, found: Migration) -> None:
    """Let a sync of each stream begin where the migration was frozen, unless one has begun already."""
    parts = Parts(hub.connector(found.batch.source))
    with hub.engine.begin() as conn:
        for stream in streams_of(parts, found):
            if store.read_cursor(conn, found.batch.source, stream.name) is None:
                cursor = parts.following(stream, window_of(found, stream.name))
                store.write_cursor(conn, found.batch.source, stream.name, cursor)


_SINCE = text("""
SELECT EXISTS (SELECT 1 FROM ops.change WHERE at > :since)
    OR EXISTS (SELECT 1 FROM landing.raw WHERE id > (
      SELECT coalesce(max(id), 0) FROM landing.raw WHERE landed_at <= :since))
    OR EXISTS (SELECT 1 FROM ops.batch WHERE kind <> 'migrate' AND started_at > :since)
""")


def is_stale(hub: Hub, found: Migration) -> bool:
    """Tell whether anything was changed in the hub since the migration was rehearsed."""
    if found.rehearsed_at is None:
        return False
    with hub.engine.begin() as conn:
        return bool(conn.execute(_SINCE, {"since": found.rehearsed_at}).scalar_one())
