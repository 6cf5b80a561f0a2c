"""What a killed daemon left as running does not hold a place in the queue for ever."""

import dagster as dg

from hub.assets.daemon import end_left_runs


def test_runs_whose_process_is_gone_are_failed_and_others_left_alone() -> None:
    states = {
        "started": dg.DagsterRunStatus.STARTED,
        "starting": dg.DagsterRunStatus.STARTING,
        "waits": dg.DagsterRunStatus.NOT_STARTED,
        "done": dg.DagsterRunStatus.SUCCESS,
    }
    with dg.DagsterInstance.ephemeral() as instance:
        for name, status in states.items():
            instance.add_run(dg.DagsterRun(job_name="sync", run_id=name, status=status))
        assert end_left_runs(instance) == 2
        after = {run.run_id: run.status for run in instance.get_runs()}
        assert end_left_runs(instance) == 0
    failed = dg.DagsterRunStatus.FAILURE
    assert after == {**states, "started": failed, "starting": failed}
