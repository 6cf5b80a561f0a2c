from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.crm.groups import joining_position
from hub.routing.ring import GroupState, Member, credit_turn, take


def group(*members, **state):
    return GroupState(1, "East", tuple(members), **state)


def equal(n):
    return group(*(Member(user_id=100 + i, position=i) for i in range(n)))


def weighted(*weights):
    return group(
        *(Member(user_id=100 + i, position=i, weight=weight) for i, weight in enumerate(weights))
    )


def change(state, user_id, **facts):
    return replace(
        state,
        members=tuple(replace(m, **facts) if m.user_id == user_id else m for m in state.members),
    )


def leave(state, user_id):
    return replace(state, members=tuple(m for m in state.members if m.user_id != user_id))


def join(state, user_id, **facts):
    position = joining_position((m.position for m in state.members), state.next_position)
    return replace(state, members=(*state.members, Member(user_id, position, **facts)))


def deal(state, n):
    owners = []
    for _ in range(n):
        turn = take(state)
        owners.append(turn.chosen)
        state = turn.state
    return owners, state


def levels(state):
    return {m.user_id: m.credit for m in state.members}


@given(m=st.integers(1, 9), n=st.integers(0, 60))
def test_ring_is_fair_and_in_order(m, n):
    owners, _ = deal(equal(m), n)
    assert owners == [100 + i % m for i in range(n)]
    counts = Counter(owners)
    assert all(counts[100 + i] in {n // m, -(-n // m)} for i in range(m))


@given(order=st.permutations([0, 1, 2, 3]))
def test_order_is_by_position_and_not_by_row(order):
    state = group(*(Member(user_id=9 - i, position=i) for i in order))
    assert deal(state, 5)[0] == [9, 8, 7, 6, 9]


def test_member_who_joins_is_last():
    _, state = deal(equal(3), 2)
    owners, state = deal(join(state, 7), 5)
    assert owners == [102, 7, 100, 101, 102]


def test_member_who_joins_after_the_round_still_waits_for_the_others():
    _, state = deal(equal(3), 3)
    assert deal(join(state, 7), 4)[0] == [100, 101, 102, 7]


def test_leaving_of_another_shifts_no_turn():
    _, state = deal(equal(4), 2)
    assert deal(leave(state, 100), 4)[0] == [102, 103, 101, 102]


def test_leaving_of_the_next_goes_on_with_the_one_after():
    _, state = deal(equal(4), 2)
    assert deal(leave(state, 102), 3)[0] == [103, 100, 101]
    _, state = deal(equal(4), 3)
    assert deal(leave(state, 103), 3)[0] == [100, 101, 102]


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"active": False}, "deactivated"),
        ({"away": True}, "away"),
        ({"capacity": 5, "load": 5}, "full (5 of 5)"),
        ({"capacity": 0}, "full (0 of 0)"),
    ],
)
def test_skipped_turn_is_lost_and_told(facts, why):
    state = change(equal(3), 100, **facts)
    turn = take(state)
    assert turn.chosen == 101
    assert turn.skipped == ((100, why),)
    assert turn.reasons == (
        "group East: turn of user 101 of 3 members",
        f"user 100 skipped: {why}",
    )
    back = change(turn.state, 100, active=True, away=False, capacity=None)
    assert deal(back, 4)[0] == [102, 100, 101, 102]


def test_capacity_counts_the_turns_of_this_batch():
    owners, _ = deal(change(equal(2), 100, capacity=2), 6)
    assert owners == [100, 101, 100, 101, 101, 101]


@pytest.mark.parametrize("state", [group(), change(equal(1), 100, away=True), weighted(0, 0)])
def test_nobody_available_leaves_the_state_alone(state):
    turn = take(state)
    assert turn.chosen is None
    assert turn.state == state
    assert "no member is available" in turn.reasons[0] or "no members" in turn.reasons[0]


