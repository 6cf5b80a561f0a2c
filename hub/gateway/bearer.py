"""Who calls: the token of a request, looked up at most every ten seconds."""

from time import monotonic

from fastapi import HTTPException, Request
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from hub.db.transactions import run_transaction
from hub.errors import HubError
from hub.records import tokens
from hub.records.tokens import Token

_KNOWN_S = 10.0
_MOST = 1_000
_LENGTH = 64


class Tokens:
    """The tokens that were seen lately.

    A token that is revoked is refused after ten seconds at most. An unknown one is asked for each time,
    unless it cannot be a token by its length.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, tuple[float, Token]] = {}

    async def of(self, authorization: str) -> Token | None:
        """Return the valid token of a header `Authorization`; None if there is none."""
        scheme, _, secret = authorization.partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or len(secret) != _LENGTH:
            return None
        until, found = self._known.get(secret, (0.0, None))
        if found is not None and monotonic() < until:
            return found
        self._known.pop(secret, None)
        found = await run_in_threadpool(
            run_transaction, self._engine, lambda conn: tokens.use(conn, secret)
        )
        if found is not None and len(self._known) < _MOST:
            self._known[secret] = (monotonic() + _KNOWN_S, found)
        return found


async def caller_of(request: Request, tokens: Tokens, scope: str) -> Token:
    """Return the token of a request.

    Raises:
        HTTPException: 401 without a valid token, 403 if it is of another scope, 503 if it cannot be looked up.
    """
    try:
        token = await tokens.of(request.headers.get("authorization", ""))
    except (SQLAlchemyError, HubError) as exc:
        message = "the hub cannot look the token up now; try again soon"
        raise HTTPException(503, message, {"retry_after": "5"}) from exc
    if token is None:
        message = "send a valid token: Authorization: Bearer …"
        raise HTTPException(401, message, {"www_authenticate": "Bearer"})
    if token.scope != scope:
        message = f"this token has the scope {token.scope}; the address takes a token of the scope {scope}"
        raise HTTPException(403, message)
    return token
