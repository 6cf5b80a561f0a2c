"""Decisions are made again from what is stored of them; simulations follow what happened."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.routing.choice import choose
from hub.routing.replay import Kept, RuleSet, differences, encode, facts_of
from hub.routing.ring import GroupState, Member, unavailable
from hub.routing.rules import RoutingRule, Target
from hub.routing.simulation import simulate

SALES, EAST = Target("group", "sales"), Target("group", "east")
PEOPLE = {"ann@acme.example.com": 1, "bob@acme.example.com": 2}
NUMBERS = {"sales": 7, "east": 8}
CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "country": st.sampled_from(["FR", "!= FR", "DE"]),
        "company_size": st.sampled_from([">= 50", "10..49", "< 10"]),
        "tags": st.sampled_from(["hot", "vip"]),
    },
)
TARGETS = st.sampled_from(
    [SALES, EAST, Target("user", "ann@acme.example.com"), Target("user", "gone@acme.example.com"),
     Target("account", "owner")]
)  # fmt: skip
RULES = st.lists(st.tuples(CONDITIONS, TARGETS), max_size=4).map(
    lambda found: RuleSet(
        tuple(RoutingRule(f"rule {n}", when, to) for n, (when, to) in enumerate(found)), SALES
    )
)
LEADS = st.fixed_dictionaries(
    {
        "country": st.sampled_from(["FR", "DE", None]),
        "custom_fields": st.sampled_from([{}, {"employees": 5}, {"employees": "40"}, None]),
        "company": st.sampled_from([None, {"custom_fields": {"employees": 400}}]),
        "tags": st.sampled_from([None, ["hot"], ["VIP", "hot"]]),
        "account_owner_id": st.sampled_from([None, 3]),
    }
)
# what happens between two leads: leave, pause or back, of the member at a place of a group
CALENDAR = st.one_of(
    st.none(),
    st.tuples(
        st.sampled_from(["sales", "east"]),
        st.integers(0, 3),
        st.sampled_from(["away", "paused", "active", "capacity", "joins", "leaves", "weight"]),
    ),
)
STEPS = st.lists(st.tuples(LEADS, CALENDAR, st.booleans()), max_size=30)


@st.composite
def groups_(draw: st.DrawFn) -> dict[str, GroupState]:
    made = {}
    for name, first in (("sales", 10), ("east", 20)):
        n = draw(st.integers(1, 4))
        members = tuple(
            Member(first + i, i + 1, weight=draw(st.sampled_from([1, 1, 2, 3]))) for i in range(n)
        )
        made[name] = GroupState(NUMBERS[name], name, members)
    return made


def happen(groups: dict[str, GroupState], event: tuple[str, int, str] | None) -> None:
    if event is None:
        return
    name, place, what = event
    state = groups[name]
    members = list(state.members)
    if what == "joins":
        used = {m.user_id for g in groups.values() for m in g.members}
        last = max((m.position for m in members), default=0)
        members.append(Member(max(used, default=30) + 1, max(last, state.next_position or 0) + 1))
    elif place < len(members):
        one = members[place]
        if what == "leaves":
            members.pop(place)
        elif what == "capacity":
            members[place] = replace(one, capacity=one.load + 2 if one.capacity is None else None)
        elif what == "weight":
            members[place] = replace(one, weight=one.weight % 3 + 1)
        else:
            members[place] = replace(one, **{what: not getattr(one, what)})
    groups[name] = replace(state, members=tuple(members))


def routed(
    start: Mapping[str, GroupState], rules: RuleSet, steps: Sequence[Any], crashes: bool
) -> tuple[list[Kept], dict[str, GroupState]]:
    """Route leads; a crash loses what its transaction decided, and the lead is decided again."""
    groups, rows = dict(start), []
    for n, (lead, event, crash) in enumerate(steps, 1):
        happen(groups, event)
        for is_lost in (True, False) if crash and crashes else (False,):
            choice = choose(lead, rules.rules, rules.fallback, people=PEOPLE, groups=groups)
            if is_lost or choice.pick.chosen is None:
                continue
            before, after = choice.before, choice.group
            if after is not None:
                groups[after.name] = after
            rows.append(
                Kept(
                    n, n, after.group_id if after else None, choice.pick.chosen,
                    choice.decision.rule_name or "fallback", choice.pick.skipped,
                    before.next_member if before else None, after.next_member if after else None,
                    rules, facts_of(lead, rules.rules), encode(choice.tried),
                )
            )  # fmt: skip
    return rows, groups


def stored(kept: Kept) -> Kept:
    """A row as it comes back from the database: JSON, and the rules as a document."""
    assert kept.rules is not None
    return replace(
        kept,
        skipped=json.loads(json.dumps(kept.skipped)),
        rules=RuleSet.read(json.loads(json.dumps(kept.rules.document))),
        facts=json.loads(json.dumps(kept.facts)),
        tried=json.loads(json.dumps(kept.tried)),
    )


@settings(max_examples=150, deadline=None)
@given(groups_(), RULES, STEPS)
def test_stored_decisions_give_the_same_owners_again(groups, rules, steps):
    rows, _ = routed(groups, rules, steps, crashes=True)
    assert [differences(stored(row)) for row in rows] == [[] for _ in rows]


@settings(max_examples=100, deadline=None)
@given(groups_(), RULES, STEPS)
def test_a_crash_loses_and_doubles_no_turn(groups, rules, steps):
    assert routed(groups, rules, steps, crashes=True) == routed(groups, rules, steps, crashes=False)


def test_a_row_that_was_changed_is_found():
    lead = {"country": "FR", "account_owner_id": None}
    start = {"sales": GroupState(7, "sales", (Member(10, 1), Member(11, 2)))}
    rules = RuleSet((), SALES)
    rows, _ = routed(start, rules, [(lead, None, False)] * 2, crashes=False)
    assert differences(replace(rows[0], user_id=11)) == ["owner: 11, replayed 10"]
    assert differences(replace(rows[1], next_after=11)) == ["pointer after: 11, replayed 10"]
    assert differences(replace(rows[1], skipped=[[10, "away"]]))


@settings(max_examples=150, deadline=None)
@given(groups_(), RULES, STEPS)
def test_a_simulation_with_the_rules_in_force_equals_what_happened(groups, rules, steps):
    rows, after = routed(groups, rules, steps, crashes=False)
    found = simulate(
        [stored(r) for r in rows], rules, people=PEOPLE, groups=after, fields=lambda _: {}
    )
    assert [(o.user_id, o.rule, o.change) for o in found] == [
        (r.user_id, r.rule, "same") for r in rows
    ]


@settings(max_examples=100, deadline=None)
@given(groups_(), st.lists(LEADS, max_size=25), st.sampled_from(["FR", "DE"]))
def test_a_changed_rule_gives_what_it_would_have_given(groups, leads, country):
    steps = [(lead, None, False) for lead in leads]
    old = RuleSet((), SALES)
    new = RuleSet((RoutingRule("east", {"country": country}, EAST),), SALES)
    rows, after = routed(groups, old, steps, crashes=False)
    expected, _ = routed(groups, new, steps, crashes=False)
    states = {**after, "east": groups["east"]}
    found = simulate(
        rows, new, people=PEOPLE, groups=states, fields=lambda kept: leads[kept.id - 1]
    )
    assert [o.user_id for o in found] == [r.user_id for r in expected]
    moved = [o.kept.id for o in found if o.change == "rule"]
    assert moved == [n for n, lead in enumerate(leads, 1) if lead["country"] == country]


@settings(max_examples=100, deadline=None)
@given(groups_(), RULES, STEPS)
def test_every_turn_goes_to_an_available_member_or_to_nobody(groups, rules, steps):
    rows, _ = routed(groups, rules, steps, crashes=True)
    assert len({row.id for row in rows}) == len(rows)
    for row in rows:
        if (before := row.before()) is not None:
            chosen = next(m for m in before.members if m.user_id == row.user_id)
            assert unavailable(chosen) == ""


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.lists(st.booleans(), max_size=80))
def test_turns_are_within_one_of_each_share_at_all_times_through_crashes(weights, crashes):
    members = tuple(Member(i, i, weight=w) for i, w in enumerate(weights, 1))
    start = {"sales": GroupState(7, "sales", members)}
    lead = {"country": None, "account_owner_id": None}
    rows, _ = routed(start, RuleSet((), SALES), [(lead, None, c) for c in crashes], crashes=True)
    taken: Counter[int | None] = Counter()
    for n, row in enumerate(rows, 1):
        taken[row.user_id] += 1
        for member in members:
            assert abs(taken[member.user_id] - n * member.weight / sum(weights)) <= 1
