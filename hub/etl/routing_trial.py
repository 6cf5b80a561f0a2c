"""Routing on trial: stored decisions replayed, or made again by other rules. Nothing is written.

In: a connection, and rules as a file has them. Out: what differs. Not here: how a decision is made again
(`hub.routing.replay`, `hub.routing.simulation`).
"""

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
from hub.etl.owner_decision import Rules, rules_from
from hub.frozen import dataclass
from hub.records import assignments
from hub.routing.replay import Kept, RuleSet, differences
from hub.routing.rules import ACCOUNT_OWNER, COMPANY
from hub.routing.simulation import Outcome, simulate
from hub.settings.blocks import RoutingSettings

_PAGE = 2000


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
