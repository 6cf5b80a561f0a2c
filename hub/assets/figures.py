"""The typed metadata of each materialization: numbers that Dagster plots over time.

A number is always there, 0 if nothing happened; one that the source does not give is absent. Durations
are seconds. `rows` says how to see the records. Not here: where the numbers come from (`hub.etl`).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
from sqlalchemy import Table

from hub.etl.completeness import Proof
from hub.etl.flow import StreamLanding
from hub.etl.stream_state import StreamState

_ZEROS: dict[str, tuple[str, ...]] = {
    "land": ("landed", "unchanged", "pages"),
    "normalize": (
        "normalized", "excluded", "rejected", "quarantined", "deleted", "drift", "placeholders",
    ),
    "match": ("matched", "pairs", "merged", "reviews", "companies_matched", "companies_merged"),
    "route": ("assigned", "events", "digests"),
    "notify": ("alerts",),
}  # fmt: skip
_NAMES = {
    "landed": "changed", "normalized": "changed", "rejected": "refused", "matched": "rows_read",
}  # fmt: skip
_READ = {"land": ("landed", "unchanged"), "normalize": ("normalized", "excluded", "rejected")}


def figures(
    stage: str, counts: Mapping[str, int], seconds: float | None = None
) -> dict[str, int | float]:
    """Return the numbers of a stage: `rows_read`, `changed`, `refused`, `merged`, … and `seconds`."""
    full = dict.fromkeys(_ZEROS.get(stage, ()), 0) | dict(counts)
    named: dict[str, int | float] = {_NAMES.get(name, name): n for name, n in full.items()}
    if parts := _READ.get(stage):
        named["rows_read"] = sum(full[name] for name in parts)
    return named if seconds is None else named | {"seconds": round(seconds, 3)}


@dataclass(frozen=True, slots=True)
class Timed:
    """What a stage did, and in how many seconds."""

    counts: Mapping[str, int]
    seconds: float


def timed(run: Callable[[], Mapping[str, int]]) -> Timed:
    """Run a stage."""
    started = time.monotonic()
    counts = run()
    return Timed(counts, time.monotonic() - started)


def landed(source: str, stream: str, landing: StreamLanding, state: StreamState) -> dict[str, Any]:
    """Return the numbers of a landed stream."""
    given = {
        "counted_by_source": state.counted,
        "lag_s": None if state.lag_s is None else round(state.lag_s, 1),
        "budget_left": state.budget_left,
    }
    return {
        **figures("land", landing.counts, landing.seconds),
        "missing": state.missing_n,
        "recovered": state.recovered_n,
        "api_calls": landing.requests_n,
        **{name: number for name, number in given.items() if number is not None},
        "rows": rows("landing.head", f"source = '{source}' AND stream = '{stream}'"),
    }


def normalized(source: str, stream: str, done: Timed, fill: Mapping[str, float]) -> dict[str, Any]:
    """Return the numbers of a normalized stream, and the share of records that fill each field."""
    return {
        **figures("normalize", done.counts, done.seconds),
        "fill": dg.MetadataValue.json(dict(fill)),
        "rows": rows("ops.source_record", f"source = '{source}' AND stream = '{stream}'"),
    }


def loaded(table: str, done: Timed, rows_n: int) -> dict[str, Any]:
    """Return the numbers of one table of the CRM, and its row count."""
    return {**written(table, done.counts, done.seconds), "dagster/row_count": rows_n}


def written(table: str, counts: Mapping[str, int], seconds: float) -> dict[str, int | float]:
    """Return what load wrote into one table of the CRM: `created`, `updated`, `changed`."""
    own = {
        name.removeprefix(f"{table}_"): n
        for name, n in counts.items()
        if name.startswith(f"{table}_")
    }
    changed = counts.get(table, sum(own.values()))
    return {"created": 0, "updated": 0, **own, "changed": changed, "seconds": round(seconds, 3)}


def of_table(table: Table) -> dict[str, Any]:
    """Return what is known of a table without a run: its name, its columns, how to see its rows."""
    return {
        "dagster/table_name": table.fullname,
        "dagster/column_schema": schema(table),
        "rows": rows(table.fullname),
    }


def proved(proof: Proof) -> dict[str, Any]:
    """Return the numbers of a source's proof."""
    verdicts: dict[str, int] = {}
    for entry in proof.ledgers:
        for verdict, n in entry.verdicts.items():
            verdicts[verdict] = verdicts.get(verdict, 0) + n
    return {
        "rows_read": proof.seen,
        "missing": sum(entry.missing_n for entry in proof.ledgers),
        "lost": sum(entry.lost_n for entry in proof.ledgers),
        "refused": verdicts.get("rejected", 0),
        "refused_share": round(proof.rejected_share, 4),
        **{f"verdict_{verdict}": n for verdict, n in sorted(verdicts.items())},
    }


def rows(table: str, which: str = "") -> dg.MarkdownMetadataValue:
    """Return the command that shows an asset's rows."""
    where = f" WHERE {which}" if which else ""
    return dg.MetadataValue.md(f'`hub sql "SELECT * FROM {table}{where} LIMIT 20"`')  # noqa: S608  # for a reader


def schema(table: Table) -> dg.TableSchema:
    """Return the columns of a table, with type, whether they are required, and whether they are personal."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                str(column.type).lower(),
                constraints=dg.TableColumnConstraints(nullable=bool(column.nullable)),
                tags={"personal": ""} if column.info.get("personal") else {},
            )
            for column in table.columns
        ]
    )
