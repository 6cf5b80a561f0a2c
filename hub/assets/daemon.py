"""Dagster's daemon: `python -m hub.assets.daemon run …`, as `dagster-daemon run …`.

It first ends what an earlier daemon, killed, left as running: such a run would hold its place in
the queue for ever. The caller sees to it that there is one daemon for one DAGSTER_HOME.
"""

import dagster as dg
from dagster._daemon.cli import main as daemon  # what `dagster-daemon` itself runs

_RUNNING = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def end_left_runs(instance: dg.DagsterInstance) -> int:
    """Mark runs whose process is gone as failed; returns how many."""
    left = instance.get_runs(filters=dg.RunsFilter(statuses=_RUNNING))
    for run in left:
        instance.report_run_failed(run, message="its process was gone when the hub came up again")
    return len(left)


if __name__ == "__main__":
    with dg.DagsterInstance.get() as at_start:
        end_left_runs(at_start)
    daemon()
