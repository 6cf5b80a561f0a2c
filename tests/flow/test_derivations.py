"""Which rules derived the stored data: a new home is current, an old one says how much is behind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from hub.db.embedded import Server
from hub.db.engine import Database, opened_embedded
from hub.etl import derivations, flow, reprocess
from hub.mappings.loader import load_all
from hub.records import models
from tests.flow.conftest import STREAMS, World, salesforce_lead
from tests.flow.test_upgraded_home import hub_of
from tests.old_homes import old_home


@pytest.fixture
def upgraded(server: Server) -> Iterator[Database]:
    with old_home(server) as name, opened_embedded(server, name) as database:
        yield database


def behind(database: Database) -> dict[str, int]:
    with database.engine.begin() as conn:
        found = derivations.stale(conn, load_all(None))
    return {f"{one.derivation} {one.part}".strip(): one.behind for one in found}


def declare(database: Database) -> None:
    with database.engine.begin() as conn:
        derivations.declare(conn)


def count(database: Database, query: str) -> int:
    with database.engine.begin() as conn:
        n: int = conn.execute(text(query)).scalar_one()
    return n


def test_what_a_new_home_derives_is_current(world: World) -> None:
    world.add("salesforce", "leads", salesforce_lead(1, LastName="One"))
    flow.sync(world.hub, ["salesforce"])  # before any entry point has declared the versions
    declare(world.db)
    world.add("salesforce", "leads", salesforce_lead(2, LastName="Two"))
    flow.sync(world.hub, ["salesforce"])
    assert count(world.db, "SELECT count(*) FROM ops.entity") == 2
    assert behind(world.db) == {
        "mapping salesforce/leads": 0, "keys": 0, "model": 0, "fold": 0, "links": 0,
    }  # fmt: skip


def test_an_upgraded_home_says_how_much_is_behind(upgraded: Database, tmp_path: Path) -> None:
    people = count(upgraded, "SELECT count(*) FROM ops.source_record WHERE target = 'person'")
    entities = count(upgraded, "SELECT count(*) FROM ops.entity WHERE merged_into IS NULL")
    for _ in range(2):  # before an entry point has declared the versions, and after
        found = behind(upgraded)
        assert found["keys"] == found["model"] == people > 40
        assert found["fold"] == found["links"] == entities > 20
        assert found["mapping salesforce/leads"] > 10
        declare(upgraded)

    flow.sync(hub_of(upgraded, tmp_path), list(STREAMS))
    arrived = count(upgraded, "SELECT count(*) FROM ops.entity WHERE merged_into IS NULL")
    assert arrived > entities
    assert behind(upgraded)["fold"] <= entities, "what is new was derived by today's rules"


def test_a_remap_and_a_rescore_bring_it_up_to_date(upgraded: Database, tmp_path: Path) -> None:
    hub = hub_of(upgraded, tmp_path)
    flow.sync(hub, list(STREAMS))
    declare(upgraded)
    reprocess.remap(hub, "salesforce", "leads")
    assert behind(upgraded)["mapping salesforce/leads"] == 0
    assert behind(upgraded)["mapping hubspot/contacts"] > 0
    with upgraded.engine.begin() as conn:
        models.requeue(conn)
    found = behind(upgraded)
    assert (found["keys"], found["model"]) == (0, 0)
    declare(upgraded)
    assert behind(upgraded)["keys"] == 0, "the same versions, declared again, change nothing"


def test_a_new_version_leaves_everything_behind_but_what_comes_after(world: World) -> None:
    world.add("salesforce", "leads", salesforce_lead(1, LastName="One"))
    flow.sync(world.hub, ["salesforce"])
    declare(world.db)
    with world.db.engine.begin() as conn:
        conn.execute(text("UPDATE ops.derivation SET version = 'of before' WHERE name = 'fold'"))
    assert behind(world.db)["fold"] == 1, "seen even by a command that only reads"
    declare(world.db)
    world.add("salesforce", "leads", salesforce_lead(2, LastName="Two"))
    flow.sync(world.hub, ["salesforce"])
    found = behind(world.db)
    assert (found["fold"], found["links"], found["keys"]) == (1, 0, 0)
