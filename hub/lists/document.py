"""A smart list as a document: conditions on fields, the order, the columns.

    object: lead
    filter:
      all:
        - {field: status, op: is, value: New}
        - any:
            - {field: tags, op: any of, value: [vip, fair]}
            - not: {field: owner, op: is, value: me}
    sort: -created_at
    columns: [name, email, owner]

Out: frozen models, or one error that names the place. Not here: what fields there are.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from hub.errors import ActionError

DEEPEST = 8
MOST_CONDITIONS = 100
MOST_VALUES = 500
LONGEST_VALUE = 1_000


class Op(StrEnum):
    """A condition on a field. An empty field answers no to all but `is empty` and negations."""

    IS = "is"
    IS_NOT = "is not"
    ANY = "any of"
    ALL = "all of"
    NONE = "none of"
    CONTAINS = "contains"
    CONTAINS_NOT = "does not contain"
    STARTS = "starts with"
    EMPTY = "is empty"
    NOT_EMPTY = "is not empty"
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="
    BETWEEN = "between"
    WITHIN = "within"
    NOT_WITHIN = "not within"
    BEFORE = "before"
    AFTER = "after"


NEGATED = {
    Op.IS_NOT: Op.IS,
    Op.NONE: Op.ANY,
    Op.CONTAINS_NOT: Op.CONTAINS,
    Op.NOT_EMPTY: Op.EMPTY,
    Op.NOT_WITHIN: Op.WITHIN,
}
ALIASES = {
    "=": Op.IS, "==": Op.IS, "!=": Op.IS_NOT, "<>": Op.IS_NOT, "in": Op.ANY, "any": Op.ANY,
    "all": Op.ALL, "none": Op.NONE, "not in": Op.NONE, "has": Op.ANY, "empty": Op.EMPTY,
    "not empty": Op.NOT_EMPTY,
}  # fmt: skip
WITHOUT_VALUE = frozenset((Op.EMPTY, Op.NOT_EMPTY))
WITH_MANY = frozenset((Op.ANY, Op.ALL, Op.NONE, Op.BETWEEN))

Scalar = str | int | float | bool
_FROZEN = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)


class Ref(BaseModel):
    """A named thing by its number, as kept documents have it; `kind` is one of `hub.crm.named`."""

    model_config = _FROZEN
    kind: str
    id: int


class Lost(BaseModel):
    """A name that was not found when names became numbers: shown as it was, refused when asked."""

    model_config = _FROZEN
    kind: str
    lost: str


Part = Scalar | Ref | Lost


def _op(said: object) -> object:
    return (
        ALIASES.get(said.strip().lower(), said.strip().lower()) if isinstance(said, str) else said
    )


class Condition(BaseModel):
    """A condition on one field."""

    model_config = _FROZEN
    field: str
    op: Annotated[Op, BeforeValidator(_op)]
    value: Part | tuple[Part, ...] | None = None

    @field_validator("value", mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        """Dates of YAML are their text."""
        if isinstance(value, list | tuple):
            return tuple(cls._plain(one) for one in value)
        return value.isoformat() if hasattr(value, "isoformat") else value

    @model_validator(mode="after")
    def _fits(self) -> Self:
        given = self.value
        many = given if isinstance(given, tuple) else (given,)
        if self.op in WITHOUT_VALUE and given is not None:
            raise ValueError(f"`{self.op}` takes no value")
        if self.op not in WITHOUT_VALUE and (given is None or not many):
            raise ValueError(f"`{self.op}` needs a value")
        if self.op not in WITH_MANY and isinstance(given, tuple):
            raise ValueError(f"`{self.op}` takes one value")
        if len(many) > MOST_VALUES:
            raise ValueError(f"more than {MOST_VALUES} values")
        for one in many:
            if isinstance(one, str) and (len(one) > LONGEST_VALUE or not _is_storable(one)):
                raise ValueError("a value that no record can have")
        return self

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return the values, one or many, numbers of named things among them."""
        if self.value is None:
            return ()
        return self.value if isinstance(self.value, tuple) else (self.value,)

    @property
    def values(self) -> tuple[Scalar, ...]:
        """Return the values of a document that is bound: plain ones only."""
        return tuple(one for one in self.parts if not isinstance(one, Ref | Lost))


