"""`hub report`: figures on leads and deals, as tables or as one document."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hub.cli.acting import acting
from hub.cli.options import Config, Json, Who
from hub.cli.output import (
    Column,
    Kind,
    Money,
    print_json,
    print_line,
    print_mapping,
    print_table,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from hub.views.report_head import Report

_TITLES = {
    "stages": "Stages",
    "won": "Won",
    "by_month": "By month",
    "by_owner": "By owner",
    "by_source": "By source",
    "by_stage": "By stage",
    "by_outcome": "By outcome",
    "by_day": "By day",
    "reasons": "Reasons",
}
_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


def report_command(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="sales-cycle, won-lost, pipeline, response-time, lead-sources, leads, unasked, "
            "activity; refresh computes the rollups again.",
        ),
    ],
    first: Annotated[
        str | None, typer.Option("--from", help="First day (default: all time).")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", help="Last day, included (default: today).")
    ] = None,
    zone: Annotated[
        str | None, typer.Option("--zone", help="Time zone of days (default: yours, else UTC).")
    ] = None,
    owner: Annotated[
        str | None, typer.Option("--owner", help="Only records of this owner.")
    ] = None,
    pipeline: Annotated[
        str | None, typer.Option("--pipeline", help="Only deals of this pipeline.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Only records of this source.")
    ] = None,
    outcome: Annotated[
        str | None, typer.Option("--outcome", help="Only calls and visits with this outcome.")
    ] = None,
    who: Who = None,
    json: Json = False,
    config: Config = None,
) -> None:
    """Show a report: sales cycle, won and lost, pipeline, leads, response time, activity."""
    from hub.actions.report import Asked, refresh, report
    from hub.cli.session import opened_database
    from hub.views.report_head import Report
    from hub.views.reports import Recounted

    with opened_database(config) as (database, _), database.engine.begin() as conn:
        if name == "refresh":
            found: Report | Recounted = refresh(acting(conn, who))
        else:
            asked = Asked(first, last, zone, owner, pipeline, source, outcome)
            found = report(acting(conn, who), name, asked)
    if json:
        print_json(found)
    elif isinstance(found, Report):
        _show(found)
    else:
        print_line(found.report, "all time")
        print_mapping("Rows", {_words(name): n for name, n in found.rows.items()})


def _show(found: "Report") -> None:
    period = found.period
    when = f"{period.first} to {period.last}, {period.zone}" if period else "all time"
    print_line(found.report, "now" if found.report == "pipeline" else when)
    for field in fields(found):
        value = getattr(found, field.name)
        if field.name == "total":
            print_mapping("Total", {_words(k): _cell(k, v) for k, v in _figures(value).items()})
        elif isinstance(value, tuple):
            _show_rows(_TITLES[field.name], value)
    if not found.is_exact:
        print_line("", "durations over all time are exact to 9 %; add --from for exact durations")


def _figures(row: "DataclassInstance") -> dict[str, Any]:
    return {field.name: getattr(row, field.name) for field in fields(row)}


def _show_rows(title: str, rows: Sequence["DataclassInstance"]) -> None:
    told = [_figures(row) for row in rows]
    names = list(told[0]) if told else []
    cells = [[_cell(name, row[name]) for name in names] for row in told]
    columns = [
        Column(
            _words(name), Kind.MONEY if any(isinstance(row[n], Money) for row in cells) else None
        )
        for n, name in enumerate(names)
    ]
    print_table(title, columns, cells)


def _words(name: str) -> str:
    return name.removesuffix("_s").replace("_", " ")


def _cell(name: str, value: Any) -> Any:
    if value is None:
        return "nobody" if name == "owner" else "-"
    if name.endswith("_s"):
        return _duration(float(value))
    if name.endswith("_rate"):
        return f"{value:.1%}"
    if isinstance(value, Mapping):
        sums = [Money(n, key) for key, n in value.items() if isinstance(n, Decimal)]
        if len(sums) == 1:
            return sums[0]
        told = [str(one) for one in sums] or [f"{key} {n:,}" for key, n in value.items()]
        return ", ".join(told) or "-"
    return value


def _duration(seconds: float) -> str:
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
