"""Phones, e-mails, places and web addresses: what a text says is read, or told, and never another's."""

import re
import unicodedata
from collections.abc import Sequence

import phonenumbers
import pytest
from babel import Locale
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import RecordError
from hub.mappings import phones
from hub.mappings.registry import Ctx, Remark
from hub.mappings.transforms import apply
from hub.model.addresses import comparable, find_addresses, is_invented

REGIONS = ["", "FR", "US", "GB", "DE", "IT", "RU", "JP", "BR", "AE", "CH", "IN"]
SEPARATORS = [" / ", ";", ", ", " ou ", " or ", " oder ", "\n", " | "]
BESIDE = ["", "tel: ", "Tél. ", "mobile ", "(Mme Martin) ", "(после 18:00) ", "携帯 "]


def _examples():
    """Return a number of each country that the metadata give, as people write it there."""
    for region in REGIONS[1:]:
        number = phonenumbers.example_number(region)
        assert number is not None
        yield region, number


@pytest.mark.parametrize(("region", "number"), [*_examples()])
@pytest.mark.parametrize("words", BESIDE)
def test_a_number_of_each_country_is_read_as_people_write_it(region, number, words):
    right = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    for way in (
        phonenumbers.PhoneNumberFormat.NATIONAL,
        phonenumbers.PhoneNumberFormat.INTERNATIONAL,
        phonenumbers.PhoneNumberFormat.RFC3966,
    ):
        typed = words + phonenumbers.format_number(number, way)
        assert phones.read(typed, region).numbers == (right,), typed


@pytest.mark.parametrize("separator", SEPARATORS)
def test_no_number_of_a_list_is_lost(separator):
    listed = ["01 99 00 00 02", "06 39 98 00 01", "+44 20 7946 0018"]
    right = ("+33199000002", "+33639980001", "+442079460018")
    assert phones.read(separator.join(listed), "FR").numbers == right


@pytest.mark.parametrize(
    ("typed", "region", "extension"),
    [
        ("01 99 00 00 02 poste 245", "FR", "245"), ("030 901820 Durchwahl 12", "DE", "12"), ("030 901820 DW 12", "DE", "12"),
        ("(415) 555-0107 x12", "US", "12"), ("(415) 555-0107 ext.: 12", "US", "12"), ("+1 415 555 0107;ext=12", "", "12"),
        ("020 7946 0018 #12", "GB", "12"), ("020 7946 0018, extension 12", "GB", "12"), ("02 555 12 12 toestel 12", "BE", "12"),
        ("22 123 45 67 wew. 12", "PL", "12"), ("０３−１２３４−５６７８（内線１２）", "JP", "12"),
    ],
)  # fmt: skip
def test_extension_is_read(typed, region, extension):
    reading = phones.read(typed, region)
    assert len(reading.numbers) == 1
    assert (reading.extension, reading.beside) == (extension, "")


@pytest.mark.parametrize(
    ("typed", "region"),
    [
        ("000 000 0000", "US"), ("(123) 456-7890", "US"), ("911-555-0107", "US"), ("123 456 789", "ES"), ("00 00 00 00 00", "FR"),
        ("5555555555", "US"), ("5,55E+11", "FR"), ("12", "FR"), ("06 39 98", "FR"), ("+999 123 4567", "FR"), ("0475 12 34 56", ""),
        ("020 7946 0018", "FR"),
    ],
)  # fmt: skip
def test_what_is_no_number_there_stays_as_typed_and_is_told(typed, region):
    kept = apply("phone", typed, ctx=Ctx(region))
    assert isinstance(kept, Remark)
    assert (kept.value, kept.kind) == (typed, "problem")


# ranges that regulators keep for films and books, which no operator has
@pytest.mark.parametrize("number", ["+14155550107", "+33639980001", "+33199000002", "+447700900123", "+442079460018", "+61491570006", "+46701740605"])  # fmt: skip
def test_a_number_that_nobody_was_given_is_a_number(number):
    assert apply("phone", number, ctx=Ctx("")) == number


