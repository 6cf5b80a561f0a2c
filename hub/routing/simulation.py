"""The last decisions, made again by other rules: who would have got which lead, and why.

In: decisions as their rows keep them, oldest first, and other rules. Out: one line for each lead. The
groups follow what happened: leave, capacity, turns by hand and members who joined are those of the time.
With the rules that were in force, the outcome equals what happened. Pure.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass as mutable
from dataclasses import field, replace
from typing import Any, Literal

from hub.frozen import dataclass
from hub.routing.choice import choose
from hub.routing.replay import LEGACY, Kept, RuleSet, groups_then, people_then
from hub.routing.ring import GroupState, Member, take

Change = Literal["same", "rule", "turn"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What other rules make of one decision.

    Args:
        kept: the decision as it happened.
        user_id: the user who would have got the lead; None where nobody could.
        rule: the rule that would have held, or fallback.
        target: where the rule sends the lead.
        reasons: why.
        change: same; rule, where the lead goes to another target; turn, where the target is the same but
            its turn falls on another member, because other leads moved before.
    """

    kept: Kept
    user_id: int | None
    rule: str
    target: str
    reasons: tuple[str, ...]
    change: Change


@mutable(slots=True)
class _Groups:
    """The groups in a simulation: as it goes on, and as they were recorded after their last turn."""

    states: dict[str, GroupState]
    recorded: dict[str, GroupState] = field(default_factory=dict)
    extra: dict[tuple[str, int], int] = field(default_factory=dict)

    def follow(self, kept: Kept) -> None:
        """Bring the groups to what a row says, but for the turns that the simulation gave otherwise."""
        tried = groups_then(kept)
        for before in tried:
            simulated, last = self.states[before.name], self.recorded[before.name]
            self.states[before.name] = self._moved(before, simulated, last)
            self.recorded[before.name] = before
        if tried and kept.group_id is not None:
            after = take(tried[-1])
            self.recorded[after.state.name] = after.state
            if after.chosen is not None:
                self._count(after.state.name, after.chosen, -1)

    def give(self, state: GroupState, user_id: int) -> None:
        """Keep the state after a turn of the simulation."""
        self.states[state.name] = state
        self._count(state.name, user_id, 1)

    def _count(self, group: str, user_id: int, n: int) -> None:
        self.extra[group, user_id] = self.extra.get((group, user_id), 0) + n

    def _moved(self, now: GroupState, simulated: GroupState, last: GroupState) -> GroupState:
        mine = {m.user_id: m for m in simulated.members}
        was = {m.user_id: m for m in last.members}
        members = tuple(
            self._member(now.name, m, mine.get(m.user_id), was.get(m.user_id)) for m in now.members
        )
        pointer = (now.next_member, now.next_position)
        if pointer == (last.next_member, last.next_position):
            pointer = (simulated.next_member, simulated.next_position)
        return GroupState(now.group_id, now.name, members, *pointer)

    def _member(
        self, group: str, now: Member, simulated: Member | None, last: Member | None
    ) -> Member:
        load = max(0, now.load + self.extra.get((group, now.user_id), 0))
        if simulated is None or last is None:
            return replace(now, load=load)
        if simulated.credit == last.credit:
            return replace(now, load=load)
        return replace(now, credit=simulated.credit + now.credit - last.credit, load=load)


def simulate(
    happened: Sequence[Kept],
    rules: RuleSet,
    *,
    people: Mapping[str, int],
    groups: Mapping[str, GroupState],
    fields: Callable[[Kept], Mapping[str, Any]],
) -> list[Outcome]:
    """Decide on the leads again, in the order in which they were decided.

    Args:
        happened: decisions of the rules, oldest first.
        rules: the other rules.
        people: e-mail in lower case → id, of active users.
        groups: the groups as they are now, for those that gave no turn in this time.
        fields: the present fields of a lead, for what its decision did not read.
    """
    running = _Groups(dict(groups))
    for kept in reversed(happened):
        for before in groups_then(kept):
            running.states[before.name] = running.recorded[before.name] = before
    return [_one(kept, rules, people, running, fields(kept)) for kept in happened]


def _one(
    kept: Kept,
    rules: RuleSet,
    people: Mapping[str, int],
    running: _Groups,
    present: Mapping[str, Any],
) -> Outcome:
    running.follow(kept)
    facts = {**present, **{k: v for k, v in (kept.facts or {}).items() if k != LEGACY}}
    known = {**people, **people_then(kept)}
    choice = choose(
        facts,
        rules.rules,
        rules.fallback,
        people={name: user for name, user in known.items() if user is not None},
        groups=running.states,
        legacy_owner=kept.legacy_owner,
    )
    if choice.group is not None and choice.pick.chosen is not None:
        running.give(choice.group, choice.pick.chosen)
    rule = choice.decision.rule_name or "fallback"
    target = str(choice.decision.target)
    change: Change = "same"
    if choice.pick.chosen != kept.user_id:
        change = "turn" if target == _target_then(kept) else "rule"
    return Outcome(kept, choice.pick.chosen, rule, target, choice.reasons, change)


def _target_then(kept: Kept) -> str:
    if kept.rules is None:
        return ""
    by_name = {rule.name: str(rule.target) for rule in kept.rules.rules}
    return by_name.get(kept.rule, str(kept.rules.fallback))
