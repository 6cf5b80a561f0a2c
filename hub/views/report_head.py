"""What all reports have: the head of the document, and what a row of figures is about.

A row of figures is two things: what it is about (an owner, a source, a month, a stage), and figures. So
its model has two bases, and what it is about comes first. Two bases with fields exclude `slots`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

Sums = Mapping[str, Decimal]
"""An amount in each currency; currencies are never added to each other."""
Figures = Mapping[str, Any]
"""What `hub.reports` found."""
_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Period:
    """The days of a report.

    Args:
        first: the first day.
        last: the last day, part of the period.
        zone: the time zone in which days begin.
    """

    first: date
    last: date
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What every report has.

    Args:
        report: its name.
        period: its days; null is all time, or the present.
        filters: the filters that were asked for, by the names that the records have.
        is_exact: false where durations are known to 9 % only.
    """

    report: str
    period: Period | None
    filters: Mapping[str, str]
    is_exact: bool


@dataclass(frozen=True, kw_only=True)
class OfOwner:
    """Figures of an owner.

    Args:
        owner: address of the owner; null where there is none.
    """

    owner: str | None


@dataclass(frozen=True, kw_only=True)
class OfSource:
    """Figures of a source.

    Args:
        source: as it is written on the records; null where there is none.
    """

    source: str | None


@dataclass(frozen=True, kw_only=True)
class OfMonth:
    """Figures of a month.

    Args:
        month: as in 2026-01.
    """

    month: str


@dataclass(frozen=True, kw_only=True)
class OfDay:
    """Figures of a day.

    Args:
        day: as in 2026-01-31.
    """

    day: str


@dataclass(frozen=True, kw_only=True)
class OfStage:
    """Figures of a stage.

    Args:
        pipeline: the name of its pipeline.
        stage: its name.
    """

    pipeline: str
    stage: str


def rows(model: type[_Row], found: Sequence[Figures]) -> tuple[_Row, ...]:
    """Return rows of figures as models."""
    return tuple(model(**one) for one in found)
