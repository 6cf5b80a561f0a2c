"""Routing on trial: stored decisions replayed, or made again by other rules. Nothing is written.

In: a connection, and rules as a file has them. Out: what differs. Not here: how a decision is made again
(`hub.routing.replay`, `hub.routing.simulation`).
"""

import csv
import difflib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from sqlalchemy import Connection, Row

from hub.crm import contacts, groups, leads, owners
from hub.errors import ConfigError
from hub.etl.groups import group_state
from hub.etl.owner_decision import KNOWN_FIELDS, Rules, rules_from
from hub.frozen import dataclass
from hub.records import assignments
from hub.routing.choice import Choice, choose
from hub.routing.replay import Kept, RuleSet, differences
from hub.routing.ring import GroupState
from hub.routing.rules import ACCOUNT_OWNER, COMPANY, SHORT
from hub.routing.simulation import Outcome, simulate
from hub.settings.blocks import RoutingSettings

_PAGE = 2000
_ACCOUNT = "account_owner"  # column of a file: e-mail of the owner of the lead's account


def rules_in(path: Path) -> Rules:
    """Return the block `routing:` of a YAML file.

    Raises:
        ConfigError: the file cannot be read, or a rule has a mistake.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise ConfigError(f"{path}: {exc}", hint="give a YAML file with a block routing:") from exc
    block = document.get("routing") if isinstance(document, dict) else None
    if not isinstance(block, dict):
        raise ConfigError(f"{path} has no block routing:", hint="write it as in hub.yaml")
    try:
        return rules_from(RoutingSettings.model_validate(block))
    except ValidationError as exc:
        first = exc.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"{path}: routing.{place}: {first['msg']}", hint="write it as in hub.yaml"
        ) from exc


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that a replay does not give again; `what` says each difference."""

    assignment: int
    lead_id: int | None
    what: Sequence[str]


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many decisions were replayed, and those that differ."""

    replayed_n: int
    differences: Sequence[Difference]


def replay(conn: Connection) -> Replayed:
    """Make every stored decision again from its own row."""
    n, found = 0, []
    for kept in _all(conn):
        n += 1
        if what := differences(kept):
            found.append(Difference(kept.id, kept.lead_id, what))
    return Replayed(n, found)


def simulate_last(conn: Connection, rules: Rules, limit: int, at: datetime) -> list[Outcome]:
    """Decide on the leads of the last decisions again, by other rules.

    Args:
        conn: a transaction; it is only read.
        rules: the rules to try.
        limit: how many decisions.
        at: the present time; members of groups that gave no turn can be away.
    """
    happened = _kept(assignments.last_decided(conn, limit))
    ids = [kept.lead_id for kept in happened if kept.lead_id is not None]
    present = leads.routing_fields(conn, ids)
    if COMPANY in rules.fields:
        accounts = contacts.accounts_of(conn, ids)
        present = {i: {**row, COMPANY: accounts.get(i)} for i, row in present.items()}
    active = {e: u.id for e, u in owners.users_by_email(conn).items() if u.is_active}
    standing = frozenset(active.values())

    def fields(kept: Kept) -> Mapping[str, Any]:
        row = present.get(kept.lead_id or 0, {})
        owner = row.get(ACCOUNT_OWNER)
        return {**row, ACCOUNT_OWNER: owner if owner in standing else None}

    states = {name: group_state(group, at) for name, group in groups.of_leads(conn).items()}
    return simulate(happened, rules.version, people=active, groups=states, fields=fields)


@dataclass(frozen=True, slots=True)
class FileLead:
    """The owner of a lead of a file, by the rules to try and by the rules of hub.yaml.

    Args:
        line: number of the line in the file.
        user_id: the user who would get the lead; None where nobody can.
        rule: the rule that holds, or fallback.
        reasons: why.
        user_in_force: the user by the rules of hub.yaml.
        rule_in_force: the rule of hub.yaml that holds.
    """

    line: int
    user_id: int | None
    rule: str
    reasons: Sequence[str]
    user_in_force: int | None
    rule_in_force: str


def simulate_file(
    conn: Connection, path: Path, rules: Rules, in_force: Rules, at: datetime
) -> list[FileLead]:
    """Decide on the leads of a CSV file, one after the other, by two sets of rules.

    Raises:
        ConfigError: the file cannot be read, or a column is no field that rules read.
    """
    rows = _read(path)
    active = {e: u.id for e, u in owners.users_by_email(conn).items() if u.is_active}
    found = groups.of_leads(conn)
    states = {name: group_state(group, at) for name, group in found.items()}
    facts = [_facts(row, active) for row in rows]
    tried = _choices(facts, rules, active, dict(states))
    today = _choices(facts, in_force, active, dict(states))
    return [
        FileLead(
            line,
            new.pick.chosen,
            new.decision.rule_name or "fallback",
            new.reasons,
            old.pick.chosen,
            old.decision.rule_name or "fallback",
        )
        for line, (new, old) in enumerate(zip(tried, today, strict=True), 2)
    ]


def _choices(
    leads: Sequence[Mapping[str, Any]],
    rules: Rules,
    active: Mapping[str, int],
    states: dict[str, GroupState],
) -> list[Choice]:
    made = []
    for facts in leads:
        choice = choose(facts, rules.rules, rules.fallback, people=active, groups=states)
        if choice.group is not None:
            states[choice.group.name] = choice.group
        made.append(choice)
    return made


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            for name in reader.fieldnames or ():
                _check_column(path, name)
            return [{k: v for k, v in row.items() if k and isinstance(v, str)} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise ConfigError(f"{path}: {exc}", hint="give a CSV file in UTF-8 with a header") from exc


def _check_column(path: Path, name: str) -> None:
    head, dot, rest = name.partition(".")
    if name in KNOWN_FIELDS or name in SHORT or name == _ACCOUNT:
        return
    if dot and rest and head in ("custom_fields", COMPANY):
        return
    near = difflib.get_close_matches(name, [*KNOWN_FIELDS, *SHORT, _ACCOUNT], n=1)
    raise ConfigError(
        f"{path}: no routing rule can read the column {name!r}",
        hint=f"did you mean {near[0]!r}?"
        if near
        else "name the columns as rules name the fields of a lead",
    )


def _facts(row: Mapping[str, str], active: Mapping[str, int]) -> dict[str, Any]:
    facts: dict[str, Any] = {name: value or None for name, value in row.items()}
    for name in ("tags", "emails"):
        if facts.get(name):
            facts[name] = [part.strip() for part in facts[name].split(",")]
    facts[ACCOUNT_OWNER] = active.get(row.get(_ACCOUNT, "").lower())
    return facts


def _all(conn: Connection) -> Iterator[Kept]:
    after = 0
    while page := _kept(assignments.decided(conn, after=after, limit=_PAGE)):
        yield from page
        after = page[-1].id


def _kept(rows: Sequence[Row[Any]]) -> list[Kept]:
    read: dict[str, RuleSet] = {}
    return [
        Kept(
            row.id,
            row.lead_id,
            row.group_id,
            row.user_id,
            row.rule,
            row.skipped,
            row.next_before,
            row.next_after,
            None if row.document is None else _rules(read, row.document),
            row.facts,
            row.tried,
        )
        for row in rows
    ]


def _rules(read: dict[str, RuleSet], document: Mapping[str, Any]) -> RuleSet:
    key = repr(document)
    if key not in read:
        read[key] = RuleSet.read(document)
    return read[key]
