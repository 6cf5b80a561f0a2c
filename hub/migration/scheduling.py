"""When a migration runs by itself: at a set time, and again when a quota is there.

Dagster does the work (`hub.assets.migration_sensor`). Not here: the work itself.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hub.db.locks import only_one
from hub.errors import ActionError
from hub.etl.context import Hub
from hub.migration.planning import begun, busy, of_batch
from hub.records import migrations
from hub.records.migrations import Migration, MigrationStatus

WAIT = timedelta(hours=1)
"""How long a migration waits for a used-up quota before it asks again."""


def schedule(
    hub: Hub, source: str, who: str, at: datetime, *, is_delta: bool | None = None
) -> Migration:
    """Let the source's migration run by itself from a moment on; opens one if there is none.

    A migration that was planned, read or rehearsed before continues at that moment.

    Args:
        hub: the hub.
        source: vendor name.
        who: the user who wants it.
        at: aware.
        is_delta: as for `planning.plan`.

    Raises:
        ActionError: the migration is being applied, or another process plans it; or as for `planning.begun`.
    """
    with only_one(hub.engine, f"migration:{source}") as is_ours, hub.engine.begin() as conn:
        if not is_ours:
            raise busy(source)
        found = migrations.under_way(conn, source)
        if found is not None and found.state != "planned":
            raise ActionError(
                f"batch {found.batch.id} is {found.state}: it has begun to load",
                resource="batch",
                code="conflict",
                hint="hub status shows how far it is",
            )
        number = begun(conn, source, who, is_delta=is_delta)
        migrations.set_start(conn, number, at)
    return of_batch(hub, number)


def wait_for_quota(hub: Hub, found: Migration) -> datetime:
    """Let a migration wait for its source's quota; returns until when."""
    until = hub.clock.now() + WAIT
    with hub.engine.begin() as conn:
        migrations.put_off(conn, found.batch.id, until)
    return until


class Step(StrEnum):
    """What is to be done of a migration next."""

    PLAN = "plan"
    READ = "read"
    LOAD = "load"


@dataclass(frozen=True, slots=True)
class Launched:
    """The step that was started last by itself.

    Args:
        step: what it was.
        proven: how many ranges were proven then.
        at: when.
        tries: how often in a row this step was started without progress.
    """

    step: Step
    proven: int
    at: datetime
    tries: int


RETRY_S = 900
"""Seconds after which a step without progress is tried again; twice as many the next time."""
MOST_TRIES = 4


def next_step(one: MigrationStatus) -> Step:
    """Return what is to be done of a migration next."""
    if one.state != "planned":
        return Step.LOAD
    if not one.is_planned:
        return Step.PLAN
    return Step.LOAD if one.proven == one.ranges else Step.READ


def is_due(one: MigrationStatus, now: datetime) -> bool:
    """Tell whether a migration runs by itself now."""
    if one.starts_at is None or one.starts_at > now:
        return False
    return one.waits_until is None or one.waits_until <= now


def launch(one: MigrationStatus, last: Launched | None, now: datetime) -> Launched | None:
    """Return the step to start now; None to wait after a step without progress.

    A new moment, and the end of a wait for a quota, reset the tries. After the last try a user must act.
    """
    step = next_step(one)
    fresh = Launched(step, one.proven, now, 1)
    if last is None or (last.step, last.proven) != (step, one.proven):
        return fresh
    if any(at is not None and at > last.at for at in (one.starts_at, one.waits_until)):
        return fresh
    if last.tries >= MOST_TRIES:
        return None
    wait = timedelta(seconds=RETRY_S * 2 ** (last.tries - 1))
    return replace(fresh, tries=last.tries + 1) if now >= last.at + wait else None
