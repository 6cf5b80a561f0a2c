"""Cloning: payments that recur, renewals, and months that have no 31st."""

from calendar import monthrange
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.actions.deals import deal as actions
from hub.actions.deals import deal_parts
from hub.actions.deals.clone_deal import Plan, clone, later, months_later
from hub.actions.setup import pipeline
from hub.actions.setup.pipeline import NewStage
from hub.errors import ActionError
from hub.model.money import shared, smallest
from tests.flow.conftest import World, prepared
from tests.flow.selling import WHO, act, add_customers, add_deal, deal_row, define, go


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        ("2026-01-31", 1, "2026-02-28"), ("2026-01-31", 2, "2026-03-31"),
        ("2027-12-31", 2, "2028-02-29"), ("2028-02-29", 12, "2029-02-28"),
        ("2026-11-30", 3, "2027-02-28"), ("2026-12-15", 1, "2027-01-15"),
    ],
)  # fmt: skip
def test_a_month_later_is_the_same_day_or_the_last_one(day: str, months: int, then: str) -> None:
    assert months_later(date.fromisoformat(day), months) == date.fromisoformat(then)


@given(st.dates(max_value=date(9000, 1, 1)), st.integers(1, 120))
@settings(deadline=None, derandomize=True)
def test_every_month_has_one_and_none_is_skipped(day: date, months: int) -> None:
    days = [months_later(day, n) for n in range(1, months + 1)]
    numbers = [d.year * 12 + d.month for d in days]
    first = day.year * 12 + day.month
    assert numbers == list(range(first + 1, first + months + 1))
    assert all(d.day == min(day.day, monthrange(d.year, d.month)[1]) for d in days)


@prepared
def deal(world: World) -> str:
    """A deal with everything that a deal can have."""
    define(world, "deal", deal_type="string")
    lea, noah = add_customers(world, "Moreau", "Brandt")
    number = add_deal(
        world, lea, name="Seats",
        values={"value": "99.90", "estimated_close_date": "2026-01-31", "tags": ["vip"],
                "source": "Fair", "hot": True, "custom_fields.deal_type": "New"},
    )  # fmt: skip
    act(world, deal_parts.associate, WHO, number, f"contact/{noah}", "pays")
    return number


def test_a_clone_is_the_same_deal_in_the_first_stage(world: World, deal: str) -> None:
    go(world, deal, "Won")
    (made,) = act(world, clone, WHO, deal)
    old, new = deal_row(world, deal), deal_row(world, str(made))
    same = ("name", "value", "currency", "contact_id", "owner_email", "source", "hot",
            "estimated_close_date")  # fmt: skip
    assert [getattr(old, n) for n in same] == [getattr(new, n) for n in same]
    assert (new.stage, new.closed_at, new.reason) == ("Incoming", None, None)
    (row,) = world.rows("SELECT * FROM crm.deal WHERE id = :id", id=made)
    assert (row.tags, row.custom_fields, row.cloned_from) == (
        ["vip"], {"deal_type": "New"}, int(deal))  # fmt: skip
    assert len(world.rows("SELECT 1 FROM crm.deal_contact WHERE role = 'pays'")) == 2


def test_monthly_payments_fall_on_the_ends_of_months(world: World, deal: str) -> None:
    made = act(world, clone, WHO, deal, Plan(times=4))
    rows = [deal_row(world, str(number)) for number in made]
    assert [(r.name, str(r.estimated_close_date)) for r in rows] == [
        ("Seats (2026-02)", "2026-02-28"), ("Seats (2026-03)", "2026-03-31"),
        ("Seats (2026-04)", "2026-04-30"), ("Seats (2026-05)", "2026-05-31"),
    ]  # fmt: skip
    assert [str(r.value) for r in rows] == ["24.98", "24.98", "24.97", "24.97"]
    assert sum(r.value for r in rows) == deal_row(world, deal).value


def test_a_renewal_goes_through_stages_of_its_own(world: World, deal: str) -> None:
    stages = [NewStage("Due", 60), NewStage("Offered", 80)]
    act(world, pipeline.add, WHO, "Renewal", stages, most=9, is_renewal=True)
    go(world, deal, "Won")
    (made,) = act(world, clone, WHO, deal, Plan(pipeline="Renewal", name="Seats 2027"))
    row = deal_row(world, str(made))
    assert (row.pipeline, row.stage, row.name) == ("Renewal", "Due", "Seats 2027")
    assert world.rows("SELECT 1 FROM crm.contact WHERE (customer_status, prospect_status) = "
                      "('current', 'current')")  # fmt: skip
    go(world, str(made), "Lost")
    assert world.rows("SELECT 1 FROM crm.contact WHERE customer_status = 'past'")


