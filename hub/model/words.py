"""Words of records that a team has renamed: tags, sources, choices, statuses, reasons. Pure.

Sources may still send the former words. The fold therefore writes today's words in place of former
ones, from a source or an edit. A word without one of today was removed. Not here: the table
(`hub.crm.words`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import field

from hub.frozen import dataclass
from hub.model.records import JsonValue

Today = Mapping[str, str | None]
"""Former word → today's word; None: it was removed. Keys of sources, statuses and reasons are folded."""
_NONE: Today = {}
FOLDED = frozenset({"source", "status", "lead_reason"})
"""The kinds of words without regard to case."""


def key(kind: str, said: str) -> str:
    """Return what a word of a kind is found by."""
    return said.casefold() if kind in FOLDED else said


@dataclass(frozen=True, slots=True)
class Words:
    """The renamed words of one kind of record, by kind of word; choices by the field's key."""

    tag: Today = field(default_factory=dict)
    source: Today = field(default_factory=dict)
    status: Today = field(default_factory=dict)
    lead_reason: Today = field(default_factory=dict)
    choice: Mapping[str, Today] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Tell whether any word was renamed."""
        return any((self.tag, self.source, self.status, self.lead_reason, self.choice))

    def one(self, kind: str, said: str | None) -> str | None:
        """Return today's word for one that is no choice."""
        known: Today = getattr(self, kind)
        return known.get(key(kind, said), said) if said is not None else None

    def values(self, values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """Return a record's values with today's words; a field without a word is left out."""
        changed: dict[str, JsonValue] = {}
        if self.tag and isinstance(tags := values.get("tags"), list):
            changed["tags"] = replaced(tags, self.tag)
        for column in ("lead_source", "source"):
            if self.source and isinstance(said := values.get(column), str):
                changed[column] = self.one("source", said)
        if self.choice and isinstance(custom := values.get("custom_fields"), dict):
            changed["custom_fields"] = self._custom(custom)
        kept = {n: v for n, v in values.items() if n not in changed}
        return kept | {n: v for n, v in changed.items() if v not in (None, [], {})}

    def _custom(self, custom: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        found = dict(custom)
        for name, today in self.choice.items():
            said = custom.get(name)
            if isinstance(said, list):
                found[name] = replaced(said, today)
            elif isinstance(said, str):
                found[name] = today.get(said, said)
        return {n: v for n, v in found.items() if v not in (None, []) or v == custom[n]}


def replaced(said: Iterable[JsonValue], today: Today) -> list[JsonValue]:
    """Return the members of a list in today's words, each once without regard to case."""
    found: dict[str, JsonValue] = {}
    for one in said:
        word = today.get(one, one) if isinstance(one, str) else one
        if word is not None:
            found.setdefault(str(word).casefold(), word)
    return list(found.values())


NO_WORDS = Words()
