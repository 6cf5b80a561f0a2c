"""Read YAML files with the line of every key. No other module of the mappings reads files.

In: a path, or the text of a file. Out: plain values and `Lines`. Not here: the meaning of the values.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any

import yaml

from hub.errors import ConfigError
from hub.frozen import dataclass
from hub.mappings.folders import HERE
from hub.mappings.text import fold

Loc = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class Lines:
    """The line (from 1) of every place in a YAML file."""

    at: Mapping[tuple[str | int, ...], int] = field(default_factory=dict)

    def of(self, loc: Loc) -> int:
        """Return the line of a place; parts that the file does not contain are skipped."""
        place: tuple[str | int, ...] = ()
        for part in loc:
            if (*place, part) in self.at:
                place = (*place, part)
        return self.at.get(place, 1)


def read(path: Path) -> tuple[Any, Lines]:
    """Return a YAML file's values and lines.

    Raises:
        ConfigError: the file cannot be read or is not YAML.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: cannot be read: {exc}") from exc
    return parse(text, str(path))


def parse(text: str, name: str) -> tuple[Any, Lines]:
    """Return the values and lines of YAML text; error messages show `name` as the file."""
    loader = yaml.CSafeLoader(text)
    try:
        node = loader.get_single_node()
        value = loader.construct_document(node) if node is not None else None
        at: dict[tuple[str | int, ...], int] = {}
        _note_lines(node, (), at)
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        problem = getattr(exc, "problem", None) or str(exc)
        raise ConfigError(f"{where}: not valid YAML: {problem}") from exc
    finally:
        loader.dispose()
    return value, Lines(at)


def _note_lines(
    node: yaml.Node | None, place: tuple[str | int, ...], at: dict[tuple[str | int, ...], int]
) -> None:
    if node is None:
        return
    at.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            here = (*place, str(key.value))
            at[here] = key.start_mark.line + 1
            _note_lines(child, here, at)
    elif isinstance(node, yaml.SequenceNode):
        for i, child in enumerate(node.value):
            _note_lines(child, (*place, i), at)


@functools.cache
def places() -> tuple[Mapping[str, str], Mapping[str, Mapping[str, str]]]:
    """Return country codes by folded name, and state codes by country and folded name."""
    raw = yaml.load((HERE / "places.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    states = {country: _by_name(codes) for country, codes in raw["states"].items()}
    return _by_name(raw["countries"]), states


def _by_name(names: Mapping[str, str]) -> Mapping[str, str]:
    """Return codes by each of their folded names (written `one|another`) and by the code itself."""
    found = {fold(name): code for code, listed in names.items() for name in listed.split("|")}
    return {**found, **{code.lower(): code for code in names}}
