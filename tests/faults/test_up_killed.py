"""Kill -9 under a real `hub up`: everything goes on, no run stays STARTED, and what was red is said.

The short form: the daemon, PostgreSQL, and the code server of a run that is under way. The long form kills
each process twice: `make kills` (`tests.faults.running_hub`).
"""

import time
from contextlib import ExitStack

from sqlalchemy import text

from tests.faults.running_hub import (
    SOURCE,
    WITHIN_S,
    Up,
    furnished,
    held_source,
    hub_up,
    kill_once,
    within,
)

_STATE = text("SELECT status FROM dagster.runs WHERE run_id = :id")


def test_what_is_killed_comes_back_and_a_run_whose_process_is_gone_is_failed() -> None:
    with furnished(SOURCE) as (made, _):
        with ExitStack() as held:
            with hub_up(made) as up:
                _kill(up)
                database = held.enter_context(held_source(made))
                up.launch()
                assert within(WITHIN_S, lambda: bool(up.started())), "no run has started"
                run_id = up.started()[0]
            with database.engine.connect() as conn:
                assert conn.execute(_STATE, {"id": run_id}).scalar_one() == "CANCELED"
        assert within(5, lambda: made.processes() == []), made.processes()
    assert up.process.returncode == 130
    for name in ("Dagster's daemon", "PostgreSQL", "Dagster's code server"):
        assert f"{name} has ended" in up.told
    assert f"runs under way are ended: sync_{SOURCE}" in up.told
    assert "Traceback" not in up.told, up.told


def _kill(up: Up) -> None:
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
