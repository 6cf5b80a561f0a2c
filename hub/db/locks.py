"""The locks, in the order in which they may be taken.

    identity → companies → entities by id → source records by key → deals by id → contacts by id →
    distribution group → outbox

A writer of companies holds the lock of companies exclusively. A transaction that looks for the company of
a person holds it shared. So a new company and its people always find each other.

The locks of identity, companies, sources and vendor slots are advisory. The others are row locks (`FOR
UPDATE`, SKIP LOCKED), in the modules of their queries. Under READ COMMITTED the identity lock must be the
first statement of its transaction: then the transaction reads what the one before has committed
(measured: under REPEATABLE READ eight workers make eight leads of one person).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import OperationalError

from hub.clock import Clock

LOCK_SPACE = 0x4855  # keeps the hub's advisory locks apart from other users of the database
_POLL_S = 0.02
_TRY = text("SELECT pg_try_advisory_lock(:space, :number)")
_WAIT = text("SELECT pg_advisory_lock(:space, :number)")
"""The first answers whether the lock is held now; the second returns a void value once it is."""


def lock_number(name: str) -> int:
    """Return the number under which PostgreSQL knows a lock of the hub."""
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), "big", signed=True)


def identity_lock(conn: Connection) -> None:
    """Become the only writer of identity until the transaction ends."""
    conn.execute(
        text("SELECT pg_advisory_xact_lock(:space, :number)"),
        {"space": LOCK_SPACE, "number": lock_number("identity")},
    )


def company_lock(conn: Connection) -> None:
    """Become the only writer of companies until the transaction ends."""
    conn.execute(
        text("SELECT pg_advisory_xact_lock(:space, :number)"),
        {"space": LOCK_SPACE, "number": lock_number("companies")},
    )


def company_watch(conn: Connection) -> None:
    """Hold the lock of companies shared: no company is made until the transaction ends."""
    conn.execute(
        text("SELECT pg_advisory_xact_lock_shared(:space, :number)"),
        {"space": LOCK_SPACE, "number": lock_number("companies")},
    )


def try_company_lock(conn: Connection, *, shared: bool) -> bool:
    """Take the lock of companies without waiting; for transactions that already hold entities."""
    took = "pg_try_advisory_xact_lock_shared" if shared else "pg_try_advisory_xact_lock"
    return bool(
        conn.execute(
            select(getattr(func, took)(LOCK_SPACE, lock_number("companies"))),
        ).scalar_one()
    )


def landing_lock(conn: Connection, source: str, stream: str) -> None:
    """Become the only one that lands live records of a stream until the transaction ends.

    It is taken before all other locks. So of two versions of an object that two processes land at the
    same moment, the later one stays.
    """
    conn.execute(
        text("SELECT pg_advisory_xact_lock(:space, :number)"),
        {"space": LOCK_SPACE, "number": lock_number(f"landing:{source}/{stream}")},
    )


@contextmanager
def source_locks(engine: Engine, sources: Sequence[str]) -> Iterator[None]:
    """Hold the locks of sources on a connection of their own; a second sync of a source waits."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        numbers = [
            {"space": LOCK_SPACE, "number": lock_number(f"source:{s}")} for s in sorted(sources)
        ]
        for number in numbers:
            conn.execute(text("SELECT pg_advisory_lock(:space, :number)"), number)
        try:
            yield
        finally:
            # The connection goes back to a pool, so an unreleased lock would stay.
            for number in numbers:
                conn.execute(text("SELECT pg_advisory_unlock(:space, :number)"), number)


@contextmanager
def slot_lock(engine: Engine, name: str, slots: int, clock: Clock) -> Iterator[None]:
    """Hold one of so many slots on a connection of its own; waits until one is free.

    If a holder is killed, its slot is free as soon as its connection is gone.
    """
    numbers = [
        {"space": LOCK_SPACE, "number": lock_number(f"slot:{name}:{i}")} for i in range(slots)
    ]
    while True:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            for number in numbers:
                if not conn.execute(
                    text("SELECT pg_try_advisory_lock(:space, :number)"), number
                ).scalar_one():
                    continue
                try:
                    yield
                finally:
                    conn.execute(text("SELECT pg_advisory_unlock(:space, :number)"), number)
                return
        clock.sleep(_POLL_S)


_PATIENCE_MS = 1000
_SET_TIMEOUT = text("SELECT set_config('lock_timeout', :ms, false)")
_NOT_AVAILABLE = "55P03"


@contextmanager
def queue_lock(engine: Engine, name: str) -> Iterator[None]:
    """Wait in a queue, in order of arrival, on a connection of its own; after a second go on without.

    The first in the queue keeps its place until the block ends. If its process is killed, the place is free
    as soon as its connection is gone.
    """
    number = {"space": LOCK_SPACE, "number": lock_number(f"queue:{name}")}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(_SET_TIMEOUT, {"ms": str(_PATIENCE_MS)})
        is_first = True
        try:
            conn.execute(_WAIT, number)
        except OperationalError as exc:
            if getattr(exc.orig, "sqlstate", None) != _NOT_AVAILABLE:
                raise
            is_first = False
        finally:
            conn.execute(_SET_TIMEOUT, {"ms": "0"})  # the connection goes back to a pool
        try:
            yield
        finally:
            if is_first:
                conn.execute(text("SELECT pg_advisory_unlock(:space, :number)"), number)


@contextmanager
def only_one(engine: Engine, name: str, *, waits: bool = False) -> Iterator[bool]:
    """Hold a lock on a connection of its own; yields False if another process holds it.

    Args:
        engine: its pool gives the connection.
        name: the name of the lock.
        waits: wait for the other process instead; then always yields True.
    """
    number = {"space": LOCK_SPACE, "number": lock_number(f"only:{name}")}
    took = _WAIT if waits else _TRY
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        taken = conn.execute(took, number).scalar_one() is not False
        try:
            yield taken
        finally:
            if taken:
                conn.execute(text("SELECT pg_advisory_unlock(:space, :number)"), number)


def rollup_lock(conn: Connection) -> None:
    """Become the only process that rewrites the rollups; writers of records only add to them."""
    conn.execute(
        text("SELECT pg_advisory_xact_lock(:space, :number)"),
        {"space": LOCK_SPACE, "number": lock_number("rollup")},
    )
