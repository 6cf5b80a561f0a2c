"""Ask the vendors for news: the connections of one process, opened once.

In: the settings, which are read again when hub.yaml changes. Out: what the database says of a source, and
the streams that have news. A sensor must be cheap, so nothing here assembles the hub. Not here: when
to ask, and what follows (`hub.etl.polling`).
"""

import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from hub.clock import Clock
from hub.connectors.base import News, Probes
from hub.connectors.governor import Usage
from hub.connectors.http import PROMPT
from hub.connectors.registry import connect, limits_of
from hub.db.engine import Database, open_database
from hub.db.kept_lock import is_held
from hub.db.transactions import ask
from hub.errors import ConfigError, TransientError
from hub.etl.budget import SharedBudget, account_of
from hub.etl.polling import Standing, interval_s
from hub.etl.promise import keep_question
from hub.landing import store, versions
from hub.mappings.document import MappingDocument
from hub.mappings.loader import load_all
from hub.records import batch_history, budgets
from hub.settings import Settings, find, load

MOST_S = 35.0
"""How long a question may take before its last request begins; Dagster gives a tick 60 seconds."""


class Patience:
    """A clock that does not wait beyond the end of a question.

    Args:
        clock: the clock itself.
        most_s: how long a question may take before its last request begins.
    """

    def __init__(self, clock: Clock, most_s: float = MOST_S) -> None:
        self._clock = clock
        self.most_s = most_s
        self.until = clock.now()

    def begin(self) -> None:
        """Begin a question."""
        self.until = self._clock.now() + timedelta(seconds=self.most_s)

    def now(self) -> datetime:
        """Return the present."""
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        """Wait; raise `TransientError` if the wait would outlast the question."""
        if self.now() + timedelta(seconds=seconds) > self.until:
            raise TransientError(
                f"the next request may be sent in {seconds:.0f} s only", retry_after_s=seconds
            )
        self._clock.sleep(seconds)


@dataclass(frozen=True, slots=True)
class PromptBudget:
    """The shared budget, for a question that ends in time; see `hub.connectors.governor.Budget`."""

    inner: SharedBudget
    patience: Patience

    def take(self, n: int = 1, *, kind: str = "") -> None:
        """Wait until `n` requests may be sent, but not beyond the end of the question."""
        if self.patience.now() > self.patience.until:
            most_s = self.patience.most_s
            raise TransientError(f"the vendor took more than {most_s:.0f} s to answer")
        self.inner.take(n, kind=kind)

    def observe(self, usage: Usage) -> None:
        """Store the daily quota that the vendor reported."""
        self.inner.observe(usage)

    def pause(self, seconds: float) -> None:
        """Stop all requests of the account for so many vendor seconds."""
        self.inner.pause(seconds)

    def slot(self) -> AbstractContextManager[None]:
        """Hold one of the account's connections."""
        return self.inner.slot()


@dataclass(slots=True)
class _Line:
    """The connection to one vendor."""

    connector: Probes
    patience: Patience
    lock: threading.Lock = field(default_factory=threading.Lock)


