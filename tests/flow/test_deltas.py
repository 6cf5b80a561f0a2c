"""A delta moves what has changed since a migration: planned, loaded, proved and taken back like one."""

from collections.abc import Iterator
from typing import Any

import pytest

from hub.actions.batches import migrate
from hub.actions.batches.undo import undo_batch
from hub.cli.reconcile_page import render
from hub.connectors.base import Page, PartFault, Stream, Window
from hub.db.place import Place
from hub.errors import ActionError, ForbiddenError
from hub.landing import store
from hub.model.verdicts import Op
from hub.views.migration import of_result
from hub.views.reconciliation import reconciliation
from tests.flow.conftest import HandConnector, World, salesforce_lead
from tests.flow.test_migrate import WHO, fill, place, records
from tests.flow.test_undo import but_turns, crm

__all__ = ["place"]
SOURCE = "salesforce"


def cursors(world: World) -> dict[str, Any]:
    with world.db.engine.begin() as conn:
        return dict(store.read_cursors(conn, SOURCE))


def change(world: World) -> None:
    """After the migration: one lead is new, one changes, one is deleted."""
    world.add(
        SOURCE, "leads",
        salesforce_lead(50, at=500, LastName="Sunday", Email="sunday@new.example.com"),
        salesforce_lead(3, at=501, LastName="Kerbrat", Email="gwen@new.example.com"),
        salesforce_lead(2, at=502, op=Op.DELETE, LastName="Okafor"),
    )  # fmt: skip


def test_a_delta_moves_what_has_changed_and_is_undone_alone(world: World, place: Place) -> None:
    fill(world)
    with pytest.raises(ActionError, match="no migration of salesforce"):
        migrate.run(world.hub, WHO, SOURCE, is_delta=True)
    first = migrate.run(world.hub, WHO, SOURCE).migration.batch.id
    loaded, began = crm(world), cursors(world)
    change(world)
    told = world.rows("SELECT count(*) AS n FROM ops.outbox WHERE event <> 'leads_digest'")[0].n

    tried = migrate.dry_run(world.hub, place, WHO, SOURCE, is_delta=True)

    assert crm(world) == loaded
    batch = tried.migration.batch.id
    assert (tried.migration.delta_of, batch != first) == (first, True)
    with pytest.raises(ActionError, match="a delta of salesforce, is planned"):
        migrate.run(world.hub, WHO, SOURCE)
    assert {key[1]: (one["verdict"], one["new"]) for key, one in records(world, batch).items()} == {
        salesforce_lead(50).source_id: ("created", True),
        salesforce_lead(3).source_id: ("updated", False),
        salesforce_lead(2).source_id: ("deleted", False),
    }
    real = migrate.apply_plan(world.hub, place, WHO, batch)
    assert real.applied is not None
    assert (real.applied.differences, real.applied.holds) == ([], True)
    assert cursors(world) == began, "a delta does not hand over to the syncs"
    assert (
        world.rows("SELECT count(*) AS n FROM ops.outbox WHERE event <> 'leads_digest'")[0].n
        == told
    )
    (gwen,) = world.rows("SELECT email FROM crm.lead WHERE last_name = 'Kerbrat'")
    assert gwen.email == "gwen@new.example.com"
    with world.db.engine.begin() as conn:
        proof = reconciliation(conn, batch)
        view = of_result(conn, real)
    assert proof is not None
    (leads,) = [one for one in proof.streams if one.stream == "leads"]
    assert (proof.kind, proof.delta_of, leads.holds, leads.counted, leads.gone) == (
        "delta", first, True, 2, 1
    )  # fmt: skip
    assert f"since batch {first}" in render(proof)
    assert (view.document()["delta_of"], view.since is not None) == (first, True)

    undo_batch(world.db.engine, WHO, batch)
    assert but_turns(crm(world)) == but_turns(loaded)
    again = migrate.run(world.hub, WHO, SOURCE, is_delta=True)
    assert again.applied is not None
    (ledger,) = [one for one in again.applied.ledgers if one.stream == "leads"]
    assert ledger.verdicts == {"created": 1, "updated": 1, "deleted": 1}, (
        "an undone delta is moved again"
    )
    next_ = migrate.run(world.hub, WHO, SOURCE, is_delta=True)
    assert next_.applied is not None
    assert [one.verdicts for one in next_.applied.ledgers if one.stream == "leads"] == [{}], (
        "the next delta begins where the last one ended"
    )


class Refusing(HandConnector):
    """A vendor that refuses one part of a stream."""

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        pages = list(super().read(stream, window))
        refused = [PartFault("archive", ForbiddenError("no permission for archive"))]
        yield from pages[:-1]
        yield Page(pages[-1].records, pages[-1].cursor, refused if stream.name == "leads" else ())


def test_a_refused_part_makes_a_range_fail(world: World) -> None:
    fill(world)
    world.vendors[SOURCE] = Refusing(SOURCE, world.salesforce.objects, names=("users", "leads"))
    done = migrate.run(world.hub, WHO, SOURCE)
    assert done.applied is None
    assert done.read is not None
    assert [(r.stream, r.state, r.reason) for r in done.read.unproven] == [
        ("leads", "failed", "archive: no permission for archive")
    ]


def test_a_delta_under_way_refuses_a_whole_migration_and_starts_at_a_set_time(world: World) -> None:
    fill(world)
    migrate.run(world.hub, WHO, SOURCE)
    said = migrate.schedule(world.hub, WHO, SOURCE, "2036-12-07 22:00", is_delta=True)
    assert said.migration.delta_of is not None
    with pytest.raises(ActionError, match="it must end first"):
        migrate.run(world.hub, WHO, SOURCE)
    with pytest.raises(ActionError, match="it must end first"):
        migrate.schedule(world.hub, WHO, SOURCE, "2036-12-07 22:00", is_delta=False)
    migrate.discard(world.hub, WHO, said.migration.batch.id)
    assert migrate.run(world.hub, WHO, SOURCE).migration.delta_of is None
