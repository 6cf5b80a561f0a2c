"""What is wrong with a setting, in a sentence: pydantic's error in, a `ConfigError` out.

The hint is the first sentence of the setting's own description, or the nearest name of a setting.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from hub.errors import ConfigError
from hub.settings.blocks import Settings
from hub.settings.descriptions import descriptions, first_sentence

_Context = Mapping[str, Any]
_SAID: Mapping[str, Callable[[_Context], str]] = {
    "string_pattern_mismatch": lambda _: "does not have the right form",
    "string_type": lambda _: "must be a text; put it in quotes",
    "string_too_short": lambda _: "must not be empty",
    "list_type": lambda _: "must be a list: each entry on a line of its own that begins with `- `",
    "too_short": lambda _: "must have an entry",
    "dict_type": lambda _: "must be a block of settings, each `name: value`",
    "model_type": lambda _: "must be a block of settings, each `name: value`",
    "model_attributes_type": lambda _: "must be a block of settings, each `name: value`",
    "int_type": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "float_type": lambda _: "must be a number",
    "float_parsing": lambda _: "must be a number",
    "bool_type": lambda _: "must be true or false",
    "bool_parsing": lambda _: "must be true or false",
    "path_type": lambda _: "must be a path",
    "greater_than_equal": lambda ctx: f"must be at least {ctx['ge']}",
    "greater_than": lambda ctx: f"must be more than {ctx['gt']}",
    "less_than_equal": lambda ctx: f"must be at most {ctx['le']}",
    "less_than": lambda ctx: f"must be less than {ctx['lt']}",
    "literal_error": lambda ctx: f"must be {ctx['expected']}",
    "enum": lambda ctx: f"must be {ctx['expected']}",
}

_MOMENTS: Mapping[str, str] = {
    "datetime": "must be a time, e.g. 2026-12-05T06:00:00Z",
    "date": "must be a day, e.g. 2026-12-05",
    "time": "must be a time of day, e.g. 17:30",
}


def explained(exc: ValidationError, where: Callable[[Sequence[str | int]], str]) -> ConfigError:
    """Return what the first error of a validation says.

    Args:
        exc: of the settings.
        where: returns the file and the line of a place in them.
    """
    error = exc.errors(include_url=False, include_input=False)[0]
    place = tuple(error["loc"])
    name = ".".join(str(part) for part in place)
    if error["type"] == "extra_forbidden":
        known = names_at(place[:-1])
        near = difflib.get_close_matches(str(place[-1]), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        return ConfigError(f"{where(place)}: unknown setting {name!r}", hint=hint)
    if error["type"] == "missing":
        return ConfigError(f"{where(place)}: {name} is missing", hint=_described(place))
    said = _said(error["type"], error.get("ctx", {}))
    if said is None:
        return ConfigError(f"{where(place)}: {name}: {error['msg'].removeprefix('Value error, ')}")
    return ConfigError(f"{where(place)}: {name} {said}", hint=_described(place))


def names_at(place: Sequence[str | int]) -> list[str]:
    """Return the names of the settings of a block."""
    model = _model_at(place)
    return sorted(model.model_fields) if model is not None else []


def _said(kind: str, context: _Context) -> str | None:
    known = _SAID.get(kind)
    return known(context) if known is not None else _MOMENTS.get(kind.partition("_")[0])


def _described(place: Sequence[str | int]) -> str:
    """Return the first sentence of the description of a setting; of an entry of a list, that of the list."""
    named = [part for part in place if not isinstance(part, int)]
    model = _model_at(named[:-1])
    text = descriptions(model).get(named[-1], "") if model is not None and named else ""
    return first_sentence(text)


def _model_at(place: Sequence[str | int]) -> type[BaseModel] | None:
    model: Any = Settings
    for part in place:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        inner = [annotation, *getattr(annotation, "__args__", ())]
        model = next((m for m in inner if isinstance(m, type) and issubclass(m, BaseModel)), None)
        if model is None:
            return None
    found: type[BaseModel] = model
    return found
