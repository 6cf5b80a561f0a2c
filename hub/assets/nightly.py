"""A schedule that runs a job once a night, and the end of an alert when the job ends well."""

import dagster as dg

from hub.etl import alerts
from hub.etl.context import Core
from hub.etl.notify import deliver_alerts

_STATUS = dg.DefaultScheduleStatus


def nightly(
    job: dg.JobDefinition, *, name: str, cron_schedule: str, description: str, is_running: bool
) -> dg.ScheduleDefinition:
    """Return the schedule of a job.

    Args:
        job: the job.
        name: of the schedule.
        cron_schedule: when it runs.
        description: as Dagster shows it.
        is_running: whether it runs unless a user stops it.
    """
    return dg.ScheduleDefinition(
        name=name,
        job=job,
        cron_schedule=cron_schedule,
        description=description,
        default_status=_STATUS.RUNNING if is_running else _STATUS.STOPPED,
    )


def ended_well(core: Core, job: str) -> None:
    """Say that a nightly job works again, if its last run failed."""
    with core.engine.begin() as conn:
        alerts.works(conn, core, job)
    deliver_alerts(core)
