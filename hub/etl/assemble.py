"""Put the hub together from settings and an open database; apply what `hub.yaml` manages."""

import difflib
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection

from hub.clock import Clock
from hub.connectors.base import Connector
from hub.connectors.registry import connect, limits_of
from hub.crm import groups, owners, statuses, words
from hub.crm.notice_settings import Choice, ProfileValues
from hub.crm.owners import Availability
from hub.db.engine import Database
from hub.db.transactions import run_transaction
from hub.errors import ConfigError, CredentialError
from hub.etl import derivations
from hub.etl.budget import SharedBudget, account_of
from hub.etl.context import Hub
from hub.etl.groups import Group, NewMember, apply_groups
from hub.etl.owner_decision import rules_of
from hub.etl.survivorship import apply_rules, read_rules
from hub.mappings.loader import load_all
from hub.model.days import midnight
from hub.records import batch_history, erasure_list
from hub.settings import GroupSettings, PersonSettings, Settings, secret_variable


def assemble(settings: Settings, database: Database, clock: Clock) -> Hub:
    """Return the hub's working parts; people and groups of `hub.yaml` are written first.

    Raises:
        ConfigError: a mapping, a rule or a group has a mistake.
    """
    views: dict[str, SharedBudget] = {}

    def budget(source: str, block: object) -> SharedBudget:
        with database.engine.begin() as conn:
            is_first_load = not batch_history.has_finished_batch(conn, source)
        views[source] = SharedBudget(
            database.engine,
            account_of(source, block),
            limits_of(source),
            clock,
            time_scale=getattr(block, "time_scale", 1.0),
            reserve=getattr(block, "daily_reserve", 0.0),
            is_bulk=is_first_load,
        )
        return views[source]

    def requests_n(source: str) -> int:
        return views[source].spent_n if source in views else 0

    @lru_cache
    def connector(source: str) -> Connector:
        block = getattr(settings.sources, source, None)
        if block is None:
            raise ConfigError(
                f"source {source!r} is not configured", hint="add it under `sources:` in hub.yaml"
            )
        secret = getattr(block, block.needed_secret)
        if secret is None or not secret.get_secret_value():
            variable = secret_variable("sources", source, block.needed_secret)
            raise CredentialError(
                f"{source}: no {block.needed_secret} is set",
                hint=f"set {variable}, or {variable}_FILE to the path of a file",
            )
        return connect(source, block, clock, budget=budget(source, block))

    overrides = Path(settings.mappings_dir) if settings.mappings_dir else None
    hub = Hub(
        database.engine, clock, settings, load_all(overrides), connector, requests_n=requests_n
    )
    rules_of(hub)
    survivorship = read_rules(settings.matching.survivorship)
    with database.engine.begin() as conn:
        erasure_list.bring_back(conn, settings.home)  # before any source is read
        owners.apply_people(conn, [_person(p) for p in settings.people])
        apply_groups(conn, [group_of(g) for g in settings.groups])
        _check_targets(conn, settings)
        _check_status(conn, settings.crm.reopen_unqualified_to)
        derivations.declare(conn, hub.mappings)
    run_transaction(database.engine, lambda conn: apply_rules(conn, survivorship))
    return hub


def _check_targets(conn: Connection, settings: Settings) -> None:
    """Refuse a routing rule for a group that exists neither in hub.yaml nor by command."""
    targets = [(f"rule {r.name!r}", r.assign) for r in settings.routing.rules]
    if settings.groups or settings.people:
        targets.append(("fallback", settings.routing.fallback))
    known = groups.of_leads(conn)
    for what, target in targets:
        kind, _, name = target.partition(":")
        if kind == "group" and name.strip() not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise ConfigError(
                f"routing: {what} assigns to {target!r}, but there is no such group of leads",
                hint=f"did you mean 'group:{near[0]}'?"
                if near
                else f"known groups: {', '.join(known) or 'none'}; `hub group add` makes one",
            )


def _check_status(conn: Connection, name: str | None) -> None:
    known = [status.name for status in statuses.statuses(conn)]
    if name is None or name in known or words.today(conn, "status", "", name):
        return
    raise ConfigError(
        f"crm.reopen_unqualified_to: there is no status {name!r}",
        hint=f"known: {', '.join(known)}; `hub lead statuses --add` adds one",
    )


def group_of(group: GroupSettings) -> Group:
    """Return a group of hub.yaml as it is applied."""
    members = [NewMember(m.email, m.weight, m.capacity, m.paused) for m in group.members]
    return Group(group.name, members, group.kind)


def _availability(person: PersonSettings) -> Availability:
    if person.away is None:
        return Availability(is_paused=person.paused)
    first, last = person.away.since, person.away.until
    return Availability(
        None if first is None else midnight(first, person.timezone),
        None if last is None else midnight(last + timedelta(days=1), person.timezone),
        person.paused,
    )


def _person(person: PersonSettings) -> owners.Person:
    return owners.Person(
        email=person.email,
        name=person.name,
        is_active=person.active,
        timezone=person.timezone,
        role=person.role,
        notify={
            event: Choice(choice.web, choice.email, choice.apprise)
            for event, choice in person.notify.items()
        },
        availability=_availability(person),
        profile=_profile(person),
    )


def _profile(person: PersonSettings) -> ProfileValues:
    """Return what hub.yaml says of a person's language, hours and target; what it leaves out stays."""
    values: dict[str, str | bool | None] = {}
    if person.language is not None:
        values["language"] = person.language
    if person.quiet is not None:
        values |= {
            "quiet_from": person.quiet.since,
            "quiet_until": person.quiet.until,
            "quiet_weekends": person.quiet.weekends,
        }
    if person.digest_at is not None:
        values["digest_at"] = ",".join(person.digest_at)
    if person.apprise is not None:
        values["apprise"] = person.apprise
    return values
