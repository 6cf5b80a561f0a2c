"""The fields of a deal that people type: their valid values."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hub.crm.custom_field_typing import PREFIX, is_custom
from hub.errors import ActionError, RecordError
from hub.mappings import amounts
from hub.mappings.registry import Args, Ctx
from hub.model import vocabulary
from hub.model.moments import HINT as MOMENT_HINT
from hub.model.moments import day_of, moment_of
from hub.model.records import JsonValue

_MOST = Decimal(10) ** 16  # numeric(18, 2)
_LONGEST = 1000
_NO_MONEY = frozenset({"XXX", "XTS"})  # ISO's codes for "no currency" and for tests
_NO_ARGS: Args = {}
_ANYWHERE = Ctx()
_HUNDRED = 100
_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _text(value: JsonValue) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value or len(value) > _LONGEST:
        raise ValueError("a text of 1 to 1000 letters")
    return value.strip()


def _money(value: JsonValue) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("an amount")  # noqa: TRY004 what a person typed
    try:
        read = amounts.money(value, _NO_ARGS, _ANYWHERE)
    except RecordError as exc:
        raise ValueError(f"an amount, 1234.50 ({exc.message})") from None
    amount = Decimal(str(read))
    if (
        not amount.is_finite()
        or not 0 <= amount < _MOST
        or amount != amount.quantize(Decimal("0.01"))
    ):
        raise ValueError("an amount of 0 or more, with at most two decimals")
    return amount.quantize(Decimal("0.01"))


def _currency(value: JsonValue) -> str:
    said = value.strip().upper() if isinstance(value, str) else ""
    read = amounts.currency(said, _NO_ARGS, _ANYWHERE) if said else None
    if not isinstance(read, str) or read in _NO_MONEY or (said.isalpha() and said != read):
        raise ValueError("an ISO code of three letters")
    return read


def _bool(value: JsonValue) -> bool:
    known = value if isinstance(value, bool) else _WORDS.get(str(value).lower())
    if known is None:
        raise ValueError("yes or no")
    return known


def _date(value: JsonValue, now: datetime) -> date:
    found = day_of(str(value), now.date())
    if found is None:
        raise ValueError("a day, as 2026-03-31 or in 2 weeks")
    return found


def _moment(value: JsonValue, now: datetime) -> datetime:
    found = moment_of(str(value), now, now.tzinfo or UTC)
    if found is None:
        raise ValueError(f"a moment, {MOMENT_HINT}")
    return found


def _likelihood(value: JsonValue) -> int:
    words = str(value)
    if isinstance(value, bool) or not words.isascii() or not words.isdigit():
        raise ValueError("0 to 100")
    if len(words) > len(str(_HUNDRED)) or int(words) > _HUNDRED:
        raise ValueError("0 to 100")
    return int(words)


def _tags(value: JsonValue) -> list[str]:
    if not isinstance(value, list):
        raise ValueError("a list of texts")  # noqa: TRY004 what a person typed
    return list(dict.fromkeys(_text(item) for item in value))


# field → column, reader, what a blank one holds (`...`: it cannot be blank)
_FIELDS: dict[str, tuple[str, Callable[..., Any], Any]] = {
    "name": ("name", _text, ...),
    "value": ("value", _money, Decimal(0)),
    "currency": ("currency", _currency, ...),
    "hot": ("is_hot", _bool, False),
    "source": ("source", _text, None),
    "close_date": ("estimated_close_date", _date, None),
    "win_likelihood": ("customized_win_likelihood", _likelihood, None),
    "added_at": ("added_at", _moment, ...),
    "tags": ("tags", _tags, []),
}
_TIMED = frozenset((_date, _moment))
"""Readers that read in the time zone of the person who types."""
_PEOPLE = {"contact": "contact_id", "company": "organization_id", "owner": "owner_id"}
NAMES = (*_FIELDS, *_PEOPLE)


def is_field(name: str) -> bool:
    """Tell whether a deal has a field; every `custom_fields.<key>` is one."""
    return vocabulary.today(name) in NAMES or is_custom(name)


def columns(values: Mapping[str, JsonValue], now: datetime) -> dict[str, Any]:
    """Return the values of the columns; None and the empty text blank a field.

    Args:
        values: by field.
        now: aware, in the time zone of the person who types; days and moments are read in it.

    Raises:
        ActionError: there is no such field, or the value is none of its kind.
    """
    by_column = vocabulary.columns(vocabulary.DEALS, values)
    return dict(_column(vocabulary.today(name), value, now) for name, value in by_column.items())


def _column(name: str, value: JsonValue, now: datetime) -> tuple[str, Any]:
    if name not in _FIELDS:
        raise ActionError(
            f"there is no field {name!r} to edit",
            resource="deal",
            field=name,
            code="not_found",
            hint=f"fields: {', '.join(_FIELDS)}, {PREFIX}<key>",
        )
    column, reader, blank = _FIELDS[name]
    if value is None or (isinstance(value, str) and not value.strip()):
        if blank is ...:
            raise _refused(name, value, "it cannot be blank")
        return column, blank
    try:
        return column, reader(value, now) if reader in _TIMED else reader(value)
    except ValueError as exc:
        raise _refused(name, value, f"it is {exc}") from exc


def _refused(name: str, value: JsonValue, why: str) -> ActionError:
    return ActionError(
        f"{name} of a deal cannot be {str(value)[:80]!r}: {why}",
        resource="deal",
        field=name,
        code="invalid",
    )
