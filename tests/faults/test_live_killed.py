"""kill -9 of PostgreSQL while leads come by webhooks: nothing is lost, doubled, or told twice.

Gateway and worker are threads here; the kills of their processes have tests of their own.
`python -m tests.faults.live_kills` kills all three at twenty random moments.
"""

import threading

import pytest

from hub.cli.dagster import POSTGRES
from hub.cli.session import opened
from hub.live.worker import Worker
from tests.faults.live_kills import Live, configured_house, kill_under_load, supervised
from tests.gateways import running


def test_each_person_is_one_lead_with_one_notice_though_postgresql_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with configured_house() as (made, box):
        for name, value in {**made.env, "HUB_HOME": str(made.home)}.items():
            monkeypatch.setenv(name, value)
        with (
            supervised(made, {}) as supervisor,
            opened(made.config) as (hub, database, settings),
            running(settings, database) as gateway,
        ):
            worker = Worker(hub)
            thread = threading.Thread(target=worker.run)
            thread.start()
            try:
                place = Live(made, supervisor, gateway.public)
                found = kill_under_load(place, box, [POSTGRES] * 3, people_n=24, rate=15, seed=7)
            finally:
                worker.stop()
                thread.join(20)
    assert found.is_right, found
    assert found.killed[POSTGRES] > 1, "a server that is not back yet is not killed again"
