"""The owner of a lead: the rules decide, a group gives a turn, and the decision is stored.

Load and route decide here, by one function: one lead after the other, in the order in which turns are
due, under the locks of the groups. Not here: which leads, and in which order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Connection

from hub.crm import contacts, owners
from hub.crm import groups as stored
from hub.crm.groups import GroupRow
from hub.crm.leads import UnownedLead
from hub.etl.context import Hub
from hub.etl.groups import group_state, save_group
from hub.etl.telling import tell
from hub.model.entities import LEAD_FIELDS
from hub.model.events import LeadAssigned
from hub.model.verdicts import Lane
from hub.records import assignments, routing_rules
from hub.records.assignments import NewAssignment
from hub.routing.choice import Choice, choose
from hub.routing.replay import RuleSet, encode, facts_of
from hub.routing.ring import GroupState
from hub.routing.rules import ACCOUNT_OWNER, COMPANY, RoutingRule, Target, bind, fields_of
from hub.settings.blocks import RoutingSettings

KNOWN_FIELDS = {f.name for f in LEAD_FIELDS} | {"source", COMPANY}


@dataclass(frozen=True, slots=True)
class Rules:
    """The configured rules, and the fallback."""

    version: RuleSet

    @property
    def rules(self) -> tuple[RoutingRule, ...]:
        """Return the rules in order."""
        return self.version.rules

    @property
    def fallback(self) -> Target:
        """Return where a lead goes for which no rule holds."""
        return self.version.fallback

    @property
    def fields(self) -> frozenset[str]:
        """Return the fields of a lead that the rules read."""
        return fields_of(self.rules)

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
    return rules_from(hub.settings.routing)


def rules_from(routing: RoutingSettings) -> Rules:
    """Return rules as a file has them, checked against the model.

    Raises:
        ConfigError: a rule or the fallback has a mistake.
    """
    rules = [RoutingRule(r.name, r.when, Target.parse(r.assign)) for r in routing.rules]
    return Rules(RuleSet(bind(rules, KNOWN_FIELDS), Target.parse(routing.fallback)))


def with_companies(
    conn: Connection, rules: Rules, leads: Sequence[UnownedLead]
) -> Sequence[UnownedLead]:
    """Add the fields of their accounts to leads, if a rule reads them."""
    if COMPANY not in rules.fields:
        return leads
    accounts = contacts.accounts_of(conn, [lead.values["id"] for lead in leads])
    return [
        replace(lead, values={**lead.values, COMPANY: accounts.get(lead.values["id"])})
        for lead in leads
    ]


@dataclass(frozen=True, slots=True)
class Turn:
    """A decision about one lead, with what the rules read of it."""

    lead: UnownedLead
    user_id: int
    choice: Choice
    facts: Mapping[str, Any]

    @property
    def rule(self) -> str | None:
        """Return the name of the rule; None of the fallback."""
        return self.choice.decision.rule_name

    def assignment(self, lead_id: int, rules_id: int) -> NewAssignment:
        """Return the decision as it is stored.

        Args:
            lead_id: the lead.
            rules_id: the version of the rules.
        """
        before, after = self.choice.before, self.choice.group
        return NewAssignment(
            lead_id=lead_id,
            group_id=after.group_id if after else None,
            user_id=self.user_id,
            rule=self.rule or "fallback",
            reason="; ".join(self.choice.reasons),
            skipped=self.choice.pick.skipped,
            next_before=before.next_member if before else None,
            next_after=after.next_member if after else None,
            rules_id=rules_id,
            facts=self.facts,
            tried=encode(self.choice.tried),
        )

    def event(self, lead_id: int) -> LeadAssigned | None:
        """Return the event for the owner; None for an initial load or a converted lead."""
        if self.lead.lane != Lane.LIVE or self.lead.is_converted:
            return None
        group = self.choice.group.name if self.choice.group else None
        return LeadAssigned(self.lead.stable_key, self.user_id, lead_id, self.rule, group)


@dataclass(slots=True)
class Turns:
    """The decisions of one transaction, under the locks of the groups."""

    rules: Rules
    locked: Mapping[str, GroupRow]
    groups: dict[str, GroupState]
    _active: Mapping[str, int]
    _active_ids: frozenset[int]
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
        people = owners.users_by_email(conn)
        active = {email: user.id for email, user in people.items() if user.is_active}
        return cls(rules, locked, groups, active, frozenset(active.values()))

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
        facts = self._facts(lead)
        choice = choose(
            facts,
            self.rules.rules,
            self.rules.fallback,
            people=self._active,
            groups=self.groups,
            legacy_owner=lead.legacy_owner,
        )
        if choice.pick.chosen is None:
            return
        if choice.group is not None:
            self.groups[choice.group.name] = choice.group
        kept = facts_of(facts, self.rules.rules, lead.legacy_owner)
        self.taken.append(Turn(lead, choice.pick.chosen, choice, kept))

    def keep(self, conn: Connection, lead_ids: Mapping[int, int]) -> int:
        """Write assignments, the groups' state and events; returns how many events.

        Args:
            conn: the transaction in which the turns began, after the leads were written.
            lead_ids: entity → lead.
        """
        made = [(turn, lead_ids[turn.lead.entity_id]) for turn in self.taken]
        if made:
            rules = self.rules.version
            version = routing_rules.version(conn, rules.digest, rules.document)
            assignments.keep(conn, [turn.assignment(lead, version) for turn, lead in made])
        for name, state in self.groups.items():
            save_group(conn, self.locked[name], state)
        events = [event for turn, lead in made if (event := turn.event(lead)) is not None]
        tell(conn, events)
        return len(events)

    def _facts(self, lead: UnownedLead) -> Mapping[str, Any]:
        """Return the fields for rules; an account's owner who has left is left out."""
        owner = lead.values[ACCOUNT_OWNER]
        if owner is None or owner in self._active_ids:
            return lead.values
        return {**lead.values, ACCOUNT_OWNER: None}
