"""The account's forms and their questions.

A form has seven fixed questions, and one more question for each other key in its responses. Not
here: answers (`answers.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.sandbox.ids import scrambled
from hub.sandbox.world import Row, World

SOURCE, STREAM = "typeform", "responses"
Json = dict[str, Any]
FIRST_FORMS = {"contact": "Contact us", "demo": "Ask for a demo"}
_QUESTIONS = {
    "first_name": ("short_text", "What is your first name?"),
    "last_name": ("short_text", "What is your last name?"),
    "email": ("email", "Where can we write to?"),
    "phone": ("phone_number", "Where can we call you?"),
    "company": ("short_text", "Whom do you work for?"),
    "message": ("long_text", "How can we help?"),
    "consent": ("legal", "May we keep you informed?"),
}
# keys of a row's values that describe the response and are no answers
NOT_ANSWERS = frozenset(
    {"form", "hidden", "response_type", "landed_at", "submitted_at", "metadata", "calculated",
     "variables", "tags"}
)  # fmt: skip
_SETTINGS: Json = {
    "language": "en",
    "progress_bar": "proportion",
    "meta": {"allow_indexing": False},
    "hide_navigation": False,
    "is_public": True,
    "is_trial": False,
    "show_progress_bar": True,
    "show_typeform_branding": True,
    "are_uploads_public": False,
    "show_time_to_complete": True,
    "show_number_of_submissions": False,
    "show_cookie_consent": False,
    "show_question_number": True,
    "show_key_hint_on_choices": True,
    "autosave_progress": True,
    "free_form_navigation": False,
    "use_lead_qualification": False,
    "pro_subdomain_enabled": False,
}


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a form (a field, in the vendor's words)."""

    id: str
    ref: str
    type: str
    title: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """One form, with its `questions` by ref."""

    id: str
    title: str
    created_at: datetime
    questions: Mapping[str, Question] = field(default_factory=dict)


def form_id_of(row: Row) -> str:
    """Return the id of a response's form: the first form, unless the row names another."""
    return str(row.values.get("form") or next(iter(FIRST_FORMS)))


def forms_of(world: World) -> dict[str, Form]:
    """Return the account's forms: the two fixed ones, and those that responses name."""
    rows = world.rows(SOURCE, STREAM, include_deleted=True)
    by_form: dict[str, list[Row]] = {id_: [] for id_ in FIRST_FORMS}
    for row in rows:
        by_form.setdefault(form_id_of(row), []).append(row)
    return {id_: make_form(world, id_, answered) for id_, answered in by_form.items()}


def make_form(world: World, form_id: str, rows: Iterable[Row]) -> Form:
    """Return the form with its fixed questions and those of the given responses."""
    questions = {
        ref: Question(_field_id(form_id, ref), ref, type_, title)
        for ref, (type_, title) in _QUESTIONS.items()
    }
    brought: dict[str, list[object]] = {}
    for row in rows:
        for ref, value in row.values.items():
            if ref not in questions and ref not in NOT_ANSWERS and value is not None:
                brought.setdefault(ref, []).append(value)
    for ref, values in brought.items():
        questions[ref] = _brought_question(form_id, ref, values)
    title = FIRST_FORMS.get(form_id, form_id)
    return Form(form_id, title, world.clock.start.replace(microsecond=0), questions)


def _brought_question(form_id: str, ref: str, values: Sequence[object]) -> Question:
    id_, title = _field_id(form_id, ref), ref.replace("_", " ").capitalize()
    value = values[0]
    if isinstance(value, bool):
        return Question(id_, ref, "yes_no", title)
    if isinstance(value, int | float):
        return Question(id_, ref, "number", title)
    if isinstance(value, list):
        labels = {str(one) for many in values if isinstance(many, list) for one in many}
        return Question(id_, ref, "multiple_choice", title, tuple(sorted(labels)))
    return Question(id_, ref, "short_text", title)


def _field_id(form_id: str, ref: str) -> str:
    return scrambled(f"field/{form_id}/{ref}", 12)


def choice_id(question: Question, label: str) -> str:
    """Return the id of one choice of a question."""
    return scrambled(f"choice/{question.id}/{label}", 12)


def shown_form(form: Form, base: str) -> Json:
    """Return the form as JSON of GET /forms/{id}."""
    at = form.created_at.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    return {
        "id": form.id,
        "type": "quiz",
        "title": form.title,
        "workspace": {"href": f"{base}/workspaces/5PY2Nu"},
        "theme": {"href": f"{base}/themes/qHWOQ7"},
        "settings": _SETTINGS,
        "thankyou_screens": [
            {
                "id": "DefaultTyScreen",
                "ref": "default_tys",
                "title": "Thanks for completing this typeform",
                "type": "thankyou_screen",
                "properties": {"show_button": False, "share_icons": False},
            }
        ],
        "fields": [_shown_question(question) for question in form.questions.values()],
        "created_at": at,
        "last_updated_at": at,
        "_links": _links(form, base),
    }


def shown_in_list(form: Form, base: str) -> Json:
    """Return the form as JSON of GET /forms."""
    at = form.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {
        "id": form.id,
        "type": "quiz",
        "title": form.title,
        "last_updated_at": at,
        "created_at": at,
        "settings": {"is_public": True, "is_trial": False},
        "self": {"href": f"{base}/forms/{form.id}"},
        "theme": {"href": f"{base}/themes/qHWOQ7"},
        "_links": _links(form, base),
    }


def shown_definition(form: Form) -> Json:
    """Return the form as JSON of a webhook's `definition`."""
    fields = [
        {"id": one.id, "title": one.title, "type": one.type, "ref": one.ref, "properties": {}}
        for one in form.questions.values()
    ]
    return {"id": form.id, "title": form.title, "fields": fields, "endings": []}


def _shown_question(question: Question) -> Json:
    shown: Json = {
        "id": question.id,
        "title": question.title,
        "ref": question.ref,
        "properties": {},
        "validations": {"required": False},
        "type": question.type,
    }
    if question.choices:
        shown["properties"] = {
            "randomize": False,
            "allow_multiple_selection": True,
            "allow_other_choice": True,
            "vertical_alignment": True,
            "choices": [
                {"id": choice_id(question, label), "ref": f"{question.ref}-{n}", "label": label}
                for n, label in enumerate(question.choices)
            ],
        }
    return shown


def _links(form: Form, base: str) -> Json:
    return {
        "display": f"https://acme.typeform.com/to/{form.id}",
        "responses": f"{base}/forms/{form.id}/responses",
    }
