"""Values that people give to an action, checked: what cannot be kept is one ActionError."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from hub.errors import ActionError
from hub.frozen import dataclass
from hub.model.moments import HINT as MOMENT_HINT
from hub.model.moments import moment_of
from hub.model.records import JsonValue

Kind = Literal["text", "moment", "past", "bool", "count"]
LONGEST = 65_536  # characters of a text
_AHEAD = timedelta(minutes=5)  # clocks differ
_MOST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Rule:
    """What a field may hold; `past` is a moment that has come."""

    kind: Kind
    is_required: bool = False


def checked(
    resource: str,
    rules: Mapping[str, Rule],
    given: Mapping[str, JsonValue | datetime],
    *,
    now: datetime,
    is_new: bool,
) -> dict[str, Any]:
    """Return the values as they are kept.

    Args:
        resource: what they are of, for the error.
        rules: by field.
        given: by field; None blanks a field, or is as if it were not given to a new one.
        now: aware, in the time zone of the person who gives them.
        is_new: fields that are required must be given.

    Raises:
        ActionError: there is no such field (`not_found`), it needs a value (`required`), or the
            value is of another kind (`invalid`).
    """
    for field in given:
        if field not in rules:
            raise ActionError(
                f"a {resource} has no field {field!r}",
                resource=resource,
                field=field,
                code="not_found",
                hint=f"fields: {', '.join(sorted(rules))}",
            )
    kept: dict[str, Any] = {}
    for field, rule in rules.items():
        if rule.is_required and (is_new or field in given) and _is_blank(given.get(field)):
            raise ActionError(
                f"a {resource} needs {field}", resource=resource, field=field, code="required"
            )
        value = given.get(field)
        if field in given and not (is_new and value is None):
            kept[field] = None if value is None else one(resource, field, rule, value, now=now)
    return kept


def one(
    resource: str, field: str, rule: Rule, value: JsonValue | datetime, *, now: datetime
) -> object:
    """Return one value as it is kept.

    Raises:
        ActionError: it is of another kind.
    """
    if rule.kind == "text":
        return text(resource, field, value)
    if rule.kind in ("moment", "past"):
        until = now + _AHEAD if rule.kind == "past" else None
        return moment(resource, field, value, now=now, until=until)
    if rule.kind == "bool" and isinstance(value, bool):
        return value
    if rule.kind == "count" and isinstance(value, int) and not isinstance(value, bool):
        if 0 <= value <= _MOST:
            return value
        raise invalid(resource, field, f"between 0 and {_MOST}")
    raise invalid(resource, field, {"bool": "true or false"}.get(rule.kind, "a whole number"))


def text(resource: str, field: str, value: object) -> str:
    """Return a text that the database can hold, without the space around it.

    Raises:
        ActionError: it is no text, or too long.
    """
    if not isinstance(value, str):
        raise invalid(resource, field, "a text")
    if len(value) > LONGEST:
        raise invalid(resource, field, f"at most {LONGEST} characters long")
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        raise invalid(resource, field, "a text of whole characters")
    return value.strip()


def moment(
    resource: str,
    field: str,
    value: object,
    *,
    now: datetime,
    until: datetime | None = None,
) -> datetime:
    """Return a moment; one that is written without a zone is of the zone of `now`.

    Raises:
        ActionError: it is none, or later than `until`.
    """
    if isinstance(value, str):
        value = moment_of(value, now, now.tzinfo or UTC)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise invalid(resource, field, f"a moment, {MOMENT_HINT}")
    if until is not None and value > until:
        raise invalid(resource, field, "a time in the past")
    return value


def invalid(resource: str, field: str, wanted: str) -> ActionError:
    """Return the error of a value that is of another kind."""
    return ActionError(
        f"{field} of a {resource} must be {wanted}", resource=resource, field=field, code="invalid"
    )


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
