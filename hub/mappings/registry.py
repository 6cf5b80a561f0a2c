"""What a transform is, and the registry of all transforms.

A transform is a pure function `(value, args, ctx) -> value`. It is not called for null, unless it
is registered with `sees_null`. It raises `RecordError(reason)` for a value that cannot be used. It
returns a `Remark` for a value that can be used but that a person should look at.
"""

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any, Literal, NamedTuple

from hub.frozen import dataclass
from hub.model.records import JsonValue

Args = Mapping[str, Any]


class Remark(NamedTuple):
    """A value with a remark for the operator.

    `kind` is "problem" (a quarantine row of severity field; the value stays) or "unknown" (the value
    is not in the known list; it counts as drift).
    """

    value: JsonValue
    reason: str
    kind: Literal["problem", "unknown"] = "problem"


@dataclass(frozen=True, slots=True)
class Ctx:
    """What a transform may know beside the value.

    Args:
        region: the ISO-2 country of the record; "" where the record names a country that cannot be
            read: then national numbers have none.
        language: the record's own language as its source writes it (`fr`, `zh-tw`, `pt_BR`).
    """

    region: str = "FR"
    language: str = ""


Outcome = JsonValue | Remark
Function = Callable[[Any, Args, Ctx], Outcome]


@dataclass(frozen=True, slots=True)
class Transform:
    """A registered transform.

    Args:
        name: as mapping documents write it.
        function: the pure function.
        doc: one line for the generated reference.
        params: argument → its Python types.
        needs: arguments that must be given.
        idempotent: whether applying it to its own result changes nothing.
        sees_null: whether it is called for null too.
        reads: what it reads of `Ctx`.
    """

    name: str
    function: Function
    doc: str
    params: Mapping[str, tuple[type, ...]] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    idempotent: bool = True
    sees_null: bool = False
    reads: tuple[str, ...] = ()


REGISTRY: dict[str, Transform] = {}


def transform(
    *,
    params: Mapping[str, tuple[type, ...]] | None = None,
    needs: tuple[str, ...] = (),
    idempotent: bool = True,
    sees_null: bool = False,
    reads: tuple[str, ...] = (),
) -> Callable[[Function], Function]:
    """Register a function under its own name (a trailing underscore is dropped).

    A result is remembered by the value and by what the function `reads` of its `Ctx`: "region",
    "language". A test holds that it reads nothing else.
    """

    def register(function: Function) -> Function:
        name = function.__name__.rstrip("_")
        doc = (function.__doc__ or "").partition("\n")[0]
        REGISTRY[name] = Transform(
            name, function, doc, params or {}, needs, idempotent, sees_null, reads
        )
        return function

    return register
