"""Parse SOQL text into a `Query`. Not here: the meaning of its names (`plan.py`).

A text outside the grammar raises `ApiError` MALFORMED_QUERY.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, v_args
from lark.exceptions import VisitError

from hub.sandbox.salesforce.errors import ApiError, at_position

# https://help.salesforce.com/s/articleView?id=000386440
MOST_CHARACTERS = 100_000
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_ESCAPED = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Path:
    """A field of the object or of a parent: `Owner.Name`."""

    names: tuple[str, ...]
    position: int

    def __str__(self) -> str:
        """Return the dotted name."""
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Call:
    """`COUNT()`, `MAX(Field) newest`, `FIELDS(ALL)`."""

    function: str
    argument: Path | None
    alias: str | None
    position: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A literal of a filter. `kind` is string, number, date, datetime or word; `text` is raw."""

    kind: str
    text: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison. IN, NOT IN, INCLUDES and EXCLUDES have several values, others one."""

    path: Path
    operator: str
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Logic:
    """AND or OR of several conditions, NOT of one."""

    operator: str
    parts: tuple["Condition", ...]


Condition = Test | Logic


@dataclass(frozen=True, slots=True)
class Sorting:
    """One key of ORDER BY."""

    path: Path
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    """One parsed query."""

    text: str
    items: tuple[Path | Call, ...]
    object_name: str
    object_position: int
    alias: str | None
    where: Condition | None
    group: tuple[Path, ...]
    order: tuple[Sorting, ...]
    limit: int | None
    offset: int


def parse(text: str) -> Query:
    """Return the query of a SOQL text."""
    if not text.strip():
        raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
    if len(text) > MOST_CHARACTERS:
        message = f"SOQL statements cannot be longer than {MOST_CHARACTERS} characters."
        raise ApiError(400, "MALFORMED_QUERY", message)
    try:
        tree = _grammar().parse(text)
        query: Query = _ToQuery(text).transform(tree)
    except UnexpectedInput as error:
        raise _unexpected(text, error) from error
    except VisitError as error:
        if isinstance(error.orig_exc, ApiError):
            raise error.orig_exc from error
        raise
    return query


@cache
def _grammar() -> Lark:
    text = files("hub.sandbox.salesforce").joinpath("soql.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", maybe_placeholders=True)


def _unexpected(text: str, error: UnexpectedInput) -> ApiError:
    position = error.pos_in_stream
    if position is None or position < 0 or position >= len(text):
        return ApiError(400, "MALFORMED_QUERY", "unexpected token: '<EOF>'")
    found = re.match(r"\w+|.", text[position:], re.DOTALL)
    token = found.group() if found else text[position]
    return ApiError(
        400, "MALFORMED_QUERY", at_position(text, position, f"unexpected token: '{token}'")
    )


def unescape(literal: str, *, for_like: bool = False) -> str:
    r"""Return the text of a quoted literal; with `for_like`, `\%` and `\_` stay escaped."""

    def replace(match: re.Match[str]) -> str:
        code = match.group(1)
        if code in {"%", "_"}:
            return "\\" + code if for_like else code
        if for_like and code == "\\":
            return "\\\\"
        if code[0] == "u" and len(code) > 1:
            return chr(int(code[1:], 16))
        if code.lower() not in _ESCAPES:
            raise ApiError(
                400,
                "MALFORMED_QUERY",
                f"Invalid string literal {literal}. Illegal character sequence '\\{code}'"
                " in string literal.",
            )
        return _ESCAPES[code.lower()]

    return _ESCAPED.sub(replace, literal[1:-1])


@v_args(inline=True)
class _ToQuery(Transformer[Token, Query]):
    """Turns Lark's tree into our dataclasses. Each method has the name of a grammar rule."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def start(self, *parts: Any) -> Query:
        at = next(i for i, part in enumerate(parts) if isinstance(part, Token))
        name, (alias, where, group, order, limit, offset) = parts[at], parts[at + 1 :]
        return Query(
            text=self.text,
            items=parts[:at],
            object_name=str(name),
            object_position=name.start_pos or 0,
            alias=alias,
            where=where,
            group=group or (),
            order=order or (),
            limit=limit,
            offset=offset or 0,
        )

    def alias(self, name: Token) -> str:
        return str(name)

    def path(self, *names: Token) -> Path:
        return Path(tuple(str(name) for name in names), names[0].start_pos or 0)

    def call(self, function: Token, argument: Path | None, alias: Token | None) -> Call:
        return Call(
            str(function).upper(), argument, str(alias) if alias else None, function.start_pos or 0
        )

    def where(self, condition: Condition) -> Condition:
        return condition

    def and_(self, *parts: Condition) -> Logic:
        return Logic("AND", parts)

    def or_(self, *parts: Condition) -> Logic:
        return Logic("OR", parts)

    def not_(self, part: Condition) -> Logic:
        return Logic("NOT", (part,))

    def comparison(self, path: Path, operator: str, value: Literal) -> Test:
        return Test(path, operator, (value,))

    def membership(self, path: Path, operator: str, *values: Literal) -> Test:
        return Test(path, operator, values)

    def compare(self, sign: Token) -> str:
        return "!=" if sign == "<>" else str(sign)

    def like(self) -> str:
        return "LIKE"

    def in_(self) -> str:
        return "IN"

    def not_in(self) -> str:
        return "NOT IN"

    def includes(self) -> str:
        return "INCLUDES"

    def excludes(self) -> str:
        return "EXCLUDES"

    def string(self, token: Token) -> Literal:
        return Literal("string", str(token))

    def number(self, token: Token) -> Literal:
        return Literal("number", str(token))

    def date(self, token: Token) -> Literal:
        return Literal("date", str(token))

    def datetime(self, token: Token) -> Literal:
        return Literal("datetime", str(token))

    def word(self, token: Token) -> Literal:
        return Literal("word", str(token).upper())

    def counted_word(self, token: Token, count: Token) -> Literal:
        return Literal("word", str(token).upper(), _whole(self.text, count))

    def group(self, *paths: Path) -> tuple[Path, ...]:
        return paths

    def order(self, *sortings: Sorting) -> tuple[Sorting, ...]:
        return sortings

    def sorting(self, path: Path, direction: str | None, nulls: str | None) -> Sorting:
        return Sorting(path, descending=direction == "DESC", nulls_last=nulls == "LAST")

    def asc(self) -> str:
        return "ASC"

    def desc(self) -> str:
        return "DESC"

    def nulls_first(self) -> str:
        return "FIRST"

    def nulls_last(self) -> str:
        return "LAST"

    def limit(self, count: Token) -> int:
        return _whole(self.text, count)

    def offset(self, count: Token) -> int:
        return _whole(self.text, count)


def _whole(text: str, token: Token) -> int:
    if not token.isdigit():
        message = at_position(text, token.start_pos or 0, f"unexpected token: '{token}'")
        raise ApiError(400, "MALFORMED_QUERY", message)
    return int(token)
