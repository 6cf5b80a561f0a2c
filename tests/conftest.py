"""Real parts for every test: one embedded PostgreSQL a session, a fresh database a test."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from hub.clock import SystemClock
from hub.db import engine as db_engine
from hub.db.embedded import SUPERUSER, EmbeddedServer, Server
from hub.db.engine import Database
from hub.settings import Settings
from tests.processes import new_folder, warm

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")


def pytest_configure() -> None:
    """Let children hear Ctrl-C, which a shell takes from what it runs in the background."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure() -> None:
    """Let go whom the commands of this session came from."""
    if warm.cache_info().currsize:
        warm().close()


@pytest.fixture(scope="session")
def short_tmp() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with new_folder() as path:
        yield path


@pytest.fixture(scope="session")
def server(short_tmp: Path) -> Iterator[Server]:
    """The session's server, with the migrated database `hub` as the template of all others."""
    embedded = EmbeddedServer(short_tmp / "home", SystemClock())
    (short_tmp / "home").mkdir()
    running = embedded.attach()
    with db_engine.opened_embedded(running):
        pass
    _make_fleeting(running)
    yield running
    embedded.detach()


def _make_fleeting(running: Server) -> None:
    """Nothing of a test's database outlives the test, so the disk need not be waited for."""
    url = running.url(SUPERUSER, database="postgres")
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            conn.execute(text(f"ALTER SYSTEM SET {name} = off"))
        conn.execute(text("SELECT pg_reload_conf()"))


_number = iter(range(1_000_000))


@contextmanager
def fresh_database(server: Server) -> Iterator[Database]:
    """Open a new, migrated database; it is dropped at the end."""
    name = f"t{os.getpid()}_{next(_number)}"
    admin = create_engine(
        server.url(SUPERUSER, database="postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as conn:
        conn.execute(
            text(f"CREATE DATABASE {name} TEMPLATE hub OWNER hub_owner STRATEGY FILE_COPY")
        )
    with db_engine.opened_embedded(server, name) as database:
        yield database
    with admin.connect() as conn:
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def db(server: Server) -> Iterator[Database]:
    """A fresh, migrated database."""
    with fresh_database(server) as database:
        yield database


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Three people who share the turns, and no source."""
    return three_people(tmp_path)


def three_people(home: Path) -> Settings:
    """Settings of a house with three people in one group."""
    people = [
        {"email": f"{n}@owners.example.com", "name": n.title()} for n in ("ann", "bob", "cid")
    ]
    return Settings.model_validate(
        {
            "home": str(home),
            "people": people,
            "groups": [{"name": "sales", "members": [p["email"] for p in people]}],
            "routing": {"fallback": "group:sales"},
            "smtp": {"sender": "hub@leadhub.example.com", "port": 9},
        }
    )
