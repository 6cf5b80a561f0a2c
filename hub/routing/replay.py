"""Routing decisions as values that are stored, and the same decisions made again from them.

In: a decision as its row keeps it. Out: the owner that the same inputs give now, and what differs from
the row. Pure: no table is asked, so that a replay needs the rows alone.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

from hub.frozen import dataclass
from hub.model.records import JsonValue
from hub.routing.choice import Choice, Tried, choose
from hub.routing.ring import GroupState, Member, take
from hub.routing.rules import ACCOUNT_OWNER, RoutingRule, Target, decide, looked_up

LEGACY = "legacy_owner"  # of the facts: why the rules were not asked


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules and fallback: one version of routing."""

    rules: tuple[RoutingRule, ...]
    fallback: Target

    @property
    def document(self) -> dict[str, Any]:
        """Return the rules as JSON."""
        return {
            "rules": [
                {
                    "name": rule.name,
                    "when": {k: v if isinstance(v, str) else list(v) for k, v in rule.when.items()},
                    "assign": str(rule.target),
                }
                for rule in self.rules
            ],
            "fallback": str(self.fallback),
        }

    @property
    def digest(self) -> str:
        """Return the mark of this version: equal rules have equal digests."""
        text = json.dumps(self.document, ensure_ascii=False)  # the order of rules counts
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Return the rules of a stored document."""
        rules = tuple(
            RoutingRule(one["name"], one["when"], Target.parse(one["assign"]))
            for one in document["rules"]
        )
        return cls(rules, Target.parse(document["fallback"]))


def facts_of(
    lead: Mapping[str, Any], rules: Sequence[RoutingRule], legacy_owner: str | None = None
) -> dict[str, JsonValue]:
    """Return what the rules read of a lead, as JSON; moments become text as the rules compare them."""
    if legacy_owner is not None:
        return {LEGACY: legacy_owner}
    names = {name for rule in rules for name in rule.when}
    found = {name: _plain(looked_up(lead, name)) for name in sorted(names)}
    if any(rule.target.kind == "account" for rule in rules):
        found[ACCOUNT_OWNER] = lead.get(ACCOUNT_OWNER)
    return found


def _plain(value: Any) -> JsonValue:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, Mapping) else str(value)


def encode(tried: Sequence[Tried]) -> list[dict[str, Any]]:
    """Return the targets that were tried, as JSON: a user by number, a group with all its candidates.

    A candidate is [user, position, weight, credit, state, capacity, load]; the last three are left out
    where there is no capacity and the member is available.
    """
    return [_encoded(one) for one in tried]


def _encoded(one: Tried) -> dict[str, Any]:
    if one.group is None:
        return {"to": one.target.kind, "user": one.user_id}
    state = one.group
    return {
        "to": "group",
        "name": state.name,
        "user": one.user_id,
        "next": [state.next_member, state.next_position],
        "members": [_candidate(member) for member in state.members],
    }


def _candidate(m: Member) -> list[Any]:
    row: list[Any] = [m.user_id, m.position, m.weight, m.credit]
    state = "" if m.active else "inactive"
    state = state or ("away" if m.away else "paused" if m.paused else "")
    if state or m.capacity is not None:
        row.append(state)
    return row if m.capacity is None else [*row, m.capacity, m.load]


def state_of(one: Mapping[str, Any], group_id: int) -> GroupState:
    """Return the state of a group before its turn, as a row keeps it."""
    members = tuple(_member(row) for row in one["members"])
    next_member, next_position = one["next"]
    return GroupState(group_id, one["name"], members, next_member, next_position)


def _member(row: Sequence[Any]) -> Member:
    user_id, position, weight, credit, *rest = row
    state = rest[0] if rest else ""
    capacity, load = rest[1:] if len(rest) > 1 else (None, 0)
    return Member(
        user_id,
        position,
        active=state != "inactive",
        away=state == "away",
        weight=weight,
        credit=credit,
        capacity=capacity,
        load=load,
        paused=state == "paused",
    )


@dataclass(frozen=True, slots=True)
class Kept:
    """A decision as its row keeps it.

    Args:
        id: number of the assignment.
        lead_id: the lead; None of another kind of record, or if the lead was removed.
        group_id: the group that gave the turn.
        user_id: the owner.
        rule: name of the rule, or fallback.
        skipped: members that were skipped, with the reasons.
        next_before: whose turn was next before.
        next_after: whose turn is next after.
        rules: the version of the rules; None of an assignment by hand.
        facts: what the rules read of the lead; None of an assignment by hand, or after an erasure.
        tried: the targets in order, with their candidates.
    """

    id: int
    lead_id: int | None
    group_id: int | None
    user_id: int | None
    rule: str
    skipped: Sequence[Sequence[Any]]
    next_before: int | None
    next_after: int | None
    rules: RuleSet | None
    facts: Mapping[str, Any] | None
    tried: Sequence[Mapping[str, Any]]

    @property
    def legacy_owner(self) -> str | None:
        """Return the reason why no rule was asked; None if the rules were asked."""
        reason = (self.facts or {}).get(LEGACY)
        return None if reason is None else str(reason)

    def before(self) -> GroupState | None:
        """Return the group's state before the turn; None if no group gave one."""
        last = self.tried[-1] if self.tried else None
        return state_of(last, self.group_id or 0) if last and last["to"] == "group" else None


