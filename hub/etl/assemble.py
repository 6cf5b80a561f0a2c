"""Put the hub together from settings and an open database; apply what `hub.yaml` manages."""

from functools import lru_cache
from pathlib import Path

from sqlalchemy import Connection

from hub.clock import Clock
from hub.connectors.base import Connector
from hub.connectors.registry import connect, limits_of
from hub.crm import owners, statuses
from hub.db.engine import Database
from hub.db.transactions import run_transaction
from hub.errors import ConfigError, CredentialError
from hub.etl import derivations
from hub.etl.budget import SharedBudget, account_of
from hub.etl.context import Hub
from hub.etl.survivorship import apply_rules, read_rules
from hub.etl.turns import rules_of
from hub.mappings.loader import load_all
from hub.records import batches
from hub.settings import PersonSettings, Settings, secret_variable


def assemble(settings: Settings, database: Database, clock: Clock) -> Hub:
    """Return the hub's working parts; people and groups of `hub.yaml` are written first.

    Raises:
        ConfigError: a mapping, a rule or a group does not hold together.
    """

    def budget(source: str, block: object) -> SharedBudget:
        with database.engine.begin() as conn:
            is_first_load = not batches.has_finished_batch(conn, source)
        return SharedBudget(
            database.engine,
            account_of(source, block),
            limits_of(source),
            clock,
            time_scale=getattr(block, "time_scale", 1.0),
            reserve=getattr(block, "daily_reserve", 0.0),
            is_bulk=is_first_load,
        )

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
    hub = Hub(database.engine, clock, settings, load_all(overrides), connector)
    rules_of(hub)
    survivorship = read_rules(settings.matching.survivorship)
    with database.engine.begin() as conn:
        owners.apply_people(conn, [_person(p) for p in settings.people])
        owners.apply_groups(
            conn, [owners.Group(g.name, g.members, g.kind) for g in settings.groups]
        )
        _check_status(conn, settings.crm.reopen_unqualified_to)
        derivations.declare(conn, hub.mappings)
    run_transaction(database.engine, lambda conn: apply_rules(conn, survivorship))
    return hub


def _check_status(conn: Connection, name: str | None) -> None:
    known = [status.name for status in statuses.statuses(conn)]
    if name is not None and name not in known:
        raise ConfigError(
            f"crm.reopen_unqualified_to: there is no status {name!r}",
            hint=f"known: {', '.join(known)}; `hub lead statuses --add` adds one",
        )


def _person(person: PersonSettings) -> owners.Person:
    return owners.Person(
        email=person.email,
        name=person.name,
        is_active=person.active,
        timezone=person.timezone,
        role=person.role,
        notify={event: (choice.web, choice.email) for event, choice in person.notify.items()},
    )
