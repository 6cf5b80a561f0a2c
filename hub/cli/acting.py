"""Who acts, of a command: the login that runs it, or a member of the team whom it names.

The machine's owner is made here alone, and of the real user id alone. `LOGNAME` and `USER` are set by
whoever starts a command, so `getpass.getuser()`, which reads them, is not asked.
"""

import os
import pwd
from typing import TYPE_CHECKING

from hub.clock import SystemClock

if TYPE_CHECKING:  # `hub --help` does not wait for SQLAlchemy
    from sqlalchemy import Connection

    from hub.actions.context import Actor, Context, MachineOwner


def acting(conn: "Connection", who: str | None = None) -> "Context":
    """Return the context of a command's actions.

    Args:
        conn: an open transaction.
        who: what `--as` said; without it `HUB_ACTOR` is asked, then the login acts.

    Raises:
        ActionError: somebody was named who is no active member of the team.
    """
    from hub.actions.context import Context

    return Context(conn, _actor(conn, who), SystemClock())


def _actor(conn: "Connection", who: str | None) -> "Actor":
    from hub.actions.rights import member_named

    said = os.environ.get("HUB_ACTOR") if who is None else who
    return machine_owner() if said is None else member_named(conn, said)


def machine_owner() -> "MachineOwner":
    """Return who has this machine's login; a user id without a name is called by its number."""
    from hub.actions.context import MachineOwner

    user_id = os.getuid()
    try:
        return MachineOwner(pwd.getpwuid(user_id).pw_name)
    except KeyError:
        return MachineOwner(f"uid {user_id}")
