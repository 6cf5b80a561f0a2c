"""A stage is removed with its deals moved; a pipeline ends where the team wants, and is archived."""

from typing import Any

import pytest

from hub.actions.deals.move_deal import move
from hub.actions.setup import pipeline, smart_list
from hub.actions.setup.pipeline import NewStage
from hub.errors import ActionError
from hub.lists.document import read
from tests.acting import by
from tests.flow.conftest import World, prepared
from tests.flow.selling import WHO, act, add_customers, add_deal, deal_row, go


@prepared
def deal(world: World) -> str:
    (lea,) = add_customers(world, "Moreau")
    return add_deal(world, lea, name="Seats")


def stages(world: World, name: str = "Sales") -> list[tuple[str, int, str]]:
    with world.db.engine.begin() as conn:
        found = pipeline.find(conn, name)
    return [(s.name, s.position, s.category) for s in found.stages]


def test_a_pipeline_ends_at_quote_and_its_deals_move_with_their_history(
    world: World, deal: str
) -> None:
    go(world, deal, "Closure")
    asked = {"object": "deal", "filter": {"field": "stage", "op": "is", "value": "Closure"}}
    with world.db.engine.begin() as conn:
        smart_list.add(by(conn), "Late", read(asked))
    with pytest.raises(ActionError, match="list 'Late', 1 deal") as caught:
        act(world, pipeline.remove_stage, WHO, "Sales", "Closure")
    assert (caught.value.code, "--into" in (caught.value.hint or "")) == ("conflict", True)
    done = act(world, pipeline.remove_stage, WHO, "Sales", "Closure", into="Quote")
    assert (done.deals, done.into) == (1, "Quote")
    assert stages(world) == [
        ("Incoming", 1, "incoming"), ("Qualified", 2, "in_progress"), ("Quote", 3, "in_progress"),
        ("Won", 4, "won"), ("Unqualified", 5, "unqualified"), ("Lost", 6, "lost"),
    ]  # fmt: skip
    assert deal_row(world, deal).stage == "Quote"
    visits = [tuple(row) for row in world.rows(
        "SELECT f.name, t.name FROM crm.stage_transition x LEFT JOIN crm.stage f ON f.id = x.from_stage_id "
        "JOIN crm.stage t ON t.id = x.to_stage_id ORDER BY x.id"
    )]  # fmt: skip
    assert visits == [(None, "Incoming"), ("Incoming", "Closure"), ("Closure", "Quote")]
    with world.db.engine.begin() as conn:
        page = smart_list.page(by(conn), smart_list.find(by(conn), "Late").document)
    assert [row["stage"] for row in page.rows] == ["Quote"]
    act(world, pipeline.add_stage, WHO, "Sales", NewStage("Closure", 75))  # the name is free again
    go(world, deal, "Won")


@pytest.mark.parametrize(
    ("name", "into", "code"),
    [("Won", "Quote", "conflict"), ("Quote", "Won", "invalid"), ("Quote", "Quote", "invalid"),
     ("Nosuch", None, "not_found"), ("Quote", "Nosuch", "not_found")],
)  # fmt: skip
def test_a_stage_that_cannot_go_stays(world: World, name: str, into: Any, code: str) -> None:
    with pytest.raises(ActionError) as caught:
        act(world, pipeline.remove_stage, WHO, "Sales", name, into=into)
    assert caught.value.code == code
    assert len(stages(world)) == 7


def test_the_last_open_stage_stays(world: World) -> None:
    for name in ("Closure", "Quote", "Qualified"):
        act(world, pipeline.remove_stage, WHO, "Sales", name)
    with pytest.raises(ActionError, match="last open stage"):
        act(world, pipeline.remove_stage, WHO, "Sales", "Incoming")


def test_a_pipeline_is_archived_and_restored(world: World, deal: str) -> None:
    with pytest.raises(ActionError, match="last active pipeline"):
        act(world, pipeline.archive, WHO, "Sales")
    act(world, pipeline.add, WHO, "Partners", [NewStage("Quote", 40), NewStage("Deal", 60)], most=2)
    go(world, deal, "Quote")
    with pytest.raises(ActionError, match="1 deal is open"):
        act(world, pipeline.archive, WHO, "Sales")
    done = act(world, pipeline.archive, WHO, "Sales", into="Partners")
    assert (done.deals, done.pipeline.is_archived) == (1, True)
    row = deal_row(world, deal)
    assert (row.pipeline, row.stage) == ("Partners", "Quote")
    with pytest.raises(ActionError, match="is archived"):
        act(world, move, WHO, deal, "Incoming", pipeline="Sales")
    act(
        world, pipeline.add, WHO, "Third", [NewStage("A", 40)], most=2
    )  # an archived one takes no room
    with pytest.raises(ActionError, match="which is the limit"):
        act(world, pipeline.restore, WHO, "Sales", most=2)
    assert not act(world, pipeline.restore, WHO, "Sales", most=3).is_archived
