"""Columns of strangers' tables: guessed, named, and a row as matching sees it."""

import pytest

from hub.errors import ConfigError
from hub.matching.columns import bind, guess, split_name, views

HEADERS = [
    (["First Name", "Last Name", "E-mail Address", "Mobile Phone", "Company"], {"first_name": [0], "last_name": [1], "email": [2], "phone": [3], "company": [4]}),
    (["Prénom", "Nom", "Courriel", "Téléphone", "Société", "Code postal", "Ville"], {"first_name": [0], "last_name": [1], "email": [2], "phone": [3], "company": [4], "postal_code": [5], "city": [6]}),
    (["Vorname", "Name", "E-Mail", "Telefonnummer", "Straße", "PLZ", "Ort", "Geburtsdatum"], {"first_name": [0], "last_name": [1], "email": [2], "phone": [3], "street": [4], "postal_code": [5], "city": [6], "birth_date": [7]}),
    (["Nombre", "Apellidos", "Correo electrónico", "Teléfono", "Empresa"], {"first_name": [0], "last_name": [1], "email": [2], "phone": [3], "company": [4]}),
    (["rec_id", "given_name", "surname", "street_number", "address_1", "address_2", "suburb", "postcode", "state", "date_of_birth", "soc_sec_id"], {"first_name": [1], "last_name": [2], "street_number": [3], "street": [4, 5], "city": [6], "postal_code": [7], "state": [8], "birth_date": [9], "national_id": [10]}),
    (["name", "email1", "email2", "phone_1", "phone_2"], {"full_name": [0], "email": [1, 2], "phone": [3, 4]}),
    (["customer_first_name", "customer_last_name", "work_email", "created_date", "email_opt_in"], {"first_name": [0], "last_name": [1], "email": [2]}),
]  # fmt: skip


@pytest.mark.parametrize(("headers", "expected"), HEADERS, ids=[h[0] for h, _ in HEADERS])
def test_headers_are_understood(headers: list[str], expected: dict[str, list[int]]) -> None:
    assert {k: list(v) for k, v in guess(headers).of.items()} == expected


def test_addresses_are_known_by_their_values() -> None:
    found = guess(["x", "y"], [["1", "a@b.fr"], ["2", ""], ["3", "c@d.fr"]])
    assert found.of == {"email": (1,)}


def test_nothing_usable_is_said() -> None:
    with pytest.raises(ConfigError, match="no usable column"):
        guess(["price", "colour"], [["1", "red"]])


@pytest.mark.parametrize(
    ("document", "message"),
    [({"mail": "a"}, "unknown field"), ({"email": "z"}, "does not have"), ([], "must be a list")],
)
def test_bad_mapping_is_said(document: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        bind(document, ["a", "b"])


def test_mapping_names_columns() -> None:
    found = bind({"email": ["b", "a"], "last_name": "c"}, ["a", "b", "c"])
    (one,) = views([["x@y.fr", "z@y.fr", "Roux"]], found)
    assert one.emails == ("z@y.fr", "x@y.fr")
    assert (one.first_name, one.last_name) == (None, "Roux")


def test_a_cell_may_hold_several() -> None:
    found = guess(["name", "emails", "phone"])
    (one,) = views([["Eva Roux", "a@b.fr; c@d.fr", "0612345678 / 0712345678"]], found)
    assert one.emails == ("a@b.fr", "c@d.fr")
    assert len(one.phones) == 2


def test_whole_name_fills_what_its_parts_leave() -> None:
    found = guess(["first_name", "last_name", "full_name"])
    views_ = list(views([["Eva", "Roux", ""], ["", "", "Eva Roux"]], found))
    assert [(v.first_name, v.last_name) for v in views_] == [("Eva", "Roux")] * 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Eva Roux", ("Eva", "Roux")),
        ("Roux, Eva", ("Eva", "Roux")),
        ("DUPONT Jean", ("Jean", "DUPONT")),
        ("Dr. Eva Roux", ("Eva", "Roux")),
        ("José García López", ("José", "García López")),
        ("Ludwig van Beethoven", ("Ludwig", "van Beethoven")),
        ("John F. Kennedy", ("John F.", "Kennedy")),
        ("Cher", (None, "Cher")),
        ("", (None, None)),
    ],
)
def test_full_name_is_split(text: str, expected: tuple[str | None, str | None]) -> None:
    assert split_name(text) == expected


def test_short_rows_are_survived() -> None:
    found = guess(["first_name", "last_name", "email"])
    assert [v.email for v in views([["Eva"], ["Eva", "Roux", "a@b.fr", "more"]], found)] == [None, "a@b.fr"]  # fmt: skip
