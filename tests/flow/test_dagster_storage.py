"""A tick of Dagster sends no query to PostgreSQL's catalogue. The pool: `test_run_watch`."""

import inspect
import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import pytest
import sqlalchemy
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    SensorInstigatorData,
)
from dagster._daemon import controller
from dagster._grpc import server_watcher

from hub.assets.storage import shared_engine
from hub.assets.watching import WATCH_S, watch_less_often
from hub.db.engine import Database
from tests.flow.test_run_watch import instance

__all__ = ["instance"]
_ORIGIN = RemoteInstigatorOrigin(
    RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("lead_hub"), "__repository__"), "poll_it"
)
STATE = InstigatorState(
    _ORIGIN, InstigatorType.SENSOR, InstigatorStatus.RUNNING, SensorInstigatorData()
)


@contextmanager
def _statements(engine: sqlalchemy.Engine) -> Iterator[list[str]]:
    """Collect what is sent to PostgreSQL."""
    sent: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    sqlalchemy.event.listen(engine, "before_cursor_execute", note)
    yield sent
    sqlalchemy.event.remove(engine, "before_cursor_execute", note)


def test_dagster_has_the_constants_of_how_often_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not settings: another version of Dagster may have none."""
    names = ("RELOAD_WORKSPACE_INTERVAL", "DEFAULT_WORKSPACE_FRESHNESS_TOLERANCE")
    owners = [(server_watcher, "WATCH_INTERVAL"), *((controller, name) for name in names)]
    for owner, name in owners:
        monkeypatch.setattr(owner, name, 1)  # restored at the end; fails if there is none
        assert name in inspect.getsource(owner).replace(f"{name} =", ""), f"{name} is read"
    watch_less_often()
    assert all(getattr(owner, name) >= WATCH_S for owner, name in owners)


def test_the_state_of_a_sensor_costs_a_statement(
    instance: dg.DagsterInstance, db: Database
) -> None:
    instance.add_instigator_state(STATE)
    instance.update_instigator_state(STATE)
    with _statements(shared_engine(db.dagster_url)) as sent:
        instance.update_instigator_state(STATE)
        assert instance.get_instigator_state(STATE.instigator_origin_id, STATE.selector_id)
        instance.purge_ticks(STATE.instigator_origin_id, STATE.selector_id, time.time())
    assert sent, "the engine is the one of the storage"
    assert not [one for one in sent if "pg_catalog" in one]
    assert len(sent) <= 5
