"""Apply a person's corrections to raw records: find the refused value, and make a corrected copy.

In: a payload as the source sent it, its mapping, and the quarantine row. Out: a path in the payload,
and a corrected copy. The payload itself is never changed. Not here: where corrections are stored.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hub.errors import ConfigError, RecordError
from hub.mappings.document import MappingDocument, walk_rules
from hub.mappings.parsing import parse
from hub.mappings.rows import look_up, path_parts, shorten
from hub.model.records import JsonValue

_DEEPEST = 30
_MOST_TOLD = 6


def locate(
    payload: bytes, document: MappingDocument, *, field: str, refused: tuple[str, str]
) -> str:
    """Return the path of the value to correct.

    Args:
        payload: the record as the source sent it.
        document: its mapping.
        field: a field of the mapping, as `hub quarantine list` shows it, or a path in the record.
        refused: field and value of the quarantine row.

    Raises:
        ConfigError: the record is not JSON, or the field does not have exactly one place in it.
    """
    record = _record(payload)
    read = _read_by(document, field, record)
    place, said = refused
    if field == place and said:
        rows = [path for path in read if shorten(look_up(record, path_parts(path))) == said]
        rows = rows or [path for path, value in _leaves(record) if shorten(value) == said]
        if rows:
            return _only(field, rows)
    if (
        read
    ):  # `first_of` takes the first place with a value, so the correction goes to the first place
        return _only(field, read if _is_joined(document, field) else read[:1])
    if _has_room(record, field) and _is_there(record, field):
        return field
    raise ConfigError(
        f"{field!r} is not a field of {document.source}/{document.stream}"
        " and not a place in the record",
        hint="show the record with `hub quarantine show ID`; write a place as a.b[0].c",
    )


def value_like(payload: bytes, path: str, words: str) -> JsonValue:
    """Return the typed text as JSON, or as text if the value at the path is text or null."""
    there = look_up(_record(payload), path_parts(path))
    if there is None or isinstance(there, str):
        return words
    try:
        value: JsonValue = json.loads(words)
    except ValueError:
        return words
    return value


def corrected(payload: bytes, values: Sequence[tuple[str, JsonValue]]) -> bytes:
    """Return a copy of the payload with values set at paths, in the given order."""
    record: Any = _record(payload)
    for path, value in values:
        *steps, last = path_parts(path)
        parent: Any = look_up(record, steps)
        if parent is not None:
            parent[last] = value
    return json.dumps(record).encode()


def _record(payload: bytes) -> dict[str, Any]:
    try:
        return parse(payload)
    except RecordError as exc:
        raise ConfigError(
            "the record is not a JSON object, so no value in it can be corrected",
            hint="correct the record at the source",
        ) from exc


def _read_by(document: MappingDocument, field: str, record: Mapping[str, Any]) -> list[str]:
    """Return the paths that the rules of a field read and that exist in the record, in order.

    The last step of a path may be missing in the record: a correction can add it.
    """
    paths: list[str] = []
    for place, rule in walk_rules(document):
        if rule.path and _is_of(field, place):
            inside = [f"{key}.{rule.path}" for key in document.unwrap]
            paths += [path for path in (*inside, rule.path) if _has_room(record, path)]
    return list(dict.fromkeys(paths))


def _is_joined(document: MappingDocument, field: str) -> bool:
    """Return whether a field joins values from several places."""
    return any(rule.all_of and _is_of(field, place) for place, rule in walk_rules(document))


def _is_of(field: str, place: Sequence[str | int]) -> bool:
    """Return whether a rule gives a field its value: `emit`, number, `fields`, name, then no `when`."""
    return place[2:4] == ("fields", field) and "when" not in place


def _has_room(record: Mapping[str, Any], path: str) -> bool:
    try:
        *steps, last = path_parts(path)
    except ValueError:
        return False
    parent = look_up(record, steps)
    if isinstance(parent, dict):
        return isinstance(last, str)
    return isinstance(parent, list) and isinstance(last, int) and last < len(parent)


def _is_there(record: Mapping[str, Any], path: str) -> bool:
    """Return whether the record has the key, null included. A misspelt key would correct nothing."""
    *steps, last = path_parts(path)
    parent = look_up(record, steps)
    return isinstance(parent, list) or (isinstance(parent, dict) and last in parent)


def _leaves(node: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield every value that is not an object or a list, with its path.

    Keys that cannot be part of a path are left out.
    """
    if depth > _DEEPEST:
        return
    if isinstance(node, dict):
        for key, inner in node.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(node, list):
        for place, inner in enumerate(node):
            yield from _leaves(inner, f"{path}[{place}]", depth + 1)
    elif node is not None and _is_path(path):
        yield path, node


def _is_path(path: str) -> bool:
    try:
        path_parts(path)
    except ValueError:
        return False
    return True


def _only(field: str, paths: Sequence[str]) -> str:
    if len(paths) == 1:
        return paths[0]
    raise ConfigError(
        f"{field!r} may come from several places of the record",
        hint="name one of them: --field " + ", or --field ".join(paths[:_MOST_TOLD]),
    )