class Poller:
    """The open connections of one process; threads may share it.

    Args:
        clock: for waits and the present.
        config: the path of hub.yaml; None looks for it.
    """

    def __init__(self, clock: Clock, config: Path | None = None) -> None:
        self._clock = clock
        self._config = config
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._read_from: tuple[Path | None, float] | None = None
        self._settings: Settings | None = None
        self._database: Database | None = None
        self._lines: dict[str, _Line] = {}
        self._mappings: Mapping[str, MappingDocument] | None = None

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            self._drop()

    def now(self) -> datetime:
        """Return the present."""
        return self._clock.now()

    @property
    def settings(self) -> Settings:
        """The settings, as hub.yaml has them now."""
        self._open()
        assert self._settings is not None  # noqa: S101  # opened above
        return self._settings

    @property
    def database(self) -> Database:
        """The open database."""
        self._open()
        assert self._database is not None  # noqa: S101  # opened above
        return self._database

    @property
    def mappings(self) -> Mapping[str, MappingDocument]:
        """The mapping documents, read at first need."""
        folder = self.settings.mappings_dir
        if self._mappings is None:
            self._mappings = load_all(Path(folder) if folder else None)
        return self._mappings

    def standings(self, sources: Sequence[str]) -> Mapping[str, Standing]:
        """Return what the database and hub.yaml say of some sources; one connection, no transaction."""
        followed = self.settings.sources.followed()
        found = ask(
            self.database.engine, lambda conn: {name: _standing(conn, name) for name in sources}
        )
        return {name: replace(one, is_followed=name in followed) for name, one in found.items()}

    def interval_s(self, source: str, requests_n: int) -> float:
        """Return the seconds between two questions that take so many requests."""
        return ask(self.database.engine, lambda conn: self._every_s(conn, source, requests_n))

    def _every_s(self, conn: Connection, source: str, requests_n: int) -> float:
        block = self._block(source)
        day = budgets.day_of(conn, account_of(source, block))
        return interval_s(
            getattr(block, "poll_s", 60.0),
            requests_n,
            limits_of(source),
            day[1] if day else None,
            time_scale=getattr(block, "time_scale", 1.0),
        )

    def ask(self, source: str, standing: Standing) -> tuple[Sequence[str], News]:
        """Return the names of the streams with news, and the vendor's answer.

        Raises:
            HubError: the vendor refuses the question, or gives no answer in time.
        """
        line = self._line(source)
        if not line.lock.acquire(blocking=False):
            raise TransientError("the last question is still open")
        try:
            line.patience.begin()
            news = line.connector.news(standing.cursors)
        finally:
            line.lock.release()
        with self.database.engine.begin() as conn:
            every_s = self._every_s(conn, source, max(news.requests_n, 1))
            keep_question(conn, source, every_s=every_s, turns=news.turns)
            found = [name for name in news.glances if _has_news(conn, source, name, news)]
        return found, news

    def _block(self, source: str) -> object:
        block: object | None = getattr(self.settings.sources, source, None)
        if block is None:
            raise ConfigError(f"source {source!r} is not configured")
        return block

    def _line(self, source: str) -> _Line:
        block, database = self._block(source), self.database
        with self._lock:
            if source not in self._lines:
                patience = Patience(self._clock)
                shared = SharedBudget(
                    database.engine,
                    account_of(source, block),
                    limits_of(source),
                    patience,
                    time_scale=getattr(block, "time_scale", 1.0),
                    reserve=getattr(block, "daily_reserve", 0.0),
                    is_bulk=True,
                )
                budget = PromptBudget(shared, patience)
                connector = connect(source, block, patience, budget=budget, retry_policy=PROMPT)
                if not isinstance(connector, Probes):
                    raise ConfigError(f"{source} cannot be asked for news")
                self._lines[source] = _Line(connector, patience)
            return self._lines[source]

    def _open(self) -> None:
        """Read hub.yaml if it is new or has changed; then open the database again too."""
        with self._lock:
            path = find(self._config)
            state = (path, path.stat().st_mtime if path else 0.0)
            if state == self._read_from:
                return
            self._drop()
            settings = load(path)
            self._database = self._stack.enter_context(open_database(settings, self._clock))
            self._settings, self._read_from = settings, state

    def _drop(self) -> None:
        self._stack.close()
        self._stack = ExitStack()
        self._lines, self._database, self._settings, self._read_from = {}, None, None, None
        self._mappings = None


def _standing(conn: Connection, source: str) -> Standing:
    last = batch_history.last_read(conn, source)
    return Standing(
        is_at_work=is_held(conn, f"source:{source}"),
        read_at=last.good_at,
        has_failed=last.has_failed,
        cursors=store.read_cursors(conn, source),
    )


def _has_news(conn: Connection, source: str, stream: str, news: News) -> bool:
    glance = news.glances[stream]
    ids = [id_ for id_, _ in glance.seen]
    return glance.has_news(versions.read_versions(conn, source, stream, ids) if ids else {})
