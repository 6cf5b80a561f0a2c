"""The owner of one lead: rules, the fallback and the turn of a group in one pure function.

In: the facts of a lead, the rules, the users who are there, the state of the groups. Out: the user, the
reasons, and every target that was tried with its candidates. From this, the same function gives the same
owner again (`hub.routing.replay`). Not here: SQL, the clock, and how a decision is stored.
"""

from collections.abc import Mapping, Sequence

from hub.errors import ConfigError
from hub.frozen import dataclass
from hub.model.records import JsonValue
from hub.routing.ring import GroupState, Pick, take
from hub.routing.rules import ACCOUNT_OWNER, Decision, RoutingRule, Target, decide

NO_GROUP = GroupState(0, "", ())


@dataclass(frozen=True, slots=True)
class Tried:
    """A target that was tried.

    Args:
        target: as the rule or the fallback names it.
        group: the state of the group before its turn; None of a target that is a user.
        user_id: the user that the target gave; None where nobody could take the lead.
    """

    target: Target
    group: GroupState | None
    user_id: int | None


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision about one lead.

    Args:
        decision: the rule that held; of the last target that was tried.
        pick: the user, and the state of the group after its turn.
        reasons: in the order in which they came up.
        tried: the targets in the order in which they were tried: one, or two with the fallback.
    """

    decision: Decision
    pick: Pick
    reasons: tuple[str, ...]
    tried: tuple[Tried, ...]

    @property
    def group(self) -> GroupState | None:
        """Return the state of the group after its turn; None if the target is a user."""
        return self.pick.state if self.decision.target.kind == "group" else None

    @property
    def before(self) -> GroupState | None:
        """Return the state of the group before its turn; None if the target is a user."""
        return self.tried[-1].group


def choose(
    facts: Mapping[str, JsonValue],
    rules: Sequence[RoutingRule],
    fallback: Target,
    *,
    people: Mapping[str, int],
    groups: Mapping[str, GroupState],
    legacy_owner: str | None = None,
) -> Choice:
    """Decide on the owner of a lead; nobody if no member of the group and of the fallback can take it.

    Args:
        facts: the fields of the lead; `account_owner_id` only if this user is active.
        rules: in order.
        fallback: where a lead goes for which no rule holds, or whose target has nobody.
        people: e-mail in lower case → id, of active users.
        groups: the groups of leads by name.
        legacy_owner: why an owner of the source has no user here; such a lead goes to the fallback.

    Raises:
        ConfigError: a rule names a group that does not exist.
    """
    if legacy_owner is not None:
        decision = Decision(fallback, None, (f"{legacy_owner}: fallback {fallback}",))
    else:
        decision = decide(facts, rules, fallback)
    pick, tried = _resolve(decision.target, facts, people, groups)
    reasons = [*decision.reasons, *pick.reasons]
    if pick.chosen is not None or decision.target == fallback:
        return Choice(decision, pick, tuple(reasons), (tried,))
    pick, last = _resolve(fallback, facts, people, groups)
    reasons += [f"fallback {fallback}", *pick.reasons]
    return Choice(Decision(fallback, None, ()), pick, tuple(reasons), (tried, last))


def _resolve(
    target: Target,
    facts: Mapping[str, JsonValue],
    people: Mapping[str, int],
    groups: Mapping[str, GroupState],
) -> tuple[Pick, Tried]:
    """Return the user of a target; a group gives a turn."""
    if target.kind == "group":
        if target.name not in groups:
            raise ConfigError(
                f"routing names the group {target.name!r}, which does not exist",
                hint="add it under `groups:` in hub.yaml, or with `hub group add`",
            )
        state = groups[target.name]
        pick = take(state)
        return pick, Tried(target, state, pick.chosen)
    if target.kind == "account":
        owner = facts.get(ACCOUNT_OWNER)
        user = owner if isinstance(owner, int) else None
        return Pick(user, NO_GROUP), Tried(target, None, user)
    user = people.get(target.name.lower())
    reasons = () if user is not None else (f"user {target.name} is not active",)
    return Pick(user, NO_GROUP, (), reasons), Tried(target, None, user)
