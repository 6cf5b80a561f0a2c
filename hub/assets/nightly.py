"""A schedule that runs a job once a night."""

import dagster as dg

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
