"""The model's data files, read once at import; nothing else in this room touches a file."""

from importlib.resources import files
from typing import Any

import yaml


def load(name: str) -> dict[str, Any]:
    """Return the parsed YAML file `name` that lies beside this module."""
    text = files("hub.matching").joinpath(name).read_text(encoding="utf-8")
    document = yaml.load(text, Loader=yaml.CSafeLoader)
    if not isinstance(document, dict):
        raise TypeError(f"{name} is not a mapping")
    return document


def words(text: str) -> frozenset[str]:
    """Return the words of a folded YAML text as a set."""
    return frozenset(text.split())
