"""How records are named: one grammar for all, and one error for what is not there."""

import pytest

from hub.model.names import PublicId, RecordName, RowName, full, missing, number_of, read


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("12", RowName("lead", 12)),
        ("lead/12", RowName("lead", 12)),
        ("contact/5", RowName("contact", 5)),
        ("deal/x", RowName("deal", None)),
        ("9" * 40, RowName("lead", None)),
        ("lead/²", RowName("lead", None)),
        ("a\0b", RowName("lead", None)),
        ("zendesk/users/9", RecordName("zendesk", "users", "9")),
        ("hub/leads/a/b", RecordName("hub", "leads", "a/b")),
        ("song/1", PublicId("song/1")),
        ("", PublicId("")),
        ("²", PublicId("²")),
    ],
)
def test_a_name_is_read_one_way(said: str, meant: object) -> None:
    assert read(said) == meant


def test_a_number_alone_is_of_the_kind_that_is_asked_for() -> None:
    assert read("7", "deal") == RowName("deal", 7)
    assert [number_of(n, "deal") for n in ("7", "deal/7", "lead/7", "x", "a/b/7", "9" * 40)] == [
        7, 7, None, None, None, None]  # fmt: skip
    assert [full("7", "deal"), full("lead/7", "deal"), full("x")] == ["deal/7", "lead/7", "x"]


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        ("7", "deal", "there is no deal/7"),
        ("deal/7", "deal", "there is no deal/7"),
        ("lead/7", "deal", "there is no deal 'lead/7'"),
        ("x\n", "deal", "there is no deal 'x\\n'"),
        ("nobody", "person", "there is no person named 'nobody'"),
        ("9" * 400, "person", f"there is no person named '{'9' * 100}'"),
    ],
)
def test_what_is_not_there_is_named_as_it_is_typed(said: str, kind: str, message: str) -> None:
    error = missing(said, kind)
    assert (error.message, error.resource, error.code) == (message, kind, "not_found")
