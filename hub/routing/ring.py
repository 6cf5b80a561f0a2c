"""Whose turn it is in a distribution group.

In: a group's state as read under its row lock. Out: the chosen member, the new state to write in
the same transaction, who was skipped, and why. What does not belong here: rules, SQL, the clock.

Equal weights are a ring by position. The next member is kept as a member (with its position, in
case it leaves before its turn), so joining and leaving never shift turns. Unequal weights are
smooth: every turn gives each available member its share, the chosen one pays 1, and the chosen one
is by Tijdeman's rule (R. Tijdeman, «The chairman assignment problem», Discrete Mathematics 32,
1980): of those with enough credit, whose share runs out of patience first. It keeps |count - share|
≤ 1 - 1/(2m-2) for m members from any turn on at which the credits are level. For any window, also
one that begins when a member joined or left, it is < 2 (measured: 1.5): credits are kept over such
a change; otherwise each change would favour the member with the largest weight. A bound of 1 for
every window does not exist for most weights (Fraenkel's conjecture).

`Member.credit` holds both: 2 x turns owed (given back) + the smooth credit, which lies in (-1, 1).
"""

import math
from dataclasses import replace

from hub.frozen import dataclass

_ALMOST_ONE = 0.999999
_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Member:
    """A member of one group.

    Args:
        user_id: who.
        position: order in the ring; who joins gets `hub.crm.groups.joining_position`.
        active: not deactivated.
        away: on leave.
        paused: takes no turns until the pause ends.
        weight: share of the turns; equal weights make a ring.
        credit: stored state (see the module); 0 for who joins, which is the group's level.
        capacity: how many open leads at most; None = no limit.
        load: how many there are; a turn adds one.
    """

    user_id: int
    position: int
    active: bool = True
    away: bool = False
    weight: int = 1
    credit: float = 0.0
    capacity: int | None = None
    load: int = 0
    paused: bool = False


@dataclass(frozen=True, slots=True)
class GroupState:
    """A group as stored. `next_position` is the former place of `next_member`, in case it has left."""

    group_id: int
    name: str
    members: tuple[Member, ...]
    next_member: int | None = None
    next_position: int | None = None


@dataclass(frozen=True, slots=True)
class Pick:
    """One turn: `chosen` is a user id, None when no member was available (the state stays)."""

    chosen: int | None
    state: GroupState
    skipped: tuple[tuple[int, str], ...] = ()
    reasons: tuple[str, ...] = ()


def take(state: GroupState) -> Pick:
    """Take one turn: a member with a credit goes first, then the ring or the smooth weights.

    A skipped member (deactivated, away, full, weight 0) loses the turn and is not owed it.
    """
    line = _from_next(state)
    if all(unavailable(member) for member in line):
        return Pick(None, state, _skipped(line), _none_available(state, line))
    owed = next((m for m in line if _owed(m.credit) and not unavailable(m)), None)
    if owed is not None:
        served = replace(owed, credit=_credit(_owed(owed.credit) - 1, _level(owed.credit)))
        reason = f"group {state.name}: a turn given back, owed to user {owed.user_id}"
        return Pick(owed.user_id, _served(state, served), (), (reason,))
    if len({member.weight for member in line}) == 1:
        return _take_ring(state, line)
    return _take_weighted(state, line)


def credit_turn(state: GroupState, user_id: int, turns: int = 1) -> GroupState:
    """Return the state in which `user_id` is served first next time; the pointer does not move.

    A turn given back while its member is unavailable stays owed. Of a member who has left,
    nothing is kept.

    Args:
        state: of the group.
        user_id: the member.
        turns: how many turns are given back.
    """
    members = tuple(
        replace(m, credit=m.credit + 2 * turns, load=max(0, m.load - turns))
        if m.user_id == user_id
        else m
        for m in state.members
    )
    return replace(state, members=members)


