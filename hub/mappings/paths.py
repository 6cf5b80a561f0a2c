"""The values that the rules of a document read from a record: fetched once for each record.

In: the paths of a document, a payload. Out: the values by number, and the same as keys for the memory of
results (`hub.mappings.memory`). Not here: rules.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from hub.mappings.answers import Form
from hub.mappings.registry import Ctx
from hub.mappings.rows import LANGUAGE, REGION, Row, look_up, path_parts

PathValues = tuple[list[Any], list[Any]]
"""The values at the paths of a document by number, and the same as parts of dictionary keys."""
Copied = dict[tuple[int, str], bool]
Taken = dict[tuple[int, tuple[str, ...]], tuple[str, ...]]
_EMPTY: Mapping[str, Any] = {}
_USUAL = Ctx()
NO_KEY = "\0" * 1000
"""Replaces a list or an object: no result is kept for a text of this length (`memory.LONGEST`)."""
_FIRST = 1 + max(REGION, LANGUAGE)
_TEXT_OR_NULL = frozenset((str, type(None)))


class Paths:
    """The paths of a document, numbered."""

    def __init__(self, paths: Iterable[str]) -> None:
        parents: dict[tuple[str | int, ...], dict[str | int, str]] = {}
        for path in dict.fromkeys(paths):
            *parent, last = path_parts(path)
            parents.setdefault(tuple(parent), {})[last] = path
        self._groups = [(parent, tuple(keys)) for parent, keys in parents.items()]
        in_order = [path for keys in parents.values() for path in keys.values()]
        self._numbers = {path: _FIRST + i for i, path in enumerate(in_order)}

    def number(self, path: str) -> int:
        """Return the number of a path."""
        return self._numbers[path]

    def read(self, payload: Mapping[str, Any]) -> PathValues:
        """Return the values at all paths by number, and the same as parts of dictionary keys.

        A missing step is null.
        """
        said: list[Any] = ["", ""]
        keys: list[Any] = ["", ""]
        for parent, names in self._groups:
            node = look_up(payload, parent)
            if isinstance(node, dict):
                values = [*map(node.get, names)]
            else:
                values = [look_up(node, (name,)) for name in names]
            said += values
            keys += values if _TEXT_OR_NULL.issuperset(map(type, values)) else map(key_of, values)
        return said, keys

    def row(  # noqa: PLR0913 what a row has
        self,
        payload: dict[str, Any],
        source_id: str,
        *,
        said: PathValues | None = None,
        context: Mapping[str, Any] = _EMPTY,
        latest: str | None = None,
        ctx: Ctx = _USUAL,
        forms: dict[str, Form] | None = None,
        copied: Copied | None = None,
        taken: Taken | None = None,
        silent: int = 0,
    ) -> Row:
        """Return the row of a payload; `said` is what `read` gives for it, if that is known."""
        values, keys = self.read(payload) if said is None else said
        row = Row(
            payload,
            source_id,
            context,
            latest,
            ctx,
            values,
            keys,
            {} if forms is None else forms,
            {} if copied is None else copied,
            {} if taken is None else taken,
            silent=silent,
        )
        row.set_place(ctx)
        return row


def key_of(value: Any) -> Any:
    """Return a value as a part of a dictionary key: two that differ in any way are two keys.

    JSON's 1, 1.0 and true are one key of a Python dictionary, so a number gets its type beside it.
    """
    if value is None or value.__class__ is str:
        return value
    if isinstance(value, float):
        return float, repr(value)  # 0.0 and -0.0 are one key
    return (type(value), value) if isinstance(value, int) else NO_KEY


def joined(reads: Iterable["Reads"]) -> "Reads":
    """Return what several rules read; None if one of them reads more than paths."""
    found: set[int] = set()
    for one in reads:
        if one is None:
            return None
        found.update(one)
    return frozenset(found)


Reads = frozenset[int] | None
"""The numbers of the values that a rule reads; None if its result depends on something else, too."""
