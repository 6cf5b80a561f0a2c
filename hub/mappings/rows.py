"""The state of one raw record while it is mapped: its payload, its notes, its form.

In: a parsed payload. Out: values at paths, and notes. Not here: rules.
"""

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hub.errors import RecordError
from hub.mappings.answers import Form, FormAnswer, read_form
from hub.mappings.consents import Consented
from hub.mappings.registry import Ctx
from hub.mappings.rule_document import Answer
from hub.mappings.text import clean
from hub.model.drift import Unknown
from hub.model.records import JsonValue, Problem

LONGEST_SHOWN = 200
REGION, LANGUAGE = 0, 1
"""The numbers of a record's country and language among its values; those of the paths follow."""


class Reject(Exception):  # noqa: N818 a verdict, not an error
    """Reject the record that is being mapped."""

    def __init__(self, place: str, value: JsonValue, reason: str) -> None:
        super().__init__(reason)
        self.place = place
        self.value = value
        self.reason = reason


@dataclass(slots=True)
class Row:
    """The state of one raw record while it is mapped.

    Args:
        payload: the parsed record.
        source_id: the record's id.
        context: other objects of the source, by `<stream>/<id>`, and forms by their id.
        latest: the latest time that is accepted, ISO-8601 UTC; None accepts any.
        ctx: region and language for the transforms; `set_place` changes it.
        said: the values at the document's paths, by number (`hub.mappings.paths`).
        keys: the same as parts of dictionary keys, with region and language at the head.
        forms: cache of form definitions, shared by the records of a batch.
        copied: cache of the keys that copy rules take, shared by the records of a batch.
        taken: the same by all keys of an object.
        problems: refused values.
        unknowns: drift and placeholders.
        silent: how many predicates are being evaluated; above zero the row takes no notes.
        notes_n: how many notes there were, those that the row did not take included.
        is_checking_neighbours: the neighbours of a name are being read; this stops a recursion.
        placeholder_origins: sources whose placeholder is counted.
        form: the form that was answered.
        given: the answers of the form.
        assigned: the answer that each selector took.
        consents: the consents that the answers give.
        item: the entry of the list that a target with `each` is emitted for.
    """

    payload: dict[str, Any]
    source_id: str
    context: Mapping[str, Any]
    latest: str | None
    ctx: Ctx
    said: list[Any]
    keys: list[Any]
    forms: dict[str, Form]
    copied: dict[tuple[int, str], bool] = field(default_factory=dict)
    taken: dict[tuple[int, tuple[str, ...]], tuple[str, ...]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unknowns: list[Unknown] = field(default_factory=list)
    silent: int = 0
    notes_n: int = 0
    is_checking_neighbours: bool = False
    placeholder_origins: set[str] = field(default_factory=set)
    form: Form | None = None
    given: list[FormAnswer] | None = None
    assigned: dict[Answer, FormAnswer] | None = None
    consents: Consented | None = None
    item: Any = None

    def set_place(self, ctx: Ctx) -> None:
        """Set the country and the language of the record."""
        self.ctx = ctx
        self.keys[REGION] = ctx.region
        self.keys[LANGUAGE] = ctx.language

    def note(self, place: str, value: object, reason: str, kind: str = "problem") -> None:
        """Store a remark about a value, unless a predicate is being evaluated."""
        self.notes_n += 1
        if self.silent:
            return
        if kind == "unknown":
            self.unknowns.append(Unknown("value", place, shorten(value)))
        else:
            self.problems.append(Problem(self.source_id, place, shorten(value), reason, "field"))

    def count_placeholder(self, place: str, value: str, origin: str) -> None:
        """Count a placeholder: once a record, even if several rules read it."""
        self.notes_n += 1
        if not self.silent and origin not in self.placeholder_origins:
            self.placeholder_origins.add(origin)
            self.unknowns.append(Unknown("placeholder", place, shorten(value)))

    def refuse(self, place: str, value: object, error: RecordError) -> None:
        """Store why a value cannot be used; a value of another JSON type counts as drift too."""
        self.note(place, value, error.message)
        if error.found_type and not self.silent:
            self.unknowns.append(Unknown("type", place, error.found_type))


def shorten(value: object) -> str:
    """Return a raw value as text of at most `LONGEST_SHOWN` characters that can be stored."""
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
    """The type of `FAILED`: the source has a value that cannot be used, so the field becomes null."""


FAILED: Final = _Failed()


def is_blank(value: object) -> bool:
    """Return whether a value is null, failed, blank text, or an empty list or object."""
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
        ValueError: the path has another form.
    """
    if not re.fullmatch(r"[^.\[\]\s]+(\[\d+\])*(\.[^.\[\]\s]+(\[\d+\])*)*", path):
        raise ValueError(f"'{path}' is not a path: write a.b[0].c")
    return tuple(
        int(p[1:-1]) if p.startswith("[") else p for p in re.findall(r"\[\d+\]|[^.\[\]]+", path)
    )


def look_up(node: Any, parts: Sequence[str | int]) -> Any:
    """Return the value at a path, None if a step is missing."""
    for part in parts:
        if isinstance(part, str):
            node = node.get(part) if isinstance(node, dict) else None
        else:
            node = node[part] if isinstance(node, list) and part < len(node) else None
        if node is None:
            return None
    return node


def form_of(row: Row) -> Form:
    """Return the form of a response: by its inline definition, else from the context, else its id."""
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
    """Return the id of a response's form: `form_id` in the body, else the id before the colon."""
    form_id = row.payload.get("form_id")
    if isinstance(form_id, str) and form_id:
        return clean(form_id)[:255]
    head, colon, _ = row.source_id.rpartition(":")
    return head if colon else None
