"""Learn of new rows of the inbox: PostgreSQL's NOTIFY, and a look every few seconds without one.

A notification is lost while the connection is; the look finds what it announced.
"""

from contextlib import suppress
from typing import Any

from sqlalchemy import Engine

from hub.landing.inbox import CHANNEL

_LISTEN = f"LISTEN {CHANNEL}"


class Listener:
    """Listens on a connection of its own, opened again after it was lost. For one thread.

    Args:
        engine: of the database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._driver: Any = None

    def wait(self, seconds: float) -> bool:
        """Wait for a notification, so many seconds at most; returns whether one came.

        Raises:
            HubError, psycopg.Error: the database does not answer.
        """
        if self._driver is None:
            self._driver = self._opened()
        try:
            return any(True for _ in self._driver.notifies(timeout=seconds, stop_after=1))
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._driver is not None:
            with suppress(Exception):
                self._driver.close()
            self._driver = None

    def _opened(self) -> Any:
        raw = self._engine.raw_connection()
        driver: Any = raw.driver_connection
        raw.detach()  # the pool does not take it back
        driver.autocommit = True
        driver.execute(_LISTEN)
        return driver
