"""Reports on deals as typed documents: sales cycle, won and lost, pipeline."""

from dataclasses import dataclass

from hub.views.report_head import (
    Figures,
    OfMonth,
    OfOwner,
    OfSource,
    OfStage,
    Report,
    Sums,
    rows,
)


@dataclass(frozen=True, kw_only=True)
class StageTime(OfStage):
    """The deals that were ever in a stage.

    Args:
        entered: deals that were ever in it.
        advanced: of these, the deals that were later in a higher stage.
        lost: deals that left it for a lost or unqualified stage, and are there.
        inside: deals that are in it now.
        timed: deals that have left it; the times are of these.
        median_s: seconds in the stage.
        p90_s: the 90th percentile of the seconds.
        advanced_rate: advanced of entered, 0 to 1.
    """

    entered: int
    advanced: int
    lost: int
    inside: int
    timed: int
    median_s: float | None
    p90_s: float | None
    advanced_rate: float | None


@dataclass(frozen=True, kw_only=True)
class WonTime(OfStage):
    """The deals that were won in a pipeline; the stage is its won stage.

    Args:
        deals: deals that are won now.
        median_s: seconds from the first stage to the won stage.
        p90_s: the 90th percentile of the seconds.
    """

    deals: int
    median_s: float | None
    p90_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesCycle(Report):
    """How long deals stay in each stage, and how many advance from it.

    Args:
        stages: in the order of the pipelines.
        won: how long won deals took.
    """

    stages: tuple[StageTime, ...]
    won: tuple[WonTime, ...]


@dataclass(frozen=True, kw_only=True)
class Endings:
    """How closed deals ended.

    Args:
        won: number of deals.
        won_value: their value, by currency.
        lost: number of deals.
        lost_value: their value, by currency.
        unqualified: number of deals.
        unqualified_value: their value, by currency.
        win_rate: won of won and lost, 0 to 1; null where there is neither.
    """

    won: int
    won_value: Sums
    lost: int
    lost_value: Sums
    unqualified: int
    unqualified_value: Sums
    win_rate: float | None


@dataclass(frozen=True, kw_only=True)
class MonthEndings(Endings, OfMonth):
    """How the deals ended that were closed in a month."""


@dataclass(frozen=True, kw_only=True)
class OwnerEndings(Endings, OfOwner):
    """How an owner's deals ended."""


@dataclass(frozen=True, kw_only=True)
class SourceEndings(Endings, OfSource):
    """How the deals of a source ended."""


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """The deals that were not won for one reason.

    Args:
        outcome: `lost` or `unqualified`.
        reason: the reason; null where none was given.
        deals: number of deals.
        value: their value, by currency.
    """

    outcome: str
    reason: str | None
    deals: int
    value: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class WonLost(Report):
    """How deals ended, by month, owner and source, and why.

    Args:
        total: all of them.
        by_month: by the month in which they were closed.
        by_owner: by owner.
        by_source: by source.
        reasons: why deals were lost or refused.
    """

    total: Endings
    by_month: tuple[MonthEndings, ...]
    by_owner: tuple[OwnerEndings, ...]
    by_source: tuple[SourceEndings, ...]
    reasons: tuple[ReasonCount, ...]


@dataclass(frozen=True, kw_only=True)
class OpenDeals:
    """Open deals.

    Args:
        deals: number of deals.
        value: their value, by currency.
        weighted: value times likelihood, by currency.
    """

    deals: int
    value: Sums
    weighted: Sums


@dataclass(frozen=True, kw_only=True)
class StageDeals(OpenDeals, OfStage):
    """The open deals of a stage."""


@dataclass(frozen=True, kw_only=True)
class OwnerDeals(OpenDeals, OfOwner):
    """The open deals of an owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineNow(Report):
    """The deals that are open now, by stage and owner.

    Args:
        total: all of them.
        by_stage: in the order of the pipelines.
        by_owner: by owner.
    """

    total: OpenDeals
    by_stage: tuple[StageDeals, ...]
    by_owner: tuple[OwnerDeals, ...]


def sales_cycle(head: Figures, found: Figures) -> SalesCycle:
    """Return the report."""
    return SalesCycle(
        **head, stages=rows(StageTime, found["stages"]), won=rows(WonTime, found["won"])
    )


def won_lost(head: Figures, found: Figures) -> WonLost:
    """Return the report."""
    return WonLost(
        **head,
        total=Endings(**found["total"]),
        by_month=rows(MonthEndings, found["by_month"]),
        by_owner=rows(OwnerEndings, found["by_owner"]),
        by_source=rows(SourceEndings, found["by_source"]),
        reasons=rows(ReasonCount, found["reasons"]),
    )


def pipeline_now(head: Figures, found: Figures) -> PipelineNow:
    """Return the report."""
    return PipelineNow(
        **head,
        total=OpenDeals(**found["total"]),
        by_stage=rows(StageDeals, found["by_stage"]),
        by_owner=rows(OwnerDeals, found["by_owner"]),
    )
