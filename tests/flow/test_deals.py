"""Pipelines and deals: stages of one's own, every visit kept, and what a stage asks for."""

from decimal import Decimal
from typing import Any

import pytest

from hub.actions import reading
from hub.actions.deals import deal as actions
from hub.actions.deals import deal_parts
from hub.actions.identity.merge import merge
from hub.actions.setup import criteria, pipeline, reasons
from hub.actions.setup.pipeline import NewStage
from hub.errors import ActionError
from hub.etl import companies, load
from hub.views.lists import Filters
from tests.acting import by
from tests.flow.conftest import World, prepared
from tests.flow.selling import WHO, act, add_customers, add_deal, deal_row, define, go

FRESH = [NewStage("Hello", 5), NewStage("Offer", 60)]


@prepared
def lea(world: World) -> int:
    """A contact."""
    return add_customers(world, "Moreau")[0]


def stages(world: World, name: str) -> list[tuple[str, int, str]]:
    with world.db.engine.begin() as conn:
        found = pipeline.find(conn, name)
    return [(s.name, s.likelihood, s.category) for s in found.stages]


def visits(world: World, deal: str) -> list[tuple[str | None, str]]:
    with world.db.engine.begin() as conn:
        return [(t.from_stage, t.to_stage) for t in reading.show(by(conn), "deal", deal).stages]


def refused(world: World, verb: Any, *arguments: Any, **named: Any) -> ActionError:
    with pytest.raises(ActionError) as caught:
        act(world, verb, *arguments, **named)
    return caught.value


def test_a_team_begins_with_the_stages_of_sell(world: World) -> None:
    assert stages(world, "sales") == [
        ("Incoming", 10, "incoming"), ("Qualified", 25, "in_progress"),
        ("Quote", 50, "in_progress"), ("Closure", 75, "in_progress"), ("Won", 100, "won"),
        ("Unqualified", 0, "unqualified"), ("Lost", 0, "lost"),
    ]  # fmt: skip


def test_a_deal_begins_in_the_first_stage_and_its_value_is_weighted(world: World, lea: int) -> None:
    deal = add_deal(world, lea, values={"value": "1000.50", "hot": True, "tags": ["vip", "vip"]})
    row = deal_row(world, deal)
    assert (row.pipeline, row.stage, row.contact_id, row.hot) == ("Sales", "Incoming", lea, True)
    assert (row.value, row.likelihood, row.weighted_value) == (
        Decimal("1000.50"), 10, Decimal("100.05"))  # fmt: skip
    act(world, actions.edit, WHO, deal, {"customized_win_likelihood": 50})
    assert deal_row(world, deal).weighted_value == Decimal("500.25")
    act(world, actions.edit, WHO, deal, {"customized_win_likelihood": None})
    go(world, deal, "quote")
    assert deal_row(world, deal).likelihood == 50


def test_stages_are_skipped_gone_back_to_and_every_visit_is_kept(world: World, lea: int) -> None:
    deal = add_deal(world, lea)
    for stage in ("Closure", "Qualified", "Won", "Quote", "Lost"):
        go(world, deal, stage)
    assert visits(world, deal) == [
        (None, "Incoming"), ("Incoming", "Closure"), ("Closure", "Qualified"),
        ("Qualified", "Won"), ("Won", "Quote"), ("Quote", "Lost"),
    ]  # fmt: skip
    (kept,) = world.rows(
        "SELECT max(at) = (SELECT last_stage_change_at FROM crm.deal) AS is_last, "
        "max(at) = (SELECT closed_at FROM crm.deal) AS is_end, count(*) FROM crm.stage_transition"
    )
    assert kept == (True, True, 6)
    assert go(world, deal, "Lost").from_stage == "Lost", "it is there already"
    assert len(visits(world, deal)) == 6


