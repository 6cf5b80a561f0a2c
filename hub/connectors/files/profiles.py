"""What the columns of a table hold: one pass over its rows.

In: a table. Out: for each column how many cells are filled, samples, the layout of dates and numbers, and
the distinct values where they are few. Memory holds one chunk of rows.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from hub.connectors.files.layouts import DateEvidence, NumberEvidence
from hub.connectors.files.tables import Table
from hub.connectors.files.text_rows import Row

_CHUNK = 2000
_SAMPLES = 3
_SHOWN = 40
MOST_VALUES = 200
"""A column with more distinct values has no list of values."""


@dataclass(slots=True)
class ColumnProfile:
    """The cells of one column. `values` is None if there are many distinct ones."""

    filled_n: int = 0
    samples: list[str] = field(default_factory=list)
    values: Counter[str] | None = field(default_factory=Counter)
    dates: DateEvidence = field(default_factory=DateEvidence)
    numbers: NumberEvidence = field(default_factory=NumberEvidence)

    def add(self, cells: Sequence[str], *, type_: str) -> None:
        """Add the cells of a chunk.

        Args:
            cells: of one column, in the order of the rows.
            type_: how the column's field is read; "" for a column without a known meaning.
        """
        counts = Counter(cell.strip() for cell in cells)
        blank = counts.pop("", 0)
        is_first = not self.filled_n
        self.filled_n += len(cells) - blank
        for cell in counts:
            if len(self.samples) >= _SAMPLES:
                break
            if cell[:_SHOWN] not in self.samples:
                self.samples.append(cell[:_SHOWN])
        if self.values is not None:
            self.values.update(counts)
            self.values = None if len(self.values) > MOST_VALUES else self.values
        if type_ in {"date", "datetime"} or (
            not type_ and (is_first or self.dates.is_mostly_dates)
        ):
            for cell in counts:
                self.dates.add(cell)
        if type_ == "number":
            for cell in counts:
                self.numbers.add(cell)


@dataclass(frozen=True, slots=True)
class Profile:
    """The columns of a table in their order, and how many rows it has, and rows with a fault."""

    columns: tuple[ColumnProfile, ...]
    rows_n: int
    faults_n: int
    faults: tuple[str, ...] = ()


def profile_of(
    table: Table, types: Mapping[int, str], keep: Callable[[Row], bool] = lambda _: True
) -> Profile:
    """Return what a table holds.

    Args:
        table: read once.
        types: how the field of a column is read, by the column's number; columns without a known
            meaning are not there.
        keep: which rows count; others are left out.
    """
    columns = tuple(ColumnProfile() for _ in table.headers)
    rows_n = faults_n = 0
    faults: list[str] = []
    for chunk in _chunks(filter(keep, table.rows())):
        rows_n += len(chunk)
        good = [row.cells for row in chunk if not row.fault]
        faults_n += len(chunk) - len(good)
        faults += [f"line {row.line}: {row.fault}" for row in chunk if row.fault][
            : _SAMPLES - len(faults)
        ]
        for number, cells in enumerate(zip(*good, strict=True)):
            columns[number].add(cells, type_=types.get(number, ""))
    return Profile(columns, rows_n, faults_n, (*faults,))


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk
