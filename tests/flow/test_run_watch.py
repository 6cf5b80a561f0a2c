"""A lock that outlives its session, and the launcher that tells by it whether a run's process lives."""

import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.launcher.base import WorkerStatus
from sqlalchemy import text

from hub.assets.launcher import GRACE_S, HubRunLauncher, run_lock
from hub.cli.dagster_home import write_dagster_home
from hub.db.engine import Database
from hub.db.kept_lock import KeptLock, is_held, kept
from hub.settings import Settings

_END_HOLDERS = text("""
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database
                                            WHERE datname = current_database())
""")


def _end_sessions(db: Database) -> None:
    """End every session that holds a lock, as a killed PostgreSQL does."""
    with db.owner_engine().begin() as conn:
        conn.exec_driver_sql("SELECT 1")
    with db.engine.begin() as conn:
        conn.execute(_END_HOLDERS)
    time.sleep(0.1)


def _held(db: Database, name: str) -> bool:
    with db.engine.connect() as conn:
        return is_held(conn, name)


def test_a_lock_is_taken_again_after_its_session_was_lost(db: Database) -> None:
    first, second = KeptLock(db.engine, "only:x"), KeptLock(db.engine, "only:x")
    assert first.keep() is True
    assert second.keep() is False
    assert (_held(db, "only:x"), _held(db, "only:y")) == (True, False)
    _end_sessions(db)
    assert not _held(db, "only:x")
    assert first.keep() is True, "taken again, by a new session"
    assert second.keep() is False
    _end_sessions(db)
    assert second.keep() is True, "another process was faster"
    assert first.keep() is False, "and is told from a database that does not answer"
    second.release()
    assert not _held(db, "only:x"), "its session does not wait in the pool with the lock"


def test_a_lock_held_by_a_thread_is_shared_and_kept_until_the_block_ends(db: Database) -> None:
    def lock() -> KeptLock:
        return KeptLock(db.engine, "run:1", is_shared=True)

    with kept(lock(), every_s=0.05), kept(lock(), every_s=0.05):
        _end_sessions(db)
        deadline = time.monotonic() + 10
        while not _held(db, "run:1"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    assert not _held(db, "run:1")


@pytest.fixture
def instance(
    db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """Dagster as `hub up` sets it up, its tables in the database of the test."""
    with db.owner_engine().begin() as conn:
        conn.exec_driver_sql("GRANT CREATE ON SCHEMA dagster TO hub_app")
    env = write_dagster_home(settings, db)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with dg.DagsterInstance.from_config(env["DAGSTER_HOME"]) as made:
        yield made


def test_a_run_is_gone_when_its_lock_has_been_free_for_a_minute(
    instance: dg.DagsterInstance, db: Database
) -> None:
    launcher = instance.run_launcher
    assert isinstance(launcher, HubRunLauncher)
    assert launcher.supports_check_run_worker_health
    moment = [0.0]
    launcher.now = lambda: moment[0]
    run = dg.DagsterRun(job_name="sync", status=dg.DagsterRunStatus.STARTED)

    def health(at: float) -> WorkerStatus:
        moment[0] = at
        return launcher.check_run_worker_health(run).status

    assert health(0) is WorkerStatus.RUNNING, "it may take its lock in a moment"
    with kept(KeptLock(db.engine, run_lock(run.run_id), is_shared=True)):
        assert health(GRACE_S + 1) is WorkerStatus.RUNNING
    assert health(GRACE_S + 2) is WorkerStatus.RUNNING, "free since now"
    assert health(2 * GRACE_S + 1) is WorkerStatus.RUNNING
    assert health(2 * GRACE_S + 2) is WorkerStatus.FAILED
    said = launcher.check_run_worker_health(run)
    assert said.status is WorkerStatus.RUNNING, "it is told once"
    written = yaml.safe_load((Path(instance.root_directory) / "dagster.yaml").read_text())
    assert instance.run_monitoring_enabled
    assert written["sensors"] == {"use_threads": True, "num_workers": 8}


_SESSIONS = text("""
SELECT count(*), pg_terminate_backend(min(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'dagster'
""")


def test_dagster_keeps_its_connections_and_outlives_their_loss(
    instance: dg.DagsterInstance, db: Database
) -> None:
    with dg.DagsterInstance.from_config(instance.root_directory) as other:
        for _ in range(10):  # the code server makes an instance for many a request
            assert instance.get_runs() == other.get_runs() == []
            assert instance.all_instigator_state() == []
        with db.engine.begin() as conn:
            sessions_n, _ = conn.execute(_SESSIONS).one()
        assert sessions_n == 1
        assert other.get_runs() == [], "PostgreSQL was started again"
