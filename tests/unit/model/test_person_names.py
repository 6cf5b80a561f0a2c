"""Names taken apart: by table, and for any text; nothing is lost."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.model.no_names import cleaned, of_address
from hub.model.person_names import parts_of_given, split
from hub.model.recasing import recase

WHOLE = [
    ("Ludwig van Beethoven", "", "Ludwig", "van Beethoven"),
    ("JEAN-BAPTISTE DE LA TOUR", "", "JEAN-BAPTISTE", "DE LA TOUR"),
    ("John D. Rockefeller", "", "John D.", "Rockefeller"),
    ("Edgar E Smith", "", "Edgar E", "Smith"),
    ("DUPONT Jean", "", "Jean", "DUPONT"),
    ("Marie-Claude LE GALL", "", "Marie-Claude", "LE GALL"),
    ("JP Morgan", "", "JP", "Morgan"),
    ("LI Wei", "", "Wei", "LI"),
    ("M. Dupont", "", "", "Dupont"),
    ("M. Night Shyamalan", "", "M. Night", "Shyamalan"),
    ("M. Jean Dupont", "", "Jean", "Dupont"),
    ("Graf von Faber", "", "", "Graf von Faber"),
    ("Steffi Graf", "", "Steffi", "Graf"),
    ("Doe, Jr., John", "", "John", "Doe"),
    ("Jane Doe, Acme Ltd", "", "Jane", "Doe"),
    ("García López, Juan", "", "Juan", "García López"),
    ("Juan de Dios García", "", "Juan de Dios", "García"),
    ("Juan García de la Torre", "", "Juan", "García de la Torre"),
    ("John Michael de Souza", "", "John Michael", "de Souza"),
    ("Ana Urrutia Etxeberria", "es", "Ana", "Urrutia Etxeberria"),
    ("Ana Urrutia Etxeberria", "", "Ana Urrutia", "Etxeberria"),
    ("Martin Luther King", "", "Martin Luther", "King"),
    ("Jean et Marie Dupont", "", "Jean et Marie", "Dupont"),
    ("(Jane Doe)", "", "Jane", "Doe"),
    ("Jane null", "", "Jane", ""),
    ("JENNIFER NULL", "", "JENNIFER", "NULL"),
    ("高橋誠", "ja", "", "高橋誠"),
    ("高橋誠", "", "", "高橋誠"),
    ("王小明", "", "小明", "王"),
    ("王小明", "ja", "", "王小明"),
    ("László Péter", "hu", "Péter", "László"),
    ("László Péter", "", "László", "Péter"),
    ("Nguyễn Mai", "", "Mai", "Nguyễn"),
    ("An Nguyễn", "", "An", "Nguyễn"),
    ("Иванов Сергей", "", "Сергей", "Иванов"),
    ("Kim Basinger", "ko", "Basinger", "Kim"),
    ("Kim Basinger", "", "Kim", "Basinger"),
]

RECASED = [
    ("WINDSOR III", "", "Windsor III"),
    ("j.r.r.", "", "J.R.R."),
    ("LE GALL", "", "Le Gall"),
    ("DE LA TOUR", "", "de la Tour"),
    ("FREIHERR VON UND ZU GUTTENBERG", "", "Freiherr von und zu Guttenberg"),
    ("O'NEIL-MCDONALD", "", "O'Neil-McDonald"),
    ("MACDONALD", "", "MacDonald"),
    ("MACHADO", "", "Machado"),
    ("IŞIK", "", "Işık"),
    ("ALİ", "", "Ali"),
    ("YILMAZ", "tr", "Yılmaz"),
    ("YILMAZ", "", "Yilmaz"),
    ("ilker", "tr_TR", "İlker"),
    ("ŞTEFAN", "ro", "Ştefan"),
    ("ORTEGA Y GASSET", "", "Ortega y Gasset"),
    ("EDGAR Y", "", "Edgar Y"),
    ("В'ЯЧЕСЛАВ", "", "В'ячеслав"),
    ("DELL'ACQUA", "", "Dell'Acqua"),
    ("IJSBRAND", "", "IJsbrand"),
    ("JP", "", "JP"),
    ("LI", "", "Li"),
    ("DeVito", "", "DeVito"),
    ("ΠΑΠΑΔΌΠΟΥΛΟΣ", "", "Παπαδόπουλος"),
]

_WORDS = (
    "Jean DUPONT de la van von und zu J. R. O'Neil (Acme) jane@x.fr +33639980001 🚀 Dr. M. Jr. III , - | 山田 太郎 "
    '王小明 김철수 Nguyễn Văn Иванов Иван null N/A y e é İ ß née Graf <x> [y] " 12'
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=("Cs", "Cc"))).map(lambda t: " ".join(t.split())),
    st.lists(st.sampled_from(_WORDS.split()), max_size=7).map(" ".join),
)
LANGUAGES = st.sampled_from(["", "hu", "zh-CN", "es", "ja", "fr", "vi", "tr", "ko"])


@pytest.mark.parametrize(("full", "language", "first", "last"), WHOLE)
def test_a_name_is_taken_apart(full: str, language: str, first: str, last: str) -> None:
    assert split(full, language)[:2] == (first, last)


@pytest.mark.parametrize(
    ("typed", "first", "last"),
    [
        ("Jane Doe", "Jane", "Doe"),
        ("Jane", "Jane", ""),
        ("Anna Maria", "Anna Maria", ""),
        ("Jean Pierre", "Jean Pierre", ""),
        ("Mary J.", "Mary J.", ""),
        ("DUPONT Jean", "Jean", "DUPONT"),
        ("Doe, Jane", "Jane", "Doe"),
    ],
)
def test_what_was_typed_as_a_first_name_is_taken_apart_where_it_is_more(
    typed: str, first: str, last: str
) -> None:
    assert parts_of_given(typed)[:2] == (first, last)


@given(TEXTS, LANGUAGES)
def test_no_letter_is_lost(text: str, language: str) -> None:
    letters = Counter(c for c in text if c.isalpha())
    for name in (split(text, language), parts_of_given(text, language)):
        assert not letters - Counter(" ".join(name)), name
    kept = cleaned(text)
    assert not letters - Counter(" ".join(kept)), kept


@pytest.mark.parametrize(("name", "language", "right"), RECASED)
def test_capitals_are_given_back(name: str, language: str, right: str) -> None:
    assert recase(name, language) == right


@given(TEXTS, LANGUAGES)
def test_capitals_once_given_back_stay(text: str, language: str) -> None:
    once = recase(text, language)
    assert recase(once, language) == once


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("jane.doe@x.fr", ("jane", "doe")),
        ("doe.jane@x.fr", ("jane", "doe")),
        ("jean-pierre.dupont@x.fr", ("jean-pierre", "dupont")),
        ("j.doe42@x.fr", ("j", "doe")),
        ("madonna@x.fr", ("", "madonna")),
        ("info@x.fr", ("", "")),
        ("sales.emea@x.fr", ("", "")),
        ("12345@x.fr", ("", "")),
        ("q@x.fr", ("", "")),
    ],
)
def test_an_address_names_somebody_or_a_desk(address: str, names: tuple[str, str]) -> None:
    assert of_address(address) == names


def test_what_is_no_name_is_said() -> None:
    assert split("Jane Doe (Acme) +33 6 39 98 00 01").left_out == "+33 6 39 98 00 01 (Acme)"
    assert split("+33639980001") == ("", "", "", "", "+33639980001")
