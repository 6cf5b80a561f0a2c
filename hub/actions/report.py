"""Report: figures on leads and deals, as somebody asks for them. Everybody in the team may."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy import Connection, text

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.errors import ActionError
from hub.reports import REPORTS, Scope

_RESOURCE = "report"


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for, in their words.

    Args:
        first: first day, as YYYY-MM-DD; without it the report is over all time.
        last: last day, part of the period; without it today.
        zone: where days begin; without it the one of who asks, else UTC.
        owner: the e-mail address of a member of the team.
        pipeline: a pipeline's name.
        source: a source, as it is written on the record.
    """

    first: str | None = None
    last: str | None = None
    zone: str | None = None
    owner: str | None = None
    pipeline: str | None = None
    source: str | None = None


def report(ctx: Context, name: str, asked: Asked) -> dict[str, Any]:
    """Return a report as one document.

    Raises:
        ActionError: there is no such report, owner, pipeline, zone or day.
    """
    require(ctx, Right.READ)
    make = REPORTS.get(name)
    if make is None:
        raise ActionError(
            f"there is no report {name!r}",
            resource=_RESOURCE,
            code="not_found",
            field="name",
            hint=f"reports: {', '.join(REPORTS)}",
        )
    return make(ctx.conn, _scope(ctx, asked))


def _scope(ctx: Context, asked: Asked) -> Scope:
    conn = ctx.conn
    zone = asked.zone or _zone_of(ctx)
    if zone not in available_timezones():
        raise _invalid("zone", f"there is no time zone {zone!r}", "as in Europe/Paris")
    first, last = _day("from", asked.first), _day("to", asked.last)
    if first is None and last is not None:
        raise _invalid("from", "a period needs its first day", "add --from")
    if first is not None:
        last = last or ctx.clock.now().astimezone(ZoneInfo(zone)).date()
        if last < first:
            raise _invalid("to", f"the period ends on {last}, before it begins", "swap the days")
    return Scope(
        first,
        last,
        zone,
        owner_id=_found(conn, "owner", asked.owner),
        pipeline_id=_found(conn, "pipeline", asked.pipeline),
        source=asked.source,
    )


_EARLIEST, _LATEST = date(1900, 1, 1), date(9998, 12, 31)


def _day(field: str, said: str | None) -> date | None:
    if said is None:
        return None
    try:
        day = date.fromisoformat(said)
    except ValueError:
        day = None
    if day is None or not _EARLIEST <= day <= _LATEST:
        raise _invalid(field, f"{said!r} is no day", "as in 2026-01-31")
    return day


_ID = {
    "owner": 'SELECT id FROM crm."user" WHERE lower(email) = lower(:name)',
    "pipeline": "SELECT id FROM crm.pipeline WHERE lower(name) = lower(:name)",
}


def _found(conn: Connection, field: str, name: str | None) -> int | None:
    if name is None:
        return None
    found: int | None = conn.execute(text(_ID[field]), {"name": name}).scalar_one_or_none()
    if found is None:
        raise ActionError(
            f"there is no {field} {name!r}", resource=_RESOURCE, code="not_found", field=field
        )
    return found


def _zone_of(ctx: Context) -> str:
    zone: str | None = ctx.conn.execute(
        text('SELECT timezone FROM crm."user" WHERE lower(email) = lower(:who)'), {"who": ctx.who}
    ).scalar_one_or_none()
    return zone or "UTC"


def _invalid(field: str, message: str, hint: str) -> ActionError:
    return ActionError(message, resource=_RESOURCE, code="invalid", field=field, hint=hint)
