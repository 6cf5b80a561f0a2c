"""Who acts, of a command: the login that runs it, or the named member of the team.

The machine's owner is made here alone, and of the real user id alone. `LOGNAME` and `USER` can be
set by any user of the machine, so `getpass.getuser()`, which reads them, is not asked.
"""

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hub.cli.options import Config, Who
from hub.cli.output import show_in
from hub.clock import SystemClock

if TYPE_CHECKING:  # `hub --help` does not wait for SQLAlchemy
    from sqlalchemy import Connection

    from hub.actions.context import Actor, Context, MachineOwner
    from hub.settings.managed import Managed

T = TypeVar("T")


def acting(conn: "Connection", who: str | None = None) -> "Context":
    """Return the context of a command's actions.

    Args:
        conn: an open transaction.
        who: what `--as` said; without it `HUB_ACTOR` is asked, then the login acts.

    Raises:
        ActionError: the named user is no active member of the team.
    """
    from hub.actions.context import Context

    context = Context(conn, _actor(conn, who), SystemClock())
    show_in(context.zone)
    return context


def acted(config: Config, work: Callable[[Any], T]) -> T:
    """Do one action in one transaction."""
    from hub.cli.session import opened_database
    from hub.db.transactions import run_transaction

    with opened_database(config) as (database, _settings):
        return run_transaction(database.engine, work)


def acted_managed(config: Config, who: Who, act: "Callable[[Context, Managed], T]") -> T:
    """Do one action in one transaction, with what hub.yaml manages."""
    from hub.settings.managed import managed

    known = managed(config)
    return acted(config, lambda conn: act(acting(conn, who), known))


def _actor(conn: "Connection", who: str | None) -> "Actor":
    from hub.actions.rights import member_named

    said = os.environ.get("HUB_ACTOR") if who is None else who
    return machine_owner() if said is None else member_named(conn, said)


def machine_owner() -> "MachineOwner":
    """Return who has this machine's login; a user id without a name is called by its number."""
    from hub.actions.context import MachineOwner

    user_id, zone = os.getuid(), machine_zone()
    try:
        return MachineOwner(pwd.getpwuid(user_id).pw_name, zone)
    except KeyError:
        return MachineOwner(f"uid {user_id}", zone)


def machine_zone() -> str:
    """Return the IANA name of the machine's time zone: of `TZ`, else of /etc/localtime, else UTC."""
    said = os.environ.get("TZ", "").removeprefix(":")
    if said:
        return said
    try:
        target = str(Path("/etc/localtime").resolve(strict=True))
    except OSError:
        return "UTC"
    _, _, name = target.partition("zoneinfo/")
    return name or "UTC"
