"""Tokens of the API: an admin makes and revokes them. A token is shown once, when it is made."""

from dataclasses import dataclass

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.errors import ActionError, invalid
from hub.records import hook_deliveries, subscriptions, tokens
from hub.records.tokens import SCOPES, Token

_RESOURCE = "token"
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that was made just now.

    Args:
        name: as its maker called it.
        scope: what it may do.
        token: the token itself, which nothing shows again.
    """

    name: str
    scope: str
    token: str


def create(ctx: Context, name: str, scope: str = "ingest") -> NewToken:
    """Make a token.

    Raises:
        ActionError: the name is empty, too long or taken, or there is no such scope.
    """
    require(ctx, Right.SET_UP)
    if scope not in SCOPES:
        raise invalid(
            _RESOURCE, "scope", f"there is no scope {scope!r}", f"scopes: {', '.join(SCOPES)}"
        )
    name = name.strip()
    if not name or len(name) > _LONGEST or not name.isprintable():
        raise invalid(_RESOURCE, "name", f"write a name of 1 to {_LONGEST} characters")
    secret = tokens.new_secret()
    if tokens.add(ctx.conn, name, secret, scope, ctx.who) is None:
        raise ActionError(
            f"there is a token {name!r} already",
            resource=_RESOURCE, code="conflict", field="name",
            hint="choose another name; a revoked token keeps its name",
        )  # fmt: skip
    return NewToken(name, scope, secret)


def listed(ctx: Context) -> list[Token]:
    """Return all tokens, the revoked ones too."""
    require(ctx, Right.SET_UP)
    return tokens.every(ctx.conn)


def revoke(ctx: Context, name: str) -> Token:
    """Make a token invalid, and end its subscriptions; a revoked one stays as it is.

    Raises:
        ActionError: there is no such token.
    """
    require(ctx, Right.SET_UP)
    found = tokens.named(ctx.conn, name.strip())
    if found is None:
        raise ActionError(
            f"there is no token {name!r}", resource=_RESOURCE, code="not_found",
            hint="hub token list shows them",
        )  # fmt: skip
    if found.revoked_at is None:
        now = ctx.clock.now()
        tokens.revoke(ctx.conn, found.id, now)
        own = [one.id for one in subscriptions.every(ctx.conn, found.id)]
        why = f"the token {found.name} was revoked"
        hook_deliveries.drop(ctx.conn, subscriptions.end(ctx.conn, own, why, now), now, why)
    return next(one for one in tokens.every(ctx.conn) if one.id == found.id)
