"""Who acts, on which transaction, at what time: the first argument of every action.

An entry point makes the `Actor` and nothing else does: the command line makes a member from `--as`,
and the machine's owner from the login of the operating system. A token of an API will be one more
kind. What an actor may do is not in the value: `hub.actions.rights` reads it again in each
transaction, so that a user who has left since is refused.
"""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from hub.clock import Clock
from hub.frozen import dataclass
from hub.model.moments import zone_named


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the team, as `hub.actions.rights.member_named` finds them."""

    user_id: int
    email: str
    role: str
    zone: str = "UTC"

    @property
    def name(self) -> str:
        """Return what the history calls them."""
        return self.email


@dataclass(frozen=True, slots=True)
class MachineOwner:
    """The user with the login under which the hub runs: this user can also open the database."""

    login: str
    zone: str = "UTC"

    @property
    def user_id(self) -> None:
        """Return None: they own no records."""
        return

    @property
    def name(self) -> str:
        """Return what the history calls them."""
        return self.login


@dataclass(frozen=True, slots=True)
class Source:
    """A vendor's account: what it says of its own records may be a command, as a conversion is."""

    source: str
    zone: str = "UTC"

    @property
    def user_id(self) -> None:
        """Return None: a source owns no records, it feeds them."""
        return

    @property
    def name(self) -> str:
        """Return what the history calls it."""
        return self.source


@dataclass(frozen=True, slots=True)
class Begun:
    """A migration that goes on by itself: a user with the right to has begun it, and confirmed its plan."""

    batch: int
    who: str
    zone: str = "UTC"

    @property
    def user_id(self) -> None:
        """Return None: a batch owns no records."""
        return

    @property
    def name(self) -> str:
        """Return what the history calls it: the user who began it."""
        return self.who


Actor = Member | MachineOwner | Source | Begun


@dataclass(frozen=True, slots=True)
class Context:
    """What an action acts in.

    Args:
        conn: an open transaction.
        actor: the actor.
        clock: what time it is.
    """

    conn: Connection
    actor: Actor
    clock: Clock

    @property
    def zone(self) -> ZoneInfo:
        """Return the actor's time zone; of an unknown name, UTC."""
        return zone_named(self.actor.zone)

    @property
    def now(self) -> datetime:
        """Return the present in the actor's time zone, in which moments without a zone are read."""
        return self.clock.now().astimezone(self.zone)

    @property
    def who(self) -> str:
        """Return the actor's name, as the history keeps it."""
        return self.actor.name


Acting = Callable[[Connection], Context]
"""Who acts, for what opens its own transactions."""
