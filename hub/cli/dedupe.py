"""What `hub dedupe` does: read a CSV file of people, match it, write who is who.

In: a path, options. Out: clusters.csv, a report, counts. Needs no database, no home, no settings.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hub.errors import ConfigError
from hub.matching import columns
from hub.matching.bulk import Resolution, resolve, uncollected
from hub.matching.columns import Columns
from hub.matching.keys import MatchView

_DELIMITERS = ",;\t|"
_VALUE_LIKE = ("@", "://")
SAME, UNSURE, ALONE = "same", "unsure", "alone"


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file: headers, and rows in their order."""

    headers: tuple[str, ...]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class Result:
    """What was found; `decisions` has a (cluster, score, decision) for every row."""

    table: Table
    columns: Columns
    views: list[MatchView]
    resolution: Resolution
    decisions: list[tuple[int, float | None, str]]

    def summary(self) -> dict[str, Any]:
        """Return the counts as one JSON document."""
        sizes = [len(c) for c in self.resolution.clusters]
        return {
            "rows": len(self.table.rows),
            "clusters": len(sizes),
            "duplicates": len(self.table.rows) - len(sizes),
            "pairs_merged": sum(n * (n - 1) // 2 for n in sizes),
            "pairs_to_review": len(self.resolution.reviews),
            "largest_cluster": max(sizes, default=0),
            "columns": self.columns.named(),
            "model": self.resolution.model.version,
        }


def dedupe(file: Path, mapping: Path | None) -> Result:
    """Match the rows of a CSV file.

    Raises:
        ConfigError: the file or the mapping cannot be used.
    """
    table = read_table(file)
    if mapping is None:
        found = columns.guess(table.headers, table.rows)
    else:
        found = columns.bind(_read_mapping(mapping), table.headers)
    with uncollected():
        views = list(columns.views(table.rows, found))
    resolution = resolve(views)
    return Result(table, found, views, resolution, _decisions(views, resolution))


def read_table(file: Path) -> Table:
    """Read a CSV file: UTF-8, any usual delimiter, a header.

    Raises:
        ConfigError: it cannot be read, is no UTF-8, is empty, has no header or one twice.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as exc:
        raise ConfigError(f"cannot read {file}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(
            f"{file} is not UTF-8 (byte {exc.start})", hint="save it as CSV in UTF-8"
        ) from exc
    if not text.strip():
        raise ConfigError(f"{file} is empty")
    if "\0" in text:
        raise ConfigError(f"{file} is not a text file", hint="save it as CSV in UTF-8")
    rows = _parsed(file, text)
    headers = tuple(h.strip() for h in next(rows, []))
    _check_headers(file, headers)
    body = list(rows)
    if not body:
        raise ConfigError(f"{file} has a header and no rows")
    return Table(headers, body)


def _parsed(file: Path, text: str) -> Iterator[list[str]]:
    first = next(line for line in text.splitlines() if line.strip())
    delimiter = max(_DELIMITERS, key=lambda d: (first.count(d), -_DELIMITERS.index(d)))
    csv.field_size_limit(max(len(text) + 1, 131_072))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)
    try:
        yield from (row for row in reader if row)
    except csv.Error as exc:
        raise ConfigError(f"{file}, line {reader.line_num}: {exc}") from exc


def _check_headers(file: Path, headers: Sequence[str]) -> None:
    named = [h for h in headers if h]
    values = [h for h in named if any(v in h for v in _VALUE_LIKE) or _is_number(h)]
    if not named or values:
        raise ConfigError(
            f"{file} has no header: its first line holds {values[0]!r}" if values
            else f"{file} has no header",
            hint="the first line must name the columns",
        )  # fmt: skip
    twice = [h for h, n in Counter(named).items() if n > 1]
    if twice:
        raise ConfigError(f"{file} has the column {twice[0]!r} twice", hint="rename one of them")


def _is_number(text: str) -> bool:
    return text.replace("+", "").replace("-", "").replace(" ", "").replace(".", "").isdigit()


def _read_mapping(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigError(f"cannot read {path}: {exc.strerror}") from exc
    except (UnicodeDecodeError, yaml.YAMLError) as exc:
        raise ConfigError(f"{path} is not YAML: {str(exc).splitlines()[0]}") from exc


def _decisions(
    views: Sequence[MatchView], resolution: Resolution
) -> list[tuple[int, float | None, str]]:
    """Return cluster, best weight and decision of every row; a cluster is called by its first row."""
    cluster = [0] * len(views)
    for members in resolution.clusters:
        for i in members:
            cluster[i] = members[0]
    best: dict[int, float] = {}
    doubt: dict[int, float] = {}
    for e in resolution.edges:
        a, b = int(e.a), int(e.b)
        found = best if cluster[a] == cluster[b] else doubt
        for i in (a, b):
            found[i] = max(found.get(i, e.weight), e.weight)
    several = {members[0] for members in resolution.clusters if len(members) > 1}
    return [
        (cluster[i], best.get(i), SAME)
        if cluster[i] in several
        else (cluster[i], doubt.get(i), UNSURE if i in doubt else ALONE)
        for i in range(len(views))
    ]


def write_clusters(path: Path, result: Result) -> None:
    """Write row, cluster, score and decision of every row.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(("row", "cluster", "score", "decision"))
            writer.writerows(
                (row, cluster, "" if score is None else f"{score:.2f}", decision)
                for row, (cluster, score, decision) in enumerate(result.decisions)
            )
    except OSError as exc:
        raise ConfigError(f"cannot write {path}: {exc.strerror}") from exc
