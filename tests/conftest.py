"""Real parts for every test: one embedded PostgreSQL a session, a fresh database a test."""

import gc
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import hypothesis
import pytest

from hub.db.embedded import DATABASE, Server
from hub.db.engine import Database
from hub.settings import Settings
from tests import clusters, processes
from tests.folders import new_folder
from tests.prepared import Shelf, Template, fill_of, fresh_database, migrated_server

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")

_HERE = Path(__file__).parent
_BEFORE_THE_END = 0.85


def pytest_configure(config: pytest.Config) -> None:
    """Let children hear Ctrl-C, which a shell takes from what it runs in the background."""
    if not hasattr(config, "workerinput"):
        clusters.share()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """Let one worker collect before the others, which then find the modules that it has compiled."""
    if hasattr(session.config, "workerinput"):
        with clusters.one_by_one("collection") as done:
            if not done.exists():
                yield
                done.touch()
                return
    yield


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mix the folders if several workers share the tests: some wait while others compute."""
    if hasattr(config, "workerinput"):
        places = _places(items)
        items.sort(key=lambda item: places[item.path])


def _places(items: Sequence[pytest.Item]) -> Mapping[Path, float]:
    """Return where in the run each file stands, from 0 to 1: the files of each folder lie evenly.

    The end belongs to the unit tests: no file of theirs keeps one worker while the others have none left.
    """
    files: dict[str, dict[Path, None]] = {}
    for item in items:
        folder = item.path.relative_to(_HERE).parts[0]
        files.setdefault(folder, {})[item.path] = None
    return {
        path: (n + 0.5) / len(own) * (1 if folder == "unit" else _BEFORE_THE_END)
        for folder, own in files.items()
        for n, path in enumerate(own)
    }


def pytest_collection_finish() -> None:
    """Keep what was imported and collected out of every later round of the garbage collector.

    The rounds are also fewer: a tenth of the time of a property test was theirs.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 15, 10)


def pytest_unconfigure() -> None:
    """End what commands and houses of this session came from."""
    processes.close()


@pytest.fixture(scope="session")
def short_tmp() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with new_folder() as path:
        yield path


@pytest.fixture(scope="session")
def server(short_tmp: Path) -> Iterator[Server]:
    """The session's server, with the migrated database `hub` as the template of all others."""
    with migrated_server(short_tmp) as running:
        yield running


@pytest.fixture(scope="session")
def common_shelf(server: Server) -> Shelf:
    """The filled databases that tests of many modules begin with."""
    return Shelf(server)


@pytest.fixture(scope="module")
def shelf(server: Server) -> Iterator[Shelf]:
    """The filled databases that the tests of one module begin with."""
    made = Shelf(server)
    yield made
    made.clear()


@pytest.fixture
def template(request: pytest.FixtureRequest, shelf: Shelf, common_shelf: Shelf) -> Template:
    """The database that a test's own is a copy of: a migrated one, or what the test's fixture fills."""
    found = fill_of(request)
    if found is None:
        return Template(DATABASE, None)
    fill, is_of_module = found
    return (shelf if is_of_module else common_shelf).get(fill)


@pytest.fixture
def db(server: Server, template: Template) -> Iterator[Database]:
    """A fresh, migrated database."""
    with fresh_database(server, template.name) as database:
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
