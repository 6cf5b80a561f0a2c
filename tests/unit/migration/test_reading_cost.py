"""What reading a source takes: requests, days of a quota, time; and what a sample stands for."""

import pytest

from hub.connectors.base import Inventory
from hub.connectors.governor import Limits, Rate
from hub.migration.duplicates import projection
from hub.migration.reading_cost import ReadingCost, cost_of, days_of, with_requests
from hub.migration.sampling import Sample

SAMPLE = Sample("leads", (), read_n=100, largest_n=50, seconds=2.0, is_whole=False)
LEADS, TASKS = (
    Inventory("leads", 1_000, requests_n=20),
    Inventory("tasks", 2_000, 500, requests_n=40),
)


@pytest.mark.parametrize(
    ("requests_n", "left_n", "daily_n", "days"),
    [
        (10, None, None, None),
        (10, 10, 100, 1),
        (11, 10, 100, 2),
        (110, 10, 100, 2),
        (111, 10, 100, 3),
        (11, 10, 0, None),
        (0, 0, 0, 1),
    ],
)
def test_what_the_quota_does_not_allow_today_waits_for_another_day(
    requests_n: int, left_n: int | None, daily_n: int | None, days: int | None
) -> None:
    assert days_of(requests_n, left_n, daily_n) == days


def test_time_is_that_of_the_sample_or_of_the_slowest_rate() -> None:
    both = [LEADS, TASKS]
    # 100 records took 2 s, so 3,500 take 70 s
    assert cost_of(both, [SAMPLE], Limits()) == ReadingCost(60, seconds=70.0)
    slow = Limits((Rate("account", 100, 10.0), Rate("search", 1, 2.0)))
    assert cost_of(both, [SAMPLE], slow) == ReadingCost(60, seconds=120.0, is_by_rate=True)
    assert cost_of(both, [SAMPLE], slow, time_scale=60.0) == ReadingCost(60, seconds=70.0)
    assert cost_of([LEADS], [], Limits()) == ReadingCost(20)


def test_requests_follow_from_the_size_of_the_pages() -> None:
    bare = Inventory("tickets", 101)
    assert with_requests(bare, [SAMPLE]).requests_n == 3
    assert with_requests(Inventory("leads", 0), [SAMPLE]).requests_n == 1
    assert with_requests(bare, []) == bare
    assert with_requests(Inventory("x", None), [SAMPLE]).requests_n == 0


def test_a_record_of_a_sample_stands_for_its_share_of_the_stream() -> None:
    assert projection(SAMPLE, 1_000) == 10.0
    assert projection(SAMPLE, 50) == 1.0
    assert projection(SAMPLE, None) == 1.0
