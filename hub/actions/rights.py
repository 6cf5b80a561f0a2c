"""Rights of roles. Every action checks the right of its actor first.

`viewer` reads. `rep` also works on own records and on records without an owner. `manager` works on all
records. `admin` also sets up, and undoes batches. So may the machine's owner, who has the database as
well. A source works only on people with records of this source. All other actors are refused: no
actor, an empty name, an unknown user, a user who has left.
"""

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import Connection, text

from hub.actions.context import Actor, Begun, Context, MachineOwner, Member, Source
from hub.errors import ActionError
from hub.records import migrations


class Right(StrEnum):
    """What an action needs."""

    READ = "read"
    """See records, lists and figures."""
    WORK = "work on"
    """Change a record, and its activities."""
    TYPE = "edit"
    """Write values that beat every source."""
    REASSIGN = "assign"
    """Change the owner of a record."""
    IDENTITY = "merge or separate"
    """Decide which records are one person or company."""
    SET_UP = "set up"
    """Pipelines, fields, lists of the team; undo a batch."""


_REP = frozenset({Right.READ, Right.WORK, Right.TYPE, Right.REASSIGN, Right.IDENTITY})
_OF_ROLE = {
    "source": frozenset({Right.WORK}),
    "migration": frozenset({Right.SET_UP}),
    "viewer": frozenset({Right.READ}),
    "rep": _REP,
    "manager": _REP,
    "admin": frozenset(Right),
}
_ONLY_OWN = frozenset({"rep"})


def member_named(conn: Connection, said: str) -> Member:
    """Return the active member of the team with this e-mail address, or with this unique name.

    Raises:
        ActionError: it names no user, several users, or a user who has left.
    """
    wanted = said.strip()
    if not wanted:
        raise _unknown_user("an empty name")
    rows = conn.execute(_NAMED, {"said": wanted}).all()
    if len(rows) > 1:
        raise ActionError(
            f"{len(rows)} users are named {wanted}",
            resource="user",
            code="forbidden",
            hint="give the acting user's e-mail with --as",
        )
    if not rows or not rows[0].is_active or rows[0].email is None:
        raise _unknown_user(wanted)
    return Member(rows[0].id, rows[0].email, rows[0].role, rows[0].timezone)


_NAMED = text("""
SELECT id, email, role, is_active, timezone FROM crm."user"
WHERE lower(email) = lower(:said) OR lower(name) = lower(:said) AND strpos(:said, '@') = 0
""")


def require(
    ctx: Context, right: Right, *owners: int | None, entities: Iterable[int | None] = ()
) -> Actor:
    """Return the actor, if the actor has the right.

    Args:
        ctx: the actor, and the open transaction.
        right: the right that the action needs.
        owners: the owners of the records; None is no owner.
        entities: the people and companies; a source may act only on its own.

    Raises:
        ActionError: the actor lacks the right (code `forbidden`).
    """
    role = _role(ctx)
    if right not in _OF_ROLE[role]:
        raise ActionError(
            f"a {role} may not {right.value} records",
            resource="user",
            code="forbidden",
            hint="ask a user with another role; roles are in hub.yaml under `people:`",
        )
    user_id = ctx.actor.user_id
    if role in _ONLY_OWN and any(o is not None and o != user_id for o in owners):
        raise ActionError(
            f"a {role} may only {right.value} their own records, and records without an owner",
            resource="user",
            code="forbidden",
            hint="ask the owner, or a manager",
        )
    if isinstance(ctx.actor, Source) and not _feeds(ctx.conn, ctx.actor.source, entities):
        raise ActionError(
            f"{ctx.who} may only {right.value} people that have its own records",
            resource="user",
            code="forbidden",
        )
    return ctx.actor


_ROLE = text("""
SELECT role FROM crm."user" WHERE id = :id AND is_active AND lower(email) = lower(:email)
""")


def _role(ctx: Context) -> str:
    """Return the present role of the actor.

    Raises:
        ActionError: the actor is no user, or has left.
    """
    actor = ctx.actor
    if isinstance(actor, MachineOwner) and actor.login:
        return "admin"
    if isinstance(actor, Source) and actor.source:
        return "source"
    if isinstance(actor, Begun) and migrations.was_begun_by(ctx.conn, actor.batch, actor.who):
        return "migration"
    if isinstance(actor, Member):
        known = {"id": actor.user_id, "email": actor.email}
        role: str | None = ctx.conn.execute(_ROLE, known).scalar_one_or_none()
        if role is not None:
            return role
    raise _unknown_user(getattr(actor, "name", "") or "an empty name")


def _unknown_user(said: str) -> ActionError:
    return ActionError(
        f"{said} is not an active member of the team",
        resource="user",
        code="forbidden",
        hint="name a user of `people:` in hub.yaml (hub check puts it in force), or omit --as",
    )


_FED = text("""
SELECT DISTINCT entity_id FROM ops.source_record
WHERE entity_id = ANY(:entities) AND source = :source AND gone_at IS NULL
""")


def _feeds(conn: Connection, source: str, entities: Iterable[int | None]) -> bool:
    """Tell whether each entity has a present record of a source."""
    wanted = set(entities)
    if not wanted or None in wanted:
        return False
    found = conn.execute(_FED, {"entities": sorted(e for e in wanted if e), "source": source})
    return set(found.scalars()) == wanted
