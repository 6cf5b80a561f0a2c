"""The nightly count: roll-ups for reports over all time, computed again from the records.

Triggers keep the roll-ups true all day. The count sums up the rows that triggers appended, and follows
stages that were moved.
"""

import dagster as dg

from hub.assets.resources import HubResource
from hub.crm import tallies


@dg.op
def count_roll_ups(hub: HubResource) -> dict[str, int]:
    """Count the roll-ups anew; returns the rows of each."""
    with hub.hub.engine.begin() as conn:
        return tallies.refresh(conn)


@dg.job(executor_def=dg.in_process_executor)
def refresh_roll_ups() -> None:
    """Roll-ups of leads and deals, from the records themselves."""
    count_roll_ups()


def nightly(*, is_running: bool) -> dg.ScheduleDefinition:
    """Return the schedule; with a configured source it runs, unless a user stops it."""
    status = dg.DefaultScheduleStatus
    return dg.ScheduleDefinition(
        name="nightly_roll_ups",
        job=refresh_roll_ups,
        cron_schedule="20 3 * * *",
        description="What reports over all time are read from.",
        default_status=status.RUNNING if is_running else status.STOPPED,
    )
