"""API tokens: made, listed, revoked, found by their digest. Owns `ops.token`.

A token has 256 random bits, so a plain digest of it is enough: there is nothing to guess.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from hub.records.token_tables import token

_C = token.c
_BYTES = 32
INGEST, HOOKS = "ingest", "hooks"
SCOPES = {
    INGEST: "it may add leads, and nothing else",
    HOOKS: "it may subscribe to events, and reads what these say",
}
"""What a token may do."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token, without itself.

    Args:
        id: of the row.
        name: as its maker called it.
        scope: what it may do, one of `SCOPES`.
        made_by: who made it.
        made_at: when.
        used_at: when it was last used, to the minute; null if never.
        revoked_at: when it was revoked; null while it is valid.
    """

    id: int
    name: str
    scope: str
    made_by: str
    made_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


_COLUMNS = (_C.id, _C.name, _C.scope, _C.made_by, _C.made_at, _C.used_at, _C.revoked_at)


def new_secret() -> str:
    """Return a new token: 64 characters."""
    return secrets.token_hex(_BYTES)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def add(conn: Connection, name: str, secret: str, scope: str, made_by: str) -> Token | None:
    """Store a token's digest; None if the name is taken."""
    made = insert(token).values(name=name, hash=_digest(secret), scope=scope, made_by=made_by)
    row = conn.execute(
        made.on_conflict_do_nothing(index_elements=["name"]).returning(*_COLUMNS)
    ).first()
    return Token(*row) if row else None


def every(conn: Connection) -> list[Token]:
    """Return all tokens, the revoked ones too, in the order in which they were made."""
    return [Token(*row) for row in conn.execute(select(*_COLUMNS).order_by(_C.id))]


def named(conn: Connection, name: str) -> Token | None:
    """Return the token of a name, locked."""
    row = conn.execute(select(*_COLUMNS).where(_C.name == name).with_for_update()).first()
    return Token(*row) if row else None


def revoke(conn: Connection, token_id: int, now: datetime) -> None:
    """Make a token invalid for ever."""
    conn.execute(token.update().where(_C.id == token_id).values(revoked_at=now))


_USE = text("""
UPDATE ops.token SET used_at = now()
WHERE id = :id AND (used_at IS NULL OR used_at < now() - interval '1 minute')
""")


def use(conn: Connection, secret: str) -> Token | None:
    """Return the valid token that has this secret, and note its use; None if there is none."""
    row = conn.execute(
        select(*_COLUMNS).where(_C.hash == _digest(secret), _C.revoked_at.is_(None))
    ).first()
    if row is None:
        return None
    conn.execute(_USE, {"id": row.id})
    return Token(*row)


def is_valid(conn: Connection, token_id: int) -> bool:
    """Tell whether a token is valid, and keep it so until the transaction ends."""
    still = select(_C.id).where(_C.id == token_id, _C.revoked_at.is_(None))
    return conn.execute(still.with_for_update(read=True)).one_or_none() is not None
