"""Take mentions of a person out of a value of any column. Pure."""

import json
import re
from dataclasses import dataclass
from typing import Any

from hub.etl.erased_text import MARK, without


@dataclass(frozen=True, slots=True)
class Redactor:
    """Takes mentions out of values.

    Args:
        pattern: what a mention looks like.
        ids: vendor's ids; a value that is one of them is a mention.
    """

    pattern: str
    ids: frozenset[str] = frozenset()

    def value(self, old: Any, *, may_be_empty: bool) -> Any:
        """Return what a column of the hub holds afterwards: a text, bytes, JSON, an array."""
        if old is None:
            return None
        if isinstance(old, bytes | memoryview):
            said = bytes(old).decode("utf-8", "surrogateescape")
            return self.text(said).encode("utf-8", "surrogateescape")
        if isinstance(old, str):
            new = self.text(old)
            return None if new == MARK and may_be_empty else new
        return without(old, self.text)

    def text(self, said: str) -> str:
        """Return a text without mentions."""
        if said in self.ids:
            return MARK
        return re.sub(self.pattern, MARK, said, flags=re.IGNORECASE)

    def serialized(self, said: str) -> str:
        """Return a text that may be a JSON document, of the same shape: Dagster reads its rows back.

        No value becomes null, because Dagster would refuse to read it: a number that is a mention becomes 0.
        """
        if said[:1] not in {"{", "["}:
            return self.text(said)
        try:
            read = json.loads(said)
        except (ValueError, RecursionError):
            return self.text(said)
        new = self._same_shape(read)
        return said if new == read else json.dumps(new)

    def _same_shape(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.text(key): self._same_shape(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._same_shape(one) for one in value]
        if isinstance(value, str):
            return self.serialized(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value if self.text(str(value)) == str(value) else 0
        return value
