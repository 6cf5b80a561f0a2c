"""A person's corrections of raw records: where a refused value stands, and the record set right.

In: a payload as the source sent it, its mapping, what was refused. Out: a path in the payload, and
a corrected copy; the payload itself is never changed. Not here: where corrections are kept.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hub.errors import ConfigError, RecordError
from hub.mappings.document import MappingDocument, walk_rules
from hub.mappings.engine import parse
from hub.mappings.rows import look_up, path_parts, shorten
from hub.model.records import JsonValue

_DEEPEST = 30
_MOST_TOLD = 6


def locate(
    payload: bytes, document: MappingDocument, *, field: str, refused: tuple[str, str]
) -> str:
    """Return the path of the value that is to be corrected.

    Args:
        payload: the record as it was sent.
        document: its mapping.
        field: a field of the mapping, as `hub quarantine list` names it, or a path in the record.
        refused: the quarantine row's own field, and the value it shows.

    Raises:
        ConfigError: the record is no JSON, or the field says no single place in it.
    """
    record = _record(payload)
    read = _read_by(document, field, record)
    place, said = refused
    if field == place and said:
        rows = [path for path in read if shorten(look_up(record, path_parts(path))) == said]
        rows = rows or [path for path, value in _leaves(record) if shorten(value) == said]
        if rows:
            return _only(field, rows)
    if read:  # of several, the first that has something is taken: so the first place wins
        return _only(field, read if _is_joined(document, field) else read[:1])
    if _has_room(record, field) and _is_there(record, field):
        return field
    raise ConfigError(
        f"{field!r} is no field of {document.source}/{document.stream}, and no place in the record",
        hint="hub quarantine show ID shows the record; a place is written a.b[0].c",
    )


def value_like(payload: bytes, path: str, words: str) -> JsonValue:
    """Return what a person typed, as the kind of value that stands at the path now."""
    there = look_up(_record(payload), path_parts(path))
    if there is None or isinstance(there, str):
        return words
    try:
        value: JsonValue = json.loads(words)
    except ValueError:
        return words
    return value


def corrected(payload: bytes, values: Sequence[tuple[str, JsonValue]]) -> bytes:
    """Return a copy of the payload with values set at paths, the later ones last."""
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
            "the record is no JSON object, so there is no value in it to correct",
            hint="correct it at the source",
        ) from exc


def _read_by(document: MappingDocument, field: str, record: Mapping[str, Any]) -> list[str]:
    """Return the paths that the rules of a field read, in their order, that the record has room for."""
    paths: list[str] = []
    for place, rule in walk_rules(document):
        if rule.path and _is_of(field, place):
            inside = [f"{key}.{rule.path}" for key in document.unwrap]
            paths += [path for path in (*inside, rule.path) if _has_room(record, path)]
    return list(dict.fromkeys(paths))


def _is_joined(document: MappingDocument, field: str) -> bool:
    """Tell whether a field is put together from several places."""
    return any(rule.all_of and _is_of(field, place) for place, rule in walk_rules(document))


def _is_of(field: str, place: Sequence[str | int]) -> bool:
    """Tell whether a rule gives a field its value: `emit`, number, `fields`, name, then no `when`."""
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
    """Tell whether the record has the key, be it null: a misspelt one would correct nothing."""
    *steps, last = path_parts(path)
    parent = look_up(record, steps)
    return isinstance(parent, list) or (isinstance(parent, dict) and last in parent)


def _leaves(node: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield every value that holds no others, with its path; keys that no path can name are left out."""
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
        hint="say which: --field " + ", or --field ".join(paths[:_MOST_TOLD]),
    )
