"""The document and the tables that `python -m bench.sync` prints of its measured loads."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from bench.figures import (
    REREAD,
    ROW_FIGURES,
    TOTAL,
    lines_of,
    median_figures,
    median_tables,
    per_record,
    tables_per_record,
)

HAND = "hand script"
_FLAT = 1.2  # peak memory of the large load may be so many times that of the small one
_SHOWN = 0.005  # a table that gets less than that for a record would be a row of zeros
_COSTS = "| | CPU µs/record, client | PostgreSQL | both | x hand | wall s | records/s |"
_WRITES = (
    "| per record | CPU µs | WAL kB | rows inserted | updated | of these HOT | deleted |"
    " index entries | GIN |"
)
_TABLES = "| per record | table | rows inserted | updated | of these HOT | deleted | index entries | GIN |"


def document(found: Sequence[Mapping[str, Any]], rows: int, small: int) -> dict[str, Any]:
    """Return medians over the rounds, of every loader and stage, and the loads themselves."""
    large = [one for one in found if one["asked"] == rows]
    hub = [one for one in large if one["loader"] == "hub"]
    lines: dict[str, dict[str, Any]] = {}
    for loader in dict.fromkeys(one["loader"] for one in large if one["loader"] != "hub"):
        each = [one["stages"]["all"] for one in large if one["loader"] == loader]
        lines[HAND if loader == "hand" else loader] = _line(each, rows)
    stages = [lines_of(one) for one in hub]
    lines |= {name: _line([one[name] for one in stages], rows) for name in stages[0]}
    hand_us = lines[HAND]["cpu_us"]
    for line in lines.values():
        line["x_hand"] = line["cpu_us"] / hand_us
        line["records_per_s"] = rows / line["wall_s"]
    return {
        "rows": rows,
        "small": small,
        "rounds": len(hub),
        "per_record": lines,
        "memory": _memory(found, rows, small),
        "people": hub[0]["people"],
        "refused": hub[0]["refused"],
        "stub_us": median(one["stub"] for one in hub) / rows * 1e6,
        "loads": list(found),
    }


def _line(each: Sequence[Mapping[str, Any]], rows: int) -> dict[str, Any]:
    tables = median_tables([tables_per_record(stage, rows) for stage in each])
    return {**median_figures([per_record(stage, rows) for stage in each]), "tables": tables}


def _memory(found: Sequence[Mapping[str, Any]], rows: int, small: int) -> dict[str, float | bool]:
    def peak(loader: str, asked: int) -> float:
        return median(
            float(one["peak_mb"])
            for one in found
            if one["loader"] == loader and one["asked"] == asked
        )

    peak_small, peak_rows = peak("hub", small), peak("hub", rows)
    return {
        "small_mb": peak_small,
        "rows_mb": peak_rows,
        "hand_mb": peak("hand", rows),
        "base_mb": median(one["base_mb"] for one in found if one["loader"] == "hub"),
        "is_flat": peak_rows <= _FLAT * peak_small,
    }


def render(said: Mapping[str, Any], *, tables: bool = False) -> str:
    """Return the document as Markdown: what a record costs, and what is written for it."""
    lines: Mapping[str, Any] = said["per_record"]
    parts = [
        table(_COSTS, (_cost_row(name, line) for name, line in lines.items())),
        table(_WRITES, (_write_row(name, line) for name, line in lines.items())),
    ]
    if tables:
        rows = [
            f"| {name} | {written} | {numbers(figures)} |"
            for name, line in lines.items()
            if name != TOTAL
            for written, figures in line["tables"].items()
            if max(figures.values()) >= _SHOWN
        ]
        parts.append(table(_TABLES, rows))
    return "\n\n".join([*parts, _rest(said)])


def table(head: str, rows: Iterable[str]) -> str:
    """Return a Markdown table."""
    rule = "|" + "---|" * (head.count("|") - 1)
    return "\n".join([head, rule, *rows])


def _cost_row(name: str, line: Mapping[str, float]) -> str:
    return (
        f"| {name} | {line['client_us']:.0f} | {line['database_us']:.0f} | {line['cpu_us']:.0f} |"
        f" {line['x_hand']:.1f} | {line['wall_s']:.1f} | {line['records_per_s']:,.0f} |"
    )


def _write_row(name: str, line: Mapping[str, float]) -> str:
    kilobytes = line["wal_bytes"] / 1000
    return f"| {name} | {line['cpu_us']:.0f} | {kilobytes:.1f} | {numbers(line)} |"


def numbers(line: Mapping[str, float]) -> str:
    """Return the rows and entries written for a record, as cells of a table."""
    return " | ".join(f"{line[key]:.2f}" for key in ROW_FIGURES)


def _rest(said: Mapping[str, Any]) -> str:
    rows, small, memory = said["rows"], said["small"], said["memory"]
    lines = said["per_record"]
    share = lines[REREAD]["cpu_us"] / lines[TOTAL]["cpu_us"]
    flat = "flat" if memory["is_flat"] else "NOT FLAT"
    return (
        f"peak memory: {memory['small_mb']:.0f} MB at {small:,}, {memory['rows_mb']:.0f} MB at"
        f" {rows:,} ({memory['base_mb']:.0f} MB before the first record);"
        f" hand {memory['hand_mb']:.0f} MB; stub {said['stub_us']:.1f} µs of CPU a record;"
        f" {said['people']:,} people of {rows:,} contacts; {said['refused']} values refused\n"
        f"memory is {flat} from {small:,} to {rows:,}\n"
        f"a re-read of the unchanged source takes {share:.0%} of the first load's CPU"
    )
