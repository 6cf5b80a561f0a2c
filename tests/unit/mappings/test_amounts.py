"""Amounts as people write them: one reading is read, two are not guessed."""

import pytest

from hub.errors import RecordError
from hub.mappings.registry import Remark
from hub.mappings.transforms import apply

READ = [
    ("1,5 M€", "1500000"), ("$1.5M", "1500000"), ("1.5m", "1500000"), ("12 lakh", "1200000"), ("3 crore", "30000000"),
    ("₹12,34,567", "1234567"), ("Rs. 1,20,000", "120000"), ("1.234.567,89", "1234567.89"), ("1.234.567,89 €", "1234567.89"),
    ("CHF 1'234'567.50", "1234567.5"), ("1 234,56 €", "1234.56"), ("1\u202f234\u00a0€", "1234"), ("1,234", "1234"),
    ("(1,234)", "-1234"), ("-5", "-5"), ("5-", "-5"), ("\u22125", "-5"), ("€ -5,00", "-5"), ("1.5 Mio. €", "1500000"),
    ("2,5 Mrd. EUR", "2500000000"), ("10k", "10000"), ("12 k€", "12000"), ("US$ 5 million", "5000000"),
    ("5 millions d'euros", "5000000"), ("5 millones de euros", "5000000"), ("2 miljoen euro", "2000000"), ("3 milioni", "3000000"),
    ("R$ 1.500,00", "1500"), ("10.000 €", "10000"), ("2.000.000 kr", "2000000"), ("\uff11\uff12\uff13", "123"),
    ("\u0661\u0662\u0663", "123"), ("5 млн руб.", "5000000"), ("300万円", "3000000"), ("1e6", "1000000"), ("0.123", "0.123"),
    ("1234.567", "1234.567"), ("¥5,000", "5000"), ("4 bn", "4000000000"),
]  # fmt: skip
TWO_READINGS = ["1.234", "$1.234", "1,234 M€", "5 mil"]
NONE = [
    "free",
    "12 apples",
    "1-2",
    "12 34",
    "1,23,4",
    "12.345.67",
    "1億2000万",
    "M€",
    "1..2",
    "--5",
    "5 Stück",
    "1" * 61,
]


@pytest.mark.parametrize(("typed", "read"), READ)
def test_amount_with_one_reading_is_read(typed, read):
    assert apply("money", typed) == read


@pytest.mark.parametrize("typed", TWO_READINGS)
def test_amount_with_two_readings_is_not_guessed(typed):
    with pytest.raises(RecordError, match="two readings"):
        apply("money", typed)


@pytest.mark.parametrize("typed", NONE)
def test_what_is_no_amount_is_refused(typed):
    with pytest.raises(RecordError):
        apply("money", typed)


@pytest.mark.parametrize("typed", ["11-50", "500+", "> 500", "51 to 200", "11 à 50", "10 bis 20"])
def test_range_of_numbers_is_kept_as_typed_and_told(typed):
    assert apply("number", typed) == Remark(typed, "a range, not a number; kept as typed")


@pytest.mark.parametrize(
    ("typed", "code"),
    [("12 €", "EUR"), ("USD 12", "USD"), ("R$ 5", "BRL"), ("₹5", "INR"), ("THE 5", None), ("5", None)],
)  # fmt: skip
def test_currency_is_a_code_or_a_sign(typed, code):
    assert apply("currency", typed) == code
