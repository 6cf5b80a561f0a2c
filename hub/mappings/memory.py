"""The memory of a rule: its results by the values that it reads, so that a value is cleaned once.

A rule that reads paths only is a function of their values, its country and its language. A result is
kept if nothing was noted about it: a problem, drift or a placeholder belongs to one record, and is found
again for each. Not here: what a rule does (`hub.mappings.compiler`).
"""

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from hub.mappings.rows import Row

Remembered = Callable[[Row], Any]
Memory = dict[Any, Any]

MOST = 2048
"""Most results that a rule keeps. Then it begins again: frequent results are soon there again."""
LONGEST = 200
"""Most characters of the values that a result is kept for."""
SELDOM_AGAIN = ("phone", "email", "day")
"""Kinds (`hub.mappings.placeholders`) of values that are nearly all different: nothing is kept for them."""
_UNKNOWN = object()
_LASTING = frozenset((str, int, float, bool, type(None)))
"""Types of results that no caller can change (immutable)."""


def remembered(get: Remembered, reads: frozenset[int], memory: Memory) -> Remembered:
    """Return a getter that gives what `get` gives, from memory where it can.

    Args:
        get: a function of the values that it reads, apart from what it notes on the row.
        reads: their numbers, at least one.
        memory: the results; rules that are equal may share it.
    """
    pick = itemgetter(*sorted(reads))
    measure = _length_of_several if len(reads) > 1 else _length_of_one

    def recall(row: Row) -> Any:
        key = pick(row.keys)
        value = memory.get(key, _UNKNOWN)
        if value is not _UNKNOWN:
            return value
        notes_n = row.notes_n
        value = get(row)
        if row.notes_n == notes_n and value.__class__ in _LASTING and measure(key) <= LONGEST:
            if len(memory) >= MOST:
                memory.clear()
            memory[key] = value
        return value

    return recall


def _length_of_one(key: Any) -> int:
    return len(key) if key else 0


def _length_of_several(key: tuple[Any, ...]) -> int:
    return sum(map(len, filter(None, key)))
