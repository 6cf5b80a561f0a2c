"""What `hub dedupe` does: read a CSV file of people, match it, write who is who.

In: a path, options. Out: clusters.csv, a report, counts. Needs no database, no home, no settings.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from hub.connectors.files.tables import tables_of
from hub.errors import ConfigError
from hub.matching import columns
from hub.matching.bulk import Resolution, resolve, uncollected
from hub.matching.columns import Columns
from hub.matching.keys import MatchView

SAME, UNSURE, ALONE = "same", "unsure", "alone"


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file: headers, and rows in their order."""

    headers: tuple[str, ...]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class Summary:
    """The counts of a file that was matched.

    Args:
        rows: rows of the file.
        clusters: people.
        duplicates: rows that repeat a person.
        pairs_merged: pairs of rows that are one person.
        pairs_to_review: pairs to look at.
        largest_cluster: rows of the person with most.
        columns: the columns that were used, by field.
        model: version of the matching model.
    """

    rows: int
    clusters: int
    duplicates: int
    pairs_merged: int
    pairs_to_review: int
    largest_cluster: int
    columns: Mapping[str, Sequence[str]]
    model: str


@dataclass(frozen=True, slots=True)
class Result:
    """What was found; `decisions` has a (cluster, score, decision) for every row."""

    table: Table
    columns: Columns
    views: list[MatchView]
    resolution: Resolution
    decisions: list[tuple[int, float | None, str]]

    def summary(self) -> Summary:
        """Return the counts."""
        sizes = [len(c) for c in self.resolution.clusters]
        return Summary(
            rows=len(self.table.rows),
            clusters=len(sizes),
            duplicates=len(self.table.rows) - len(sizes),
            pairs_merged=sum(n * (n - 1) // 2 for n in sizes),
            pairs_to_review=len(self.resolution.reviews),
            largest_cluster=max(sizes, default=0),
            columns=self.columns.named(),
            model=self.resolution.model.version,
        )


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
    """Read a table of people: a CSV file, or the first sheet of an Excel file.

    A row with too few or too many cells is kept: its cells before the gap can be compared.

    Raises:
        ConfigError: it cannot be read, is empty, has no header, or a header twice.
    """
    found = tables_of(file)[0]
    if found.repeated:
        raise ConfigError(
            f"{file} has the column {found.repeated[0]!r} twice", hint="rename one of them"
        )
    body = [row.cells for row in found.rows(keep_blank=True)]
    if not body:
        raise ConfigError(f"{file} has a header and no rows")
    return Table(found.headers, body)


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
