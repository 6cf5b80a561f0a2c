"""A row as JSON: in the Responses API and in a webhook.

A question without an answer is absent. Not here: which rows a request selects (`pages.py`).
"""

from collections.abc import Mapping
from datetime import timedelta

from hub.sandbox.ids import scrambled
from hub.sandbox.typeform.forms import (
    NOT_ANSWERS,
    Form,
    Json,
    Question,
    choice_id,
    form_id_of,
    shown_definition,
)
from hub.sandbox.world import Row, iso

_FILLING_IN = timedelta(seconds=104)
_TEXTS = frozenset({"short_text", "long_text"})
COMPLETED = "completed"


def response_type(row: Row) -> str:
    """Return the response type: completed, partial or started."""
    return str(row.values.get("response_type") or COMPLETED)


def answers_of(row: Row, form: Form) -> list[Json]:
    """Return the answers in the order of the form's questions."""
    return [
        _answer(question, row.values[ref])
        for ref, question in form.questions.items()
        if ref not in NOT_ANSWERS and _is_answered(row.values.get(ref))
    ]


def shown_response(row: Row, form: Form) -> Json:
    """Return a response as JSON of the Responses API."""
    kind = response_type(row)
    shown: Json = {
        "landing_id": row.id,
        "token": row.id,
        "response_id": row.id,
        "response_type": kind,
        "landed_at": _landed_at(row),
        "submitted_at": iso(row.created_at),
        "metadata": row.values.get("metadata")
        or {
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            "platform": "other",
            "referer": f"https://acme.typeform.com/to/{form.id}",
            "network_id": scrambled(f"network/{row.id}", 10),
            "browser": "default",
        },
        "hidden": row.values.get("hidden") or {},
        "calculated": row.values.get("calculated") or {"score": 0},
        "variables": row.values.get("variables") or [],
        "answers": answers_of(row, form),
        "thankyou_screen_ref": "default_tys",
    }
    if kind != COMPLETED:
        shown["staged_at"] = shown.pop("submitted_at")
        shown["answers"] = shown["answers"] or None
    return shown


def shown_event(row: Row, form: Form) -> Json:
    """Return the JSON that a webhook sends about a new response."""
    kind = "form_response" if response_type(row) == COMPLETED else "form_response_partial"
    response: Json = {
        "form_id": form_id_of(row),
        "token": row.id,
        "landed_at": _landed_at(row),
        "submitted_at": iso(row.created_at),
        "hidden": row.values.get("hidden") or {},
        "calculated": row.values.get("calculated") or {"score": 0},
        "variables": row.values.get("variables") or [],
        "definition": shown_definition(form),
        "answers": answers_of(row, form),
        "ending": {"id": "DefaultTyScreen", "ref": "default_tys"},
    }
    event_id = "01" + scrambled(f"event/{row.id}/{row.seq}", 24).upper()
    return {"event_id": event_id, "event_type": kind, "form_response": response}


def _landed_at(row: Row) -> str:
    return str(row.values.get("landed_at") or iso(row.created_at - _FILLING_IN))


def _is_answered(value: object) -> bool:
    return value is not None and value not in ("", [])


def _answer(question: Question, value: object) -> Json:
    field = {"id": question.id, "type": question.type, "ref": question.ref}
    kind, shown = _typed(question, value)
    return {"type": kind, kind: shown, "field": field}


def _typed(question: Question, value: object) -> tuple[str, object]:
    if question.type in _TEXTS:
        return "text", str(value)
    if question.type in {"legal", "yes_no"}:
        return "boolean", value if isinstance(value, bool) else str(value).lower() in _TRUE
    if question.type == "multiple_choice":
        labels = [str(one) for one in value] if isinstance(value, list) else [str(value)]
        ids = [choice_id(question, label) for label in labels]
        return "choices", {"ids": ids, "labels": labels}
    return question.type, value


_TRUE = frozenset({"true", "yes", "1", "oui"})


def texts_of(values: Mapping[str, object]) -> str:
    """Return all answers as one lower-case text, for searches."""
    return "\n".join(str(value) for ref, value in values.items() if ref not in NOT_ANSWERS).lower()
