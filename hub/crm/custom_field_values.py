"""The valid values of a custom field, by its type, and the one form in which they are stored.

number: a JSON number · string: one line · text · bool · date: `2026-03-01` · datetime:
`2026-03-01T09:30:00Z`, so that the order of the texts is the order of the moments · email: lower
case · phone: +33612345678 where a country is given · url: http or https · address: an object ·
list: a choice · multi_select_list: choices, in the order in which the field names them.
Reading twice changes nothing. Pure; not here: definitions and the database.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit

from hub.model.moments import HINT as MOMENT_HINT
from hub.model.records import JsonValue

LONGEST_LINE = 255
LONGEST_TEXT = 65_535
_LARGEST = Decimal(10) ** 15
_TRUE = frozenset(("true", "yes", "y", "1", "on"))
_FALSE = frozenset(("false", "no", "n", "0", "off"))
ADDRESS_PARTS = ("line1", "city", "postal_code", "state", "country")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_PHONE = re.compile(r"\+?[\d\s().\-/]{3,40}(?:\s*(?:x|ext\.?)\s*\d{1,6})?", re.IGNORECASE)


class RefusedError(ValueError):
    """A value that does not fit its field's type; says why in a few words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _text(value: JsonValue, longest: int = LONGEST_TEXT) -> str:
    if not isinstance(value, str):
        raise RefusedError("expected text")
    if _CONTROL.search(value) or any("\ud800" <= c <= "\udfff" for c in value):
        raise RefusedError("it has characters that no text has")
    found = value.strip()
    if not found:
        raise RefusedError("it is empty")
    if len(found) > longest:
        raise RefusedError(f"longer than {longest} characters")
    return found


def any_value(value: JsonValue) -> JsonValue:
    """Return a value of any kind that the database can hold; of a text as `text` has it.

    Raises:
        RefusedError: it cannot be held.
    """
    if isinstance(value, str):
        return _text(value)
    if re.search(r"\\u(?:0000|d[89ab])", json.dumps(value)):
        raise RefusedError("it has characters that no text has")
    return value


def _line(value: JsonValue) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    found = _text(value, LONGEST_LINE)
    if len(found.splitlines()) > 1 or "\t" in found:
        raise RefusedError("expected one line")
    return found


def _number(value: JsonValue) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise RefusedError("expected a number")
    try:
        found = Decimal(str(value).strip().replace("_", "x"))  # Python's own 1_000 is no number
    except InvalidOperation as exc:
        raise RefusedError("expected a number, as 1234.5") from exc
    if not found.is_finite() or abs(found) >= _LARGEST:
        raise RefusedError("expected a number below 10^15")
    return int(found) if found == found.to_integral_value() else float(found)


def _bool(value: JsonValue) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise RefusedError("expected true or false")


def _date(value: JsonValue) -> str:
    found = _line(value)
    try:
        return date.fromisoformat(found).isoformat()
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(found).date().isoformat()
    except ValueError as exc:
        raise RefusedError("expected a date, as 2026-03-01") from exc


def _datetime(value: JsonValue) -> str:
    try:
        found = datetime.fromisoformat(_line(value))
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        return f"{aware.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
    except (ValueError, OverflowError) as exc:
        raise RefusedError(f"expected a moment, {MOMENT_HINT}") from exc


def _email(value: JsonValue) -> str:
    from email_validator import (  # noqa: PLC0415 slow to load, and seldom needed
        EmailNotValidError,
        validate_email,
    )

    try:
        found = validate_email(_line(value), check_deliverability=False, test_environment=True)
    except EmailNotValidError as exc:
        raise RefusedError("expected an e-mail address") from exc
    return found.normalized.lower()


def _phone(value: JsonValue) -> str:
    found = _line(value)
    if found.startswith("+"):
        import phonenumbers  # noqa: PLC0415 slow to load, and seldom needed

        try:
            number = phonenumbers.parse(found)
        except phonenumbers.NumberParseException:
            number = None
        if number is not None and phonenumbers.is_possible_number(number) and not number.extension:
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not _PHONE.fullmatch(found) or sum(c.isdigit() for c in found) < 3:  # noqa: PLR2004 fewer are none
        raise RefusedError("expected a phone number")
    return found


def _url(value: JsonValue) -> str:
    found = _line(value)
    if "://" not in found:
        found = f"https://{found}"
    try:
        parts = urlsplit(found)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as exc:
        raise RefusedError("expected an address of the web") from exc
    if parts.scheme.lower() not in {"http", "https"}:
        raise RefusedError("only http and https")
    if not re.fullmatch(r"[^\s\"<>\\^`{|}]+", found) or "." not in host.strip("."):
        raise RefusedError("expected an address of the web")
    return found


def _address(value: JsonValue) -> dict[str, JsonValue]:
    if not isinstance(value, dict) or not value.keys() <= set(ADDRESS_PARTS):
        raise RefusedError(f"expected an object of {', '.join(ADDRESS_PARTS)}")
    kept: dict[str, JsonValue] = {
        part: _line(value[part]) for part in ADDRESS_PARTS if value.get(part) not in (None, "")
    }
    if not kept:
        raise RefusedError("it is empty")
    return kept


def _choice(value: JsonValue, choices: Sequence[str]) -> str:
    wanted = _line(value).casefold()
    for choice in choices:
        if choice.casefold() == wanted:
            return choice
    raise RefusedError("it is none of the choices")


def _choices(value: JsonValue, choices: Sequence[str]) -> list[JsonValue]:
    many: Sequence[JsonValue]
    if isinstance(value, str):
        # a choice may have a comma itself
        known = any(c.casefold() == value.strip().casefold() for c in choices)
        many = [value] if known else [part for part in value.split(",") if part.strip()]
    elif isinstance(value, list):
        many = value
    else:
        raise RefusedError("expected a list of choices")
    if not many:
        raise RefusedError("it is empty")
    found = {_choice(one, choices) for one in many}
    return [choice for choice in choices if choice in found]


def _plain(
    read: Callable[[JsonValue], JsonValue],
) -> Callable[[JsonValue, Sequence[str]], JsonValue]:
    return lambda value, _choices: read(value)


READERS: dict[str, Callable[[JsonValue, Sequence[str]], JsonValue]] = {
    "number": _plain(_number),
    "string": _plain(_line),
    "text": _plain(_text),
    "bool": _plain(_bool),
    "date": _plain(_date),
    "datetime": _plain(_datetime),
    "email": _plain(_email),
    "phone": _plain(_phone),
    "url": _plain(_url),
    "address": _plain(_address),
    "list": _choice,
    "multi_select_list": _choices,
}
