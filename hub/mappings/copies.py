"""Which keys of an object a `copy` rule takes: the customer's own, by what is known of each key.

In: a copy rule, a row with the definitions of the vendor's keys in its context. Out: key and value
pairs, and whether a key is taken. What does not belong here: what becomes of the values.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from hub.mappings.document import Copy
from hub.mappings.registry import Ctx
from hub.mappings.rows import Row, look_up, path_parts

Check = Callable[[Row], bool]


class CopiedKeys:
    """A compiled copy rule.

    Args:
        copy: the rule.
        unless: its predicate over a key's definition, compiled.
    """

    def __init__(self, copy: Copy, unless: Check | None) -> None:
        self._copy = copy
        self._unless = unless
        self._of = path_parts(copy.of) if copy.of else ()
        # the keys of a vendor's objects come again and again
        self._is_named = functools.lru_cache(maxsize=16_384)(self._is_named_of)
        self.definitions = copy.definitions or ""

    def pairs(self, payload: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
        """Return the keys and values of the object, or of a list of `{id, value}`."""
        origin = look_up(payload, self._of)
        if isinstance(origin, dict):
            return origin.items()
        listed = origin if isinstance(origin, list) else []
        return (
            (str(one["id"]), one.get("value"))
            for one in listed
            if isinstance(one, dict) and isinstance(one.get("id"), str | int)
        )

    def takes(self, key: str, row: Row) -> bool:
        """Tell whether a key of the row is copied."""
        if not self.definitions:
            return self._is_named(key)
        known = row.copied.get((id(self), key))
        if known is None:
            known = row.copied[id(self), key] = self._is_named(key) and self._is_theirs(key, row)
        return known

    def _is_named_of(self, key: str) -> bool:
        return _matches(key, self._copy.keys) and not _matches(key, self._copy.except_)

    def _is_theirs(self, key: str, row: Row) -> bool:
        definition = row.context.get(f"{self.definitions}/{key}")
        if not isinstance(definition, dict):
            return not _matches(key, self._copy.except_undefined)
        return self._unless is None or not self._unless(Row(definition, key, {}, None, Ctx(), {}))


def _matches(key: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)