TYPED = st.lists(
    st.one_of(
        st.sampled_from(["06 39 98 00 01", "+44 20 7946 0018", "0171 1234567", "(415) 555-0107", "x12", "poste 7", "(0)"]),
        st.sampled_from([*SEPARATORS, *BESIDE]),
        st.text("0123456789+()-. /\u0660\u0665\uff10\uff15ab", max_size=8),
    ),
    max_size=5,
    unique=True,
).map("".join)  # fmt: skip


def _trunk(numbers: Sequence[str]) -> str:
    """The prefixes that the countries of numbers dial at home, as 8 in Russia; E.164 leaves them out."""
    codes = [phonenumbers.parse(number).country_code for number in numbers]
    regions = {r for code in codes for r in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]}
    known = [phonenumbers.PhoneMetadata.metadata_for_region(region) for region in regions]
    return "".join(one.national_prefix or "" for one in known if one)


@settings(max_examples=300, deadline=None)
@given(TYPED, st.sampled_from(REGIONS))
def test_no_digit_of_a_phone_field_is_lost_untold(typed, region):
    got = apply("phone", typed, ctx=Ctx(region))
    if got is None:
        assert not re.sub(r"[\W_]", "", typed) or not typed.strip()
        return
    if isinstance(got, Remark):
        return
    reading = phones.read(typed, region)
    read = "".join([*reading.numbers, reading.extension])
    digits = [str(unicodedata.decimal(c)) for c in typed if c.isdecimal()]
    assert set(digits) - {"0", *_trunk(reading.numbers)} <= set(read)
    assert len(digits) <= len(read) + 5  # trunk and dialling prefixes: 0, (0), 00, 011


@settings(max_examples=200, deadline=None)
@given(TYPED, st.sampled_from(REGIONS), st.sampled_from(REGIONS))
def test_a_number_that_was_read_is_the_same_in_every_country(typed, region, other):
    got = apply("phone", typed, ctx=Ctx(region))
    value = got.value if isinstance(got, Remark) else got
    if isinstance(value, str) and re.fullmatch(r"\+\d+", value):
        again = apply("phone", value, ctx=Ctx(other))
        assert value == (again.value if isinstance(again, Remark) else again)


ADDRESS = st.from_regex(r"[a-z]{1,8}(\.[a-z]{1,8})?@[a-z]{2,8}\.(fr|com|de|co\.uk)", fullmatch=True)
BAD = st.sampled_from(
    ["jane at acme.fr", "bob@", "@acme.fr", "n/a", "jane@acme", "b.two(at)acme.fr"]
)
BETWEEN = st.sampled_from([";", ", ", "; ", "\n", "|", " ; "])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.one_of(ADDRESS, BAD), BETWEEN), min_size=1, max_size=6),
    st.sampled_from(["{}", "<{}>", "Jane Doe <{}>", "'{}'", "mailto:{}?subject=Hi", "{} (work)", "{}."]),
)  # fmt: skip
def test_no_address_of_a_list_is_lost(parts, way):
    good = [one for one, _ in parts if re.fullmatch(r"\S+@\S+\.\S+", one)]
    typed = "".join((way.format(one) if one in good else one) + between for one, between in parts)
    read = find_addresses(typed)
    assert [comparable(a) for a in read.valid] == [*dict.fromkeys(good)]
    assert bool(read.bad) == (len(good) < len(parts))
    if good:
        got = apply("email", typed)
        first = got.value if isinstance(got, Remark) else got
        assert {first, *(apply("emails", typed) or [])} == {*good}
        assert isinstance(got, Remark) == bool(read.bad or is_invented(first))
    else:
        with pytest.raises(RecordError):
            apply("email", typed)


@pytest.mark.parametrize(
    "typed",
    ["test@test.com", "asdf@asdf.com", "noemail@acme.fr", "no-email@acme.fr", "pas.de.mail@acme.fr", "a@a.fr", "x@x.com"],
)  # fmt: skip
def test_an_invented_address_is_kept_and_told(typed):
    kept = apply("email", typed)
    assert isinstance(kept, Remark)
    assert kept.value == typed


