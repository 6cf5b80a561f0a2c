"""Which rules derived the stored data: a new home is current, an old one says how much is behind."""

from pathlib import Path

import pytest
from sqlalchemy import text

from hub.db.engine import Database
from hub.etl import derivations, flow, reprocess
from hub.etl.context import Hub
from hub.etl.rederive import rederive
from tests.flow.conftest import STREAMS, World, salesforce_lead
from tests.flow.test_upgraded_home import hub_of
from tests.shipped import mappings


def behind(database: Database) -> dict[str, int]:
    with database.engine.begin() as conn:
        found = derivations.stale(conn, mappings())
    return {f"{one.derivation} {one.part}".strip(): one.behind for one in found}


def declare(database: Database) -> None:
    with database.engine.begin() as conn:
        derivations.declare(conn, mappings())


def count(database: Database, query: str) -> int:
    with database.engine.begin() as conn:
        n: int = conn.execute(text(query)).scalar_one()
    return n


def forget(database: Database, name: str) -> None:
    """Let the stored results of a derivation be of an older version."""
    with database.engine.begin() as conn:
        conn.execute(
            text("UPDATE ops.derivation SET version = 'of before' WHERE name = :name"),
            {"name": name},
        )


def test_what_a_new_home_derives_is_current(world: World) -> None:
    world.add("salesforce", "leads", salesforce_lead(1, LastName="One"))
    flow.sync(world.hub, ["salesforce"])
    declare(world.db)
    world.add("salesforce", "leads", salesforce_lead(2, LastName="Two"))
    flow.sync(world.hub, ["salesforce"])
    assert count(world.db, "SELECT count(*) FROM ops.entity") == 2
    assert behind(world.db) == {
        "mapping salesforce/leads": 0, "keys": 0, "model": 0, "fold": 0, "links": 0,
    }  # fmt: skip
    assert rederive(world.hub).done == {}


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


def test_it_is_derived_again_piece_by_piece_until_nothing_is_left(
    upgraded: Database, tmp_path: Path
) -> None:
    hub = hub_of(upgraded, tmp_path)
    flow.sync(hub, list(STREAMS))  # what was interrupted is news
    alerts = "SELECT count(*) FROM ops.outbox WHERE event <> 'leads_digest'"
    before = sum(behind(upgraded).values()), count(upgraded, alerts)
    first = rederive(hub, stop=lambda: True)
    assert 0 < first.left < before[0]
    whole = rederive(hub)
    assert set(first.done) | set(whole.done) >= {"mapping", "keys", "model", "links"}
    assert whole.left == 0
    assert set(behind(upgraded).values()) == {0}
    assert rederive(hub).done == {}
    assert count(upgraded, "SELECT count(*) FROM ops.batch WHERE kind = 'rederive'") > 1
    with upgraded.engine.begin() as conn:
        ended = conn.execute(
            text("SELECT source, state, ledger FROM ops.batch WHERE kind = 'rederive'")
        ).all()
    assert [row for row in ended if row.state != "done"] == []
    assert count(upgraded, alerts) == before[1], "nobody is told at once"


def test_a_remap_brings_its_stream_up_to_date(upgraded: Database, tmp_path: Path) -> None:
    hub = hub_of(upgraded, tmp_path)
    flow.sync(hub, list(STREAMS))
    reprocess.remap(hub, "salesforce", "leads")
    assert behind(upgraded)["mapping salesforce/leads"] == 0
    assert behind(upgraded)["mapping hubspot/contacts"] > 0


@pytest.mark.parametrize("name", ["keys", "model", "fold", "links"])
def test_a_new_version_leaves_everything_behind_but_what_comes_after(
    world: World, name: str
) -> None:
    world.add("salesforce", "leads", salesforce_lead(1, LastName="One"))
    flow.sync(world.hub, ["salesforce"])
    declare(world.db)
    forget(world.db, name)
    assert behind(world.db)[name] == 1, "seen even by a command that only reads"
    declare(world.db)
    world.add("salesforce", "leads", salesforce_lead(2, LastName="Two"))
    flow.sync(world.hub, ["salesforce"])
    found = behind(world.db)
    also = {"keys": {"keys", "model"}}.get(name, {name})
    assert {other for other, n in found.items() if n} == also
    assert rederive(world.hub).left == 0


def test_a_stream_that_had_no_mapping_is_mapped_once_it_has_one(world: World) -> None:
    without = {k: v for k, v in world.hub.mappings.items() if k != "salesforce/leads"}
    old = Hub(world.hub.engine, world.hub.clock, world.hub.settings, without, world.hub.connector)
    with world.db.engine.begin() as conn:
        conn.execute(text("DELETE FROM ops.derivation WHERE part = 'salesforce/leads'"))
    world.add("salesforce", "leads", salesforce_lead(1, LastName="One"))
    flow.sync(old, ["salesforce"])
    assert count(world.db, "SELECT count(*) FROM crm.lead") == 0
    declare(world.db)
    assert behind(world.db)["mapping salesforce/leads"] == 1
    assert rederive(world.hub).left == 0
    assert count(world.db, "SELECT count(*) FROM crm.lead WHERE owner_id IS NOT NULL") == 1
