"""Texts that an index knows of: names, words, e-mail addresses, tags, what a column says.

A condition that an index does not serve gets a second one beside it that it does, and that is true
wherever the first is: `served`. Names are compared without accents.
"""

import unicodedata
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, func, literal, literal_column, or_
from sqlalchemy.dialects.postgresql import JSONB, array

from hub.crm import list_columns, list_tables
from hub.crm.deal_tables import deal
from hub.crm.tables import contact, lead
from hub.lists import predicates, search_tokens
from hub.lists.document import Op, Scalar
from hub.lists.predicates import (
    Asking,
    Column,
    Predicate,
    UnfitError,
    Values,
    served,
)

HINTED = frozenset((Op.CONTAINS, Op.STARTS, Op.IS, Op.ANY))
_LONGEST = 100  # half of what the order has: a small letter may be two
_LAST = "\U0010ffff"
_MARKS = ("\u0300", "\u036f")
_NAMES: ColumnElement[Any] = literal_column("names", Text)  # last name, space, first name
_WORDS: ColumnElement[Any] = literal_column(list_tables.WORDS_TEXT, Text)
name_order: ColumnElement[Any] = literal_column("sort_key", Text)


TOKENS: dict[str, ColumnElement[Any]] = {t.name: t.c.search_tokens for t in (lead, contact, deal)}


def predicate_of(table: str, column: str) -> Predicate:
    """Return what conditions on a text column mean, by what its table's index knows of it."""
    if column == "last_name":
        return _last_name
    if column == "first_name":
        return named
    otherwise = _worded if column in list_tables.WORDS else predicates.text_is
    if column in list_columns.TEXT_TOKENS[table]:
        return _column_text(TOKENS[table], column, otherwise)
    return otherwise


def full_name(column: Column, op: Op, values: Values, asking: Asking) -> Column:
    """First and last name, with one space between them; the index has the last one first."""
    if op is Op.CONTAINS and _is_one_word(values[0]):
        return _has_part(values[0])
    return named(column, op, values, asking)


def named(column: Column, op: Op, values: Values, asking: Asking) -> Column:
    """Names: each part between spaces is in the index, whichever name it is of."""

    def hint(value: Scalar) -> list[Column]:
        return [_has_part(p) for p in map(_inner, predicates.words(value).split(" ")) if p]

    return _hinted(hint, _alike)(column, op, values, asking)


def _has_part(part: Scalar) -> Column:
    return _NAMES.like(_around(_folded(predicates.escaped(part))))


def _last_name(column: Column, op: Op, values: Values, asking: Asking) -> Column:
    """A last name: lists are sorted by it, so that its beginning is a stretch of that order."""
    if op not in {Op.STARTS, Op.IS, Op.ANY} or not all(map(_has_a_place, values)):
        return named(column, op, values, asking)
    stretches = [
        and_(name_order >= _folded(value), name_order < _folded(value) + literal(_LAST, Text))
        for value in map(predicates.words, values)
    ]
    if op is Op.STARTS and _is_one_word(values[0]):
        begin = _folded(predicates.escaped(values[0])) + literal("%", Text)
        holds: Column = _NAMES.like(begin)
    else:
        holds = _alike(column, op, values, asking)
    return served(or_(*stretches), holds)


def _alike(column: Column, op: Op, values: Values, _asking: Asking) -> Column:
    kept = column if op is Op.EMPTY else _fold(column)
    return predicates.lowered(kept, op, values, _fold)


def _worded(column: Column, op: Op, values: Values, asking: Asking) -> Column:
    """Words: what one column contains, all of them together contain."""

    def hint(value: Scalar) -> list[Column]:
        return [_WORDS.like(_around(func.lower(literal(predicates.escaped(value), Text))))]

    return _hinted(hint, predicates.text_is)(column, op, values, asking)


def _hinted(hint: Callable[[Scalar], list[Column]], exactly: Predicate) -> Predicate:
    def build(column: Column, op: Op, values: Values, asking: Asking) -> Column:
        found = exactly(column, op, values, asking)
        hints = [hint(value) for value in values] if op in HINTED else []
        if not all(hints) or not hints:
            return found
        return served(or_(*(and_(*parts) for parts in hints)), found)

    return build


def _around(part: Column) -> Column:
    return literal("%", Text) + part + literal("%", Text)


def _inner(said: str) -> str:
    """Return a text without marks at its ends, which may change places with marks beside them."""
    parts = unicodedata.normalize("NFD", said)
    while parts and unicodedata.combining(parts[0]):
        parts = parts[1:]
    while parts and unicodedata.combining(parts[-1]):
        parts = parts[:-1]
    return parts


def _column_text(row_tokens: Column, name: str, otherwise: Predicate) -> Predicate:
    """What a column says, in small letters as PostgreSQL makes them."""
    begin = literal(search_tokens.of_column(name, ""), Text)

    def build(column: Column, op: Op, values: Values, asking: Asking) -> Column:
        if op not in {Op.IS, Op.ANY}:
            return otherwise(column, op, values, asking)
        said = [begin + func.lower(literal(predicates.words(v), Text)) for v in values]
        return search_tokens.any_of(row_tokens, array(said))

    return build


def tagged(table: str) -> Predicate:
    """Return what conditions on a table's tags mean: a set, each tag as it is written."""
    row_tokens = TOKENS[table]

    def build(column: Column, op: Op, values: Values, _asking: Asking) -> Column:
        wanted = [predicates.words(v) for v in values]
        found = [search_tokens.of_column("tags", one) for one in wanted]
        match op:
            case Op.EMPTY:
                return or_(column.is_(None), column == literal([], JSONB))
            case Op.ALL:
                return search_tokens.all_of(row_tokens, found)
            case Op.ANY | Op.IS:
                return search_tokens.any_of(row_tokens, found)
            case _:
                raise UnfitError("tags are asked: any of, all of, none of, is empty")

    return build


def _is_one_word(value: Scalar) -> bool:
    """Whether names contain it just where one of them does: no space, no marks that change places."""
    bare = _bare(predicates.words(value))
    return bool(bare) and " " not in bare and not any(map(unicodedata.combining, bare))


def _bare(said: str) -> str:
    """Return a text's letters without the accents that make no difference."""
    parts = unicodedata.normalize("NFD", said)
    return "".join(c for c in parts if not _MARKS[0] <= c <= _MARKS[1])


def _has_a_place(value: Scalar) -> bool:
    """Whether what begins so is next to each other in the order.

    False for text of marks only, with a leading space, or longer than the sort key.
    """
    said = predicates.words(value)
    return (
        bool(said.strip())
        and len(unicodedata.normalize("NFD", said)) <= _LONGEST
        and not said.startswith(" ")
        and not any(map(unicodedata.combining, _bare(said)))
    )


def _folded(said: str) -> Column:
    return _fold(literal(said, Text))


def _fold(said: Column) -> Column:
    """Return a text as the order of names has it."""
    decomposed: Column = func.normalize(said, literal_column("NFD"))
    bare = func.regexp_replace(decomposed, r"[\u0300-\u036f]", "", "g")
    return func.lower(bare).collate("C")
