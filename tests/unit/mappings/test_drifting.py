"""Suggestions for drift, and the moment when a field counts as vanished."""

import pytest

from hub.mappings.drifting import suggestion, vanished
from hub.model.drift import Fill

KNOWN = ("first_name", "last_name", "phone", "title")


@pytest.mark.parametrize(
    ("kind", "field", "value", "says"),
    [
        ("field", "first-name", "", "(first_name: first-name)"),
        ("field", "FirstName", "", "(first_name: FirstName)"),
        ("field", "Zone__c", "", "(custom_fields.zone_c: Zone__c)"),
        ("value", "status", "Boiling", "'Boiling' a meaning in the list of `status`"),
        ("type", "city", "a list", "`city` came as a list"),
    ],
)
def test_a_suggestion_names_file_and_field(kind: str, field: str, value: str, says: str) -> None:
    told = suggestion("acme/leads", kind, field, value, KNOWN)
    assert says in told
    assert "mappings/acme/leads.yaml" in told


@pytest.mark.parametrize(
    ("fill", "is_gone"),
    [
        (Fill("phone", 0.0, 200, 0.6, 900), True),
        (Fill("phone", 0.01, 200, 0.6, 900), False),
        (Fill("phone", 0.0, 20, 0.6, 900), False),
        (Fill("phone", 0.0, 200, 0.6, 20), False),
        (Fill("phone", 0.0, 200, 0.01, 900), False),
    ],
)
def test_a_field_has_vanished_when_enough_records_lack_it(fill: Fill, *, is_gone: bool) -> None:
    assert bool(vanished([fill], [])) is is_gone


def test_a_new_key_of_like_name_is_named() -> None:
    told = vanished([Fill("phone", 0.0, 200, 0.6, 900)], ["Phones", "Zone"])
    assert "`Phones`" in told["phone"]