@pytest.mark.parametrize(
    "typed",
    [
        "jane@test.com",
        "test@acme.fr",
        "info@info.fr",
        "acme@acme.fr",
        "jane@example.com",
        "ian@ian.com",
    ],
)
def test_an_address_that_may_be_real_is_not_called_invented(typed):
    assert apply("email", typed) == typed


def test_one_form_for_an_international_domain_and_its_punycode():
    ways = [
        "Jörg@MÜNCHEN.de",
        "jörg@münchen.de",
        "jörg@xn--mnchen-3ya.de",
        "jörg@XN--MNCHEN-3YA.DE",
    ]
    assert {comparable(way) for way in ways} == {"jörg@xn--mnchen-3ya.de"}


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_the_compared_form_is_stable(text):
    assert comparable(comparable(text)) == comparable(text)


LANGUAGES = ["en", "fr", "de", "nl", "es", "it", "pt", "pl", "ru", "uk", "el", "tr", "ar", "he", "hi", "th", "ja", "ko", "zh", "vi", "sv", "fi", "hu"]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_country_is_read_by_its_name_in_any_language_and_never_as_another(language):
    names = Locale(language).territories
    codes = {c for c in names if isinstance(apply("country", c), str) and len(c) == 2}
    unknown = []
    for code in codes - {"EU", "UN", "EZ"}:
        got = apply("country", names[code])
        if isinstance(got, Remark) and got.kind == "unknown":
            unknown.append(code)
        else:
            said = got.value if isinstance(got, Remark) else got
            assert said == code, names[code]
    assert len(unknown) <= 6, unknown


@pytest.mark.parametrize(
    "typed", ["N/A", "Atlantis", "Niger/Nigeria", "+1", "+7", "D", "EN", "UN", "42", "🇫🇷🇩🇪"]
)
def test_a_country_is_not_guessed(typed):
    assert apply("country", typed) == Remark(typed, "unknown country", "unknown")


@pytest.mark.parametrize(
    ("typed", "told"),
    [("Paris, France", "Paris"), ("Georgia, USA", "Georgia"), ("Deutschland - Bayern", "Bayern")],
)
def test_what_stands_beside_a_country_is_told(typed, told):
    got = apply("country", typed)
    assert isinstance(got, Remark)
    assert (got.kind, told in got.reason) == ("problem", True)


def test_a_state_that_is_none_is_drift_and_elsewhere_every_text_stands():
    assert apply("state", "Bavaria", ctx=Ctx("US")) == Remark("Bavaria", "unknown state", "unknown")
    assert apply("state", "Wien", ctx=Ctx("AT")) == "Wien"
    assert apply("state", "California", ctx=Ctx("")) == "California"


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("https://https://exemple.fr", "https://exemple.fr"), ("http//acme.fr", "http://acme.fr"), ("//acme.fr", "https://acme.fr"),
        ("http:\\\\acme.fr\\a", "http://acme.fr/a"), ("Website: acme.fr", "https://acme.fr"), ("<https://acme.fr>", "https://acme.fr"),
        ("https://acme.fr/a?to=http://b.fr", "https://acme.fr/a?to=http://b.fr"), ("acme.fr:8080/x", "https://acme.fr:8080/x"),
    ],
)  # fmt: skip
def test_web_address_is_read(typed, right):
    assert apply("url", typed) == right


def test_the_second_web_address_is_told():
    got = apply("url", "www.exemple.fr, www.exemple.com")
    assert isinstance(got, Remark)
    assert (got.value, "www.exemple.com" in got.reason) == ("https://www.exemple.fr", True)


@pytest.mark.parametrize(
    "typed", ["jane@acme.fr", "no site", "http://", "javascript:alert(1)", "ftp://acme.fr", "a..b"]
)
def test_what_is_no_web_address_is_refused(typed):
    with pytest.raises(RecordError):
        apply("url", typed)
