"""Select the keys that a `copy` rule takes: the customer's own keys, by their definitions.

In: a copy rule, and a row whose context has the definitions of the vendor's keys. Out: pairs of key
and value, and whether a key is taken. Not here: the cleaning of the values.
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
        unless: its compiled predicate over a key's definition.
    """

    def __init__(self, copy: Copy, unless: Check | None) -> None:
        self._copy = copy
        self._unless = unless
        self._of = path_parts(copy.of) if copy.of else ()
        # cached, because all objects of a vendor have the same keys
        self._is_named = functools.lru_cache(maxsize=16_384)(self._is_named_of)
        self.definitions = copy.definitions or ""

    def pairs(self, payload: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
        """Return the keys and values of an object, or the ids and values of a list of `{id, value}`."""
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
        """Return whether a key of the row is copied."""
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
