"""`dataclass` of the standard library for frozen values, made in a fifth of the time.

The standard library compiles six methods for each frozen class, which takes 0.5 ms. A command
imports up to 230 such classes; that was a seventh of its CPU. Here only `__init__` is compiled, and
the other methods are closures over the names of the fields. `dataclasses.fields`, `replace`,
`asdict`, `is_dataclass`, `match`, `copy` and `pickle` treat both kinds alike
(`tests/unit/test_frozen.py`).

Limits: a class of this module and one of the standard library cannot be parent and child. What
does not belong here: classes that change, or without slots; they take `dataclasses.dataclass`.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]
_Read = Callable[[Any], tuple[Any, ...]]


def _decorator(
    *, frozen: bool = False, slots: bool = False, kw_only: bool = False
) -> Callable[[type], type]:
    """Return the decorator of a class with slots whose fields cannot be assigned."""
    if not (frozen and slots):
        raise TypeError("a class that changes, or has no slots, takes dataclasses.dataclass")

    def decorate(cls: type) -> type:
        made: type[Any] = dataclasses.dataclass(
            init=False, repr=False, eq=False, slots=True, kw_only=kw_only
        )(cls)
        fields = dataclasses.fields(made)
        for name, method in _methods(fields).items():
            if cls.__dict__.get(name) is None:  # a class that defines a method keeps it
                setattr(made, name, method)
        made.__init__ = _init(made, fields)
        return made

    return decorate


if TYPE_CHECKING:  # to type checkers both are one
    from dataclasses import dataclass
else:
    dataclass = _decorator


def _methods(fields: Sequence[Field[Any]]) -> dict[str, Callable[..., Any]]:
    compared = [one for one in fields if one.compare]
    hashed = [one for one in fields if (one.compare if one.hash is None else one.hash)]
    return {
        "__repr__": _repr([one.name for one in fields if one.repr]),
        "__eq__": _eq(_reader(compared)),
        "__hash__": _hash(_reader(hashed)),
        "__setattr__": _refuse_assignment,
        "__delattr__": _refuse_deletion,
        "__getstate__": _get_state(_reader(fields)),
        "__setstate__": _set_state,
    }


def _init(cls: type, fields: Sequence[Field[Any]]) -> Callable[..., None]:
    """Compile `__init__`: the one method that must be as fast as written by hand."""
    given = [one for one in fields if one.init]
    space: dict[str, Any] = {f"_set_{one.name}": getattr(cls, one.name).__set__ for one in given}
    lines = [_assignment(one, space) for one in given]
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    exec(f"def __init__({_head(given, space)}):\n {'; '.join(lines) or 'pass'}", space)  # noqa: S102
    init: Callable[..., None] = space["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _head(fields: Sequence[Field[Any]], space: dict[str, Any]) -> str:
    """Return the parameters of `__init__`; put their defaults into its name space."""
    named = []
    for one in fields:
        has_default = one.default is not MISSING or one.default_factory is not MISSING
        space[f"_default_{one.name}"] = one.default
        named.append(f"{one.name}=_default_{one.name}" if has_default else one.name)
    ordered = [word for word, one in zip(named, fields, strict=True) if not one.kw_only]
    keyed = [word for word, one in zip(named, fields, strict=True) if one.kw_only]
    return ", ".join(["self", *ordered, *(["*", *keyed] if keyed else [])])


def _assignment(one: Field[Any], space: dict[str, Any]) -> str:
    """Return the line that stores a field into its slot; it passes by `__setattr__`, which refuses."""
    if one.default_factory is MISSING:
        return f"_set_{one.name}(self, {one.name})"
    space |= {"_missing": MISSING, f"_factory_{one.name}": one.default_factory}
    return f"_set_{one.name}(self, _factory_{one.name}() if {one.name} is _missing else {one.name})"


def _reader(fields: Sequence[Field[Any]]) -> _Read:
    """Return a function that gives the values of fields as a tuple."""
    names = [one.name for one in fields]
    if len(names) > 1:
        return attrgetter(*names)
    return lambda self: tuple([getattr(self, name) for name in names])


def _eq(read: _Read) -> Callable[[Any, Any], Any]:
    def eq(self: Any, other: Any) -> Any:
        if other.__class__ is self.__class__:
            return read(self) == read(other)
        return NotImplemented

    return eq


def _hash(read: _Read) -> Callable[[Any], int]:
    return lambda self: hash(read(self))


def _repr(names: Sequence[str]) -> Callable[[Any], str]:
    def text(self: Any) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__class__.__qualname__}({shown})"

    return recursive_repr()(text)


def _refuse_assignment(_self: Any, name: str, _value: Any) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deletion(_self: Any, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _get_state(read: _Read) -> Callable[[Any], tuple[Any, ...]]:
    def get_state(self: Any) -> tuple[Any, ...]:
        return read(self)

    return get_state


def _set_state(self: Any, state: tuple[Any, ...]) -> None:
    for one, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)
