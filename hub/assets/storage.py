"""Dagster's storage on PostgreSQL, with connections that are kept.

Dagster opens a connection for each statement, and PostgreSQL starts a process for each connection.
Where nothing happens, this was most of the CPU: a tick of a sensor has about a dozen statements.
Here all storages of a process share one pool. Dagster also makes a storage again for many a request
to the code server, and looks each time whether its tables exist. Here a process looks once.

Dagster also asks the catalogue for its tables each time before it reads or writes the state of a sensor. Here
a process asks until the answer is yes.
"""

import select
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import sqlalchemy
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy.exc import DisconnectionError

_POOL, _MORE = 2, 20
_RECYCLE_S = 3600
_QUESTIONS = (
    "has_instigators_table",
    "_has_instigators_table",
    "_has_asset_daemon_asset_evaluations_table",
    "has_secondary_index_table",
    "has_built_index",
    "has_secondary_index",
    "has_table",
    "has_run_stats_index_cols",
    "has_bulk_actions_selector_cols",
)
_checked: set[str] = set()
_yes: dict[str, set[tuple[str, ...]]] = {}


@cache
def shared_engine(postgres_url: str) -> sqlalchemy.Engine:
    """Return the pool of this process for a database."""
    engine = sqlalchemy.create_engine(
        postgres_url,
        isolation_level="AUTOCOMMIT",
        pool_size=_POOL,
        max_overflow=_MORE,
        pool_recycle=_RECYCLE_S,
        connect_args={"application_name": "dagster"},
    )
    sqlalchemy.event.listen(engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(dbapi: Any, _record: object, _proxy: object) -> None:
    """Refuse a connection that PostgreSQL has closed; the pool then opens another.

    PostgreSQL says nothing on an idle connection, until it ends. So a readable socket is a closed one. The
    usual question (`pool_pre_ping`) is a statement before each statement.
    """
    waiting = select.poll()
    waiting.register(dbapi.fileno(), select.POLLIN)
    if waiting.poll(0):
        raise DisconnectionError("PostgreSQL has closed this connection")


def _once(part: Any, question: str, kept: set[tuple[str, ...]]) -> None:
    """Let a storage ask its database until the answer is yes, and no more: what is there stays there.

    Args:
        part: the storage.
        question: the name of its method; arguments are names, and a connection that may be left out.
        kept: the questions that were answered with yes.
    """
    ask: Callable[..., bool] = getattr(part, question)

    def asked(*arguments: Any) -> bool:
        key = (question, *(one for one in arguments if isinstance(one, str)))
        if key not in kept:
            if not ask(*arguments):
                return False
            kept.add(key)
        return True

    setattr(part, question, asked)


class PooledStorage(DagsterPostgresStorage):
    """Dagster's own storage, over the pool of the process."""

    def __init__(
        self, postgres_url: str, *, inst_data: ConfigurableClassData | None = None
    ) -> None:
        is_new = postgres_url not in _checked
        super().__init__(postgres_url, should_autocreate_tables=is_new, inst_data=inst_data)
        _checked.add(postgres_url)
        parts: list[Any] = [self._run_storage, self._event_log_storage, self._schedule_storage]
        for part in parts:
            part._engine = shared_engine(postgres_url)  # noqa: SLF001  # there is no public way
            for question in _QUESTIONS:
                if hasattr(part, question):
                    _once(part, question, _yes.setdefault(f"{postgres_url} {type(part)}", set()))

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PooledStorage":
        """Return the storage for the configuration in dagster.yaml."""
        return cls(str(config_value["postgres_url"]), inst_data=inst_data)