class All(BaseModel):
    """Every one of them holds; so it does of none."""

    model_config = _FROZEN
    all: tuple["Node", ...]


class AnyOf(BaseModel):
    """One of them holds at least."""

    model_config = _FROZEN
    any: tuple["Node", ...] = Field(min_length=1)


class Not(BaseModel):
    """It does not hold."""

    model_config = _FROZEN
    not_: "Node" = Field(alias="not")


def _kind(node: object) -> str:
    keys = node if isinstance(node, Mapping) else type(node).model_fields if isinstance(node, BaseModel) else ()  # fmt: skip
    for key, kind in (("all", "all"), ("any", "any"), ("not", "not"), ("not_", "not")):
        if key in keys:
            return kind
    return "condition"


Node = Annotated[
    Annotated[All, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[Condition, Tag("condition")],
    Discriminator(_kind),
]


class Sort(BaseModel):
    """The order; the newest number decides between equals, and empty values come last."""

    model_config = _FROZEN
    field: str
    descending: bool = False


class ListDocument(BaseModel):
    """A whole list."""

    model_config = _FROZEN
    object: Literal["lead", "person", "company", "deal"] = "lead"
    filter: Node = All(all=())
    sort: Sort | None = None
    columns: tuple[str, ...] = ()

    @field_validator("filter", mode="before")
    @classmethod
    def _everything(cls, value: Any) -> Any:
        return {"all": ()} if value in (None, {}, []) else value

    @field_validator("sort", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        """Take `-created_at`, `created_at:desc`, and a list of at most one."""
        if isinstance(value, list | tuple):
            if len(value) > 1:
                raise ValueError("a list has one order")
            value = value[0] if value else None
        if not isinstance(value, str):
            return value
        name, _, direction = value.removeprefix("-").partition(":")
        if direction not in ("", "asc", "desc"):
            raise ValueError(f"{direction!r} is no direction: asc or desc")
        return {"field": name.strip(), "descending": value.startswith("-") or direction == "desc"}

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        depth, conditions = _extent(self.filter)
        if depth > DEEPEST or conditions > MOST_CONDITIONS:
            raise ValueError(f"at most {MOST_CONDITIONS} conditions, {DEEPEST} groups deep")
        return self


def read(said: object) -> ListDocument:
    """Return a document.

    Raises:
        ActionError: it is none; `field` names the place.
    """
    try:
        return ListDocument.model_validate(said)
    except (ValidationError, RecursionError) as exc:
        raise _error(exc) from exc


def _error(exc: ValidationError | RecursionError) -> ActionError:
    if isinstance(exc, RecursionError):
        place, why = "filter", "too deep"
    else:
        first = exc.errors(include_url=False, include_input=False)[0]
        loc = [str(part) for part in first["loc"] if part != "condition"]
        words = [
            part for n, part in enumerate(loc) if n == 0 or part != loc[n - 1]
        ]  # tags of unions
        place, why = ".".join(words) or "document", first["msg"].removeprefix("Value error, ")
    return ActionError(
        f"the list's {place} cannot be read: {why}",
        resource="smart_list",
        field=place,
        code="invalid",
        hint="docs/lists.md shows how filters are written",
    )


def filter_json(document: ListDocument) -> str:
    """Return the filter as it is kept."""
    node = document.filter.model_dump(mode="json", by_alias=True, exclude_none=True)
    return json.dumps(node)


def conditions_of(node: Any) -> list[Condition]:
    """Return every condition of a filter."""
    match node:
        case All(all=nodes) | AnyOf(any=nodes):
            return [one for part in nodes for one in conditions_of(part)]
        case Not(not_=inner):
            return conditions_of(inner)
        case _:
            return [node]


def _extent(node: Any, depth: int = 1) -> tuple[int, int]:
    if depth > DEEPEST + 1:
        return depth, 0
    match node:
        case All(all=nodes) | AnyOf(any=nodes):
            parts = [_extent(part, depth + 1) for part in nodes]
            return max([depth, *(d for d, _ in parts)]), sum(n for _, n in parts)
        case Not(not_=inner):
            return _extent(inner, depth + 1)
        case _:
            return depth - 1, 1


def _is_storable(value: str) -> bool:
    return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
