"""A home of version 0.1.0, derived again by today's rules, is what today's rules make of its inputs.

The oracle of the plays computes what must stand from the home's own raw versions, edits and
decisions. A home of today's code into which the same versions are replayed is held against it too.
"""

from pathlib import Path

import pytest
from sqlalchemy import text

from hub.db.embedded import Server
from hub.db.engine import Database
from hub.etl import derivations, flow, match, normalize, rederive
from hub.etl.context import Hub
from hub.model.records import RawRecord
from hub.settings import Settings
from tests.flow.conftest import STREAMS, World, new_world
from tests.flow.test_upgraded_home import hub_of
from tests.plays import home, present
from tests.plays.home import Home
from tests.plays.oracle import Oracle
from tests.plays.stage import Crash, crashing, killed
from tests.plays.worked import oracle_of
from tests.prepared import fresh_database
from tests.shipped import mappings

_NOTICES = "SELECT dedupe_key FROM ops.outbox WHERE event <> 'leads_digest' ORDER BY 1"
_TURNS = "SELECT lead_id FROM ops.assignment WHERE lead_id IS NOT NULL"


def seen(database: Database) -> Home:
    with database.engine.begin() as conn:
        return home.read(conn)


def remembered(database: Database) -> Oracle:
    with database.engine.begin() as conn:
        return oracle_of(conn)


def column(database: Database, query: str) -> list[object]:
    with database.engine.begin() as conn:
        return list(conn.execute(text(query)).scalars())


def differences(oracle: Oracle, found: Home) -> list[str]:
    with present.looking_up(found.versions):
        return oracle.look(found, is_derivation=True)


def test_it_equals_what_todays_rules_make_of_its_inputs(upgraded: Database, tmp_path: Path) -> None:
    hub = hub_of(upgraded, tmp_path)
    flow.sync(hub, list(STREAMS))  # the interrupted one goes on: what it brought is news
    oracle = remembered(upgraded)
    notices, turns = column(upgraded, _NOTICES), column(upgraded, _TURNS)
    assert differences(oracle, seen(upgraded)), "older rules derived it"
    assert rederive.rederive(hub).left == 0
    assert differences(oracle, seen(upgraded)) == []
    assert column(upgraded, _NOTICES) == notices, "nobody is told at once"
    again = column(upgraded, _TURNS)
    assert again[: len(turns)] == turns
    assert len(set(again)) == len(again), "no lead takes two turns"
    flow.sync(hub, list(STREAMS))
    assert rederive.rederive(hub).done == {}


def test_a_home_of_today_with_the_same_versions_says_the_same(
    upgraded: Database, tmp_path: Path, server: Server, settings: Settings
) -> None:
    hub = hub_of(upgraded, tmp_path)
    flow.sync(hub, list(STREAMS))
    assert rederive.rederive(hub).left == 0
    old = seen(upgraded)
    with fresh_database(server) as database:
        replay(new_world(database, settings), old)
        new = seen(database)
        assert differences(Oracle(is_of_strangers=True), new) == []
    undecided = {key for d in old.decisions for key in (d.a, d.b)}
    own = {group for group in old.people() if not any(k.startswith("hub/") for k in group)}
    assert {g for g in own if not g & undecided} <= new.people()


def replay(world: World, old: Home) -> None:
    """Land the versions of a home in a new one, in the order in which they came."""
    seen_of: dict[str, list[RawRecord]] = {}
    for version in old.versions:
        if version.source in STREAMS:
            seen_of.setdefault(f"{version.source}/{version.stream}", []).append(version.raw)
    for name, records in seen_of.items():
        source, stream = name.split("/")
        vendor = world.vendors[source]
        vendor.names = tuple(dict.fromkeys((*vendor.names, stream)))
        world.add(source, stream, *records)
    flow.sync(world.hub, list(STREAMS))


def again_with(hub: Hub, first: int) -> int:
    """Derive again and be stopped at a commit, each time a later one; returns how often that was."""
    for crash in range(first, first + 100):
        try:
            with crashing(hub.engine, crash):
                rederive.rederive(hub)
        except Crash:
            continue
        return crash - first
    raise AssertionError("it never ends")


@pytest.mark.parametrize("first", [2, 9])
def test_stopped_at_any_commit_it_ends_the_same(
    upgraded: Database, tmp_path: Path, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _small_pieces(monkeypatch)
    hub = hub_of(upgraded, tmp_path)
    flow.sync(hub, list(STREAMS))
    notices = column(upgraded, _NOTICES)
    assert again_with(hub, first) > 10
    assert differences(remembered(upgraded), seen(upgraded)) == []
    assert column(upgraded, _NOTICES) == notices
    turns = column(upgraded, _TURNS)
    assert len(set(turns)) == len(turns)
    open_n = "SELECT id FROM ops.batch WHERE kind = 'rederive' AND state <> 'done'"
    assert column(upgraded, open_n) == []


@pytest.mark.parametrize("name", ["mapping", "keys", "model", "links", "fold"])
def test_killed_within_a_derivation_it_goes_on(
    upgraded: Database, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process is killed in the middle of each derivation, and another one takes up its work."""
    _small_pieces(monkeypatch)
    hub = hub_of(upgraded, tmp_path)
    flow.sync(hub, list(STREAMS))
    reached: list[str] = []

    def stop() -> bool:
        return bool(reached) and reached[-1] == name

    rederive.rederive(hub, stop=stop, told=lambda done, _n: reached.append(done))
    if name == "fold":  # folded with its links: let it be stale alone
        with upgraded.engine.begin() as conn:
            conn.execute(text("UPDATE ops.derivation SET version = 'old' WHERE name = 'fold'"))
    left = rederive.left(hub)
    assert left > 0
    for commit in (2, 3, 4):
        with pytest.raises(Crash):
            killed(upgraded.engine, commit, lambda: rederive.rederive(hub))
    assert rederive.rederive(hub).left == 0
    assert differences(remembered(upgraded), seen(upgraded)) == []


def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in ("OBJECTS", "RECORDS", "ENTITIES", "KEYS"):
        monkeypatch.setattr(rederive, size, 5)
    monkeypatch.setattr(match, "CHUNK", 5)
    monkeypatch.setattr(normalize, "CHUNK", 5)


def test_every_derivation_has_a_version(upgraded: Database) -> None:
    with upgraded.engine.begin() as conn:
        derivations.declare(conn, mappings())
    found = column(upgraded, "SELECT DISTINCT name FROM ops.derivation ORDER BY 1")
    assert found == ["fold", "keys", "links", "mapping", "model"]
