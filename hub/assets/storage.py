"""Dagster's storage on PostgreSQL, with connections that are kept.

Dagster opens a connection for each statement, and PostgreSQL starts a process for each connection. Where
nothing happens, this was most of the CPU: a tick of a sensor has about a dozen statements. Here all storages of a
process share one pool. Dagster also makes a storage anew for many a request to the code server, and looks each
time whether its tables exist. Here a process looks once.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import sqlalchemy
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

_POOL, _MORE = 2, 20
_RECYCLE_S = 3600
_checked: set[str] = set()


@cache
def shared_engine(postgres_url: str) -> sqlalchemy.Engine:
    """Return the pool of this process for a database."""
    return sqlalchemy.create_engine(
        postgres_url,
        isolation_level="AUTOCOMMIT",
        pool_size=_POOL,
        max_overflow=_MORE,
        pool_pre_ping=True,  # PostgreSQL may have been started again
        pool_recycle=_RECYCLE_S,
        connect_args={"application_name": "dagster"},
    )


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

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "PooledStorage":
        """Return the storage for the configuration in dagster.yaml."""
        return cls(str(config_value["postgres_url"]), inst_data=inst_data)
