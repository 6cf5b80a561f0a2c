"""The order of a group's members is changed, and no turn is lost or given twice."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.crm.groups import GroupRow, MemberRow, is_away, order
from hub.etl.groups import group_state
from hub.routing.ring import take

NOW = datetime(2026, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def group(users: Sequence[int], turns: int = 0) -> GroupRow:
    """A group of these members in this order, after some turns."""
    made = order(GroupRow(1, "sales", None, None, ()), users)
    for _ in range(turns):
        state = take(group_state(made, NOW)).state
        made = GroupRow(1, "sales", state.next_member, state.next_position, made.members)
    return made


def served(row: GroupRow, n: int) -> list[int]:
    state, found = group_state(row, NOW), []
    for _ in range(n):
        pick = take(state)
        state = pick.state
        found.append(pick.chosen or 0)
    return found


@pytest.mark.parametrize(
    ("before", "turns", "wanted", "then"),
    [
        ([1, 2, 3], 1, [3, 2, 1], [2, 1, 3]),  # 2 was next, and the new order goes on from there
        ([1, 2, 3], 1, [1, 2, 3, 4], [2, 3, 4, 1]),  # a newcomer at the end
        ([1, 2, 3], 1, [1, 4, 2, 3], [2, 3, 1, 4]),  # a newcomer in between
        ([1, 2, 3], 1, [3, 1], [3, 1, 3]),  # 2 was next and leaves: 3 comes after it
        ([1, 2, 3], 2, [4, 1], [1, 4, 1]),  # 3 was next and leaves; a newcomer stands first
        ([1, 2], 0, [2, 1], [2, 1, 2]),  # no turn yet
        ([1, 2], 1, [3, 4], [3, 4, 3]),  # nobody stays
    ],
)
def test_who_was_next_stays_next(
    before: Sequence[int], turns: int, wanted: Sequence[int], then: list[int]
) -> None:
    assert served(order(group(before, turns), wanted), len(then)) == then


@given(
    before=st.permutations(range(1, 6)),
    turns=st.integers(0, 7),
    wanted=st.lists(st.integers(1, 8), unique=True, min_size=1),
)
def test_every_member_is_served_once_a_round_and_a_second_time_changes_nothing(
    before: Sequence[int], turns: int, wanted: list[int]
) -> None:
    changed = order(group(before, turns), wanted)
    assert sorted(served(changed, len(wanted))) == sorted(wanted)
    assert [m.user_id for m in sorted(changed.members, key=lambda m: m.position)] == wanted
    assert order(changed, wanted) == changed


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, False),
        (NOW, None, True),
        (NOW + DAY, None, False),
        (None, NOW + DAY, True),
        (None, NOW, False),
        (NOW - DAY, NOW, False),
        (NOW - DAY, NOW + DAY, True),
    ],
)
def test_away_holds_its_beginning_and_not_its_end(
    since: datetime | None, until: datetime | None, expected: bool
) -> None:
    member = MemberRow(
        1, 2, 1, 1, 0.0, None, is_paused=False, is_active=True, away_from=since,
        away_until=until, load=0,
    )  # fmt: skip
    assert is_away(since, until, NOW) is expected
    assert member.is_away(NOW) is expected
    state = group_state(GroupRow(1, "sales", None, None, [member]), NOW)
    assert (take(state).chosen is None) is expected