def test_turn_given_back_is_served_first_and_the_pointer_stands():
    owners, state = deal(equal(3), 4)
    assert owners[-1] == 100
    assert deal(credit_turn(state, 102), 4)[0] == [102, 101, 102, 100]
    assert deal(credit_turn(credit_turn(state, 102), 102), 4)[0] == [102, 102, 101, 102]
    assert credit_turn(state, 102, 2) == credit_turn(credit_turn(state, 102), 102)


def test_turn_given_back_waits_for_its_member():
    _, state = deal(equal(3), 1)
    state = change(credit_turn(state, 100), 100, away=True)
    owners, state = deal(state, 2)
    assert owners == [101, 102]
    assert deal(change(state, 100, away=False), 3)[0] == [100, 100, 101]


def test_turn_given_back_by_who_left_is_nobodys():
    assert credit_turn(equal(2), 999) == equal(2)


@given(weights=st.lists(st.integers(1, 9), min_size=1, max_size=6), n=st.integers(0, 80))
@settings(deadline=None)
def test_give_back_undoes_a_weighted_turn(weights, n):
    _, state = deal(weighted(*weights), n)
    turn = take(state)
    assert turn.chosen is not None
    again = take(credit_turn(turn.state, turn.chosen))
    assert again.chosen == turn.chosen
    assert levels(again.state) == pytest.approx(levels(turn.state))
    assert deal(again.state, 20)[0] == deal(turn.state, 20)[0]


@given(weights=st.lists(st.integers(1, 12), min_size=1, max_size=7))
@settings(deadline=None)
def test_weighted_count_is_within_one_of_the_share(weights):
    total, state = sum(weights), weighted(*weights)
    counts: Counter[int | None] = Counter()
    for n in range(1, 3 * total + 1):
        turn = take(state)
        state, _ = turn.state, counts.update([turn.chosen])
        for i, weight in enumerate(weights):
            assert abs(counts[100 + i] - n * weight / total) <= 1
    assert all(counts[100 + i] == 3 * weight for i, weight in enumerate(weights))


@given(
    weights=st.lists(st.integers(1, 9), min_size=2, max_size=2),
    start=st.integers(0, 40),
    length=st.integers(1, 40),
)
def test_two_weighted_members_are_within_one_in_any_window(weights, start, length):
    owners = deal(weighted(*weights), start + length)[0][start:]
    for i, weight in enumerate(weights):
        assert abs(owners.count(100 + i) - length * weight / sum(weights)) <= 1 + 1e-6


def test_weighted_turns_are_spread():
    assert deal(weighted(2, 1, 1), 8)[0] == [100, 101, 102, 100, 100, 101, 102, 100]


def test_weighted_member_who_returns_or_joins_starts_at_the_groups_level():
    state = change(weighted(3, 2, 1), 101, away=True)
    _, state = deal(state, 40)
    owners, _ = deal(join(change(state, 101, away=False), 7, weight=2), 80)
    counts = Counter(owners)
    for user_id, weight in {100: 3, 101: 2, 102: 1, 7: 2}.items():
        assert abs(counts[user_id] - 10 * weight) <= 1


events = st.lists(
    st.tuples(
        st.sampled_from(["take"] * 6 + ["join", "leave", "away", "back", "give", "load"]),
        st.integers(0, 9),
    ),
    max_size=80,
)


def play(state, steps):
    """Return [(state before, turn)] of the takes and the last state."""
    turns, fresh = [], 1000
    for what, i in steps:
        ids = [m.user_id for m in state.members]
        who = ids[i % len(ids)] if ids else -1
        if what == "take":
            turn = take(state)
            turns.append((state, turn))
            state = turn.state
        elif what == "join":
            fresh += 1
            state = join(state, fresh, weight=state.members[0].weight if ids else 1)
        elif what == "leave":
            state = leave(state, who)
        elif what == "give":
            state = credit_turn(state, who)
        elif what == "load":
            state = change(state, who, capacity=3, load=i % 4)
        else:
            state = change(state, who, away=what == "away")
    return turns, state


