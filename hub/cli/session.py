"""Open the hub for one command: settings, database, connectors, and close them after."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hub.clock import SystemClock
from hub.db.engine import Database, open_database
from hub.db.place import Place, reached
from hub.settings import Settings, load

if TYPE_CHECKING:
    from hub.etl.context import Hub


@contextmanager
def opened(config: Path | None) -> Iterator[tuple["Hub", Database, Settings]]:
    """Yield the hub, its database and its settings."""
    from hub.etl.assemble import assemble

    settings = load(config)
    clock = SystemClock()
    with open_database(settings, clock) as database:
        yield assemble(settings, database, clock), database, settings


@contextmanager
def opened_database(config: Path | None) -> Iterator[tuple[Database, Settings]]:
    """Yield the database alone, for commands that read."""
    settings = load(config)
    with open_database(settings, SystemClock()) as database:
        yield database, settings


@contextmanager
def reached_database(config: Path | None) -> Iterator[Place]:
    """Yield the place of the database with any schema, for backup and restore."""
    with reached(load(config), SystemClock()) as place:
        yield place
