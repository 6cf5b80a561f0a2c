"""Predicates of a mapping document as functions of a `Row`.

In: a predicate, and compilers of rules that leave no notes on the row. Out: a check. Texts are
compared without case, accents and punctuation.
"""

import re
from collections.abc import Callable, Sequence

from hub.mappings.plan import Check, Getter
from hub.mappings.rows import FAILED, LONGEST_SHOWN, is_blank, shorten
from hub.mappings.rule_document import Predicate, Rule
from hub.mappings.text import LONGEST, fold

RuleCompiler = Callable[[Rule], Getter]


def compile_predicate(  # noqa: PLR0911 one line a predicate
    predicate: Predicate, compile_rule: RuleCompiler, compile_compared: RuleCompiler
) -> Check:
    """Return the check of a predicate.

    Args:
        predicate: the predicate.
        compile_rule: compiles a rule that is tested for having a value; a placeholder is none.
        compile_compared: compiles a rule whose value is compared; a placeholder is a value.
    """
    p = predicate
    if p.any_ is not None:
        checks = [compile_predicate(q, compile_rule, compile_compared) for q in p.any_]
        return lambda row: any(c(row) for c in checks)
    if p.all_ is not None:
        checks = [compile_predicate(q, compile_rule, compile_compared) for q in p.all_]
        return lambda row: all(c(row) for c in checks)
    if p.not_ is not None:
        inner = compile_predicate(p.not_, compile_rule, compile_compared)
        return lambda row: not inner(row)
    for rule, is_wanted in ((p.is_empty, True), (p.not_empty, False)):
        if rule is not None:
            get = compile_rule(rule)
            return lambda row, get=get, wanted=is_wanted: is_blank(get(row)) is wanted  # type: ignore[misc]
    if p.is_true is not None:
        get = compile_compared(p.is_true)
        return lambda row: _is_true(get(row))
    if p.contains is not None:
        get = compile_compared(p.contains.rule)
        contains = _containing([str(v) for v in p.contains.values])
        return lambda row: contains(get(row))
    compared = p.equals or p.not_equals or p.in_
    if compared is None:
        return lambda _row: True
    get = compile_compared(compared.rule)
    wanted = frozenset(_comparable(v) for v in compared.values)
    is_equal = p.not_equals is None
    return lambda row: (_comparable(get(row)) in wanted) is is_equal


def _is_true(value: object) -> bool:
    if isinstance(value, str):
        return len(value) < LONGEST_SHOWN and fold(value) in (
            "true",
            "1",
            "yes",
            "oui",
            "vrai",
            "x",
        )
    return value is True or value == 1


def _words(values: Sequence[str]) -> str:
    """Return folded words and phrases as one pattern; `*` at the end is the rest of a word."""
    folded = [
        re.escape(word) + (r"\w*" if value.rstrip().endswith("*") else "")
        for value in values
        if (word := fold(value))
    ]
    return f"(?:{'|'.join(folded)})" if folded else "(?!)"


def _containing(values: Sequence[str]) -> Callable[[object], bool]:
    """Return a check whether a text contains one of the words, or a list has one as an item."""
    whole = re.compile(_words(values))
    within = re.compile(rf"(?<= ){_words(values)}(?= )")

    def contains(value: object) -> bool:
        if isinstance(value, list):
            items = (fold(one[:1000]) for one in value if isinstance(one, str))
            return any(whole.fullmatch(item) for item in items)
        return isinstance(value, str) and bool(within.search(f" {fold(value[:LONGEST])} "))

    return contains


def _comparable(value: object) -> object:
    if isinstance(value, str):
        return fold(value[:1000])
    if value is FAILED or isinstance(value, list | dict):
        return shorten(value)
    return value if value is None or isinstance(value, bool) else str(value)
