"""Route: every lead without an owner gets one, exactly once, with the reasons kept.

The groups' rows are locked first, so turns are taken one after the other whatever the number of
workers; assignment, turn, pointer and outbox event commit together.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from hub.crm import contacts, leads, owners
from hub.crm.leads import LoadedCount, UnownedLead
from hub.db import outbox
from hub.db.transactions import run_transaction
from hub.errors import ConfigError
from hub.etl.context import Hub
from hub.etl.groups import group_state, save_group
from hub.logs import get_logger
from hub.model.entities import LEAD_FIELDS
from hub.model.events import LeadAssigned, LeadsDigest
from hub.model.verdicts import Lane
from hub.records import assignments
from hub.records.assignments import NewAssignment
from hub.routing.ring import GroupState, Pick, take
from hub.routing.rules import ACCOUNT_OWNER, Decision, RoutingRule, Target, bind, decide

CHUNK = 200
KNOWN_FIELDS = {f.name for f in LEAD_FIELDS} | {"source"}
log = get_logger()


@dataclass(slots=True)
class _Work:
    """What one transaction has decided so far."""

    groups: dict[str, GroupState]
    people: Mapping[str, owners.User]
    owners: dict[int, int] = field(default_factory=dict)
    turns: list[NewAssignment] = field(default_factory=list)
    events: list[LeadAssigned] = field(default_factory=list)


def rules_of(hub: Hub) -> tuple[tuple[RoutingRule, ...], Target]:
    """Return the configured rules, checked against the model, and the fallback."""
    routing = hub.settings.routing
    rules = [RoutingRule(r.name, r.when, Target.parse(r.assign)) for r in routing.rules]
    return bind(rules, KNOWN_FIELDS), Target.parse(routing.fallback)


def route_unowned(hub: Hub, *, bulk: bool) -> dict[str, int]:
    """Assign every lead without an owner.

    Args:
        hub: the working parts.
        bulk: also leads of initial loads, whose batches are completely loaded.

    Raises:
        ConfigError: a rule names somebody who is not there, or nobody at all can take leads.
    """
    rules, fallback = rules_of(hub)

    def some(conn: Connection) -> tuple[int, _Work] | None:
        groups = owners.lock_groups(conn)
        waiting = leads.take_unowned(conn, CHUNK, bulk=bulk)
        if not waiting:
            return None
        work = _Work({n: group_state(g) for n, g in groups.items()}, owners.users_by_email(conn))
        for lead in waiting:
            _route(work, lead, rules, fallback)
        leads.assign(conn, work.owners)
        contacts.inherit_owners(
            conn, [lead.values["entity_id"] for lead in waiting if _is_left(lead)]
        )
        assignments.keep(conn, work.turns)
        for name, state in work.groups.items():
            save_group(conn, groups[name], state)
        outbox.put(conn, work.events)
        return len(waiting), work

    totals: Counter[str] = Counter()
    while done := run_transaction(hub.engine, some):
        waiting_n, work = done
        totals["assigned"] += len(work.owners)
        totals["events"] += len(work.events)
        log.info("leads_assigned", assigned=len(work.owners), events=len(work.events))
        if not work.owners:
            raise ConfigError(
                f"{waiting_n} leads wait for an owner, and nobody can take them",
                hint=f"{fallback} has no active member: add one under `groups:` in hub.yaml",
            )
    return dict(totals)


def write_digests(hub: Hub) -> dict[str, int]:
    """Tell every owner once what the running initial loads have given; call when all is assigned.

    The books of a load are closed only after this, so a crash before it repeats it. A load of
    several sources is one digest. The key is a function of load and owner.
    """
    with hub.engine.begin() as conn:
        shares: dict[int, list[LoadedCount]] = defaultdict(list)
        for share in leads.untold(conn):
            shares[share.user_id].append(share)
        digests = [
            LeadsDigest(user_id, [(s.batch_id, s.source, s.leads_n) for s in mine])
            for user_id, mine in shares.items()
        ]
        outbox.put(conn, digests)
    return {"digests": len(shares)} if shares else {}


def _route(
    work: _Work, lead: UnownedLead, rules: tuple[RoutingRule, ...], fallback: Target
) -> None:
    if lead.legacy_owner is not None:
        decision = Decision(fallback, None, (f"{lead.legacy_owner}: fallback {fallback}",))
    else:
        decision = decide(_known(work, lead), rules, fallback)
    turn = _resolve(work, decision, lead)
    reasons = list(decision.reasons) + list(turn.reasons)
    if turn.chosen is None and decision.target != fallback:
        decision = Decision(fallback, None, ())
        turn = _resolve(work, decision, lead)
        reasons += [f"fallback {fallback}", *turn.reasons]
    if turn.chosen is None:
        return
    _note(work, lead, decision, turn, reasons)


def _is_left(lead: UnownedLead) -> bool:
    """Tell whether the source has converted the lead: its contact goes to the lead's owner."""
    return lead.is_converted or lead.values["source_converted_at"] is not None


def _known(work: _Work, lead: UnownedLead) -> Mapping[str, Any]:
    """Return what rules may ask for; an account's owner who has left is none."""
    active = {person.id for person in work.people.values() if person.is_active}
    owner = lead.values[ACCOUNT_OWNER]
    return {**lead.values, ACCOUNT_OWNER: owner if owner in active else None}


def _resolve(work: _Work, decision: Decision, lead: UnownedLead) -> Pick:
    """Ask the target for a person; a group gives a turn, a person answers for himself."""
    name = decision.target.name
    if decision.target.kind == "account":
        return Pick(lead.values[ACCOUNT_OWNER], GroupState(0, "", ()), (), ())
    if decision.target.kind == "group":
        if name not in work.groups:
            raise ConfigError(
                f"routing names the group {name!r}, which does not exist",
                hint="add it under `groups:` in hub.yaml",
            )
        return take(work.groups[name])
    person = work.people.get(name.lower())
    nobody = GroupState(0, "", ())
    if person is None or not person.is_active:
        return Pick(None, nobody, (), (f"user {name} is not active",))
    return Pick(person.id, nobody, (), ())


def _note(
    work: _Work, lead: UnownedLead, decision: Decision, turn: Pick, reasons: list[str]
) -> None:
    if turn.chosen is None:
        return
    is_group = decision.target.kind == "group"
    before = work.groups[decision.target.name].next_member if is_group else None
    if is_group:
        work.groups[decision.target.name] = turn.state
    work.owners[lead.id] = turn.chosen
    work.turns.append(
        NewAssignment(
            lead_id=lead.id,
            group_id=turn.state.group_id if is_group else None,
            user_id=turn.chosen,
            rule=decision.rule_name or "fallback",
            reason="; ".join(reasons),
            skipped=turn.skipped,
            next_before=before,
            next_after=turn.state.next_member if is_group else None,
        )
    )
    if lead.lane == Lane.LIVE and not lead.is_converted:
        group = decision.target.name if is_group else None
        work.events.append(
            LeadAssigned(lead.stable_key, turn.chosen, lead.id, decision.rule_name, group)
        )
