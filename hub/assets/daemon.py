"""Dagster's daemon: `python -m hub.assets.daemon run …`, as `dagster-daemon run …`.

It first ends runs that a killed daemon left as running: such a run would keep its place in the queue
for ever. The caller ensures that one DAGSTER_HOME has one daemon.
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
        instance.report_run_failed(run, message="its process was gone when the hub started again")
    return len(left)


if __name__ == "__main__":
    with dg.DagsterInstance.get() as at_start:
        end_left_runs(at_start)
    daemon()
