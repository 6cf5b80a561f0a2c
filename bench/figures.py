"""What one measured load says, per record: pure functions over the JSON of `bench.sync_once`.

A stage there is `wall`, `client`, `database` in seconds, `wal` in bytes, and `tables`: per table the rows
inserted, updated, hot (of the updated) and deleted, and its numbers of indexes and GIN indexes. An older
commit's bench may know the first three alone; figures that it does not know are left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

Stage = Mapping[str, Any]
Figures = dict[str, float]

TOTAL = "land to route"
REREAD = "re-read"
CPU_FIGURES = ("client_us", "database_us", "cpu_us", "wall_s")
ROW_FIGURES = (
    "rows_inserted", "rows_updated", "hot_updates", "rows_deleted", "index_entries", "gin_entries",
)  # fmt: skip
WRITE_FIGURES = ("wal_bytes", *ROW_FIGURES)


def lines_of(load: Mapping[str, Any]) -> dict[str, Stage]:
    """Return the stages of a load by the hub, their sum, and the re-read where the bench measured one."""
    stages: Mapping[str, Stage] = load["stages"]
    lines = {**stages, TOTAL: _summed(list(stages.values()))}
    return lines | {REREAD: load["reread"]} if "reread" in load else lines


def _summed(stages: Sequence[Stage]) -> Stage:
    found: dict[str, Any] = {
        key: sum(stage[key] for stage in stages)
        for key in ("wall", "client", "database", "wal")
        if all(key in stage for stage in stages)
    }
    if "wal" in found:
        found["tables"] = _summed_tables(stage["tables"] for stage in stages)
    return found


def _summed_tables(each: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for tables in each:
        for name, table in tables.items():
            before = found.get(name, {})
            counts = {
                key: before.get(key, 0) + table[key]
                for key in ("inserted", "updated", "hot", "deleted")
            }
            found[name] = counts | {"indexes": table["indexes"], "gin": table["gin"]}
    return found


def per_record(stage: Stage, rows: int) -> Figures:
    """Return a stage's figures per record: µs, bytes, rows, entries; `wall_s` is that of all."""
    client, database = stage["client"] / rows * 1e6, stage["database"] / rows * 1e6
    found = dict(
        zip(CPU_FIGURES, (client, database, client + database, stage["wall"]), strict=True)
    )
    if "tables" in stage:
        found["wal_bytes"] = stage["wal"] / rows
        tables = tables_per_record(stage, rows).values()
        found |= {key: sum(table[key] for table in tables) for key in ROW_FIGURES}
    return found


def tables_per_record(stage: Stage, rows: int) -> dict[str, Figures]:
    """Return the rows and index entries written per table and record, of a stage that counted them."""
    found = {}
    for name, table in stage["tables"].items():
        versions = table["inserted"] + table["updated"] - table["hot"]
        counts = (
            table["inserted"], table["updated"], table["hot"], table["deleted"],
            versions * table["indexes"], versions * table["gin"],
        )  # fmt: skip
        found[name] = dict(zip(ROW_FIGURES, (count / rows for count in counts), strict=True))
    return found


def median_figures(rounds: Sequence[Mapping[str, float]]) -> Figures:
    """Return the median of each figure that every round knows."""
    known = [key for key in rounds[0] if all(key in one for one in rounds)]
    return {key: median(one[key] for one in rounds) for key in known}


def median_tables(rounds: Sequence[Mapping[str, Figures]]) -> dict[str, Figures]:
    """Return the median of each table's figures; a table that a round did not write counts as zero."""
    nothing = dict.fromkeys(ROW_FIGURES, 0.0)
    names = sorted({name for one in rounds for name in one})
    return {name: median_figures([one.get(name, nothing) for one in rounds]) for name in names}
