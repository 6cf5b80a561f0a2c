"""The actor of a test: a member of the team by e-mail, or, without an @, the machine's owner."""

import inspect
from functools import partial
from typing import Any

from sqlalchemy import Connection

from hub.actions.context import Acting, Context, MachineOwner
from hub.actions.rights import member_named
from hub.clock import Clock, SystemClock

OPERATOR = "operator"
SYSTEM = SystemClock()


def by(conn: Connection, who: str = OPERATOR, clock: Clock = SYSTEM) -> Context:
    """Return the context that an entry point makes of a name."""
    actor = member_named(conn, who) if "@" in who else MachineOwner(who)
    return Context(conn, actor, clock)


def acting(who: str = OPERATOR) -> Acting:
    """The same, for what opens its own transactions."""
    return partial(by, who=who)


def is_action(verb: Any) -> bool:
    """Whether a verb takes a context first."""
    return next(iter(inspect.signature(verb).parameters.values())).annotation is Context


def done(conn: Connection, verb: Any, *arguments: Any, **named: Any) -> Any:
    """Do a verb: an action as the actor named first, anything else with the connection."""
    if not is_action(verb):
        return verb(conn, *arguments, **named)
    who, *rest = arguments
    return verb(by(conn, who), *rest, **named)
