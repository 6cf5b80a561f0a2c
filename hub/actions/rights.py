"""Who may do what. Asked by every action first, of whoever it is done for.

`viewer` reads. `rep` works on records of their own and on those nobody owns. `manager` works on
everybody's. `admin` sets up, and withdraws batches. A name without a
place in the team that is no e-mail address is the login of the machine: whoever has it owns the
database as well, and is asked nothing.
"""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, text

from hub.errors import ActionError


class Right(StrEnum):
    """What an action needs."""

    WORK = "work on"
    """Change a record, and what hangs on it."""
    REASSIGN = "give away"
    """Change who owns a record."""
    IDENTITY = "merge or take apart"
    """Decide who is who."""
    SET_UP = "set up"
    """Pipelines, fields, lists of the team; withdraw a batch."""


_OF_ROLE = {
    "viewer": frozenset[Right](),
    "rep": frozenset({Right.WORK, Right.REASSIGN, Right.IDENTITY}),
    "manager": frozenset({Right.WORK, Right.REASSIGN, Right.IDENTITY}),
    "admin": frozenset(Right),
}
_ONLY_OWN = frozenset({"rep"})


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts; `user_id` is None for the machine's login."""

    name: str
    user_id: int | None
    role: str


def actor(conn: Connection, who: str) -> Actor:
    """Return who acts.

    Raises:
        ActionError: the address is nobody's in the team, or theirs no longer.
    """
    row = conn.execute(
        text('SELECT id, role, is_active FROM crm."user" WHERE lower(email) = lower(:who)'),
        {"who": who},
    ).one_or_none()
    if row is None and "@" not in who:
        return Actor(who, None, "admin")
    if row is None or not row.is_active:
        raise ActionError(
            f"{who} is not an active member of the team",
            resource="user",
            code="forbidden",
            hint="name somebody of `people:` in hub.yaml (hub check puts it in force), or leave --as away",
        )
    return Actor(who, row.id, row.role)


def require(conn: Connection, who: str, right: Right, *owners: int | None) -> Actor:
    """Return who acts, if they may.

    Args:
        conn: an open connection.
        who: the e-mail address of a member of the team, or the machine's login.
        right: what is to be done.
        owners: the owners of the records it is done to; None is nobody.

    Raises:
        ActionError: they may not (code `forbidden`).
    """
    acting = actor(conn, who)
    if right not in _OF_ROLE[acting.role]:
        raise ActionError(
            f"a {acting.role} may not {right.value} records",
            resource="user",
            code="forbidden",
            hint="ask somebody with another role; roles stand in hub.yaml under `people:`",
        )
    if acting.role in _ONLY_OWN and any(o is not None and o != acting.user_id for o in owners):
        raise ActionError(
            f"a {acting.role} may only {right.value} their own records, and those nobody owns",
            resource="user",
            code="forbidden",
            hint="ask the owner, or a manager",
        )
    return acting
