"""The nightly count: rollups for reports over all time, computed again from the records.

Triggers keep the rollups true all day. The count sums up the rows that triggers appended, and follows
stages that were moved.
"""

import dagster as dg

from hub.assets.failures import clear_failures
from hub.assets.nightly import ended_well, nightly
from hub.assets.resources import HubResource
from hub.crm import rollups


@dg.op
def recount_rollups(context: dg.OpExecutionContext, hub: HubResource) -> dict[str, int]:
    """Count the rollups again; returns the rows of each."""
    with clear_failures(context, "refresh_rollups"):
        with hub.hub.engine.begin() as conn:
            counted = rollups.refresh(conn)
        ended_well(hub.hub, "refresh_rollups")
    return counted


@dg.job(description="Counts that reports over all time are read from, from the records themselves.")
def refresh_rollups() -> None:
    """Rollups of leads and deals, from the records themselves."""
    recount_rollups()


def nightly_rollups(*, is_running: bool) -> dg.ScheduleDefinition:
    """Return the schedule; with a configured source it runs, unless a user stops it."""
    return nightly(
        refresh_rollups,
        name="nightly_rollups",
        cron_schedule="20 3 * * *",
        description="What reports over all time are read from.",
        is_running=is_running,
    )
