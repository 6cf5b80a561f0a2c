"""Find the keys of a payload that a mapping document does not know: drift, at any depth.

In: a document. Out: the keys of a payload that no rule reads and no `ignore` names, as `a.b`. The search
enters an object if a rule reads single keys of it. It does not enter lists, and objects that a rule
takes as a whole.
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from hub.mappings.document import MappingDocument, walk_rules
from hub.mappings.rows import path_parts
from hub.mappings.rule_document import Rule

_ENVELOPE = "_envelope"  # the keys around the record in a webhook body


@dataclass(slots=True)
class KnownKeys:
    """The known keys of one object: by name, with the known names below them, and by pattern."""

    below: dict[str, "KnownKeys"] = field(default_factory=dict)
    patterns: list[str] = field(default_factory=list)
    is_whole: bool = False

    def unknown_in(self, payload: Mapping[str, Any]) -> Iterator[str]:
        """Yield the unknown keys of an object; a deeper key is written `a.b`."""
        for key, value in payload.items():
            known = self.below.get(key)
            if known is None:
                if not self._is_named(key):
                    yield key
            elif not known.is_whole and isinstance(value, dict) and not self._is_named(key):
                yield from (f"{key}.{inner}" for inner in known.unknown_in(value))

    def _is_named(self, key: str) -> bool:
        return _matches_any(key, tuple(self.patterns))

    def add(self, path: str) -> None:
        """Add the value at a path, with everything below it."""
        node = self
        for part in path_parts(path):
            if isinstance(part, int):
                break
            node = node.below.setdefault(part, KnownKeys())
        node.is_whole = True

    def add_pattern(self, pattern: str) -> None:
        """Add the keys of a pattern: `hs_*`, `via.*`, `location`."""
        *parents, last = pattern.split(".")
        node = self
        for part in parents:
            node = node.below.setdefault(part, KnownKeys())
        node.patterns.append(last)


@functools.lru_cache(maxsize=4_096)
def _matches_any(key: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(key, pattern) for pattern in patterns)


def known_keys(document: MappingDocument) -> KnownKeys:
    """Return the keys that the rules of a document read, and the keys that it ignores."""
    known = KnownKeys()
    for place, rule in walk_rules(document):
        if "unless" in place:  # such a rule reads a key's definition, not the record
            continue
        if rule.path:
            known.add(rule.path)
        if rule.copy_:
            _add_copied(known, rule)
        if rule.answer or rule.question or rule.unmapped_answers or rule.consents:
            known.add("answers")
            known.add("definition")
    for pattern in [*document.ignore, _ENVELOPE]:
        known.add_pattern(pattern)
    return known


def _add_copied(known: KnownKeys, rule: Rule) -> None:
    copy = rule.copy_
    if copy is not None and copy.of:
        known.add(copy.of)
    elif copy is not None:
        for pattern in [*copy.keys, *copy.except_]:
            known.add_pattern(pattern)