def test_a_deal_that_is_opened_again_is_not_closed_any_more(world: World, lea: int) -> None:
    deal = add_deal(world, lea)
    go(world, deal, "Lost", reason="price")
    assert (deal_row(world, deal).reason, deal_row(world, deal).closed_at is None) == (
        "Price",
        False,
    )
    go(world, deal, "Lost", reason="Competitor")
    assert deal_row(world, deal).reason == "Competitor"
    go(world, deal, "Quote")
    assert (deal_row(world, deal).reason, deal_row(world, deal).closed_at) == (None, None)


def test_reasons_are_the_teams_own(world: World, lea: int) -> None:
    deal = add_deal(world, lea)
    error = refused(world, go_as, deal, "Lost", reason="Moved away")
    assert (error.resource, error.field, error.code) == ("reason", "reason", "not_found")
    act(world, reasons.add_reason, WHO, "loss", "Moved away")
    go(world, deal, "Lost", reason="moved away")
    assert deal_row(world, deal).reason == "Moved away"
    assert refused(world, go_as, deal, "Unqualified", reason="Price").field == "reason"
    go(world, deal, "Unqualified", reason="No need")
    assert refused(world, go_as, deal, "Won", reason="Price").code == "invalid"
    assert refused(world, reasons.add_reason, WHO, "weather", "Rain").field == "kind"


def go_as(conn: Any, deal: str, stage: str, **more: Any) -> Any:
    from hub.actions.deals.move_deal import move

    return move(by(conn, WHO), deal, stage, **more)


def test_a_pipeline_of_ones_own(world: World, lea: int) -> None:
    act(world, pipeline.add, WHO, "Upsell", FRESH, most=5)
    assert stages(world, "Upsell") == [
        ("Hello", 5, "incoming"), ("Offer", 60, "in_progress"), ("Won", 100, "won"),
        ("Unqualified", 0, "unqualified"), ("Lost", 0, "lost"),
    ]  # fmt: skip
    act(world, pipeline.add_stage, WHO, "Upsell", NewStage("Demo", 30), position=2)
    act(world, pipeline.edit_stage, WHO, "Upsell", "Offer", new_name="Proposal", likelihood=70)
    act(world, pipeline.edit_stage, WHO, "Upsell", "Demo", position=1)
    assert stages(world, "upsell")[:3] == [
        ("Demo", 30, "incoming"), ("Hello", 5, "in_progress"), ("Proposal", 70, "in_progress")]  # fmt: skip
    deal = add_deal(world, lea, pipeline="Upsell")
    assert deal_row(world, deal).stage == "Demo"
    go(world, deal, "Quote", pipeline="Sales")
    assert (deal_row(world, deal).pipeline, visits(world, deal)[-1]) == ("Sales", ("Demo", "Quote"))


def test_pipelines_are_renamed_disabled_and_limited(world: World, lea: int) -> None:
    act(world, pipeline.add, WHO, "Upsell", FRESH, most=2)
    assert refused(world, pipeline.add, WHO, "Third", FRESH, most=2).code == "conflict"
    assert refused(world, pipeline.add, WHO, "sales", FRESH, most=9).code == "conflict"
    assert refused(world, pipeline.add, WHO, "Odd", [NewStage("Won", 5)], most=9).code == "conflict"
    assert (
        refused(world, pipeline.add, WHO, "Odd", [NewStage("A", 101)], most=9).field == "likelihood"
    )
    deal = add_deal(world, lea, pipeline="Upsell")
    act(world, pipeline.rename, WHO, "Upsell", "More")
    act(world, pipeline.disable, WHO, "More")
    go(world, deal, "Offer")
    new = actions.NewDeal("x", f"contact/{lea}", "EUR", pipeline="More")
    assert refused(world, actions.add, WHO, new).code == "conflict"
    act(world, pipeline.add, WHO, "Third", FRESH, most=2)
    assert refused(world, pipeline.enable, WHO, "More", most=2).code == "conflict"
    act(world, pipeline.disable, WHO, "Third")
    assert refused(world, pipeline.disable, WHO, "Sales").code == "conflict", "one must be in use"
    act(world, pipeline.enable, WHO, "More", most=2)


