"""GET /forms/{id}/responses: select the rows of a request and return a page of them.

`since` and `until` are inclusive. `before` and `after` name a token and exclude it. The order is
newest first; with `after` it is oldest first. Not here: a response's JSON (`answers.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hub.sandbox.typeform.answers import response_type, shown_response, texts_of
from hub.sandbox.typeform.errors import ApiError
from hub.sandbox.typeform.forms import SOURCE, STREAM, Form, Json, form_id_of
from hub.sandbox.world import Row, World, whole_second

DEFAULT_SIZE, LARGEST_SIZE = 25, 1000
_SORTABLE = frozenset({"submitted_at", "landed_at", "staged_at"})


@dataclass(frozen=True, slots=True)
class Asked:
    """The parsed parameters of a request."""

    size: int
    since: datetime | None
    until: datetime | None
    after: str
    before: str
    types: frozenset[str]
    ascending: bool
    text: str
    fields: frozenset[str]
    answered: frozenset[str]
    included: frozenset[str]
    excluded: frozenset[str]


def read(params: Mapping[str, str], *, strict: bool) -> Asked:
    """Return the parsed parameters; raise the vendor's 400 for invalid ones.

    Args:
        params: the parameters of the query string.
        strict: refuse a time window together with `before` or `after`.
    """
    after, before, sort = (params.get(name, "") for name in ("after", "before", "sort"))
    if sort and (after or before):
        raise ApiError(400, "VALIDATION_ERROR", "sort cannot be used with after or before")
    since, until = _time(params, "since"), _time(params, "until")
    if strict and (since or until) and (after or before):
        raise ApiError(
            400, "VALIDATION_ERROR", "since and until cannot be used with after or before"
        )
    return Asked(
        size=page_size(params, DEFAULT_SIZE, LARGEST_SIZE),
        since=since,
        until=until,
        after=after,
        before=before,
        types=_types(params),
        ascending=_is_ascending(sort),
        text=params.get("query", "").lower(),
        fields=_list(params, "fields"),
        answered=_list(params, "answered_fields"),
        included=_list(params, "included_response_ids"),
        excluded=_list(params, "excluded_response_ids"),
    )


def responses(world: World, form: Form, asked: Asked) -> Json:
    """Return the requested page.

    `total_items` counts all matching rows. `page_count` counts the pages from the cursor on.
    """
    matching = [row for row in world.rows(SOURCE, STREAM) if _matches(row, form, asked)]
    matching.sort(key=lambda row: (row.created_at, row.seq), reverse=not asked.ascending)
    left = _from_cursor(matching, asked)
    hidden = world.hidden_ids(SOURCE, STREAM) - asked.included
    return {
        "items": [
            _limited(shown_response(row, form), asked.fields)
            for row in left[: asked.size]
            if row.id not in hidden
        ],
        "total_items": len(matching),
        "page_count": -(-len(left) // asked.size),
    }


def page_size(params: Mapping[str, str], default: int, largest: int) -> int:
    """Return the page size; raise 400 if it is invalid."""
    text = params.get("page_size") or str(default)
    if not text.isdigit() or not 0 < int(text) <= largest:
        raise ApiError(
            400, "VALIDATION_ERROR", f"page_size must be a number between 1 and {largest}"
        )
    return int(text)


def _from_cursor(rows: Sequence[Row], asked: Asked) -> Sequence[Row]:
    token = asked.before or asked.after
    place = next((n for n, row in enumerate(rows) if row.id == token), None)
    if not token or place is None:
        return rows  # the vendor ignores an unknown token and returns the first page
    return rows[place + 1 :] if asked.before else list(reversed(rows[:place]))


def _matches(row: Row, form: Form, asked: Asked) -> bool:
    if form_id_of(row) != form.id or response_type(row) not in asked.types:
        return False
    if asked.included and row.id not in asked.included:
        return False
    if asked.text and asked.text not in texts_of(row.values):
        return False
    if asked.answered and not any(
        one.id in asked.answered or ref in asked.answered
        for ref, one in form.questions.items()
        if row.values.get(ref) not in (None, "")
    ):
        return False
    return row.id not in asked.excluded and _is_within(row, asked)


def _is_within(row: Row, asked: Asked) -> bool:
    early = asked.since is not None and row.created_at < asked.since
    late = asked.until is not None and row.created_at > asked.until
    return not early and not late


def _limited(shown: Json, fields: frozenset[str]) -> Json:
    if fields and shown["answers"]:
        shown["answers"] = [
            one for one in shown["answers"] if {one["field"]["id"], one["field"]["ref"]} & fields
        ]
    return shown


def _types(params: Mapping[str, str]) -> frozenset[str]:
    if "response_type" in params:
        return _list(params, "response_type")
    if params.get("completed", "true").lower() == "false":
        return frozenset({"started", "partial"})
    return frozenset({"completed"})


def _is_ascending(sort: str) -> bool:
    field, _, direction = sort.partition(",")
    if sort and (field not in _SORTABLE or direction not in {"", "asc", "desc"}):
        raise ApiError(400, "VALIDATION_ERROR", f"cannot sort by {sort!r}")
    return direction == "asc"


def _list(params: Mapping[str, str], name: str) -> frozenset[str]:
    return frozenset(part.strip() for part in params.get(name, "").split(",") if part.strip())


def _time(params: Mapping[str, str], name: str) -> datetime | None:
    text = params.get(name, "").strip()
    if not text:
        return None
    try:
        if text.isdigit():
            return datetime.fromtimestamp(int(text), UTC)
        # an unescaped plus sign arrives as a blank
        return whole_second(datetime.fromisoformat(text.replace(" ", "+")))
    except (ValueError, OverflowError) as exc:
        raise ApiError(400, "VALIDATION_ERROR", f"{name} is not a date: {text}") from exc
