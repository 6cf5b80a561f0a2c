"""How a table is laid out: columns that fit a terminal, or one record a line for other programs. Pure.

In: columns with their kinds, rows of values, a width. Out: lines. On a terminal only columns of text
break their lines, between words; ids, addresses, numbers and moments never do. Columns that do not
fit are left out, the least important first, and are named in a last line.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from unicodedata import east_asian_width

from hub.frozen import dataclass

_GAP = 2
_NARROW = 16  # cells that a column of text keeps at least, if its longest value has as many
_NUMBER = re.compile(r"-?[\d,.]+")
GLUE = "\ue000"
"""Replaces a blank inside a command that must not be broken."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::\d\d)?)?")
_WHOLE = re.compile(r"[a-z]+/[\w/-]+|\S+@\S+|https?://\S+|[\w-]+/[\w-]+(?:/\S+)?")


class Kind(StrEnum):
    """What a column holds: only text may break its lines, and numbers and money are aligned right."""

    ID = "id"
    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        name: its heading.
        kind: what its cells hold; None is taken from the cells.
        keep: how important it is; where the terminal is narrow, the lowest goes first, of equals
            the one farther right. The first column of a table always stays.
    """

    name: str
    kind: Kind | None = None
    keep: int = 5


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency, shown as `1,234.50 EUR`; without one where none is known."""

    amount: Decimal
    currency: str | None

    def __str__(self) -> str:
        """Return the one format of money."""
        return money(self.amount, self.currency)


def money(amount: Decimal | float | str | None, currency: str | None = None) -> str:
    """Return an amount with its thousands apart, two decimals and its currency; empty for none."""
    if amount is None:
        return ""
    return f"{Decimal(str(amount)):,.2f}{f' {currency}' if currency else ''}"


