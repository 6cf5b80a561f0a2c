"""What reading a source costs: requests, days of the daily quota, time. Pure.

In: what the vendor counts, samples, the vendor's limits. Out: estimates, for the sentence at the head of an
inventory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hub.connectors.base import Inventory
from hub.connectors.governor import Limits
from hub.migration.sampling import Sample


@dataclass(frozen=True, slots=True)
class ReadingCost:
    """What reading a source takes, about.

    Args:
        requests_n: how many requests; 0 for files.
        left_n: how many of them the daily quota still allows now; None without a quota.
        daily_n: how many it allows a day, without those that are kept for other applications.
        days_n: how many days reading takes for the quota; None without one, or if it allows no request.
        seconds: how long reading takes, without waits for the quota; None: not known.
        is_by_rate: whether the vendor's rate limit sets the time, and not the pace of its answers.
    """

    requests_n: int = 0
    left_n: int | None = None
    daily_n: int | None = None
    days_n: int | None = None
    seconds: float | None = None
    is_by_rate: bool = False


def cost_of(
    counts: Sequence[Inventory],
    samples: Sequence[Sample],
    limits: Limits,
    *,
    time_scale: float = 1.0,
) -> ReadingCost:
    """Return what reading a source takes.

    Args:
        counts: of its streams.
        samples: of some of them; all streams are taken to be read at their pace.
        limits: of the vendor.
        time_scale: how many times faster than the hub's the vendor's clock runs.
    """
    requests_n = sum(one.requests_n for one in counts)
    left = [one.remaining_n for one in counts if one.remaining_n is not None]
    daily = [one.daily_n for one in counts if one.daily_n is not None]
    left_n, daily_n = min(left, default=None), min(daily, default=None)
    by_pace = _by_pace(counts, samples)
    by_rate = _by_rate(requests_n, limits) / time_scale
    seconds = max(by_pace or 0.0, by_rate)
    return ReadingCost(
        requests_n,
        left_n,
        daily_n,
        days_of(requests_n, left_n, daily_n),
        seconds or None,
        is_by_rate=by_rate > (by_pace or 0.0),
    )


def days_of(requests_n: int, left_n: int | None, daily_n: int | None) -> int | None:
    """Return how many days so many requests take: those that are left now, then a quota each day.

    None without a quota, or if it allows no request.
    """
    if left_n is None:
        return None
    if requests_n <= left_n:
        return 1
    return 1 + -(-(requests_n - left_n) // daily_n) if daily_n else None


def with_requests(counts: Inventory, samples: Sequence[Sample]) -> Inventory:
    """Return an inventory with about how many requests reading takes, by the size of the pages.

    Of a stream without a sample the pages are taken to be as large as the largest one of the source.
    """
    own = [one.largest_n for one in samples if one.stream == counts.stream]
    size = max(own or [one.largest_n for one in samples], default=0)
    if not size or counts.count_n is None:
        return counts
    return replace(counts, requests_n=-(-counts.count_n // size) or 1)


def _by_pace(counts: Sequence[Inventory], samples: Sequence[Sample]) -> float | None:
    """Return the seconds for all records at the pace of the samples; None without a sample."""
    read_n = sum(one.read_n for one in samples)
    if not read_n:
        return None
    pace_s = sum(one.seconds for one in samples) / read_n
    return pace_s * sum((one.count_n or 0) + one.deleted_n for one in counts)


def _by_rate(requests_n: int, limits: Limits) -> float:
    """Return the vendor's seconds for so many requests at its slowest rate; 0 without a rate.

    The slowest one is the one for what reads many records: searches, exports.
    """
    return requests_n * max((rate.per_s / rate.requests for rate in limits.rates), default=0.0)