def _take_ring(state: GroupState, line: tuple[Member, ...]) -> Pick:
    place = next(i for i, member in enumerate(line) if not unavailable(member))
    chosen, after = line[place], line[(place + 1) % len(line)]
    skipped = _skipped(line[:place])
    moved = replace(state, next_member=after.user_id, next_position=after.position)
    reason = f"group {state.name}: turn of user {chosen.user_id} of {len(line)} members"
    return Pick(chosen.user_id, _served(moved, chosen), skipped, (reason, *_skip_reasons(skipped)))


def _take_weighted(state: GroupState, line: tuple[Member, ...]) -> Pick:
    ordered = sorted(line, key=lambda m: (m.position, m.user_id))
    present = [member for member in ordered if not unavailable(member)]
    total = sum(member.weight for member in present)
    mean = math.fsum(_level(member.credit) for member in present) / len(present)
    share = {m.user_id: m.weight / total for m in present}
    risen = {m.user_id: _level(m.credit) - mean + share[m.user_id] for m in present}
    chosen = _most_urgent(risen, share)
    levels = {user_id: rise - (user_id == chosen) for user_id, rise in risen.items()}
    members = tuple(
        replace(
            m,
            credit=_credit(_owed(m.credit), levels.get(m.user_id, 0.0)),
            load=m.load + (m.user_id == chosen),
        )
        for m in state.members
    )
    skipped = _skipped(tuple(ordered))
    weight = round(share[chosen] * total)
    reason = f"group {state.name}: turn of user {chosen} by weight {weight} of {total}"
    return Pick(chosen, replace(state, members=members), skipped, (reason, *_skip_reasons(skipped)))


def _most_urgent(risen: dict[int, float], share: dict[int, float]) -> int:
    """Return the user id to serve; the dicts are in order of position, which breaks ties."""
    if len(risen) == 1:
        return next(iter(risen))
    slack = 1 / (2 * len(risen) - 2)
    fit = [user_id for user_id, rise in risen.items() if round(rise - slack, _DIGITS) >= 0]
    return min(
        fit or list(risen),
        key=lambda user_id: round((1 - slack - risen[user_id]) / share[user_id], _DIGITS - 3),
    )


def _from_next(state: GroupState) -> tuple[Member, ...]:
    """Return all members in ring order, beginning with the next member."""
    line = sorted(state.members, key=lambda m: (m.position, m.user_id))
    ids = [member.user_id for member in line]
    start = 0
    if state.next_member in ids:
        start = ids.index(state.next_member)
    elif state.next_position is not None:
        wanted = state.next_position
        start = next((i for i, m in enumerate(line) if m.position >= wanted), 0)
    return (*line[start:], *line[:start])


def _served(state: GroupState, chosen: Member) -> GroupState:
    served = replace(chosen, load=chosen.load + 1)
    members = tuple(served if m.user_id == served.user_id else m for m in state.members)
    return replace(state, members=members)


def unavailable(member: Member) -> str:
    """Return why a member cannot take a lead, or an empty text."""
    if not member.active:
        return "deactivated"
    if member.away:
        return "away"
    if member.paused:
        return "paused"
    if member.capacity is not None and member.load >= member.capacity:
        return f"full ({member.load} of {member.capacity})"
    return "weight 0" if member.weight <= 0 else ""


def _skipped(line: tuple[Member, ...]) -> tuple[tuple[int, str], ...]:
    return tuple((m.user_id, why) for m in line if (why := unavailable(m)))


def _skip_reasons(skipped: tuple[tuple[int, str], ...]) -> tuple[str, ...]:
    return tuple(f"user {user_id} skipped: {why}" for user_id, why in skipped)


def _none_available(state: GroupState, line: tuple[Member, ...]) -> tuple[str, ...]:
    if not line:
        return (f"group {state.name} has no members",)
    return (f"group {state.name}: no member is available", *_skip_reasons(_skipped(line)))


def _owed(credit: float) -> int:
    return max(0, math.floor((credit + 1) / 2))


def _level(credit: float) -> float:
    return credit - 2 * _owed(credit)


def _credit(owed: int, level: float) -> float:
    return 2 * owed + round(min(_ALMOST_ONE, max(-_ALMOST_ONE, level)), _DIGITS)
