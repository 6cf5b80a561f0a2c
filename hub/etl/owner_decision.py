"""The owner of a lead: the rules decide, a group gives a turn, and the decision is stored.

Load and route decide here, by one function: one lead after the other, in the order in which turns are
due, under the locks of the groups. Not here: which leads, and in which order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Connection

from hub.crm import groups as stored
from hub.crm import owners
from hub.crm.groups import GroupRow
from hub.crm.leads import UnownedLead
from hub.crm.owners import User
from hub.errors import ConfigError
from hub.etl.context import Hub
from hub.etl.groups import group_state, save_group
from hub.etl.telling import tell
from hub.model.entities import LEAD_FIELDS
from hub.model.events import LeadAssigned
from hub.model.verdicts import Lane
from hub.records import assignments
from hub.records.assignments import NewAssignment
from hub.routing.ring import GroupState, Pick, take
from hub.routing.rules import ACCOUNT_OWNER, Decision, RoutingRule, Target, bind, decide

KNOWN_FIELDS = {f.name for f in LEAD_FIELDS} | {"source"}
_NO_GROUP = GroupState(0, "", ())


@dataclass(frozen=True, slots=True)
class Rules:
    """The configured rules, and the fallback."""

    rules: tuple[RoutingRule, ...]
    fallback: Target

    @property
    def fields(self) -> frozenset[str]:
        """Return the fields of a lead that the rules read."""
        return frozenset(name.partition(".")[0] for rule in self.rules for name in rule.when)

    @property
    def groups(self) -> frozenset[str]:
        """Return the groups that the rules name."""
        return frozenset(t.name for t in self._targets if t.kind == "group")

    @property
    def ask_for_account(self) -> bool:
        """Tell whether a lead may go to the owner of its account."""
        return any(t.kind == "account" for t in self._targets)

    @property
    def _targets(self) -> tuple[Target, ...]:
        return (self.fallback, *(rule.target for rule in self.rules))


def rules_of(hub: Hub) -> Rules:
    """Return the configured rules, checked against the model.

    Raises:
        ConfigError: a rule or the fallback has a mistake.
    """
    routing = hub.settings.routing
    rules = [RoutingRule(r.name, r.when, Target.parse(r.assign)) for r in routing.rules]
    return Rules(bind(rules, KNOWN_FIELDS), Target.parse(routing.fallback))


@dataclass(frozen=True, slots=True)
class Turn:
    """A decision about one lead; `group` is None where a rule named a person."""

    lead: UnownedLead
    user_id: int
    rule: str | None
    reason: str
    skipped: Sequence[tuple[int, str]]
    group: GroupState | None
    next_before: int | None

    def assignment(self, lead_id: int) -> NewAssignment:
        """Return the decision as it is stored."""
        return NewAssignment(
            lead_id=lead_id,
            group_id=self.group.group_id if self.group else None,
            user_id=self.user_id,
            rule=self.rule or "fallback",
            reason=self.reason,
            skipped=self.skipped,
            next_before=self.next_before,
            next_after=self.group.next_member if self.group else None,
        )

    def event(self, lead_id: int) -> LeadAssigned | None:
        """Return the event for the owner; None for an initial load or a converted lead."""
        if self.lead.lane != Lane.LIVE or self.lead.is_converted:
            return None
        group = self.group.name if self.group else None
        return LeadAssigned(self.lead.stable_key, self.user_id, lead_id, self.rule, group)


@dataclass(slots=True)
class Turns:
    """The decisions of one transaction, under the locks of the groups."""

    rules: Rules
    locked: Mapping[str, GroupRow]
    people: Mapping[str, User]
    groups: dict[str, GroupState]
    taken: list[Turn] = field(default_factory=list)

    @classmethod
    def begin(cls, conn: Connection, rules: Rules, at: datetime) -> Self:
        """Lock the groups, so that turns are taken one after the other, by any number of workers.

        Args:
            conn: a transaction that keeps the groups locked.
            rules: of routing.
            at: the present time; members can be away.
        """
        locked = stored.lock_all(conn)
        groups = {name: group_state(group, at) for name, group in locked.items()}
        return cls(rules, locked, owners.users_by_email(conn), groups)

    @property
    def owners(self) -> dict[int, int]:
        """Return entity → the user who gets its lead."""
        return {turn.lead.entity_id: turn.user_id for turn in self.taken}

    @property
    def left_by_source(self) -> list[int]:
        """Return the entities whose source has converted the lead: its contact goes to its owner."""
        return [turn.lead.entity_id for turn in self.taken if turn.lead.is_left]

    def decide(self, lead: UnownedLead) -> None:
        """Decide on the owner of a lead, if a member can take it.

        Raises:
            ConfigError: a rule names a group that does not exist.
        """
        fallback = self.rules.fallback
        if lead.legacy_owner is not None:
            decision = Decision(fallback, None, (f"{lead.legacy_owner}: fallback {fallback}",))
        else:
            decision = decide(self._known(lead), self.rules.rules, fallback)
        pick = self._resolve(decision.target, lead)
        reasons = [*decision.reasons, *pick.reasons]
        if pick.chosen is None and decision.target != fallback:
            decision = Decision(fallback, None, ())
            pick = self._resolve(fallback, lead)
            reasons += [f"fallback {fallback}", *pick.reasons]
        if pick.chosen is not None:
            self._take(lead, decision, pick, pick.chosen, reasons)

    def keep(self, conn: Connection, lead_ids: Mapping[int, int]) -> int:
        """Write assignments, the groups' state and events; returns how many events.

        Args:
            conn: the transaction in which the turns began, after the leads were written.
            lead_ids: entity → lead.
        """
        made = [(turn, lead_ids[turn.lead.entity_id]) for turn in self.taken]
        assignments.keep(conn, [turn.assignment(lead) for turn, lead in made])
        for name, state in self.groups.items():
            save_group(conn, self.locked[name], state)
        events = [event for turn, lead in made if (event := turn.event(lead)) is not None]
        tell(conn, events)
        return len(events)

    def _known(self, lead: UnownedLead) -> Mapping[str, Any]:
        """Return the fields for rules; an account's owner who has left is left out."""
        owner = lead.values[ACCOUNT_OWNER]
        if owner is None:
            return lead.values
        active = {person.id for person in self.people.values() if person.is_active}
        return {**lead.values, ACCOUNT_OWNER: owner if owner in active else None}

    def _resolve(self, target: Target, lead: UnownedLead) -> Pick:
        """Return the user of a target; a group gives a turn."""
        if target.kind == "account":
            return Pick(lead.values[ACCOUNT_OWNER], _NO_GROUP, (), ())
        if target.kind == "group":
            if target.name not in self.groups:
                raise ConfigError(
                    f"routing names the group {target.name!r}, which does not exist",
                    hint="add it under `groups:` in hub.yaml, or with `hub group add`",
                )
            return take(self.groups[target.name])
        person = self.people.get(target.name.lower())
        if person is None or not person.is_active:
            return Pick(None, _NO_GROUP, (), (f"user {target.name} is not active",))
        return Pick(person.id, _NO_GROUP, (), ())

    def _take(
        self, lead: UnownedLead, decision: Decision, pick: Pick, user_id: int, reasons: list[str]
    ) -> None:
        name = decision.target.name
        is_group = decision.target.kind == "group"
        before = self.groups[name].next_member if is_group else None
        if is_group:
            self.groups[name] = pick.state
        self.taken.append(
            Turn(
                lead,
                user_id,
                decision.rule_name,
                "; ".join(reasons),
                pick.skipped,
                pick.state if is_group else None,
                before,
            )
        )
