"""The line of a setting in hub.yaml, for a message that asks to change it."""

from collections.abc import Sequence
from pathlib import Path

import yaml


def line_of(path: Path | None, place: Sequence[str | int]) -> int | None:
    """Return the line of a place (`("routing", "rules", 0, "when")`); None where it is not written there."""
    if path is None:
        return None
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None
    line = None
    for part in place:
        found = _inside(node, part)
        if found is None:
            return line
        key, node = found
        line = key.start_mark.line + 1
    return line


def _inside(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((k, v) for k, v in node.value if k.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None
