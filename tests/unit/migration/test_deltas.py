"""Where a delta begins."""

from datetime import UTC, datetime

import pytest

from hub.migration.deltas import Base, base_of
from hub.records.migrations import Loaded


def at(hour: int) -> datetime:
    return datetime(2026, 11, 28, hour, tzinfo=UTC)


def whole(batch: int, hour: int, *, undone: bool = False) -> Loaded:
    return Loaded(batch, None, undone, {"leads": (None, at(hour)), "accounts": (None, at(hour))})


def delta(batch: int, of: int, since: int, until: int, *, undone: bool = False) -> Loaded:
    return Loaded(batch, of, undone, {"leads": (at(since), at(until))})


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], None),
        ([whole(1, 8, undone=True)], None),
        ([delta(2, 1, 8, 9)], None),  # its migration is not there any more
        ([whole(1, 8)], Base(1, {"leads": at(8), "accounts": at(8)})),
        ([whole(1, 8), whole(2, 9)], Base(2, {"leads": at(9), "accounts": at(9)})),
        ([whole(1, 8), whole(2, 9, undone=True)], Base(1, {"leads": at(8), "accounts": at(8)})),
        ([whole(1, 8), delta(2, 1, 8, 9)], Base(1, {"leads": at(9), "accounts": at(8)})),
        # what an undone delta moved is moved again, and all after it
        (
            [whole(1, 8), delta(2, 1, 8, 9, undone=True), delta(3, 1, 9, 10)],
            Base(1, {"leads": at(8), "accounts": at(8)}),
        ),
        # it was moved again, from where the undone one began
        (
            [whole(1, 8), delta(2, 1, 8, 9, undone=True), delta(3, 1, 7, 10)],
            Base(1, {"leads": at(10), "accounts": at(8)}),
        ),
        # a stream that was not read by the migration, and then whole by a delta
        (
            [Loaded(1, None, False, {}), Loaded(2, 1, False, {"leads": (None, at(9))})],
            Base(1, {"leads": at(9)}),
        ),
        ([Loaded(1, None, False, {}), delta(2, 1, 8, 9)], Base(1, {})),
        (
            [whole(1, 8), delta(2, 1, 8, 9), whole(3, 7)],
            Base(3, {"leads": at(7), "accounts": at(7)}),
        ),
    ],
)
def test_a_delta_begins_where_the_last_standing_read_ended(
    found: list[Loaded], expected: Base | None
) -> None:
    assert base_of(found) == expected
