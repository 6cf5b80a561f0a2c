"""A class of `hub.frozen` behaves as the standard library's frozen class with slots."""

import copy
import dataclasses
import pickle
from dataclasses import FrozenInstanceError, field
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import frozen

_KINDS = {"frozen": frozen._decorator, "standard": dataclasses.dataclass}


def _classes(decorator: Any) -> tuple[type, type, type]:
    """A parent with each kind of field, its child, and a class without fields."""

    @decorator(frozen=True, slots=True)
    class Parent:
        """Words."""

        count: ClassVar[int] = 3
        a: int
        b: Any = None
        c: list[int] = field(default_factory=list)
        d: str = field(default="x", repr=False, compare=False)
        e: int = field(default=1, hash=False)

        def __post_init__(self) -> None:
            if self.a < 0:
                raise ValueError("below zero")

        @property
        def double(self) -> int:
            return self.a * 2

    @decorator(frozen=True, slots=True, kw_only=True)
    class Child(Parent):
        b: Any = 7
        f: str

        def __repr__(self) -> str:
            return "its own"

    @decorator(frozen=True, slots=True)
    class Empty:
        pass

    return Parent, Child, Empty


for _name, _kind in _KINDS.items():  # pickle looks classes up by their name
    for _one in _classes(_kind):
        _one.__qualname__ = _one.__name__ = f"{_one.__name__}_{_name}"
        globals()[_one.__name__] = _one


def _kinds_of(name: str) -> list[type]:
    return [globals()[f"{name}_{kind}"] for kind in _KINDS]


_VALUES = st.tuples(
    st.integers(0, 3), st.none() | st.integers(0, 2), st.sampled_from("xy"), st.integers(1, 2)
)


def _like(kind: type, values: tuple[int, int | None, str, int]) -> Any:
    a, b, d, e = values
    return kind(a, b, (b,), d=d, e=e)


@given(_VALUES, _VALUES)
def test_equality_hash_and_text_are_those_of_the_standard_library(
    one: tuple[int, int | None, str, int], two: tuple[int, int | None, str, int]
) -> None:
    ours, theirs = ([_like(kind, values) for values in (one, two)] for kind in _kinds_of("Parent"))
    assert (ours[0] == ours[1]) is (theirs[0] == theirs[1])
    assert (hash(ours[0]) == hash(ours[1])) is (hash(theirs[0]) == hash(theirs[1]))
    assert repr(ours[0]) == repr(theirs[0]).replace("_standard", "_frozen")
    assert ours[0] != theirs[0]


def test_a_value_is_made_copied_and_taken_apart_as_in_the_standard_library() -> None:
    found = []
    for parent, child, empty in zip(
        *(_kinds_of(n) for n in ("Parent", "Child", "Empty")), strict=True
    ):
        one, other = parent(1, b=[2]), child(2, f="f")
        match one:
            case parent(a, b):
                matched: Any = (a, b)
            case _:
                matched = ()
        copies = [
            copy.copy(one),
            copy.deepcopy(one),
            pickle.loads(pickle.dumps(one)),
            dataclasses.replace(one),
        ]
        assert copies == [one] * 4
        assert copies[1].b is not one.b
        assert (one.c, parent(1).c is parent(1).c) == ([], False)
        found.append([
            matched,
            [(f.name, f.default, f.kw_only) for f in dataclasses.fields(child)],
            dataclasses.asdict(dataclasses.replace(one, a=5)),
            dataclasses.asdict(other),
            [repr(other), empty() == empty(), one == other, dataclasses.is_dataclass(one)],
            [one.double, parent.__doc__, parent.__match_args__, parent.count, child.__slots__],
        ])  # fmt: skip
    assert found[0] == found[1]


@pytest.mark.parametrize("kind", _KINDS)
def test_a_value_cannot_be_changed_or_made_in_part(kind: str) -> None:
    parent, child = (globals()[f"{name}_{kind}"] for name in ("Parent", "Child"))
    one = parent(1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'a'"):
        one.a = 2
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'a'"):
        del one.a
    with pytest.raises(ValueError, match="below zero"):
        parent(-1)
    for wrong in (
        parent,
        lambda: parent(1, z=2),
        lambda: child(1),
        lambda: child(1, 2, 3, "x", 1, "f"),
    ):
        with pytest.raises(TypeError):
            wrong()


@pytest.mark.parametrize("asked", [{}, {"frozen": True}, {"slots": True}])
def test_a_class_that_changes_or_has_no_slots_is_refused(asked: dict[str, bool]) -> None:
    with pytest.raises(TypeError, match=r"takes dataclasses\.dataclass"):
        frozen._decorator(**asked)
