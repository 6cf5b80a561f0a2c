"""Read the answers of a form response, and assign each answer to one selector.

In: a response (`answers`, `hidden`), its form's definition (inline, or from the context by form id), the
selectors of a mapping document. Out: answer values, question titles, and the answers without a selector.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, NamedTuple

from hub.frozen import dataclass
from hub.mappings.form_titles import asks_for, bare, is_about_others, phrases_of
from hub.mappings.rule_document import Answer
from hub.mappings.text import clean
from hub.model.records import JsonValue


@dataclass(frozen=True, slots=True)
class Form:
    """A form definition, flattened: questions by id and by ref."""

    id: str | None = None
    title: str | None = None
    questions: Mapping[str, "Question"] = field(default_factory=dict)


class Question(NamedTuple):
    """One question: its title, its type, and the titles of its groups."""

    title: str = ""
    kind: str = ""
    groups: str = ""


def read_form(definition: object, form_id: str | None) -> Form:
    """Flatten a definition; groups nest their questions in `properties.fields`."""
    if not isinstance(definition, dict):
        return Form(form_id)
    questions: dict[str, Question] = {}
    _collect(definition.get("fields"), questions, 0, "")
    title = definition.get("title")
    own_id = definition.get("id")
    return Form(
        form_id or (own_id if isinstance(own_id, str) else None),
        clean(title) or None if isinstance(title, str) else None,
        questions,
    )


def _collect(fields: object, into: dict[str, Question], depth: int, groups: str) -> None:
    for item in fields if isinstance(fields, list) else []:
        if not isinstance(item, dict):
            continue
        title, kind = item.get("title"), item.get("type")
        entry = Question(
            clean(title) if isinstance(title, str) else "",
            kind if isinstance(kind, str) else "",
            groups,
        )
        for key in ("id", "ref"):
            if isinstance(item.get(key), str):
                into.setdefault(f"{key}:{item[key]}", entry)
        nested = item.get("properties")
        if isinstance(nested, dict) and depth < 8:  # noqa: PLR2004 groups in groups, and no loop
            _collect(nested.get("fields"), into, depth + 1, f"{groups} {entry.title}".strip())


@dataclass(frozen=True, slots=True)
class FormAnswer:
    """One answer: its question and its value.

    Args:
        ref: the question's ref, "" if it has none.
        kind: the type of the answer (`choices`).
        question_kind: the type of the question (`multiple_choice`).
        title: the question's text.
        value: a text, a number or a boolean; several choices are joined.
        labels: the labels of the choices.
        has_other: whether one of the choices is a free text ("other").
        groups: the titles of the question's groups.
    """

    ref: str
    kind: str
    question_kind: str
    title: str
    value: JsonValue
    labels: tuple[str, ...] = ()
    has_other: bool = False
    groups: str = ""


def read_answers(answers: object, form: Form) -> list[FormAnswer]:
    """Return the answers with a value; `answers` may be null or have another shape."""
    given = []
    for answer in answers if isinstance(answers, list) else []:
        if isinstance(answer, dict):
            one = _read_answer(answer, form)
            if one.value is not None and one.value != "":
                given.append(one)
    return given


def _read_answer(answer: dict[str, Any], form: Form) -> FormAnswer:
    asked = answer.get("field") if isinstance(answer.get("field"), dict) else {}
    asked = asked if isinstance(asked, dict) else {}
    known = form.questions.get(f"id:{asked.get('id')}") or form.questions.get(
        f"ref:{asked.get('ref')}"
    )
    title, question_kind, groups = known or Question()
    kind = str(answer.get("type") or "")
    ref = asked.get("ref")
    asked_kind = asked.get("type")
    return FormAnswer(
        ref=ref if isinstance(ref, str) else _ref_of(asked, form, title),
        kind=kind,
        question_kind=asked_kind if isinstance(asked_kind, str) else question_kind,
        title=title or (asked["title"] if isinstance(asked.get("title"), str) else ""),
        value=_value(answer, kind),
        labels=_labels(answer, kind),
        has_other=_has_other(answer, kind),
        groups=groups,
    )


HIDDEN = "hidden"


def read_hidden(fields: object) -> list[FormAnswer]:
    """Return the hidden fields of a response as answers without a question."""
    return [
        FormAnswer(ref=str(key), kind=HIDDEN, question_kind=HIDDEN, title="", value=value)
        for key, value in (fields.items() if isinstance(fields, dict) else ())
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
    ]


def _ref_of(asked: Mapping[str, Any], form: Form, title: str) -> str:
    """Return the ref of a question that the answer names by id only."""
    if not title or f"id:{asked.get('id')}" not in form.questions:
        return ""
    entry = form.questions[f"id:{asked.get('id')}"]
    return next(
        (k[4:] for k, v in form.questions.items() if v is entry and k.startswith("ref:")), ""
    )


def _value(answer: Mapping[str, Any], kind: str) -> JsonValue:
    value = answer.get(kind)
    if isinstance(value, dict):
        if kind == "choice":
            return value.get("label") or value.get("other")
        if kind == "choices":
            labels = value.get("labels")
            other = value.get("other")
            said = [*(labels if isinstance(labels, list) else []), other]
            return ", ".join(v for v in said if isinstance(v, str) and v) or None
        if kind == "payment":
            parts = (value.get("amount"), value.get("currency"), value.get("name"))
            return " ".join(str(p) for p in parts if p) or None
        return None
    return value if isinstance(value, str | int | float | bool) else None


def _labels(answer: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    value = answer.get(kind)
    if kind not in ("choice", "choices") or not isinstance(value, dict):
        return ()
    labels = value.get("labels") if kind == "choices" else [value.get("label")]
    listed = labels if isinstance(labels, list) else []
    return tuple(one for one in listed if isinstance(one, str) and one.strip())


def _has_other(answer: Mapping[str, Any], kind: str) -> bool:
    value = answer.get(kind)
    return isinstance(value, dict) and bool(value.get("other"))


def assign_answers(
    given: Sequence[FormAnswer], selectors: Sequence[Answer]
) -> dict[Answer, FormAnswer]:
    """Return the answer of each selector; an answer goes to the selector that fits best."""
    taken: dict[int, FormAnswer] = {}
    left = list(given)
    bids = sorted(
        (-strength, nth, which)
        for which, selector in enumerate(selectors)
        for nth, one in enumerate(given)
        if (strength := _strength(selector, one))
    )
    for _, nth, which in bids:
        if which not in taken and any(one is given[nth] for one in left):
            taken[which] = given[nth]
            left = [one for one in left if one is not given[nth]]
    return {selectors[which]: one for which, one in taken.items()}


def _strength(selector: Answer, one: FormAnswer) -> int:
    """Return how well an answer fits a selector: by ref, then type, then title, then hidden field."""
    is_named = bool(one.ref) and _plain_ref(one.ref) in map(_plain_ref, selector.refs)
    if one.kind == HIDDEN:
        return 1 if is_named else 0
    if is_named:
        return 3_000
    if is_about_others(one.groups):
        return 0
    asked = _asked(selector, one.title) if one.title else 0
    if one.question_kind in selector.types or one.kind in selector.types:
        return 2_000 + asked if asked or not is_about_others(one.title) else 0
    return asked if one.kind in selector.of else 0


def _plain_ref(ref: str) -> str:
    return "".join(c for c in ref.casefold() if c.isalnum())


def _asked(selector: Answer, title: str) -> int:
    if title.count(" ") >= selector.max_words:
        return 0
    return asks_for(title, _phrases(selector.field, tuple(selector.titles)))


@functools.lru_cache(maxsize=512)
def _phrases(field_: str | None, titles: tuple[str, ...]) -> frozenset[str]:
    own = frozenset(bare(one) for one in titles)
    return own | phrases_of(field_) if field_ else own