def again(kept: Kept) -> Choice | None:
    """Decide once more from the row alone; None if the rules were not asked, or the facts were erased."""
    if kept.rules is None or kept.facts is None:
        return None
    facts = {k: v for k, v in kept.facts.items() if k != LEGACY}
    people = {name: user for name, user in people_then(kept).items() if user is not None}
    groups = {state.name: state for state in groups_then(kept)}
    return choose(
        facts,
        kept.rules.rules,
        kept.rules.fallback,
        people=people,
        groups=groups,
        legacy_owner=kept.legacy_owner,
    )


def groups_then(kept: Kept) -> list[GroupState]:
    """Return the groups that a decision tried, as they were before, in the order in which they were tried."""
    number = kept.group_id or 0
    return [state_of(one, number) for one in kept.tried if one["to"] == "group"]


def people_then(kept: Kept) -> dict[str, int | None]:
    """Return the users whom the rules named: e-mail → id, or None of a user who was not active."""
    if kept.rules is None or kept.facts is None:
        return {}
    facts = {k: v for k, v in kept.facts.items() if k != LEGACY}
    targets = _targets(kept.rules, facts, kept.legacy_owner)
    return {
        target.name.lower(): one["user"]
        for one, target in zip(kept.tried, targets, strict=False)
        if one["to"] == "user"
    }


def _targets(rules: RuleSet, facts: Mapping[str, Any], legacy_owner: str | None) -> list[Target]:
    """Return the targets that a decision tries: of its rule, then the fallback."""
    if legacy_owner is not None:
        return [rules.fallback]
    return [decide(facts, rules.rules, rules.fallback).target, rules.fallback]


def differences(kept: Kept) -> list[str]:
    """Return what a replay gives otherwise than the row says; empty where all is equal."""
    before = kept.before()
    choice = again(kept)
    found: dict[str, tuple[Any, Any]] = {}
    if choice is not None:
        found["owner"] = (kept.user_id, choice.pick.chosen)
        found["rule"] = (kept.rule, choice.decision.rule_name or "fallback")
        pick = choice.pick
    elif before is not None:
        pick = take(before)
        found["owner"] = (kept.user_id, pick.chosen)
    else:
        return []
    if before is not None:
        found["pointer before"] = (kept.next_before, before.next_member)
        found["pointer after"] = (kept.next_after, pick.state.next_member)
        skipped = [list(one) for one in pick.skipped]
        found["skipped"] = ([list(one) for one in kept.skipped], skipped)
    return [f"{what}: {was}, replayed {now}" for what, (was, now) in found.items() if was != now]
