"""When a process that has ended is started again, and when the hub gives up. Pure: no clock, no process.

Moments are seconds of any steady clock. PostgreSQL is the foundation: while it is down, no other process
is started, because it would end at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

MOST = 5
WINDOW_S = 600.0
DELAYS_S = (1.0, 2.0, 4.0, 8.0, 16.0)
"""How long the first, second, … restart within the window waits."""


@dataclass(frozen=True, slots=True)
class Watched:
    """The state of one process.

    Args:
        ended: moments at which it was found to have ended, of the last ten minutes.
        due_at: when it is started again; None while it runs.
    """

    ended: tuple[float, ...] = ()
    due_at: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The next steps.

    Args:
        watched: the new state, by process.
        found: processes newly found to have ended, with the seconds until their restart.
        start: processes that are started now, in this order.
        given_up: the process that ended too often, if there is one.
    """

    watched: Mapping[str, Watched]
    found: Mapping[str, float]
    start: Sequence[str]
    given_up: str | None


def decide(
    watched: Mapping[str, Watched],
    alive: Mapping[str, bool],
    now: float,
    *,
    foundation: str | None = None,
) -> Decision:
    """Decide about all processes at one moment.

    Args:
        watched: what the decision before returned; empty at first.
        alive: whether each process runs, in the order in which they are started.
        now: the moment.
        foundation: the process that all others need.
    """
    after: dict[str, Watched] = {}
    found: dict[str, float] = {}
    start: list[str] = []
    given_up = None
    is_founded = alive.get(foundation, True) if foundation else True
    for name, is_alive in alive.items():
        one = watched.get(name, Watched())
        if is_alive:
            after[name] = replace(one, due_at=None)
            continue
        if one.due_at is None:
            recent = tuple(at for at in one.ended if at > now - WINDOW_S)
            if len(recent) >= MOST:
                given_up = given_up or name
                after[name] = one
                continue
            found[name] = DELAYS_S[min(len(recent), len(DELAYS_S) - 1)]
            one = Watched((*recent, now), now + found[name])
        if one.due_at is not None and now >= one.due_at and (is_founded or name == foundation):
            start.append(name)
            one = replace(one, due_at=None)
        after[name] = one
    return Decision(after, found, () if given_up else start, given_up)
