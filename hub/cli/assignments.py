"""FIELD=VALUE, as commands take it."""

from collections.abc import Sequence

from hub.errors import ConfigError
from hub.model.records import JsonValue

_LISTS = ("tags", "emails")


def read_assignments(words: Sequence[str]) -> dict[str, JsonValue]:
    """Return field → value; an empty value is None, and tags are separated by commas.

    Raises:
        ConfigError: one of them is no assignment.
    """
    return dict(_one(word) for word in words)


def _one(word: str) -> tuple[str, JsonValue]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise ConfigError(f"{word!r} is no assignment", hint="write FIELD=VALUE, city=Lyon")
    if name in _LISTS and value:
        return name, [part.strip() for part in value.split(",")]
    return name, value or None
