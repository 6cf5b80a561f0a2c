"""Texts that an index knows of: words in several columns at once, e-mail addresses, last names.

A condition that an index does not serve gets a second one beside it that it does, and that is true
wherever the first is.
"""

import unicodedata
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, func, literal, literal_column, or_

from hub.crm import list_tables
from hub.crm.smart_lists import predicates
from hub.crm.smart_lists.document import Op
from hub.crm.smart_lists.predicates import Asking, Column, Predicate, Values

HINTED = frozenset((Op.CONTAINS, Op.STARTS, Op.IS, Op.ANY))
_LONGEST = 100  # half of what the order has: a small letter may be two
_LAST = "\U0010ffff"
_MARKS = ("\u0300", "\u036f")


def searched(expression: str) -> Predicate:
    """Text that one index of trigrams covers together with other columns."""
    whole: ColumnElement[Any] = literal_column(expression, Text)

    def build(column: Column, op: Op, values: Values, asking: Asking) -> Column:
        found = predicates.text_is(column, op, values, asking)
        if op not in HINTED:
            return found
        # what one column contains, all of them together contain: that is what the index knows
        return found & or_(*(predicates.lowered(whole, Op.CONTAINS, [v]) for v in values))

    return build


SEARCHED_PEOPLE = searched(list_tables.PEOPLE_TEXT)
SEARCHED_DEALS = searched(list_tables.DEALS_TEXT)


def email_is(column: Column, op: Op, values: Values, asking: Asking) -> Column:
    """An e-mail address: whole or its beginning by an index of its own, parts by the trigrams."""
    if op is Op.CONTAINS:
        return SEARCHED_PEOPLE(column, op, values, asking)
    return predicates.text_is(column, op, values, asking)


def last_name_is(column: Column, op: Op, values: Values, asking: Asking) -> Column:
    """A last name: lists are sorted by it, so that its beginning is a stretch of that order."""
    if op not in {Op.STARTS, Op.IS, Op.ANY} or not all(map(_has_a_place, values)):
        return SEARCHED_PEOPLE(column, op, values, asking)
    order: ColumnElement[Any] = literal_column(list_tables.NAME_ORDER, Text)
    stretches = [
        and_(order >= _folded(value), order < _folded(value) + literal(_LAST, Text))
        for value in values
    ]
    return predicates.text_is(column, op, values, asking) & or_(*stretches)


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
