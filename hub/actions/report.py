"""Report: figures on leads and deals. Every member of the team may read them."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import Connection, text

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.crm import former, rollups
from hub.errors import ActionError, invalid
from hub.frozen import dataclass
from hub.model.moments import day_of
from hub.reports import REPORTS, Scope, filters
from hub.views import reports
from hub.views.report_head import Report
from hub.views.reports import Recounted

_RESOURCE = "report"
_invalid = partial(invalid, _RESOURCE)


@dataclass(frozen=True, slots=True)
class Asked:
    """The request for a report, as typed.

    Args:
        first: first day, 2026-01-31 or as `hub.model.moments` reads it; without it the report is over all time.
        last: last day, part of the period; without it today.
        zone: where days begin; without it the actor's, else UTC.
        owner: the e-mail address of a member of the team.
        pipeline: a pipeline's name.
        source: a source, as it is written on the record.
        outcome: an outcome of calls or visits.
    """

    first: str | None = None
    last: str | None = None
    zone: str | None = None
    owner: str | None = None
    pipeline: str | None = None
    source: str | None = None
    outcome: str | None = None


def report(ctx: Context, name: str, asked: Asked) -> Report:
    """Return a report.

    Raises:
        ActionError: there is no such report, owner, pipeline, source, outcome, zone or day, or the
            report has no such filter.
    """
    require(ctx, Right.READ)
    if name not in REPORTS:
        raise ActionError(
            f"there is no report {name!r}",
            resource=_RESOURCE,
            code="not_found",
            field="name",
            hint=filters.near(name, list(REPORTS)),
        )
    names = _names(ctx, name, asked)
    return reports.read(ctx.conn, name, _scope(ctx, asked, names), names)


def _names(ctx: Context, report: str, asked: Asked) -> dict[str, str]:
    """Return the filters that were asked for, by the names that the records have.

    Raises:
        ActionError: the report has no such filter, or there is no such name.
    """
    given = {
        "from": asked.first or asked.last,
        "owner": asked.owner,
        "pipeline": asked.pipeline,
        "source": asked.source,
        "outcome": asked.outcome,
    }
    names: dict[str, str] = {}
    for field, said in given.items():
        if said is None:
            continue
        if field not in filters.OF_REPORT[report]:
            ways = ", ".join(f"--{name}" for name in sorted(filters.OF_REPORT[report]))
            what = (
                "shows the present and takes no period"
                if field == "from"
                else f"has no filter {field!r}"
            )
            raise _invalid(field, f"the report {report} {what}", f"its filters: {ways}")
        if field == "from":
            continue
        known = filters.known(ctx.conn, field, report)
        name = filters.found(_of_today(ctx.conn, field, said, known), known)
        if name is None:
            raise ActionError(
                f"there is no {field} {said!r}",
                resource=_RESOURCE,
                code="not_found",
                field=field,
                hint=filters.near(said, known),
            )
        names[field] = name
    return names


def _of_today(conn: Connection, field: str, said: str, known: Sequence[str]) -> str:
    """Return the name of today for a former one; rollups also know sources that no record has now."""
    if field != filters.SOURCE and filters.found(said, known) is not None:
        return said
    return former.today(conn, field, said) or said


def refresh(ctx: Context) -> Recounted:
    """Count the rollups again.

    Raises:
        ActionError: the actor lacks the right.
    """
    require(ctx, Right.SET_UP)
    return Recounted("refresh", rollups.refresh(ctx.conn))


def _scope(ctx: Context, asked: Asked, names: Mapping[str, str]) -> Scope:
    conn = ctx.conn
    zone = asked.zone or ctx.zone.key
    if zone not in available_timezones():
        raise _invalid("zone", f"there is no time zone {zone!r}", "as in Europe/Paris")
    today = ctx.clock.now().astimezone(ZoneInfo(zone)).date()
    first, last = _day("from", asked.first, today), _day("to", asked.last, today)
    if first is None and last is not None:
        raise _invalid("from", "the period has no first day", "add --from")
    if first is not None:
        last = last or today
        if last < first:
            raise _invalid(
                "to", f"the period ends on {last}, before its first day", "swap the days"
            )
    return Scope(
        first,
        last,
        zone,
        owner_id=_id(conn, "owner", names.get("owner")),
        pipeline_id=_id(conn, "pipeline", names.get("pipeline")),
        source=names.get("source"),
        outcome=names.get("outcome"),
    )


_EARLIEST, _LATEST = date(1900, 1, 1), date(9998, 12, 31)


def _day(field: str, said: str | None, today: date) -> date | None:
    if said is None:
        return None
    day = day_of(said, today)
    if day is None or not _EARLIEST <= day <= _LATEST:
        raise _invalid(field, f"{said!r} is not a date", "as in 2026-01-31, today, or 30 days ago")
    return day


_ID = {
    "owner": 'SELECT id FROM crm."user" WHERE lower(email) = lower(:name)',
    "pipeline": "SELECT id FROM crm.pipeline WHERE lower(name) = lower(:name)",
}


def _id(conn: Connection, field: str, name: str | None) -> int | None:
    if name is None:
        return None
    found: int = conn.execute(text(_ID[field]), {"name": name}).scalar_one()
    return found