def test_what_a_stage_asks_for_warns_or_refuses(world: World, lea: int) -> None:
    at = ("Sales", "Qualified")
    act(world, criteria.add_criterion, WHO, at, "field", "value", refuse=True)
    act(world, criteria.add_criterion, WHO, at, "check", "Budget is confirmed", refuse=True)
    error = refused(world, criteria.add_criterion, WHO, at, "field", "custom_fields.budget")
    assert (error.field, error.code) == ("custom_fields.budget", "not_found")
    define(world, "deal", budget="string")
    act(world, criteria.add_criterion, WHO, at, "field", "custom_fields.Budget")
    deal = add_deal(world, lea)
    go(world, deal, "Qualified")
    error = refused(world, go_as, deal, "Quote")
    assert (error.resource, error.field, error.code) == ("deal", "stage", "conflict")
    assert "value, Budget is confirmed" in error.message
    assert go(world, deal, "Incoming").warnings == (), "back asks for nothing"
    assert refused(world, go_as, deal, "Won").code == "conflict", "nor is it skipped"
    go(world, deal, "Qualified")
    act(world, actions.edit, WHO, deal, {"value": 10})
    act(world, deal_parts.check, WHO, deal, "budget is confirmed")
    assert go(world, deal, "Quote").warnings == ("custom_fields.budget",)
    go(world, deal, "Qualified")
    act(world, deal_parts.check, WHO, deal, "Budget is confirmed", undo=True)
    assert refused(world, go_as, deal, "Closure").code == "conflict"
    act(world, criteria.drop_criterion, WHO, at, "Budget is confirmed")
    act(world, actions.edit, WHO, deal, {"custom_fields.budget": "big"})
    assert go(world, deal, "Closure").warnings == ()
    assert refused(world, deal_parts.check, WHO, deal, "No such").field == "check"


def test_giving_up_asks_for_nothing(world: World, lea: int) -> None:
    act(world, criteria.add_criterion, WHO, ("Sales", "Incoming"), "check", "Called", refuse=True)
    deal = add_deal(world, lea)
    assert go(world, deal, "Lost").warnings == ()


def test_contacts_take_part_in_roles_and_a_merged_one_is_shown_as_its_survivor(
    world: World, lea: int
) -> None:
    noah, eva = add_customers(world, "Brandt", "Roth")
    deal = add_deal(world, lea)
    act(world, deal_parts.associate, WHO, deal, f"contact/{noah}", "decides")
    act(world, deal_parts.associate, WHO, deal, f"contact/{eva}")
    act(world, merge, WHO, "hubspot/contacts/2", "hubspot/contacts/3")
    with world.db.engine.begin() as conn:
        shown = reading.show(by(conn), "deal", deal).contacts
    assert [(c.record, c.role) for c in shown] == [
        (f"contact/{lea}", "primary"),
        (f"contact/{noah}", "decides"),
        (f"contact/{noah}", "involved"),
    ]
    act(world, deal_parts.dissociate, WHO, deal, f"contact/{noah}")
    with world.db.engine.begin() as conn:
        assert len(reading.show(by(conn), "deal", deal).contacts) == 1
    assert refused(world, deal_parts.associate, WHO, deal, f"contact/{lea}").code == "conflict"


