"""Change one line of hub.yaml: the role of a source. All other bytes stay, comments too.

Everything else in the file is changed by hand. A role is different: the command that ends the reads of a
source must end them at once, and `hub up` looks at the file before each question.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hub.errors import ConfigError

_BLOCK, _KEY = "sources", "role"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a line goes: text from `start` to `end` is replaced."""

    line: int
    start: int
    end: int
    before: str = ""
    after: str = ""


def write_role(path: Path, source: str, role: str) -> str:
    """Set the role of a source in hub.yaml; returns the place, as `hub.yaml:12`.

    Args:
        path: the file.
        source: a source that the file has.
        role: follow, migrate or retired.

    Raises:
        ConfigError: the file cannot be written, or its form is not one that a command can edit; the
            message says what to write by hand.
    """
    real = path.resolve()
    try:
        with real.open(encoding="utf-8", newline="") as file:
            words = file.read()
    except (OSError, UnicodeDecodeError) as exc:
        raise _by_hand(path, source, role, str(exc)) from exc
    place = _place(words, source)
    if place is None:
        raise _by_hand(path, source, role, "the block is not written one setting a line")
    edited = f"{words[: place.start]}{place.before}{role}{place.after}{words[place.end :]}"
    if not _only_the_role(words, edited, source, role):
        raise _by_hand(path, source, role, "the block shares its settings with another one")
    try:
        _replace(real, edited)
    except OSError as exc:
        raise _by_hand(path, source, role, f"{exc.strerror or exc}") from exc
    return f"{path}:{place.line}"


def _place(words: str, source: str) -> _Place | None:
    """Return where the role of a source stands, or would stand; None for another form of block."""
    blocks = _under(yaml.compose(words, Loader=yaml.SafeLoader), _BLOCK)
    key, block = next(((k, v) for k, v in _pairs(blocks) if k.value == source), (None, None))
    if key is None or not isinstance(block, yaml.MappingNode) or block.flow_style:
        return None
    if not block.value or block.start_mark.line <= key.start_mark.line:
        return None  # empty, or written elsewhere under an anchor
    for name, value in block.value:
        if name.value == _KEY:
            return _Place(name.start_mark.line + 1, value.start_mark.index, value.end_mark.index)
    first = block.value[0][0].start_mark
    start = first.index - first.column
    end = "\r\n" if "\r\n" in words else "\n"
    return _Place(first.line + 1, start, start, f"{words[start : first.index]}{_KEY}: ", end)


def _only_the_role(before: str, after: str, source: str, role: str) -> bool:
    """Tell whether the role of the source is all that the edit changes."""
    try:
        was, now = yaml.safe_load(before), yaml.safe_load(after)
        was[_BLOCK][source] = {**was[_BLOCK][source], _KEY: role}
    except (yaml.YAMLError, KeyError, TypeError):
        return False
    return bool(was == now)


def _replace(path: Path, words: str) -> None:
    """Write a file beside it, and put it in its place at once."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(words)
        shutil.copymode(path, name)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _by_hand(path: Path, source: str, role: str, why: str) -> ConfigError:
    return ConfigError(
        f"{path} was not changed: {why}",
        hint=f"write `role: {role}` under `sources: {source}:` by hand",
    )


def _pairs(node: yaml.Node | None) -> list[tuple[Any, yaml.Node]]:
    return list(node.value) if isinstance(node, yaml.MappingNode) else []


def _under(node: yaml.Node | None, name: str) -> yaml.Node | None:
    return next((value for key, value in _pairs(node) if key.value == name), None)


def role_variable(source: str, environ: Mapping[str, str] | None = None) -> str | None:
    """Return the environment variable that sets the role of a source, None if none does."""
    name = f"HUB_SOURCES__{source.upper()}__ROLE"
    return name if name in (os.environ if environ is None else environ) else None
