"""A wrong value of an option is told in the hub's words."""

import pytest

from hub.cli.app import ended


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "run", "--limit", "abc"), "--limit: not a whole number"),
        (("list", "run", "--limit", "1.5"), "--limit: not a whole number"),
        (("list", "run", "--limit", "5000"), "--limit: must be at most 1000"),
        (("list", "run", "--limit", "0"), "--limit: must be at least 1"),
    ],
)
def test_a_wrong_number_is_told_in_our_words(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(words) == 2
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == (
        "", [f"error: {said}", "  hint: hub list run --help shows its arguments"]
    )  # fmt: skip
