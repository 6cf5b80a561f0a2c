"""Each type of a custom field takes, keeps and refuses its values."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.crm.custom_fields import OBJECTS, TYPES, WITH_CHOICES, CustomField, normalise
from hub.errors import ActionError

CHOICES = ("New", "Upsell", "Renewal, yearly")
DEFS = {
    type_: CustomField("deal", type_, f"A {type_}", type_, CHOICES if type_ in WITH_CHOICES else ())
    for type_ in TYPES
}

GOOD = [
    ("number", "12", 12),
    ("number", 12.50, 12.5),
    ("number", " -0.25 ", -0.25),
    ("number", 0, 0),
    ("string", "  Tier 1 ", "Tier 1"),
    ("string", 7, "7"),
    ("text", "two\nlines", "two\nlines"),
    ("bool", "Yes", True),
    ("bool", False, False),
    ("bool", "0", False),
    ("date", "2026-03-01", "2026-03-01"),
    ("date", "2026-03-01T23:30:00+01:00", "2026-03-01"),
    ("datetime", "2026-03-01T09:30:00+01:00", "2026-03-01T08:30:00Z"),
    ("datetime", "2026-03-01 09:30", "2026-03-01T09:30:00Z"),
    ("email", " Ann@Example.COM ", "ann@example.com"),
    ("phone", "+33 6 12 34 56 78", "+33612345678"),
    ("phone", "06 12 34 56 78", "06 12 34 56 78"),
    ("url", "example.com/a?b=c", "https://example.com/a?b=c"),
    ("url", "http://example.com", "http://example.com"),
    ("address", {"city": "Lyon", "line1": "1 rue X", "state": ""}, {"line1": "1 rue X", "city": "Lyon"}),
    ("list", "upsell", "Upsell"),
    ("multi_select_list", ["upsell", "New", "new"], ["New", "Upsell"]),
    ("multi_select_list", "Upsell, new", ["New", "Upsell"]),
    ("multi_select_list", "renewal, yearly", ["Renewal, yearly"]),
]  # fmt: skip

BAD = [
    ("number", "many"),
    ("number", True),
    ("number", "nan"),
    ("number", float("inf")),
    ("number", "1e15"),
    ("number", "1_000"),
    ("number", [1]),
    ("string", "two\nlines"),
    ("string", "x" * 256),
    ("string", "nul\0"),
    ("string", "\ud800"),
    ("string", ["x"]),
    ("text", 5),
    ("bool", "perhaps"),
    ("bool", {}),
    ("date", "2026-02-30"),
    ("date", "01/03/2026"),
    ("datetime", "yesterday"),
    ("datetime", "0001-01-01T00:00:00+14:00"),
    ("email", "nobody"),
    ("phone", "call me"),
    ("phone", "12"),
    ("url", "javascript:alert(1)"),
    ("url", "javascript://example.com/%0aalert(1)"),
    ("url", "ftp://example.com"),
    ("url", "https://"),
    ("url", "https://exa mple.com"),
    ("url", "https://[::1"),
    ("address", "Lyon"),
    ("address", {"planet": "Earth"}),
    ("address", {"city": ""}),
    ("list", "Other"),
    ("list", ["New"]),
    ("multi_select_list", ["New", "Other"]),
    ("multi_select_list", 5),
]


@pytest.mark.parametrize(("type_", "typed", "kept"), GOOD)
def test_what_is_meant_is_kept_in_one_form(type_: str, typed: object, kept: object) -> None:
    found = normalise(DEFS, "deal", type_, typed)  # type: ignore[arg-type]
    assert found == kept
    assert type(found) is type(kept)
    assert normalise(DEFS, "deal", type_, found) == kept, "reading twice changes nothing"


@pytest.mark.parametrize(("type_", "typed"), BAD)
def test_what_is_none_is_refused_with_the_field_and_why(type_: str, typed: object) -> None:
    with pytest.raises(ActionError) as caught:
        normalise(DEFS, "deal", type_, typed)  # type: ignore[arg-type]
    error = caught.value
    assert (error.resource, error.field, error.code) == (
        "deal",
        f"custom_fields.{type_}",
        "invalid",
    )
    assert f"A {type_}" in error.message


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("blank", [None, ""])
def test_every_type_can_be_blanked(type_: str, blank: str | None) -> None:
    assert normalise(DEFS, "deal", type_, blank) is None


def test_a_key_without_a_definition_is_kept_as_it_is() -> None:
    assert normalise(DEFS, "lead", "Zone__c", {"a": [1]}) == {"a": [1]}
    assert normalise({}, "lead", "Zone__c", "") is None, "as any other field"


def test_the_types_are_those_of_sell() -> None:
    assert set(TYPES) == {
        "number", "string", "text", "bool", "date", "datetime", "email", "phone", "url", "address",
        "list", "multi_select_list",
    }  # fmt: skip
    assert OBJECTS == ("lead", "person", "company", "deal")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from([str(typed) for _, typed, _ in GOOD]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@example("multi_select_list", " ")
@given(st.sampled_from(TYPES), _JSON)
def test_any_value_is_kept_for_good_or_refused(type_: str, value: object) -> None:
    try:
        kept = normalise(DEFS, "deal", type_, value)  # type: ignore[arg-type]
    except ActionError:
        return
    assert normalise(DEFS, "deal", type_, kept) == kept
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
