"""The report on activities as a typed document."""

from dataclasses import dataclass

from hub.views.report_head import Figures, OfDay, OfMonth, OfOwner, Report, rows


@dataclass(frozen=True, kw_only=True)
class DoneCounts:
    """What the team has done.

    Args:
        activities: all of the following.
        calls: number of calls.
        visits: number of visits.
        messages: number of messages.
        notes: number of notes.
        tasks: number of tasks that were done.
    """

    activities: int
    calls: int
    visits: int
    messages: int
    notes: int
    tasks: int


@dataclass(frozen=True, kw_only=True)
class OwnerDone(DoneCounts, OfOwner):
    """What a user has done."""


@dataclass(frozen=True, kw_only=True)
class DayDone(DoneCounts, OfDay):
    """What was done on a day."""


@dataclass(frozen=True, kw_only=True)
class MonthDone(DoneCounts, OfMonth):
    """What was done in a month."""


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """The calls or visits with one outcome.

    Args:
        of: `calls` or `visits`.
        outcome: the outcome; null where none was given.
        activities: number of them.
    """

    of: str
    outcome: str | None
    activities: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityReport(Report):
    """What the team has done, by user, outcome and time.

    Args:
        total: all of it.
        by_owner: by user.
        by_outcome: calls and visits by outcome.
        by_day: of a period of at most 31 days; else null.
        by_month: of a longer period, and of all time; else null.
    """

    total: DoneCounts
    by_owner: tuple[OwnerDone, ...]
    by_outcome: tuple[OutcomeCount, ...]
    by_day: tuple[DayDone, ...] | None
    by_month: tuple[MonthDone, ...] | None


def activity(head: Figures, found: Figures) -> ActivityReport:
    """Return the report."""
    days, months = found.get("by_day"), found.get("by_month")
    return ActivityReport(
        **head,
        total=DoneCounts(**found["total"]),
        by_owner=rows(OwnerDone, found["by_owner"]),
        by_outcome=rows(OutcomeCount, found["by_outcome"]),
        by_day=None if days is None else rows(DayDone, days),
        by_month=None if months is None else rows(MonthDone, months),
    )
