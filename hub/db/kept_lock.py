"""A lock of the whole life of a process: held by a session of its own, and taken again if that is lost.

A session is lost when PostgreSQL is killed or restarted, or the network breaks. Until `keep` has taken the
lock again, another process may take it. So `keep` is called every few seconds, and its answer decides.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from hub.db.locks import LOCK_SPACE, lock_number
from hub.errors import HubError
from hub.logs import get_logger

_EVERY_S = 5.0
_JOIN_S = 10.0
_LET_GO = text("SELECT pg_advisory_unlock_all()")
log = get_logger()


class KeptLock:
    """An advisory lock by name. Shared, several processes hold it; else one.

    Args:
        engine: its pool gives one connection for as long as the lock is held.
        name: the name of the lock.
        is_shared: whether several processes may hold it.
    """

    def __init__(self, engine: Engine, name: str, *, is_shared: bool = False) -> None:
        took = "pg_try_advisory_lock_shared" if is_shared else "pg_try_advisory_lock"
        self._take = text(f"SELECT {took}(:space, :number)")
        self._number = {"space": LOCK_SPACE, "number": lock_number(name)}
        self._engine = engine
        self._session: Connection | None = None

    def keep(self) -> bool | None:
        """Hold the lock, taking it if it is not held.

        Returns True if it is held, False if another process holds it, None if the database does not
        answer.
        """
        try:
            if self._session is not None:
                self._session.execute(text("SELECT 1"))
                return True
        except (HubError, SQLAlchemyError):
            self.release()
        try:
            self._session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            if self._session.execute(self._take, self._number).scalar_one():
                return True
        except (HubError, SQLAlchemyError):
            self.release()
            return None
        self.release()
        return False

    def release(self) -> None:
        """Release the lock, with its session."""
        session, self._session = self._session, None
        if session is not None:
            with suppress(HubError, SQLAlchemyError):
                session.execute(_LET_GO)  # a closed session releases its lock a moment later
            with suppress(HubError, SQLAlchemyError):
                session.invalidate()  # the pool would keep the session, and with it the lock
            with suppress(HubError, SQLAlchemyError):
                session.close()


@contextmanager
def kept(lock: KeptLock, *, every_s: float = _EVERY_S) -> Iterator[None]:
    """Keep a lock by a thread until the block ends."""
    ended = threading.Event()
    lock.keep()

    def work() -> None:
        while not ended.wait(every_s):
            if lock.keep() is None:
                log.warning("lock_waits_for_the_database")

    thread = threading.Thread(target=work, name="kept-lock", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_JOIN_S)
        lock.release()


_HELD = text("""
SELECT EXISTS (
    SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE datname = current_database() AND locktype = 'advisory' AND objsubid = 2 AND granted
      AND classid = CAST(:space AS oid) AND objid = CAST(:number AS oid)
)
""")


def is_held(conn: Connection, name: str) -> bool:
    """Tell whether any session of this database holds a lock; takes no lock and does not wait."""
    number = lock_number(name) & 0xFFFFFFFF  # pg_locks shows the two numbers without sign
    return bool(conn.execute(_HELD, {"space": LOCK_SPACE, "number": number}).scalar_one())
