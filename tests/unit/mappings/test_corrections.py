"""Where a correction goes in a raw record, for the mappings as they are shipped."""

import json
from typing import Any

import pytest

from hub.errors import ConfigError
from hub.mappings.corrections import corrected, locate, value_like
from tests.shipped import mappings

MAPPINGS = mappings()


def _place(name: str, record: Any, field: str, value: str = "") -> str:
    payload = json.dumps(record).encode()
    return locate(payload, MAPPINGS[name], field=field, refused=(field, value))


ANSWER = {"type": "email", "email": "a@@b", "field": {"id": "x", "ref": "email", "type": "email"}}


@pytest.mark.parametrize(
    ("name", "record", "field", "value", "path"),
    [
        ("salesforce/leads", {"Email": "a@@b"}, "email", "a@@b", "Email"),
        ("salesforce/leads", {"Id": "1"}, "last_name", "", "LastName"),
        (
            "hubspot/contacts",
            {"properties": {"email": "a@@b"}},
            "email",
            "a@@b",
            "properties.email",
        ),
        (
            "mailchimp/members",
            {"merge_fields": {"PHONE": "n/a"}},
            "phone",
            "n/a",
            "merge_fields.PHONE",
        ),
        (
            "typeform/responses",
            {"answers": [{"n": 1}, ANSWER]},
            "email",
            "a@@b",
            "answers[1].email",
        ),
        (
            "zendesk/users",
            {"custom": {"a": [0, {"b": None}]}},
            "custom.a[1].b",
            "",
            "custom.a[1].b",
        ),
    ],
)
def test_a_field_of_the_mapping_leads_to_its_place(
    name: str, record: Any, field: str, value: str, path: str
) -> None:
    assert _place(name, record, field, value) == path


def test_of_several_places_the_person_says_which() -> None:
    twice = {"merge_fields": {"PHONE": "n/a"}, "sms_phone_number": "n/a"}
    with pytest.raises(ConfigError, match="several places") as caught:
        _place("mailchimp/members", twice, "phone", "n/a")
    assert "--field merge_fields.PHONE" in str(caught.value.hint)
    assert _place("mailchimp/members", twice, "sms_phone_number") == "sms_phone_number"
    with pytest.raises(ConfigError, match="several places"):
        _place("mailchimp/members", {"merge_fields": {"ADDRESS": {"addr1": "x"}}}, "street")


def test_what_is_guessed_from_elsewhere_is_corrected_where_it_belongs() -> None:
    record = {"email_address": "ada@example.com", "merge_fields": {"LNAME": ""}}
    assert _place("mailchimp/members", record, "last_name") == "merge_fields.LNAME"


@pytest.mark.parametrize("field", ["emial", "", "a b", "Email.x", "Nested.missing", "List[3]"])
def test_a_place_that_is_not_there_is_refused(field: str) -> None:
    with pytest.raises(ConfigError, match="not a field"):
        _place("salesforce/leads", {"Email": "x", "Nested": {"k": 1}, "List": [1]}, field)


def test_a_record_that_is_no_json_cannot_be_corrected() -> None:
    with pytest.raises(ConfigError, match="not a JSON"):
        locate(b"<html>", MAPPINGS["salesforce/leads"], field="email", refused=("", ""))


def test_a_value_is_of_the_kind_that_stands_there() -> None:
    payload = json.dumps({"n": 3, "t": "3", "z": None, "b": False}).encode()
    said = {path: value_like(payload, path, "4") for path in "ntz"}
    assert said == {"n": 4, "t": "4", "z": "4"}
    assert value_like(payload, "b", "true") is True
    assert value_like(payload, "n", "many") == "many"


def test_a_corrected_copy_differs_in_nothing_else() -> None:
    record = {"a": {"b": [1, {"c": "é\ud800"}]}, "d": 1.5, "e": None}
    payload = json.dumps(record).encode()
    changed = json.loads(corrected(payload, [("a.b[1].c", "x"), ("e", "y"), ("e", "z")]))
    assert changed == {"a": {"b": [1, {"c": "x"}]}, "d": 1.5, "e": "z"}
    assert json.loads(payload) == record
    assert json.loads(corrected(payload, [])) == record
