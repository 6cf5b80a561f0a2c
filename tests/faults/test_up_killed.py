"""Kill -9 under a real `hub up`: everything goes on, no run stays STARTED, and what was red is said.

The short form: the daemon, PostgreSQL, and the code server of a run that is under way. The long form kills
each process twice: `make kills` (`tests.faults.running_hub`).
"""

import time

from tests.faults.running_hub import SOURCE, WITHIN_S, Up, furnished, hub_up, kill_once, within
from tests.processes import House


def test_what_is_killed_comes_back_and_a_run_whose_process_is_gone_is_failed() -> None:
    with furnished(SOURCE) as (made, _):
        up = _killed(made)
        assert within(5, lambda: made.processes() == []), made.processes()
    assert up.process.returncode == 130
    for name in ("Dagster's daemon", "PostgreSQL", "Dagster's code server"):
        assert f"{name} has ended" in up.told
    assert "Traceback" not in up.told, up.told


def _killed(made: House) -> Up:
    with hub_up(made) as up:
        before = {name: up.pids(name) for name in ("daemon", "PostgreSQL", "code server")}
        at = time.time()
        up.kill("daemon")
        up.kill("PostgreSQL")
        told = kill_once(up, "code server")
        assert told.run == "FAILURE"
        assert "interrupted" in told.said or "gone" in told.said, told.said
        assert within(WITHIN_S, lambda: up.is_well(at))
        assert within(WITHIN_S, lambda: not up.live_runs()), "no run stays STARTED"
        assert all(up.pids(name) not in ([], pids) for name, pids in before.items())
    return up
