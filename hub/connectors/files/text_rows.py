"""The rows of a delimited text file, with the line of each.

In: a path, an encoding, a delimiter. Out: `Row`s. Not here: headers and what a column means.

A quote that is opened and never closed would take the rest of the file into one cell. So a row that
cannot be read, or that runs over very many lines, is a fault of its first line, and reading goes on with
the next line. Each row is one pass: memory holds one row, and at most `_MOST_LINES` lines.
"""

import csv
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

DELIMITERS = ",;\t|"
LARGEST_CELL = 1_000_000
"""Characters of one cell; a longer one is a fault of its row."""
_MOST_LINES = 1000
_SAMPLE_LINES = 200
_QUOTE = "a quote is opened and not closed correctly: close it, or write a quote in a cell twice"
_WRONG_BYTES = "the row has bytes that are not in the encoding of the file: {encoding}"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the number of its first line (from 1), its cells, what is wrong with it, how many lines it takes."""

    line: int
    cells: list[str]
    fault: str = ""
    lines_n: int = 1


class _TooLongError(Exception):
    """A row runs over more lines than any real one."""


class _Lines:
    """The lines of a file, of which the last ones can be put back."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._back: deque[str] = deque()
        self.read_n = 0
        self.taken: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if len(self.taken) >= _MOST_LINES:
            raise _TooLongError
        line = self._back.popleft() if self._back else next(self._file)
        self.read_n += 1
        self.taken.append(line)
        return line

    def restart(self) -> tuple[int, str]:
        """Put back all taken lines but the first; return the first, with its number."""
        first, *rest = self.taken
        number = self.read_n - len(rest)
        self._back.extendleft(reversed(rest))
        self.read_n = number
        self.taken = []
        return number, first


def rows(path: Path, encoding: str, delimiter: str, width: int = 0) -> Iterator[Row]:
    """Yield the rows of a file; blank lines are rows without cells.

    Args:
        path: the file.
        encoding: as Python names it.
        delimiter: one character.
        width: how many cells a row has; 0 if that is not known yet. A row of several lines with
            another number is most likely an open quote.
    """
    csv.field_size_limit(max(csv.field_size_limit(), LARGEST_CELL))
    with path.open(encoding=encoding, errors=_on_error(encoding), newline="") as file:
        lines = _Lines(file)
        wrong = _WRONG_BYTES.format(encoding=encoding.removesuffix("-sig"))
        while True:
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            try:
                for cells in reader:
                    if width and len(lines.taken) > 1 and not fits(cells, width):
                        raise csv.Error  # noqa: TRY301 the same way on as for any open quote
                    number = lines.read_n - len(lines.taken) + 1
                    is_wrong = any(map(_has_wrong_bytes, cells))
                    yield Row(number, cells, wrong if is_wrong else "", len(lines.taken))
                    lines.taken.clear()
            except (csv.Error, _TooLongError) as exc:
                if not lines.taken:
                    return
                number, text = lines.restart()
                yield Row(number, [text.rstrip("\r\n")[:1000]], _told(exc))
            else:
                return


def fits(cells: list[str], width: int) -> bool:
    """Return whether a row has as many cells as the header, but for blank ones at its end."""
    return len(cells) == width or (len(cells) > width and not any(map(str.strip, cells[width:])))


def _on_error(encoding: str) -> str:
    """Return how wrong bytes are kept: UTF-16 and UTF-32 have no such bytes to keep."""
    return "replace" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"


def _has_wrong_bytes(cell: str) -> bool:
    return not cell.isascii() and any("\udc80" <= c <= "\udcff" for c in cell)


def _told(exc: Exception) -> str:
    if "field larger" in str(exc):
        return f"a cell has more than {LARGEST_CELL:,} characters"
    return _QUOTE


def lines_n(path: Path, encoding: str) -> int:
    """Return how many lines a file has; its text is counted, and no row is read."""
    ends = carriage = 0
    last = ""
    with path.open(encoding=encoding, errors=_on_error(encoding), newline="") as file:
        while text := file.read(1 << 20):
            is_split = carriage and text[0] == "\n"  # \r\n over the border of two blocks
            ends += text.count("\n") + text.count("\r") - text.count("\r\n") - bool(is_split)
            last, carriage = text[-1], text[-1] == "\r"
    return ends + (last not in {"", "\n", "\r"})


def sample(path: Path, encoding: str) -> list[str]:
    """Return the first lines of a file."""
    with path.open(encoding=encoding, errors=_on_error(encoding), newline="") as file:
        return [line for line, _ in zip(file, range(_SAMPLE_LINES), strict=False)]


def delimiter_of(lines: list[str]) -> str:
    """Return the delimiter that cuts the most lines into the same number of cells, two or more."""
    first = lines[0].strip().lower() if lines else ""
    if first.startswith("sep=") and len(first) == len("sep=") + 1:
        return first[-1]
    best = max(DELIMITERS, key=lambda d: (_regularity(lines, d), -DELIMITERS.index(d)))
    return best if _regularity(lines, best) > (0.0, 0) else ","


def _regularity(lines: list[str], delimiter: str) -> tuple[float, int]:
    """Return the share of rows with the commonest number of cells, and this number."""
    try:
        sizes = Counter(
            len(cells)
            for cells in csv.reader(lines, delimiter=delimiter)
            if any(map(str.strip, cells))
        )
    except csv.Error:
        return (0.0, 0)
    several = {size: n for size, n in sizes.items() if size > 1}
    if not several:
        return (0.0, 0)
    size, n = max(several.items(), key=lambda one: (one[1], one[0]))
    return (n * size / (sizes.total() * (size + 1)), size)
