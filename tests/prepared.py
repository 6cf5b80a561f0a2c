"""Databases that several tests begin with: each is filled once, and every test has a copy of its own.

To copy a database costs a tenth of what filling it costs: `CREATE DATABASE … TEMPLATE`.
"""

import copy
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Dialect, Engine, create_engine
from sqlalchemy.util import LRUCache

from hub.clock import SystemClock
from hub.db.embedded import DATABASE, SUPERUSER, Server
from hub.db.engine import Database, opened_embedded
from tests.clusters import FleetingServer, copy_cluster

Fill = Callable[[Database], Any]  # returns what a test needs to know beside the database
_FILLS: dict[int, Fill] = {}  # by the identity of the fixture that a module holds
_COMMON: dict[str, Fill] = {}  # by the name of a fixture that many modules use
_numbers = count()


def fills(fixture: object, fill: Fill) -> None:
    """Declare that tests which ask for a module's fixture begin with what `fill` writes."""
    _FILLS[id(fixture)] = fill


def commonly_fills(name: str, fill: Fill) -> None:
    """The same for a fixture of a conftest, where the module has none of its own."""
    _COMMON[name] = fill


@contextmanager
def migrated_server(folder: Path) -> Iterator[Server]:
    """Run a server in a folder, with the migrated database `hub` as the template of all others."""
    home = folder / "home"
    copy_cluster(home)
    embedded = FleetingServer(home, SystemClock())
    running = embedded.attach()
    try:
        with opened_embedded(running):
            pass
        yield running
    finally:
        if running in _admins:
            _admins.pop(running).dispose()
        embedded.detach()


_admins: dict[Server, Engine] = {}


def _as_admin(server: Server, statement: str) -> None:
    """Run a statement by the connection that this process keeps for it."""
    if server not in _admins:
        url = server.url(SUPERUSER, database="postgres")
        _admins[server] = create_engine(url, pool_size=1, isolation_level="AUTOCOMMIT")
    with _admins[server].connect() as conn:
        conn.exec_driver_sql(statement)


def new_database(server: Server, template: str = DATABASE) -> str:
    """Copy a database that has no connections; returns the name of the copy."""
    name = f"t{os.getpid()}_{next(_numbers)}"
    _as_admin(
        server, f"CREATE DATABASE {name} TEMPLATE {template} OWNER hub_owner STRATEGY FILE_COPY"
    )
    return name


def drop_database(server: Server, name: str) -> None:
    """Drop a database, even if a test has left a connection open."""
    _as_admin(server, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def fresh_database(server: Server, template: str = DATABASE) -> Iterator[Database]:
    """Open a new, migrated database; it is dropped at the end."""
    name = new_database(server, template)
    with opened_embedded(server, name) as database:
        _spare(database.engine)
        yield database
    drop_database(server, name)


_dialects: list[Dialect] = []
_compiled: LRUCache[Any, Any] = LRUCache(5_000)


def _spare(engine: Engine) -> None:
    """Let an engine use what the engines of earlier tests have compiled: a tenth of a test's time.

    The server of the tests does not go away, so connections are not tried before each use either.
    """
    _dialects.append(engine.dialect)
    engine.dialect = _dialects[0]  # it is part of the cache's keys
    del _dialects[1:]
    engine._compiled_cache = _compiled
    engine.pool._pre_ping = False


@dataclass(frozen=True)
class Template:
    """A filled database, and what its filling returned."""

    name: str
    said: Any

    def told(self) -> Any:
        """Return the result of the filling, as a copy that a test may change."""
        return copy.deepcopy(self.said)


class Shelf:
    """The templates of a process, made when a test first asks for them."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._made: dict[Fill, Template] = {}

    def get(self, fill: Fill, pour: Callable[[Server, str], None] | None = None) -> Template:
        """Return the template that a function fills.

        Args:
            fill: gets the open, migrated database.
            pour: writes an older schema into an empty database, which is upgraded then.
        """
        if fill not in self._made:
            name = new_database(self._server, DATABASE if pour is None else "template1")
            if pour is not None:
                pour(self._server, name)
            with opened_embedded(self._server, name) as database:
                said = fill(database)
            self._made[fill] = Template(name, said)
        return self._made[fill]

    def clear(self) -> None:
        """Drop the templates."""
        for template in self._made.values():
            drop_database(self._server, template.name)
        self._made.clear()


def fill_of(request: pytest.FixtureRequest) -> tuple[Fill, bool] | None:
    """Return what fills a test's database, if anything does, and whether the module declares it."""
    for name in request.fixturenames:
        own = id(getattr(request.module, name, None))
        if own in _FILLS:
            return _FILLS[own], True
    for name in request.fixturenames:
        if name in _COMMON:
            return _COMMON[name], False
    return None
