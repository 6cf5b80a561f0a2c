"""Tombstones of erased people: keep them, look digests up, count what they kept out. Owns `ops.tombstone`.

Not here: digests and their key (`hub.model.erasure`, `hub.records.erasure_key`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text
from sqlalchemy.dialects.postgresql import insert

from hub.model.erasure import TombstoneKind
from hub.records.erasure_tables import tombstone


@dataclass(frozen=True, slots=True)
class Tombstone:
    """One digest.

    Args:
        digest: 32 bytes.
        kind: what it is of.
        erasure: the erasure that made it.
        key_id: of the key.
        at: when.
    """

    digest: bytes
    kind: TombstoneKind
    erasure: str
    key_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erased person: how many digests are kept, and how many records these have kept out."""

    id: str
    at: datetime
    tombstones: int
    blocked: int
    blocked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Done:
    """An erasure: its number, and when it began."""

    id: str
    at: datetime


_KEY = select(tombstone.c.key_id).limit(1)


def key_in_use(conn: Connection) -> str | None:
    """Return the id of the key under which the tombstones were made; None where there is none."""
    return conn.execute(_KEY).scalar_one_or_none()


def add(conn: Connection, new: Sequence[Tombstone]) -> int:
    """Keep tombstones; returns how many were not there yet."""
    if not new:
        return 0
    rows = [
        {"digest": t.digest, "kind": t.kind, "erasure": t.erasure, "key_id": t.key_id, "at": t.at}
        for t in new
    ]
    statement = insert(tombstone).values(rows).on_conflict_do_nothing(index_elements=["digest"])
    return conn.execute(statement).rowcount


# As an array, so that each digest is looked up in the primary key.
_KNOWN = text("""
SELECT t.digest, t.kind FROM unnest(CAST(:digests AS bytea[])) AS d(digest)
JOIN ops.tombstone t USING (digest)
""")


def known(conn: Connection, digests: Iterable[bytes]) -> dict[bytes, TombstoneKind]:
    """Return which of the digests are tombstones, and of what."""
    wanted = list(set(digests))
    if not wanted:
        return {}
    found = conn.execute(_KNOWN, {"digests": wanted})
    return {bytes(row.digest): TombstoneKind(row.kind) for row in found}


_BESIDE = text("""
INSERT INTO ops.tombstone (digest, kind, erasure, key_id)
SELECT :digest, 'record', erasure, key_id FROM ops.tombstone WHERE digest = :met
ON CONFLICT (digest) DO NOTHING
""")


def add_beside(conn: Connection, met: bytes, digest: bytes) -> None:
    """Keep the digest of an object that met a tombstone: it belongs to the same erasure."""
    conn.execute(_BESIDE, {"met": met, "digest": digest})


_BLOCKED = text("""
UPDATE ops.tombstone t SET blocked_n = t.blocked_n + b.n, blocked_at = now()
FROM (SELECT digest, count(*) AS n FROM unnest(CAST(:digests AS bytea[])) AS u(digest)
      GROUP BY digest ORDER BY digest) b
WHERE t.digest = b.digest
""")


def count_blocked(conn: Connection, digests: Sequence[bytes]) -> None:
    """Count records that were kept out: one digest for each."""
    if digests:
        conn.execute(_BLOCKED, {"digests": sorted(digests)})


def erasures(conn: Connection) -> list[Erasure]:
    """Return what was erased, the latest first."""
    c = tombstone.c
    rows = conn.execute(
        select(
            c.erasure,
            func.min(c.at),
            func.count(),
            func.sum(c.blocked_n),
            func.max(c.blocked_at),
        )
        .group_by(c.erasure)
        .order_by(func.min(c.at).desc(), c.erasure)
    )
    return [Erasure(i, at, n, int(blocked), last) for i, at, n, blocked, last in rows]


def erasure_of(conn: Connection, digests: Iterable[bytes]) -> Done | None:
    """Return the latest erasure that one of the digests is of."""
    c = tombstone.c
    found = select(c.erasure, c.at).where(c.digest.in_(list(digests)))
    row = conn.execute(found.order_by(c.at.desc()).limit(1)).first()
    return None if row is None else Done(row.erasure, row.at)
