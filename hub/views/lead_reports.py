"""Reports on leads as typed documents: response time, sources, owners, leads that no source asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hub.views.report_head import Figures, OfOwner, OfSource, Report, Sums, rows


@dataclass(frozen=True, kw_only=True)
class Waits:
    """How long leads waited for a first answer.

    Args:
        leads: number of leads.
        answered: leads that have an answer.
        none_yet: leads that have none.
        median_s: seconds until the answer.
        p90_s: the 90th percentile of the seconds.
    """

    leads: int
    answered: int
    none_yet: int
    median_s: float | None
    p90_s: float | None


@dataclass(frozen=True, kw_only=True)
class OwnerWaits(Waits, OfOwner):
    """How long the leads of an owner waited."""


@dataclass(frozen=True, kw_only=True)
class SourceWaits(Waits, OfSource):
    """How long the leads of a source waited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseTime(Report):
    """How long leads waited for a first call, message, visit or reply.

    Args:
        total: all of them.
        by_owner: by owner.
        by_source: by source.
    """

    total: Waits
    by_owner: tuple[OwnerWaits, ...]
    by_source: tuple[SourceWaits, ...]


@dataclass(frozen=True, kw_only=True)
class SourceResult(OfSource):
    """What became of the leads of a source.

    Args:
        leads: number of leads.
        qualified: leads that are qualified or converted.
        converted: leads that are converted.
        won: deals won with them.
        value: the value of these deals, by currency.
        converted_rate: converted of leads, 0 to 1.
    """

    leads: int
    qualified: int
    converted: int
    won: int
    value: Sums
    converted_rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadSources(Report):
    """What became of each source's leads.

    Args:
        by_source: by source.
    """

    by_source: tuple[SourceResult, ...]


@dataclass(frozen=True, kw_only=True)
class OwnerLeads(OfOwner):
    """The leads of an owner.

    Args:
        leads: number of leads.
        statuses: number by status; converted leads are counted under `(converted)`.
    """

    leads: int
    statuses: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadsByOwner(Report):
    """Leads by owner and status.

    Args:
        by_owner: by owner.
    """

    by_owner: tuple[OwnerLeads, ...]


@dataclass(frozen=True, kw_only=True)
class OwnerUnasked(OfOwner):
    """The records of an owner that no source asks for any more.

    Args:
        leads: leads that no source asks for.
        contacts: contacts that no source asks for.
        converted_in_source: open leads that their source has converted.
        since: the oldest of them.
    """

    leads: int
    contacts: int
    converted_in_source: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Unasked(Report):
    """Leads and contacts that no source asks for any more.

    Args:
        by_owner: the owner with the most first.
    """

    by_owner: tuple[OwnerUnasked, ...]


def response_time(head: Figures, found: Figures) -> ResponseTime:
    """Return the report."""
    return ResponseTime(
        **head,
        total=Waits(**found["total"]),
        by_owner=rows(OwnerWaits, found["by_owner"]),
        by_source=rows(SourceWaits, found["by_source"]),
    )


def lead_sources(head: Figures, found: Figures) -> LeadSources:
    """Return the report."""
    return LeadSources(**head, by_source=rows(SourceResult, found["by_source"]))


def leads_by_owner(head: Figures, found: Figures) -> LeadsByOwner:
    """Return the report."""
    return LeadsByOwner(**head, by_owner=rows(OwnerLeads, found["by_owner"]))


def unasked(head: Figures, found: Figures) -> Unasked:
    """Return the report."""
    return Unasked(**head, by_owner=rows(OwnerUnasked, found["by_owner"]))
