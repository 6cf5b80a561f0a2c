"""Select the keys that a `copy` rule takes: the customer's own keys, by their definitions.

In: a copy rule, and a row whose context has the definitions of the vendor's keys. Out: pairs of key
and value, and the cleaned values by key.
"""

import functools
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from hub.errors import RecordError
from hub.mappings.paths import Paths
from hub.mappings.placeholders import is_from_a_program
from hub.mappings.registry import Ctx, Outcome, Remark
from hub.mappings.rows import LONGEST_SHOWN, Row, look_up, path_parts
from hub.mappings.rule_document import Copy
from hub.mappings.text import clean
from hub.mappings.values import plain
from hub.model.records import JsonValue

Check = Callable[[Row], bool]
_ANYWHERE = Ctx()


class CopiedKeys:
    """A compiled copy rule.

    Args:
        copy: the rule.
        unless: its compiled predicate over a key's definition.
        paths: the paths of the document, those of the predicate among them.
    """

    def __init__(self, copy: Copy, unless: Check | None, paths: Paths) -> None:
        self._copy = copy
        self._unless = unless
        self._paths = paths
        self._of = path_parts(copy.of) if copy.of else ()
        # cached, because all objects of a vendor have the same keys
        self._is_named = functools.lru_cache(maxsize=4_096)(self._is_named_of)
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

    def names(self, payload: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the keys of `pairs`."""
        origin = look_up(payload, self._of)
        return tuple(origin if isinstance(origin, dict) else (k for k, _ in self.pairs(payload)))

    def values(self, row: Row, name: str) -> dict[str, JsonValue]:
        """Return the copied keys with their cleaned values, for the object field `name`."""
        found: dict[str, JsonValue] = {}
        for key, value in self.taken(row):
            kept_as = clean(key)[:LONGEST_SHOWN]
            place = f"{name}.{kept_as}"[:LONGEST_SHOWN]
            try:
                is_placeholder, held = _read_copied(
                    _label_of(value) if self._copy.labels else value
                )
            except RecordError as exc:
                row.refuse(place, value, exc)
                continue
            if is_placeholder:
                row.count_placeholder(place, value, f"copy {kept_as}")
                continue
            if isinstance(held, Remark):
                row.note(place, value, held.reason, held.kind)
                held = held.value
            if held is not None:
                found[kept_as] = held
        return found

    def taken(self, row: Row) -> Iterable[tuple[str, Any]]:
        """Return those keys and values of a row that are copied, without nulls."""
        origin = look_up(row.payload, self._of)
        if not isinstance(origin, dict):
            pairs = self.pairs(row.payload)
            return [(k, v) for k, v in pairs if v is not None and self.takes(k, row)]
        # one look-up for all keys, because most objects of a vendor have the same ones
        shape = tuple(origin)
        names = row.taken.get((id(self), shape))
        if names is None:
            names = row.taken[id(self), shape] = tuple(k for k in shape if self.takes(k, row))
        return [(k, v) for k in names if (v := origin[k]) is not None]

    def takes(self, key: str, row: Row) -> bool:
        """Return whether a key of the row is copied."""
        if not self.definitions:
            return self._is_named(key)
        known = row.copied.get((id(self), key))
        if known is None:
            known = row.copied[id(self), key] = self._is_named(key) and self._is_theirs(key, row)
        return known

    def _is_named_of(self, key: str) -> bool:
        return matches_any(key, self._copy.keys) and not matches_any(key, self._copy.except_)

    def _is_theirs(self, key: str, row: Row) -> bool:
        definition = row.context.get(f"{self.definitions}/{key}")
        if not isinstance(definition, dict):
            return not matches_any(key, self._copy.except_undefined)
        return self._unless is None or not self._unless(self._paths.row(definition, key))


def _label_of(value: Any) -> Any:
    """Return the name of a choice `{id, name}`, the names of a list of them; another value as it is."""
    if isinstance(value, list):
        return [_label_of(one) for one in value]
    is_choice = isinstance(value, dict) and value.keys() == {"id", "name"}
    return value["name"] if is_choice else value


def _read_copied(value: object) -> tuple[bool, Outcome]:
    """Return whether a value is a placeholder, and its cleaned value."""
    if not isinstance(value, str):
        return False, plain(value, {}, _ANYWHERE)
    return _short_text(value) if len(value) <= LONGEST_SHOWN else _read_text(value)


def _read_text(value: str) -> tuple[bool, Outcome]:
    return (True, None) if is_from_a_program(value) else (False, plain(value, {}, _ANYWHERE))


_short_text = functools.lru_cache(maxsize=4096)(_read_text)


def matches_any(key: str, patterns: Iterable[str]) -> bool:
    """Return whether a key matches one of some patterns, such as `*__c`."""
    return any(fnmatchcase(key, pattern) for pattern in patterns)
