"""The one JSON form of every read model and every action's result.

- A model is an object: its fields by name, in their order. None is kept as null.
- A moment is ISO 8601 in UTC with `Z`; a day is `YYYY-MM-DD`.
- A decimal number is a string of digits ("1234.50"), as in Zendesk Sell's API: a reader of JSON that takes
  numbers for binary fractions would lose cents. Money has its currency in the field beside it.
- An enumeration is its value; a set is a sorted array; bytes are hexadecimal; infinity and not-a-number are
  texts.

Pure. Not here: what JSON cannot say at all (`hub.cli.output`), the schema of a model (`schema`).
"""

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from hub.model.records import JsonValue


def to_json(value: Any) -> JsonValue:
    """Return a value as JSON can say it.

    Args:
        value: a model, or what a model is made of.

    Raises:
        TypeError: the value is of a type that has no form.
    """
    if isinstance(value, Enum):
        return to_json(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(Decimal(value))
    if isinstance(value, Mapping):
        return {str(to_json(key)): to_json(one) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    return _text(value) if isinstance(value, _TEXTS) else _array(value)


_TEXTS = (Decimal, date, time, timedelta, bytes, bytearray, memoryview, UUID, PurePath)


def _text(value: Any) -> JsonValue:
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else str(value)
    if isinstance(value, UUID | PurePath):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if not isinstance(value, datetime):
        return str(value.isoformat())
    if value.tzinfo is None:
        raise TypeError("a moment without a time zone has no JSON form")
    return value.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


def _array(value: Any) -> JsonValue:
    if isinstance(value, AbstractSet):
        return [to_json(one) for one in sorted(value)]
    if isinstance(value, Sequence):
        return [to_json(one) for one in value]
    raise TypeError(f"{type(value).__name__} has no JSON form")
