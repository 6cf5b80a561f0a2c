"""Texts that an index knows of: names, words, e-mail addresses, tags, what a column says.

A condition that an index does not serve gets a second one beside it that it does, and that is true
wherever the first is: `served`.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, func, literal, literal_column, or_
from sqlalchemy.dialects.postgresql import JSONB, array

from hub.crm import list_columns, list_tables
from hub.crm.deal_tables import deal
from hub.crm.smart_lists import facts, predicates
from hub.crm.smart_lists.document import Op, Scalar
from hub.crm.smart_lists.predicates import (
    Asking,
    Column,
    Predicate,
    UnfitError,
    Values,
    served,
)
from hub.crm.tables import contact, lead

HINTED = frozenset((Op.CONTAINS, Op.STARTS, Op.IS, Op.ANY))
_LONGEST = 100  # half of what the order has: a small letter may be two
_LAST = "\U0010ffff"
_MARKS = ("\u0300", "\u036f")
_NAMES: ColumnElement[Any] = literal_column("sort_key", Text)  # of people and companies
name_order: ColumnElement[Any] = literal_column(list_tables.NAME_ORDER, Text)


@dataclass(frozen=True, slots=True)
class Indexed:
    """What the index `…_facets` of a table has.

    Args:
        words: the text that trigrams are of.
        facts: the row's facts.
    """

    words: ColumnElement[Any]
    facts: ColumnElement[Any]


INDEXED = {
    table.name: Indexed(literal_column(list_tables.words(table.name), Text), table.c.facts)
    for table in (lead, contact, deal)
}


def predicate_of(table: str, column: str) -> Predicate:
    """Return what conditions on a text column mean, by what its table's index knows of it."""
    indexed = INDEXED[table]
    if column == "email":
        return _email(indexed)
    if column == "last_name":
        return _last_name(named())
    if column in list_tables.PEOPLE_NAMES:
        return named()
    said = column in list_columns.TEXT_FACTS[table]
    is_word = column in list_tables.WORDS[table]
    return _told(indexed, column, is_fact=said, is_word=is_word)


def named() -> Predicate:
    """Names: each part between spaces is in the sort key, whichever name it is of."""

    def hint(value: Scalar) -> list[Column]:
        parts = map(_inner, predicates.words(value).split(" "))
        return [_NAMES.like(_around(_folded(predicates.escaped(part)))) for part in parts if part]

    return _hinted(hint)


def worded(indexed: Indexed) -> Predicate:
    """Words: what one column contains, all of them together contain."""

    def hint(value: Scalar) -> list[Column]:
        return [indexed.words.like(_around(func.lower(literal(predicates.escaped(value), Text))))]

    return _hinted(hint)


def _hinted(hint: Callable[[Scalar], list[Column]]) -> Predicate:
    def build(column: Column, op: Op, values: Values, asking: Asking) -> Column:
        found = predicates.text_is(column, op, values, asking)
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


def _told(indexed: Indexed, name: str, *, is_fact: bool, is_word: bool) -> Predicate:
    words = worded(indexed)

    def build(column: Column, op: Op, values: Values, asking: Asking) -> Column:
        if is_fact and op in {Op.IS, Op.ANY}:
            found = predicates.text_is(column, op, values, asking)
            return served(indexed.facts.overlap(_said(name, values)), found)
        if is_word:
            return words(column, op, values, asking)
        return predicates.text_is(column, op, values, asking)

    return build


def _said(name: str, values: Sequence[Scalar]) -> Column:
    """Return the facts of a column's words, in small letters as PostgreSQL makes them."""
    begin = literal(facts.of_column(name, ""), Text)
    words = [func.lower(literal(predicates.words(v), Text)) for v in values]
    return func.crm.hashed(array([begin + func.left(word, list_columns.LONGEST) for word in words]))


def tagged(table: str) -> Predicate:
    """Return what conditions on a table's tags mean: a set, each tag as it is written."""
    row_facts = INDEXED[table].facts

    def build(column: Column, op: Op, values: Values, _asking: Asking) -> Column:
        wanted = [predicates.words(v) for v in values]
        near = facts.hashed([facts.of_column("tags", one) for one in wanted])
        match op:
            case Op.EMPTY:
                return or_(column.is_(None), column == literal([], JSONB))
            case Op.ALL:
                holds = column.contains(literal(wanted, JSONB))
                return served(row_facts.contains(near), holds)
            case Op.ANY | Op.IS:
                holds = or_(*(column.contains(literal([one], JSONB)) for one in wanted))
                return served(row_facts.overlap(near), holds)
            case _:
                raise UnfitError("tags are asked: any of, all of, none of, is empty")

    return build


def _email(indexed: Indexed) -> Predicate:
    """An e-mail address: whole or its beginning by an index of its own, parts by the trigrams."""
    words = worded(indexed)

    def build(column: Column, op: Op, values: Values, asking: Asking) -> Column:
        made = words if op is Op.CONTAINS else predicates.text_is
        return made(column, op, values, asking)

    return build


def _last_name(otherwise: Predicate) -> Predicate:
    """A last name: lists are sorted by it, so that its beginning is a stretch of that order."""

    def build(column: Column, op: Op, values: Values, asking: Asking) -> Column:
        if op not in {Op.STARTS, Op.IS, Op.ANY} or not all(map(_has_a_place, values)):
            return otherwise(column, op, values, asking)
        stretches = [
            and_(name_order >= _folded(value), name_order < _folded(value) + literal(_LAST, Text))
            for value in values
        ]
        return served(or_(*stretches), predicates.text_is(column, op, values, asking))

    return build


def _has_a_place(value: object) -> bool:
    """Whether what begins so is next to each other in the order.

    Not what is made of marks, begins with a space, or is longer than the order looks.
    """
    said = str(value)
    parts = unicodedata.normalize("NFD", said)
    plain = (c for c in parts if not _MARKS[0] <= c <= _MARKS[1])
    return (
        bool(said.strip())
        and len(parts) <= _LONGEST
        and not said.startswith(" ")
        and not any(map(unicodedata.combining, plain))
    )


def _folded(value: object) -> Column:
    """Return a text as the order of names has it."""
    decomposed = func.normalize(literal(predicates.words(value), Text), literal_column("NFD"))  # type: ignore[arg-type]
    bare = func.regexp_replace(decomposed, r"[\u0300-\u036f]", "", "g")
    return func.lower(bare).collate("C")
