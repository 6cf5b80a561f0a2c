"""The JSON Schema of a read model, made of its types and its docstring.

In: a frozen dataclass. Out: a schema that holds what `encoding.to_json` makes of it, and the words about
each field, from the `Args` of the docstring. Pure.
"""

import inspect
import re
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

Schema = dict[str, Any]
_PLAIN: Mapping[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    datetime: {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"},
    date: {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"},
    Decimal: {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"},
    types.NoneType: {"type": "null"},
    Any: {},
}


def schema_of(model: type) -> Schema:
    """Return the schema of a model; the models inside it are under `$defs`."""
    defs: dict[str, Schema] = {}
    top = _object(model, defs)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": model.__name__,
        **top,
        **({"$defs": dict(sorted(defs.items()))} if defs else {}),
    }


def words_of(model: type) -> dict[str, str]:
    """Return what the docstrings of a model and of its bases say of each field.

    Raises:
        KeyError: does not describe the field.
    """
    found: dict[str, str] = {}
    for one in reversed(model.__mro__):
        _, _, listed = inspect.cleandoc(one.__doc__ or "").partition("Args:\n")
        found |= {
            name: " ".join(what.split())
            for name, what in re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", listed, re.MULTILINE)
        }
    return {field.name: found[field.name] for field in fields(model)}


def models_in(model: type) -> list[type]:
    """Return a model and the models inside it, each once, outermost first."""
    found = [model]
    for hint in typing.get_type_hints(model).values():
        found += [one for part in _dataclasses(hint) for one in models_in(part)]
    return list(dict.fromkeys(found))


def _dataclasses(hint: Any) -> list[type]:
    if is_dataclass(hint) and isinstance(hint, type):
        return [hint]
    return [one for part in typing.get_args(hint) for one in _dataclasses(part)]


def _object(model: type, defs: dict[str, Schema]) -> Schema:
    hints = typing.get_type_hints(model)
    names = [field.name for field in fields(model)]
    return {
        "type": "object",
        "required": names,
        "additionalProperties": False,
        "properties": {name: _of(hints[name], defs) for name in names},
    }


def _choices(hint: Any) -> list[Any]:
    """Return the values of an enum or of a `Literal`; none of another type."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [one.value for one in hint]
    return list(typing.get_args(hint)) if typing.get_origin(hint) is typing.Literal else []


def _of(hint: Any, defs: dict[str, Schema]) -> Schema:
    if hint in _PLAIN:
        return _PLAIN[hint]
    if is_dataclass(hint) and isinstance(hint, type):
        if hint.__name__ not in defs:
            defs[hint.__name__] = {}  # before its fields, which may lead back to it
            defs[hint.__name__] = _object(hint, defs)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if choices := _choices(hint):
        return {"enum": choices}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [_of(one, defs) for one in arguments]}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _of(arguments[1], defs)}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return {"type": "array", "items": _of(arguments[0], defs)}
    raise TypeError(f"{hint} has no schema")