starts = st.one_of(
    st.integers(0, 5).map(equal),
    st.lists(st.integers(0, 5), max_size=5).map(lambda weights: weighted(*weights)),
)


@given(start=starts, steps=events)
@settings(deadline=None)
def test_replay_gives_identical_owners_and_state(start, steps):
    assert play(start, steps) == play(start, steps)


@given(start=starts, steps=events)
@settings(deadline=None)
def test_only_available_members_are_chosen_and_somebody_is_if_anybody_can(start, steps):
    for before, turn in play(start, steps)[0]:
        can = {
            m.user_id
            for m in before.members
            if m.active
            and not m.away
            and m.weight > 0
            and (m.capacity is None or m.load < m.capacity)
        }
        assert turn.chosen in can if can else turn.chosen is None
        assert not {user_id for user_id, _ in turn.skipped} & can
        assert turn.reasons


def test_who_joins_comes_after_the_turn_of_one_who_left():
    _, state = deal(join(equal(1), 7), 1)
    state = join(leave(state, 7), 8)  # it was 7's turn
    assert deal(state, 3)[0] == [8, 100, 8]


@given(
    m=st.integers(1, 6),
    steps=st.lists(
        st.tuples(st.sampled_from(["take", "take", "take", "join", "leave"]), st.integers(0, 9)),
        max_size=60,
    ),
)
@settings(deadline=None)
def test_after_the_chosen_comes_the_next_by_position_through_joins_and_leaves(m, steps):
    turns, _ = play(equal(m), steps)
    for (before, first), (after, second) in pairwise(turns):
        if first.chosen is None or second.chosen is None:
            continue
        was = {x.user_id: x.position for x in before.members}[first.chosen]
        line = sorted((x.position, x.user_id) for x in after.members)
        expected = next((u for p, u in line if p > was), line[0][1])
        next_then = first.state.next_position
        wrapped = next_then is not None and next_then <= was
        assert second.chosen == (_from(line, next_then) if wrapped else expected)


def _from(line, position):
    return next((user_id for p, user_id in line if p >= position), line[0][1])


@given(start=starts, steps=events)
@settings(deadline=None)
def test_stored_credit_says_whole_turns_owed_and_a_fraction(start, steps):
    _, state = play(start, steps)
    owed = sum(what == "give" for what, _ in steps)
    for credit in levels(state).values():
        assert -1 < credit < 2 * owed + 1


@given(
    flips=st.lists(st.integers(0, 3), min_size=30, max_size=120),
)
@settings(deadline=None)
def test_flapping_members_starve_nobody(flips):
    state = weighted(3, 2, 2, 1)
    counts: Counter[int | None] = Counter()
    shares: Counter[int] = Counter()
    for flip in flips:
        if flip:  # member 100 always stays
            member = next(m for m in state.members if m.user_id == 100 + flip)
            state = change(state, member.user_id, away=not member.away)
        present = [m for m in state.members if not m.away]
        for m in present:
            shares[m.user_id] += m.weight / sum(p.weight for p in present)
        turn = take(state)
        state, _ = turn.state, counts.update([turn.chosen])
    assert counts[100] >= shares[100] / 3 - 2


@given(
    weights=st.lists(st.integers(1, 9), min_size=2, max_size=6),
    gone=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 25)), max_size=8),
)
@settings(deadline=None)
def test_weighted_window_after_any_change_is_within_two(weights, gone):
    state = weighted(*weights)
    for who, n in gone:
        i = who % len(weights)
        state = change(state, 100 + i, away=not state.members[i].away)
        owners, state = deal(state, n)
        present = [m for m in state.members if not m.away]
        total = sum(m.weight for m in present)
        for m in present:
            if len(set(weights)) > 1:
                assert abs(owners.count(m.user_id) - n * m.weight / total) < 2
