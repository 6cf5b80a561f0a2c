"""Work in transactions; those that PostgreSQL ended because of a deadlock are run again."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from hub.db.copy import CopyRefusedError

_ENDED_FOR_ANOTHER = {"40001", "40P01"}  # serialization_failure, deadlock_detected
_ATTEMPTS = 6
T = TypeVar("T")


def run_transaction(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Run work in one transaction; after a deadlock, run it again from its first line.

    PostgreSQL ends one of the transactions that wait for each other, and expects a retry ("Deadlocks",
    manual § 13.3.4). All locks are taken in one order, so deadlocks are rare. But an index or a foreign
    key may lock rows that no statement names.

    Args:
        engine: engine of the database.
        work: the work; it must keep no state of an earlier attempt.

    Raises:
        DBAPIError: the sixth attempt was ended as well, or the work failed for another reason.
    """
    try:
        with engine.begin() as conn:
            return work(conn)
    except (DBAPIError, CopyRefusedError) as error:
        if not _was_ended_for_another(error):
            raise
    return _once_more(engine, work)


def _once_more(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Repeat work that PostgreSQL ended, until all attempts are used."""
    from tenacity import (  # noqa: PLC0415 seldom needed
        Retrying,
        retry_if_exception,
        stop_after_attempt,
        wait_random_exponential,
    )

    for attempt in Retrying(
        retry=retry_if_exception(_was_ended_for_another),
        stop=stop_after_attempt(_ATTEMPTS - 1),
        wait=wait_random_exponential(multiplier=0.02, max=1),
        reraise=True,
    ):
        with attempt, engine.begin() as conn:
            return work(conn)
    raise AssertionError("unreachable: Retrying returns or raises")


def ask(engine: Engine, question: Callable[[Connection], T]) -> T:
    """Ask what one statement can answer, without a transaction: one exchange with the server, not three.

    The answer holds for the moment at which it is given. Use it to leave out work that has nothing to do.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        return question(conn)


def _was_ended_for_another(error: BaseException) -> bool:
    if isinstance(error, CopyRefusedError):
        return error.sqlstate in _ENDED_FOR_ANOTHER
    state: Any = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return state in _ENDED_FOR_ANOTHER