@pytest.mark.parametrize("months", [0, -1, 121])
def test_a_number_of_months_that_is_none_is_refused(world: World, deal: str, months: int) -> None:
    with pytest.raises(ActionError) as caught:
        act(world, clone, WHO, deal, Plan(times=months))
    assert (caught.value.field, caught.value.code) == ("times", "invalid")


def test_a_deal_without_a_date_counts_from_the_day_it_was_closed(world: World, deal: str) -> None:
    act(world, actions.edit, WHO, deal, {"estimated_close_date": None})
    go(world, deal, "Won")
    (made,) = act(world, clone, WHO, deal, Plan(times=1))
    closed = deal_row(world, deal).closed_at.date()
    assert deal_row(world, str(made)).estimated_close_date == months_later(closed, 1)


@given(
    st.integers(0, 10**14), st.integers(1, 120),
    st.sampled_from(["EUR", "USD", "JPY", "KRW", "KWD", "BHD", "CLP", "GBP", "XAF"]),
)  # fmt: skip
@settings(deadline=None, derandomize=True, max_examples=300)
def test_the_parts_of_an_amount_are_the_whole_in_any_currency(
    cents: int, parts: int, currency: str
) -> None:
    total = Decimal(cents) / 100
    found = shared(total, parts, currency)
    step = smallest(currency)
    assert len(found) == parts
    assert sum(found) == total
    assert all(amount >= 0 for amount in found)
    assert max(found) - min(found) < 2 * step
    assert all(amount % step == 0 for amount in found[1:])


def test_payments_share_a_total_or_have_a_field_each(world: World, deal: str) -> None:
    define(world, "deal", monthly="number")
    act(world, actions.edit, WHO, deal, {"custom_fields.monthly": 8.5})
    for plan, values in (
        (Plan(times=3, value="100"), ["33.34", "33.33", "33.33"]),
        (Plan(times=2, every="quarter", each="7"), ["7.00", "7.00"]),
        (Plan(times=2, every="year", each_from="monthly"), ["8.50", "8.50"]),
        (Plan(value="12"), ["12.00"]),
        (Plan(), ["99.90"]),
    ):
        made = act(world, clone, WHO, deal, plan)
        assert [str(deal_row(world, str(number)).value) for number in made] == values
    made = act(world, clone, WHO, deal, Plan(times=2, every="week", close_date="2027-01-30"))
    rows = [deal_row(world, str(number)) for number in made]
    assert [(r.name, str(r.estimated_close_date)) for r in rows] == [
        ("Seats (2027-01-30)", "2027-01-30"), ("Seats (2027-02-06)", "2027-02-06"),
    ]  # fmt: skip
    assert later(date(2026, 1, 31), "quarter", 1) == date(2026, 4, 30)


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        (Plan(times=2, value="1", each="2"), "each"), (Plan(each="2"), "times"),
        (Plan(times=2, each_from="nothing"), "each_from"), (Plan(value="-1"), "value"),
        (Plan(times=2, every="day"), "every"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_a_plan_that_is_none_is_refused(world: World, deal: str, plan: Plan, field: str) -> None:
    with pytest.raises(ActionError) as caught:
        act(world, clone, WHO, deal, plan)
    assert (caught.value.field, caught.value.code) == (field, "invalid")


def test_the_owner_of_a_clone_is_active(world: World, deal: str) -> None:
    world.rows('UPDATE crm.deal SET owner_id = (SELECT max(id) FROM crm."user") RETURNING 1')
    (kept,) = act(world, clone, WHO, deal)
    world.rows(
        'UPDATE crm."user" SET is_active = false WHERE id = (SELECT max(id) FROM crm."user") RETURNING 1'
    )
    (left,) = act(world, clone, WHO, deal)
    owners = {r.id: r.owner_id for r in world.rows("SELECT id, owner_id FROM crm.deal")}
    assert owners[kept] is not None
    assert owners[left] is None  # the machine's owner owns no records
