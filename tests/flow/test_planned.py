"""A record of a planned batch stands for that batch alone: matching, folding, reports pass over it."""

import json
from typing import Any

from sqlalchemy import text

from hub.actions.batches.undo import preview_undo, undo_batch
from hub.etl import flow
from tests.acting import acting
from tests.flow.conftest import World, prepared, salesforce_lead
from tests.flow.test_undo import crm, last_batch, sf

_SEEN = {
    "records": "SELECT to_jsonb(r) AS row FROM reporting.source_records r",
    "leads": "SELECT to_jsonb(r) AS row FROM reporting.leads r",
    "people": "SELECT to_jsonb(e) AS row FROM ops.entity e",
    "keys": "SELECT to_jsonb(k) AS row FROM ops.match_key k",
    "edges": "SELECT to_jsonb(e) AS row FROM ops.edge e",
    "changes": "SELECT to_jsonb(c) AS row FROM ops.change c",
    "verdicts": "SELECT to_jsonb(v) AS row FROM ops.verdict v",
}


def seen(world: World) -> dict[str, Any]:
    """What everybody sees."""
    found: dict[str, Any] = {
        name: sorted(json.dumps(r.row, sort_keys=True) for r in world.rows(statement))
        for name, statement in _SEEN.items()
    }
    return {**found, "crm": crm(world)}


def lea(number: int, at: int = 0, **values: Any) -> Any:
    own = {"FirstName": "Lea", "LastName": "Moreau", "Email": "lea@moreau.example.com"}
    return salesforce_lead(number, at=at, **{**own, **values})


def plan(world: World, number: int) -> None:
    """A planned batch has its own idea of an object: as one that stands, or as a new one."""
    with world.db.engine.begin() as conn:
        batch = conn.execute(
            text("INSERT INTO ops.batch (kind, source, lane, state) "
                 "VALUES ('migrate', 'salesforce', 'bulk', 'planned') RETURNING id")
        ).scalar_one()  # fmt: skip
        conn.execute(
            text(
                "INSERT INTO ops.source_record (source, stream, source_id, target, raw_id, "
                "  batch_id, lane, mapping_version, trust, canonical, canonical_hash, refs, role, "
                "  withdrawn_by, planned_by) "
                "SELECT source, stream, :id, target, raw_id, :batch, lane, mapping_version, trust, "
                """  canonical || '{"title": "Planned"}', '\\x00', refs, 'contact', :batch, :batch """
                "FROM ops.source_record WHERE target = 'person' AND planned_by IS NULL "
                "AND source = 'salesforce' ORDER BY source_id LIMIT 1"
            ),
            {"id": sf(number).rsplit("/", 1)[1], "batch": batch},
        )


@prepared
def loaded(world: World) -> World:
    world.add("salesforce", "leads", lea(1))
    assert flow.sync(world.hub, ["salesforce"]).holds
    return world


def test_a_planned_record_is_invisible_to_all(loaded: World) -> None:
    before = seen(loaded)
    plan(loaded, 1)
    plan(loaded, 9)
    assert seen(loaded) == before
    flow.run_stages(loaded.hub)
    assert seen(loaded) == before, "nothing is matched, folded or told"


def test_what_comes_in_meanwhile_neither_reads_nor_writes_it(loaded: World) -> None:
    plan(loaded, 1)
    plan(loaded, 9)
    planned = "SELECT to_jsonb(s) AS row FROM ops.source_record s WHERE planned_by IS NOT NULL"
    kept = sorted(str(r.row) for r in loaded.rows(planned))
    loaded.add("salesforce", "leads", lea(1, 900, City="Lyon"), lea(9, 901, City="Oslo"))
    assert flow.sync(loaded.hub, ["salesforce"]).holds
    (lead,) = loaded.rows("SELECT title, city FROM crm.lead")
    assert (lead.title, lead.city) == (None, "Oslo"), "the newer of the two; nothing planned"
    standing = loaded.rows(
        "SELECT source_id, role, entity_id FROM ops.source_record WHERE target = 'person' "
        "AND withdrawn_by IS NULL ORDER BY source_id"
    )
    assert [row.role for row in standing] == ["lead", "lead"]
    assert len({row.entity_id for row in standing}) == 1
    assert sorted(str(r.row) for r in loaded.rows(planned)) == kept


def test_an_undo_passes_over_it(loaded: World) -> None:
    plan(loaded, 1)
    batch = last_batch(loaded, "salesforce")
    assert preview_undo(loaded.db.engine, acting(), batch).reverted["records"] == 1
    assert undo_batch(loaded.db.engine, acting(), batch).reverted["leads"] == 1
    assert loaded.rows("SELECT 1 FROM ops.source_record WHERE planned_by IS NOT NULL")