def cell(value: object, zone: tzinfo = UTC) -> str:
    """Return a value as a person reads it; a moment in the zone, to the minute."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return (value.astimezone(zone) if value.tzinfo else value).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, list | tuple):
        return ", ".join(cell(one, zone) for one in value)
    return str(value)


def lines_for_programs(
    title: str, columns: Sequence[Column], rows: Sequence[Sequence[object]], zone: tzinfo = UTC
) -> list[str]:
    """Return one line a record, its cells separated by tabs; headings begin with `# `.

    Tabs and line breaks inside a cell are blanks.
    """
    names = "\t".join(column.name for column in columns)
    heads = [f"# {title}"] if title else []
    heads += [f"# {names}"] if names.strip() else []
    return heads + ["\t".join(" ".join(cell(one, zone).split()) for one in row) for row in rows]


def lines_for_people(
    columns: Sequence[Column],
    rows: Sequence[Sequence[object]],
    width: int | None,
    zone: tzinfo = UTC,
) -> list[str]:
    """Return the lines of a table without its title.

    Args:
        columns: the columns.
        rows: a value for each column.
        width: of the terminal; None keeps all columns and breaks no line.
        zone: in which moments are shown.
    """
    words = [[cell(one, zone) for one in row] for row in rows]
    known = [_known(c, [row[n] for row in rows], n, words) for n, c in enumerate(columns)]
    natural = [_natural(c.name, [row[n] for row in words]) for n, c in enumerate(known)]
    least = [_least(c, natural[n], [row[n] for row in words]) for n, c in enumerate(known)]
    shown = _fitting(known, least, width)
    widths = _shared(natural, least, shown, width)
    lines = _head(known, shown, widths)
    for row in words:
        lines += _row(known, row, shown, widths)
    gone = [known[n].name for n in range(len(known)) if n not in shown and known[n].name]
    return [*lines, *_named(gone, width)]


def _known(
    column: Column, values: Sequence[object], place: int, words: Sequence[Sequence[str]]
) -> Column:
    """Return the column with its kind, guessed from the cells where none is declared."""
    if column.kind is not None:
        return column
    filled = [(v, row[place]) for v, row in zip(values, words, strict=True) if row[place]]
    kind = Kind.TEXT
    if all(isinstance(v, Money) for v, _ in filled) and filled:
        kind = Kind.MONEY
    elif (all(isinstance(v, datetime | date) for v, _ in filled) and filled) or (
        all(_MOMENT.fullmatch(w) for _, w in filled) and filled
    ):
        kind = Kind.MOMENT
    elif all(_NUMBER.fullmatch(w) for _, w in filled):
        kind = Kind.NUMBER
    elif all(_WHOLE.fullmatch(w) for _, w in filled):
        kind = Kind.ID
    return replace(column, kind=kind)


def _natural(name: str, cells: Sequence[str]) -> int:
    return max([wide(name), *(wide(line) for one in cells for line in one.split("\n"))])


def _least(column: Column, natural: int, cells: Sequence[str]) -> int:
    """Return the width below which a column is left out."""
    if column.kind is not Kind.TEXT:
        return natural
    longest = max((wide(word) for one in cells for word in one.split()), default=0)
    return max(wide(column.name), min(natural, max(_NARROW, longest)))


def _fitting(columns: Sequence[Column], least: Sequence[int], width: int | None) -> list[int]:
    """Return the places of the columns that fit, the most important ones first taken."""
    places = list(range(len(columns)))
    if width is None or _sum(least, places) <= width:
        return places
    shown = [0]
    for n in sorted(places[1:], key=lambda n: (-columns[n].keep, n)):
        if _sum(least, [*shown, n]) <= width:
            shown.append(n)
    return sorted(shown)


def _sum(widths: Sequence[int], shown: Sequence[int]) -> int:
    return sum(widths[n] for n in shown) + _GAP * (len(shown) - 1)


def _shared(
    natural: Sequence[int], least: Sequence[int], shown: Sequence[int], width: int | None
) -> list[int]:
    """Return the width of each column: the rest goes to the columns that lack most."""
    if width is None or _sum(natural, shown) <= width:
        return list(natural)
    widths = list(least)
    for _ in range(max(0, width - _sum(least, shown))):
        widest = max(shown, key=lambda n: natural[n] - widths[n])
        widths[widest] += 1
    if len(shown) == 1 and widths[shown[0]] > width:
        widths[shown[0]] = width
    return widths


def _head(columns: Sequence[Column], shown: Sequence[int], widths: Sequence[int]) -> list[str]:
    if not any(columns[n].name for n in shown):
        return []
    names = [_put(columns[n].name, columns[n], widths[n]) for n in shown]
    rule = "─" * (_sum(widths, shown))
    return [(" " * _GAP).join(names).rstrip(), rule]


def _row(
    columns: Sequence[Column], row: Sequence[str], shown: Sequence[int], widths: Sequence[int]
) -> list[str]:
    cells = [
        wrapped(row[n], widths[n]) if columns[n].kind is Kind.TEXT else row[n].split("\n")
        for n in shown
    ]
    height = max(len(one) for one in cells)
    found = []
    for line in range(height):
        parts = [
            _put(one[line] if line < len(one) else "", columns[n], widths[n])
            for n, one in zip(shown, cells, strict=True)
        ]
        found.append((" " * _GAP).join(parts).rstrip())
    return found


def _put(words: str, column: Column, width: int) -> str:
    blanks = " " * max(0, width - wide(words))
    is_right = column.kind in {Kind.NUMBER, Kind.MONEY}
    return blanks + words if is_right else words + blanks


def _named(gone: Sequence[str], width: int | None) -> list[str]:
    if not gone:
        return []
    return wrapped(f"not shown: {', '.join(gone)}; --wide shows all columns", width or 80)


def wrapped(words: str, width: int) -> list[str]:
    """Return words in lines of a width; one longer word has a line of its own.

    Line breaks stay. Text in backquotes is not broken, so that a command can be copied.
    """
    found: list[str] = []
    for line in words.split("\n"):
        if wide(line) <= width:
            found.append(line.replace(GLUE, " "))
            continue
        now = ""
        for part in re.findall(r"\S*`[^`]+`\S*|\S+", line):
            word = part.replace(GLUE, " ")
            if now and wide(now) + 1 + wide(word) > width:
                found.append(now)
                now = word
            else:
                now = f"{now} {word}" if now else word
        found.append(now)
    return found


def wide(words: str) -> int:
    """Return the cells that a terminal takes for words: two for a letter of East Asia."""
    if words.isascii():
        return len(words)
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in words if not _joins(one))


def _joins(one: str) -> bool:
    return "\u0300" <= one <= "\u036f" or one in "\u200b\u200c\u200d\ufe0f"
