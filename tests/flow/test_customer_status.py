"""Customer and prospect status: what the deals say, whatever happened before."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.actions.companies.company import add as add_company
from hub.actions.deals import deal as actions
from hub.actions.identity.merge import merge, unmerge
from hub.actions.setup import pipeline
from hub.actions.setup.pipeline import NewStage
from hub.crm import customer_status
from hub.errors import ActionError
from hub.settings import Settings
from tests.flow.conftest import World, new_world, prepared
from tests.flow.selling import WHO, act, add_customers, add_deal, go
from tests.prepared import fresh_database

NAMES = ("Moreau", "Brandt", "Roth", "Kern")


def status(world: World, contact: int) -> tuple[str, str]:
    (row,) = world.rows(
        "SELECT customer_status, prospect_status FROM crm.contact WHERE id = :id", id=contact
    )
    return tuple(row)  # type: ignore[return-value]


def employ(world: World, person: int, company: int | None) -> None:
    """Let a person work for a company, in place of what brings employments."""
    with world.db.engine.begin() as conn:
        before = conn.exec_driver_sql(
            f"SELECT company_id FROM crm.contact WHERE id = {person}"
        ).scalar_one()
        conn.exec_driver_sql(
            f"UPDATE crm.contact SET company_id = {company or 'NULL'} WHERE id = {person}"
        )
        customer_status.recompute(conn, (person, before, company))


@prepared
def lea(world: World) -> int:
    act(world, pipeline.add, WHO, "Renewal", [NewStage("Due", 50)], most=9, is_renewal=True)
    return add_customers(world, "Moreau")[0]


def test_a_prospect_becomes_a_customer_and_leaves(world: World, lea: int) -> None:
    assert status(world, lea) == ("none", "none")
    deal = add_deal(world, lea)
    assert status(world, lea) == ("none", "current")
    go(world, deal, "Lost")
    assert status(world, lea) == ("none", "lost")
    go(world, deal, "Quote")
    go(world, deal, "Won")
    assert status(world, lea) == ("current", "none")
    upsell = add_deal(world, lea)
    assert status(world, lea) == ("current", "current")
    go(world, upsell, "Lost")
    assert status(world, lea) == ("current", "none"), "who buys no more seats keeps those there are"
    renewal = add_deal(world, lea, pipeline="Renewal")
    go(world, renewal, "Lost")
    assert status(world, lea) == ("past", "none")
    go(world, add_deal(world, lea), "Won")
    assert status(world, lea) == ("current", "none"), "won back"


def test_an_archived_deal_does_not_count(world: World, lea: int) -> None:
    deal = add_deal(world, lea)
    go(world, deal, "Won")
    act(world, actions.archive, WHO, deal)
    assert status(world, lea) == ("none", "none")
    act(world, actions.archive, WHO, deal, undo=True)
    assert status(world, lea) == ("current", "none")


def test_a_company_is_what_its_employees_deals_make_it(world: World, lea: int) -> None:
    (noah,) = add_customers(world, "Roth")
    added = act(world, add_company, WHO, {"company": "Brandt"}, region="FR")
    company = int(added.name.partition("/")[2])
    employ(world, noah, company)
    deal = add_deal(world, noah)
    go(world, deal, "Won")
    assert (status(world, company)[0], status(world, lea)[0]) == ("current", "none")
    act(world, actions.edit, WHO, deal, {"contact": f"contact/{lea}", "company": None})
    assert [status(world, c)[0] for c in (company, noah, lea)] == ["none", "none", "current"]
    act(world, actions.edit, WHO, deal, {"company": f"contact/{company}"})
    assert status(world, company)[0] == "current"


def test_a_merge_brings_the_deals_together_and_an_unmerge_parts_them(
    world: World, lea: int
) -> None:
    (noah,) = add_customers(world, "Brandt")
    go(world, add_deal(world, noah), "Won")
    act(world, merge, WHO, "hubspot/contacts/1", "hubspot/contacts/2")
    assert status(world, lea) == ("current", "none")
    act(world, unmerge, WHO, "hubspot/contacts/2")
    assert (status(world, lea)[0], status(world, noah)[0]) == ("none", "current")


def from_scratch(world: World) -> dict[int, tuple[str, str]]:
    """Return the status of every contact by the rules in plain Python, without SQL."""
    people = {r.id: r for r in world.rows("SELECT id, merged_into, company_id FROM crm.contact")}

    def root(number: int) -> int:
        while people[number].merged_into is not None:
            number = people[number].merged_into
        return number

    deals_of: dict[int, dict[int, Any]] = defaultdict(dict)
    for deal in world.rows(
        "SELECT d.id, d.contact_id, d.organization_id, s.category, s.is_active, p.is_renewal, "
        "d.closed_at FROM crm.deal d JOIN crm.stage s ON s.id = d.stage_id "
        "JOIN crm.pipeline p ON p.id = d.pipeline_id WHERE d.archived_at IS NULL"
    ):
        holders = {root(deal.contact_id)}
        if deal.organization_id:
            holders.add(root(deal.organization_id))
        number = deal.contact_id
        while number is not None:
            if people[number].company_id:
                holders.add(root(people[number].company_id))
            number = people[number].merged_into
        for holder in holders:
            deals_of[holder][deal.id] = deal
    return {i: _told(list(deals_of[i].values())) for i, p in people.items() if not p.merged_into}


def _told(deals: list[Any]) -> tuple[str, str]:
    was_won = any(d.category == "won" for d in deals)
    ends: list[tuple[datetime, int, bool]] = [
        (d.closed_at, d.id, d.category == "lost")
        for d in deals
        if d.category == "won" or (d.category == "lost" and d.is_renewal)
    ]
    customer = "none" if not was_won else "past" if max(ends)[2] else "current"
    if any(d.is_active for d in deals):
        return customer, "current"
    return customer, "lost" if deals and not was_won else "none"


_PLACE = st.integers(0, len(NAMES) - 1)
_DEAL = st.integers(0, 5)
_STEP = st.one_of(
    st.tuples(st.just("add"), _PLACE, st.sampled_from(["Sales", "Renewal"])),
    st.tuples(st.just("move"), _DEAL, st.sampled_from(["Won", "Lost", "Unqualified", "first"])),
    st.tuples(st.just("archive"), _DEAL, st.booleans()),
    st.tuples(st.just("contact"), _DEAL, _PLACE),
    st.tuples(st.just("employ"), _PLACE, _PLACE),
    st.tuples(st.just("merge"), _PLACE, _PLACE),
    st.tuples(st.just("unmerge"), _PLACE, _PLACE),
)


def _do(world: World, contacts: list[int], deals: list[str], step: tuple[str, Any, Any]) -> None:
    verb, one, other = step
    if verb == "add":
        deals.append(add_deal(world, contacts[one], pipeline=other))
    elif verb == "employ":
        employ(world, contacts[one], contacts[other] if one != other else None)
    elif verb == "merge":
        act(world, merge, WHO, f"hubspot/contacts/{one + 1}", f"hubspot/contacts/{other + 1}")
    elif verb == "unmerge":
        act(world, unmerge, WHO, f"hubspot/contacts/{one + 1}")
    elif one < len(deals):
        _to_deal(world, deals[one], verb, other, contacts)


def _to_deal(world: World, deal: str, verb: str, other: Any, contacts: list[int]) -> None:
    if verb == "move":
        (row,) = world.rows(
            "SELECT min(s.position), (SELECT name FROM crm.stage f WHERE f.pipeline_id = "
            "d.pipeline_id AND f.position = 1) FROM crm.deal d JOIN crm.stage s "
            "USING (pipeline_id) WHERE d.id = :d GROUP BY d.pipeline_id", d=int(deal),
        )  # fmt: skip
        go(world, deal, row[1] if other == "first" else other)
    elif verb == "archive":
        act(world, actions.archive, WHO, deal, undo=other)
    else:
        act(world, actions.edit, WHO, deal, {"contact": f"contact/{contacts[other]}"})


@given(steps=st.lists(_STEP, min_size=4, max_size=14))
@settings(
    max_examples=12, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_after_any_sequence_the_status_is_what_a_recomputation_says(
    server: Any, settings: Settings, steps: list[tuple[str, Any, Any]]
) -> None:
    with fresh_database(server) as db:
        world = new_world(db, settings)
        act(world, pipeline.add, WHO, "Renewal", [NewStage("Due", 50)], most=9, is_renewal=True)
        contacts, deals = add_customers(world, *NAMES), []
        for step in steps:
            try:
                _do(world, contacts, deals, step)
            except ActionError:
                continue  # merged already, not merged at all, a contact that is merged away
            now = {
                r.id: (r.customer_status, r.prospect_status)
                for r in world.rows("SELECT * FROM crm.contact WHERE merged_into IS NULL")
            }
            assert now == from_scratch(world), step