def test_a_deal_is_of_the_company_where_its_contact_works(world: World, lea: int) -> None:
    with world.db.engine.begin() as conn:
        north, south = (
            companies.make(conn, {"organization_name": name, "domains": [f"{name}.example.com"]})
            for name in ("northgate", "southgate")
        )
        load.refold(conn, [north, south])
        known = {r.id: r.entity_id for r in conn.exec_driver_sql("SELECT * FROM crm.contact")}
        companies.link(conn, known[lea], north, who=WHO)
        load.refold(conn, [known[lea]])
        ids = {entity: number for number, entity in known.items()}
    deal = add_deal(world, lea)
    assert deal_row(world, deal).company_id == ids[north]
    act(world, actions.edit, WHO, deal, {"contact": f"contact/{ids[south]}"})
    row = deal_row(world, deal)
    assert (row.contact_id, row.company_id) == (ids[south], ids[south])
    act(world, actions.edit, WHO, deal, {"company": f"contact/{ids[north]}"})
    act(world, actions.edit, WHO, deal, {"contact": f"contact/{lea}"})
    assert deal_row(world, deal).company_id == ids[north]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("value", "-1"), ("value", "NaN"), ("value", "1e30"), ("value", "1.005"), ("value", "ten"),
        ("value", True), ("currency", "EURO"), ("currency", None), ("name", ""), ("name", "a\0b"),
        ("close_date", "2026-02-30"), ("added_at", "some day"), ("hot", "perhaps"),
        ("customized_win_likelihood", 101), ("customized_win_likelihood", "²"), ("tags", "vip"),
        ("contact", None), ("contact", "contact/999"), ("stage_id", 3),
    ],
)  # fmt: skip
def test_what_no_deal_can_hold_is_refused_with_its_field(
    world: World, lea: int, field: str, value: Any
) -> None:
    deal = add_deal(world, lea)
    error = refused(world, actions.edit, WHO, deal, {field: value})
    assert error.code in ("invalid", "not_found")
    assert error.resource in ("deal", "contact")
    assert world.rows("SELECT count(*) FROM ops.change WHERE deal_id = :d", d=int(deal))[0][0] == 1


def test_two_edits_of_one_deal_are_both_in_its_history(world: World, lea: int) -> None:
    deal = add_deal(world, lea)
    act(world, actions.edit, "ann@owners.example.com", deal, {"value": 5, "source": "Fair"})
    act(world, actions.edit, "ann@owners.example.com", deal, {"value": 7})
    (row,) = world.rows("SELECT value, source FROM crm.deal")
    assert (row.value, row.source) == (7, "Fair")
    kept = world.rows("SELECT fields FROM ops.change WHERE deal_id = :d ORDER BY id", d=int(deal))
    assert [r.fields.get("value") for r in kept[1:]] == [
        {"old": "0.00", "new": "5.00"}, {"old": "5.00", "new": "7.00"}]  # fmt: skip


def test_an_archived_deal_leaves_the_list_and_comes_back(world: World, lea: int) -> None:
    deal = add_deal(world, lea)
    act(world, actions.archive, WHO, deal)
    with world.db.engine.begin() as conn:
        assert reading.listed(by(conn), "deal", Filters()).rows == ()
        assert len(reading.listed(by(conn), "deal", Filters(with_archived=True)).rows) == 1
    act(world, actions.archive, WHO, deal, undo=True)
    with world.db.engine.begin() as conn:
        (row,) = reading.listed(by(conn), "deal", Filters(stage="incoming")).rows
    assert (row["name"], row["value"]) == ("100 seats", 0)


def test_who_may_not_is_refused(world: World, lea: int) -> None:
    with world.db.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE crm.\"user\" SET role = 'viewer' WHERE name = 'Bob'")
    ann, bob, cid = (f"{n}@owners.example.com" for n in ("ann", "bob", "cid"))
    new = actions.NewDeal("mine", f"contact/{lea}", "EUR")
    deal = str(act(world, actions.add, ann, new))
    assert refused(world, actions.add, bob, new).code == "forbidden"
    assert refused(world, actions.edit, cid, deal, {"value": 1}).code == "forbidden"
    assert refused(world, pipeline.add, ann, "Mine", FRESH, most=9).code == "forbidden"
    assert refused(world, actions.edit, WHO, "999", {"value": 1}).code == "not_found"
