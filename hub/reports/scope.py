"""The scope of a report, and what several reports share: filters, medians, sums of money."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hub.frozen import dataclass

MEDIAN, P90 = 0.5, 0.9
_PER_DOUBLING = 8  # buckets; as in `rollup_triggers.BUCKET`


@dataclass(frozen=True, slots=True)
class Scope:
    """A period, or all time; and whose records.

    Args:
        first: the first day of the period; None is all time.
        last: its last day, which is part of it.
        zone: in which days and months begin.
        owner_id: only of this owner.
        pipeline_id: only of this pipeline; says nothing of leads.
        source: only of this source, as it is written on the record.
        outcome: only calls and visits that ended so.
    """

    first: date | None = None
    last: date | None = None
    zone: str = "UTC"
    owner_id: int | None = None
    pipeline_id: int | None = None
    source: str | None = None
    outcome: str | None = None

    @property
    def is_all_time(self) -> bool:
        """Whether there is no period."""
        return self.first is None

    @property
    def args(self) -> dict[str, Any]:
        """Return the arguments of every statement of a report."""
        args: dict[str, Any] = {
            "owner": self.owner_id,
            "pipeline": self.pipeline_id,
            "source": self.source,
            "outcome": self.outcome,
        }
        if self.first is None or self.last is None:
            return args
        since, until = self._midnight(self.first), self._midnight(self.last + timedelta(days=1))
        return {**args, "since": since, "until": until, "zone": self.zone}

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZoneInfo(self.zone))

    def head(self, report: str) -> dict[str, Any]:
        """Return how a report's document begins."""
        period = (
            None if self.is_all_time else {"from": self.first, "to": self.last, "zone": self.zone}
        )
        return {"report": report, "period": period, "is_exact": not self.is_all_time}


# The owner, the source: of records that are listed one by one, and of rollups.
WHOSE = (
    "(CAST(:owner AS bigint) IS NULL OR owner_id = :owner) "
    "AND (CAST(:source AS text) IS NULL OR source = :source)"
)
OF_PIPELINE = "(CAST(:pipeline AS bigint) IS NULL OR s.pipeline_id = :pipeline)"


def ratio(part: float, whole: float) -> float | None:
    """Return a share, rounded; None of nothing."""
    return round(part / whole, 4) if whole else None


def seconds_of(bucket: int) -> float:
    """Return the duration that represents a bucket: its geometric middle."""
    return float(round(2 ** ((bucket + 0.5) / _PER_DOUBLING), 1))


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the percentile of bucketed durations, as `percentile_disc` picks it."""
    total = sum(counts.values())
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if counts[bucket] and seen >= share * total:
            return seconds_of(bucket)
    return None


def money(sums: Iterable[tuple[str | None, Decimal]]) -> dict[str, Decimal]:
    """Return the sum in each currency; currencies are never added to each other."""
    total: dict[str, Decimal] = defaultdict(Decimal)
    for currency, value in sums:
        if currency is not None:
            total[currency] += value
    return {currency: value.quantize(Decimal("0.01")) for currency, value in sorted(total.items())}
