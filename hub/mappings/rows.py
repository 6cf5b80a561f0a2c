"""One raw record while it is mapped: its payload, what was said of it, its form.

In: a parsed payload. Out: values found along paths, and notes. What does not belong here: rules.
"""

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hub.errors import RecordError
from hub.mappings.answers import Form, Given, read_form
from hub.mappings.consents import Consented
from hub.mappings.document import Answer
from hub.mappings.registry import Ctx
from hub.mappings.text import clean
from hub.model.drift import Unknown
from hub.model.records import JsonValue, Problem

LONGEST_SHOWN = 200


class Reject(Exception):  # noqa: N818 a verdict on its way, not an error
    """The record being mapped is rejected."""

    def __init__(self, place: str, value: JsonValue, reason: str) -> None:
        super().__init__(reason)
        self.place = place
        self.value = value
        self.reason = reason


@dataclass(slots=True)
class Row:
    """One raw record while it is mapped; `forms` and `copied` are kept from record to record."""

    payload: dict[str, Any]
    source_id: str
    context: Mapping[str, Any]
    latest: str | None
    ctx: Ctx
    forms: dict[str, Form]
    copied: dict[tuple[int, str], bool] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unknowns: list[Unknown] = field(default_factory=list)
    silent: int = 0
    is_checking_neighbours: bool = False
    placeholder_origins: set[str] = field(default_factory=set)
    form: Form | None = None
    given: list[Given] | None = None
    claims: dict[Answer, Given] | None = None
    consents: Consented | None = None
    item: Any = None

    def note(self, place: str, value: object, reason: str, kind: str = "problem") -> None:
        """Keep what a rule had to say, unless a predicate is only asking."""
        if self.silent:
            return
        if kind == "unknown":
            self.unknowns.append(Unknown("value", place, shorten(value)))
        else:
            self.problems.append(Problem(self.source_id, place, shorten(value), reason, "field"))

    def count_placeholder(self, place: str, value: str, origin: str) -> None:
        """Count a text that says nothing, once a record wherever several rules read it."""
        if not self.silent and origin not in self.placeholder_origins:
            self.placeholder_origins.add(origin)
            self.unknowns.append(Unknown("placeholder", place, shorten(value)))

    def refuse(self, place: str, value: object, error: RecordError) -> None:
        """Keep why a value cannot be used; a value of another JSON type is drift too."""
        self.note(place, value, error.message)
        if error.found_type and not self.silent:
            self.unknowns.append(Unknown("type", place, error.found_type))


def shorten(value: object) -> str:
    """Return a raw value shortened for a person, safe to store."""
    if isinstance(value, str):
        text = value[: 2 * LONGEST_SHOWN]
    else:
        try:
            text = json.dumps(value, ensure_ascii=False, default=str)
        except (ValueError, RecursionError):
            text = type(value).__name__
    text = "".join(c if c.isprintable() else " " for c in text[: 2 * LONGEST_SHOWN])
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


class _Failed:
    """The source had a value and it was unusable: the field is null, visibly."""


FAILED: Final = _Failed()


def is_blank(value: object) -> bool:
    """Tell whether a value says nothing."""
    if value is None or value is FAILED:
        return True
    if isinstance(value, str):
        if value.isascii() and value.isprintable():
            return not value or value.isspace()
        return value.isspace() or not clean(value[:1000])
    return isinstance(value, list | dict) and not value


@functools.cache
def path_parts(path: str) -> tuple[str | int, ...]:
    """Return the steps of `a.b[0].c`.

    Raises:
        ValueError: the path is not written like that.
    """
    if not re.fullmatch(r"[^.\[\]\s]+(\[\d+\])*(\.[^.\[\]\s]+(\[\d+\])*)*", path):
        raise ValueError(f"'{path}' is not a path: write a.b[0].c")
    return tuple(
        int(p[1:-1]) if p.startswith("[") else p for p in re.findall(r"\[\d+\]|[^.\[\]]+", path)
    )


def look_up(node: Any, parts: Sequence[str | int]) -> Any:
    """Follow a path; a missing step is null."""
    for part in parts:
        if isinstance(part, str):
            node = node.get(part) if isinstance(node, dict) else None
        else:
            node = node[part] if isinstance(node, list) and part < len(node) else None
        if node is None:
            return None
    return node


def form_of(row: Row) -> Form:
    """Return the form of a response: inline definition, else the context's, else its id alone."""
    if row.form is None:
        form_id = form_id_of(row)
        inline = row.payload.get("definition")
        if isinstance(inline, dict):
            row.form = read_form(inline, form_id)
        else:
            key = form_id or ""
            if key not in row.forms:
                row.forms[key] = read_form(row.context.get(key), form_id)
            row.form = row.forms[key]
    return row.form


def form_id_of(row: Row) -> str | None:
    """Return the id of a response's form, from its body or before the colon of its own id."""
    form_id = row.payload.get("form_id")
    if isinstance(form_id, str) and form_id:
        return clean(form_id)[:255]
    head, colon, _ = row.source_id.rpartition(":")
    return head if colon else None
