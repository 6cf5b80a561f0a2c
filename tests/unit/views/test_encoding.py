"""One JSON form: what a model becomes, and that its schema holds just that."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pytest

from hub.views.catalogue import READ_MODELS
from hub.views.encoding import to_json
from hub.views.schema import models_in, schema_of, words_of


class Mood(StrEnum):
    GOOD = "good"


@dataclass(frozen=True, slots=True)
class Inner:
    """Inside.

    Args:
        at: a moment.
    """

    at: datetime | None


@dataclass(frozen=True, slots=True)
class Model:
    """A model.

    Args:
        value: money.
        day: a day.
        items: some of them.
        more: anything.
        mood: how it is.
    """

    value: Decimal
    day: date | None
    items: tuple[Inner, ...]
    more: Mapping[str, Any]
    mood: str


PARIS = timezone(timedelta(hours=1))
MADE = Model(
    Decimal("1234.50"),
    date(2026, 3, 31),
    (Inner(datetime(2026, 1, 1, 0, 30, tzinfo=PARIS)), Inner(None)),
    {"set": {2, 1}, "raw": b"\x01", "big": Decimal("1E+3")},
    Mood.GOOD,
)


def test_every_kind_of_value_has_one_form_and_the_schema_holds_it() -> None:
    found = to_json(MADE)
    assert found == {
        "value": "1234.50",
        "day": "2026-03-31",
        "items": [{"at": "2025-12-31T23:30:00Z"}, {"at": None}],
        "more": {"set": [1, 2], "raw": "01", "big": "1000"},
        "mood": "good",
    }
    assert json.loads(json.dumps(found)) == found
    jsonschema.validate(found, schema_of(Model))
    for wrong in ({"value": 1234.5}, {"items": [{"at": "2026-01-01 00:00"}]}, {"other": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**found, **wrong}, schema_of(Model))


def test_what_json_cannot_say_as_a_number_is_text() -> None:
    assert to_json([float("nan"), float("-inf"), Decimal("NaN"), 1.5]) == [
        "NaN", "-Infinity", "NaN", 1.5]  # fmt: skip
    assert to_json({"path": Path("/a"), "id": UUID(int=1)}) == {
        "path": "/a", "id": "00000000-0000-0000-0000-000000000001"}  # fmt: skip


@pytest.mark.parametrize("value", [datetime(2026, 1, 1), object()])  # noqa: DTZ001 no zone
def test_what_has_no_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        to_json(value)


@pytest.mark.parametrize("model", READ_MODELS.values(), ids=lambda model: model.__name__)
def test_every_read_model_is_frozen_and_says_what_each_field_is(model: type) -> None:
    for one in models_in(model):
        assert all(words_of(one).values())
        assert one.__setattr__ is not object.__setattr__
    jsonschema.Draft202012Validator.check_schema(schema_of(model))
