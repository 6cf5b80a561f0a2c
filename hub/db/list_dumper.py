"""Lists of one type as PostgreSQL's arrays: written in one step, not element by element.

psycopg writes every element by its own dumper and searches each for characters that need quotes. The
statements here pass thousands of ids, keys and texts at a time, nearly always of one type.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.types.array import ListDumper

_TEXTS = frozenset((str, type(None)))
_OTHERS: dict[frozenset[type], Callable[[list[Any]], str]] = {
    frozenset(): lambda _: "{}",
    frozenset((int,)): lambda some: f"{{{','.join(map(str, some))}}}",
    frozenset((bool,)): lambda some: f"{{{','.join(['t' if one else 'f' for one in some])}}}",
    frozenset((datetime,)): lambda some: _quoted(map(str, some)),
    frozenset((bytes,)): lambda some: _quoted(rf"\\x{one.hex()}" for one in some),
}


class QuickListDumper(ListDumper):
    """Writes what `ListDumper` writes, with quotes around every text; the type is the same."""

    def dump(self, obj: list[Any]) -> Buffer | None:
        """Return the array's text form."""
        kinds = frozenset(map(type, obj))
        write = _OTHERS.get(kinds)
        if write is not None:
            return write(obj).encode()
        if kinds <= _TEXTS and "\0" not in (text := _texts(obj)):
            return text.encode(self._tx.encoding)
        return super().dump(obj)


def _quoted(texts: Iterable[str]) -> str:
    joined = '","'.join(texts)
    return f'{{"{joined}"}}'


def _texts(obj: list[Any]) -> str:
    if None in obj:
        parts = ["NULL" if one is None else f'"{_escaped(one)}"' for one in obj]
        return f"{{{','.join(parts)}}}"
    joined = '","'.join(obj)
    if "\\" in joined or joined.count('"') != 2 * (len(obj) - 1):
        joined = '","'.join(map(_escaped, obj))
    return f'{{"{joined}"}}'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def write_lists_at_once(driver: Connection[Any]) -> None:
    """Make a connection use `QuickListDumper`."""
    driver.adapters.register_dumper(list, QuickListDumper)
