"""Normal forms: what is read a quick way is read as the slow way reads it."""

import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.matching import normal

TEXT = st.one_of(
    st.text(max_size=30), st.text(string.ascii_letters + string.digits + " .'-_`\u2019\u02bc", max_size=30)
)  # fmt: skip
LABEL = st.text(string.ascii_lowercase + string.digits + "-", min_size=1, max_size=12)


@given(TEXT)
@example("12, rue d\u02bcArtois")
def test_a_place_is_the_words_of_a_text_in_one(text: str) -> None:
    assert normal.place(text) == "".join(normal.tokens(text))


@given(TEXT)
@example("\U0001f16a")
@example("\U0001d400\U0001d427\U0001d427\U0001d41a")
def test_words_are_folded_and_have_no_sign_in_them(text: str) -> None:
    for word in normal.tokens(text):
        assert word == normal.fold(word) or not word.isascii()
        assert not set(word) & set(" _-.'")


@given(st.text("+0123456789", max_size=18))
@example("+0033123456789")
@example("+1111111111")
def test_a_plain_number_reads_like_one_with_signs_in_it(digits: str) -> None:
    assert normal.phone(digits) == normal.phone(f"{digits[:3]} {digits[3:]}")


@given(LABEL, st.one_of(LABEL, st.sampled_from(["com", "uk", "de", "github", "jp"])))
@example("co", "uk")
@example("github", "io")
def test_a_domain_of_two_labels_is_registrable_as_it_is(name: str, end: str) -> None:
    known = normal._public().privatesuffix(f"{name}.{end}")
    assert normal.registrable(f"{name}.{end}") == (known or f"{name}.{end}")


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        ("John jr.", "Smith", "jr"),
        ("John", "Smith III", "iii"),
        ("John sr", "Smith jr", "sr"),
        ("Junior", "Sr", ""),
        (None, "Smith II", "ii"),
        ("John", None, ""),
    ],
)
def test_the_generation_is_read_of_either_name(
    first: str | None, last: str | None, found: str
) -> None:
    assert normal.generation(first, last) == found


def test_a_name_in_letters_of_a_special_alphabet_is_the_same_name() -> None:
    assert normal.tokens("\U0001d400\U0001d427\U0001d427\U0001d41a") == (
        "anna",
    )  # mathematical bold
