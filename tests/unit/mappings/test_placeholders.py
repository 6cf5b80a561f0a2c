"""Which texts say nothing, by kind of field, and what becomes of them on the way to a field."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.mappings import placeholders
from hub.mappings.bind import faults
from hub.mappings.document import MappingDocument
from hub.mappings.engine import Normalized, NormalizeSettings, Unknown, normalize
from hub.mappings.placeholders import KINDS, is_from_a_program, is_placeholder
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from tests.shipped import mappings

NOTHING: dict[str, tuple[str, ...]] = {
    "text": (
        "N/A", "n.a.", "n/a", " N / A ", "none", "None", "NULL", "undefined", "NaN", "-", "--", ".", "...", "?", "\u2013",
        "--None--", "[not provided]", "(none)", "<null>", "not available", "Unknown", "tbd", "TBD.", "x", "XXX",
        "keine", "keine Angabe", "k.A.", "k. A.", "unbekannt", "néant", "Neant", "aucun", "Non renseigné", "NON RENSEIGNE",
        "ninguno", "no aplica", "desconocido", "nessuno", "geen", "n.v.t.", "onbekend", "nenhum", "não informado", "brak",
        "нет", "なし", "无", "없음", "{{contact.firstname}}", "*|FNAME|*", "%FIRSTNAME%", "{!Lead.FirstName}", "${city}",
        "#N/A", "#REF!", "\\N", "[object Object]",
    ),
    "name": (
        "null", "NULL", "none", "n/a", "N/A", "[Not Provided]", "undefined", "Unknown", "anonymous", "Visitor 1234567",
        "Visiteur 12", "x", "xxx", "Prénom", "First Name", "sin nombre", "-", "{{ contact.firstname | default: 'there' }}",
    ),
    "company": ("keine", "k.A.", "Self", "self-employed", "Particulier", "-", "na", "ohne Firma", "no company"),
    "phone": ("0000000000", "00 00 00 00 00", "1111111111", "111-111-1111", "123456789", "1234567890", "+33 000000000", "keine"),
    "email": ("noemail@acme.com", "no-email@x.fr", "none@none.com", "n/a", "na@na.com", "pasdemail@orange.fr", "x@x.com"),
    "postal": ("00000", "0000", "000-0000", "n/a", "xxxxx"),
    "place": ("n/a", "None", "undefined", "non renseigné"),
    "web": ("http://", "https://", "http://www.", "www.", "n/a"),
    "day": ("0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "dd/mm/yyyy", "-"),
    "number": ("n/a", "-", "inconnu"),
    "choice": ("--None--", "none", "-", "Please select", "-- Select --"),
    "id": ("null", "None", "undefined"),
}  # fmt: skip
SOMETHING: dict[str, tuple[str, ...]] = {
    "text": ("No", "Head of Nothing", "X-ray technician", "🚀", "0", "None of your business", "$$$ deal", "100 %", "Nada Surf fan"),
    "name": ("Null", "None", "Na", "No", "X", "Nan", "N. A.", "J. K.", "Guest", "Xi", "Nil", "Visitor Smith", "Unknownson"),
    "company": ("X", "Self Storage SA", "None Such Records", "N26", "O.A. Consulting", "3M", "Private Bank"),
    "phone": ("01 23 45 67 89", "0033 6 39 98 00 01", "+44 20 7946 0000", "555-0100", "06 00 00 00 01"),
    "email": ("jane@none.com", "x@y.com", "na.smith@na.com", "jane.doe@acme.com", "null.j@gmail.com"),
    "postal": ("01000", "00100", "10000"),
    "place": ("NA", "Na", "Leer", "No", "ND"),
    "web": ("www.x.com", "http://n.a.example.com"),
    "day": ("2024-01-02", "1970-01-01"),
    "number": ("0", "-1"),
    "choice": ("Unknown", "TBD", "Keine", "X"),
    "id": ("0", "x", "na"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [(k, t) for k, ts in NOTHING.items() for t in ts])
def test_a_placeholder_says_nothing(kind: str, text: str) -> None:
    assert is_placeholder(kind, text)


@pytest.mark.parametrize(("kind", "text"), [(k, t) for k, ts in SOMETHING.items() for t in ts])
def test_a_text_that_resembles_one_says_something(kind: str, text: str) -> None:
    assert not is_placeholder(kind, text)


@given(st.text(max_size=90), st.sampled_from(KINDS))
def test_any_text_gets_an_answer(text: str, kind: str) -> None:
    assert is_placeholder(kind, text) in (True, False)
    assert placeholders.may_be_a_surname(text) in (True, False)
    if any(c.isalnum() for c in text) and is_from_a_program(text):
        assert is_placeholder("text", text), "what no person meant says nothing anywhere"


@pytest.mark.parametrize(
    "text", ["null", "--None--", "[not provided]", "undefined", "{{x}}", "#N/A"]
)
def test_a_customers_own_field_loses_what_programs_wrote(text: str) -> None:
    lead = one(salesforce(LastName="Doe", Allergies__c=text, Plan__c="None")).values
    assert lead["custom_fields"] == {"Plan__c": "None"}


def salesforce(**values: object) -> Normalized:
    raw = RawRecord("00Q1", Op.UPSERT, None, "", json.dumps({"Id": "00Q1", **values}).encode())
    return normalize(mappings()["salesforce/leads"], [raw], {}, NormalizeSettings())


def one(result: Normalized) -> Any:
    (record,) = [r for r in result.records if r.primary]
    return record


def counted(result: Normalized) -> dict[tuple[str, str], int]:
    return {(u.field, u.value): n for u, n in result.unknowns.items() if u.kind == "placeholder"}


def test_a_placeholder_is_no_value_and_counted() -> None:
    result = salesforce(LastName="Doe", City="n/a", Phone="0000000000", Title="Cook")
    assert one(result).values.keys() == {"last_name", "title"}
    assert counted(result) == {
        ("city", "n/a"): 1,
        ("phone", "0000000000"): 1,
    }
    assert result.placeholders == 2
    assert not result.problems


def test_the_next_alternative_is_taken() -> None:
    result = salesforce(LastName="[not provided]", Email="jane.roe@x.example", Company="-")
    assert one(result).values["last_name"] == "Roe"
    assert one(result).values["custom_fields"] == {"name_inferred": True}


def test_a_placeholder_that_is_compared_is_a_value() -> None:
    document = MappingDocument.model_validate({
        "source": "acme", "stream": "x", "id": "id",
        "emit": [{
            "entity": "lead", "primary": True,
            "fields": {
                "title": {"const": "compared", "when": {"equals": {"path": "a", "value": "none"}}},
                "industry": {"const": "empty", "when": {"is_empty": "a"}},
            },
        }],
    })  # fmt: skip
    assert not faults(document)
    raw = RawRecord("1", Op.UPSERT, None, "", b'{"id": "1", "a": "none"}')
    result = normalize(document, [raw], {}, NormalizeSettings())
    assert one(result).values == {"title": "compared", "industry": "empty"}
    assert not counted(result), "a predicate counts nothing"


@pytest.mark.parametrize(
    ("values", "first", "last", "is_told"),
    [
        ({"FirstName": "Jennifer", "LastName": "Null"}, "Jennifer", "Null", True),
        ({"LastName": "Null", "Email": "jn@x.example"}, None, "Null", True),
        ({"LastName": "None", "Street": "1 High St", "Company": "Acme"}, None, "None", True),
        ({"FirstName": "Na", "LastName": "Kim"}, "Na", "Kim", True),
        ({"FirstName": "null", "LastName": "Kim"}, None, "Kim", False),
        ({"FirstName": "None", "LastName": "Kim"}, None, "Kim", False),
        ({"FirstName": "Ann", "LastName": "NULL", "Company": "Acme"}, "Ann", None, False),
        ({"FirstName": "Null", "LastName": "Null", "Company": "Acme"}, None, None, False),
        ({"LastName": "Null", "Company": "Acme", "Phone": "0639980001"}, None, None, False),
    ],
)
def test_a_surname_that_is_a_placeholder_too_needs_something_beside_it(
    values: dict[str, str], first: str | None, last: str | None, *, is_told: bool
) -> None:
    result = salesforce(**values)
    found = one(result).values
    assert (found.get("first_name"), found.get("last_name")) == (first, last)
    assert bool(result.problems) is is_told
    assert bool(counted(result)) is not is_told


def test_an_address_made_up_for_a_test_stays_and_is_told() -> None:
    result = salesforce(LastName="Doe", Email="test@test.com")
    assert one(result).values["email"] == "test@test.com"
    assert [p.field for p in result.problems] == ["email"]


def test_counts_are_of_their_own_kind() -> None:
    assert Unknown("placeholder", "city", "n/a") in salesforce(LastName="D", City="n/a").unknowns
