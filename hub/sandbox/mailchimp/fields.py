"""Apply `fields` and `exclude_fields`: keep or drop parts of an answer, in dot notation."""

from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]
_Tree = dict[str, "_Tree"]


def limited(body: Json, params: Mapping[str, str]) -> Json:
    """Return the parts of the answer that the query string selects."""
    wanted, unwanted = (_names(params.get(name, "")) for name in ("fields", "exclude_fields"))
    shown = _only(body, _tree(wanted)) if wanted else body
    return _without(shown, _tree(unwanted)) if unwanted else shown


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _tree(names: Iterable[str]) -> _Tree:
    tree: _Tree = {}
    for name in names:
        node = tree
        for part in name.split("."):
            node = node.setdefault(part, {})
    return tree


def _only(value: Any, tree: _Tree) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [_only(one, tree) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: _only(child, tree[key]) for key, child in value.items() if key in tree}


def _without(value: Any, tree: _Tree) -> Any:
    if isinstance(value, list):
        return [_without(one, tree) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without(child, tree.get(key, {}))
        for key, child in value.items()
        if key not in tree or tree[key]
    }
