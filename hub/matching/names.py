"""How two names compare: one level for first and last together, in either order.

In: normalised name words of two records. Out: a level of the model's `name` table.
"""

from enum import IntEnum
from functools import lru_cache

from hub.matching import normal
from hub.matching.distances import edits, likeness

Words = tuple[str, ...]
_LONG = 8
_MIN_TYPO = 4
_SHORT_NAME = 6
_SIMILAR = 0.88
_ALIKE = 0.8
_CUT = 3  # letters a familiar form keeps of the name


class Part(IntEnum):
    """How one part of a name agrees; higher is better."""

    DIFFERS = 0
    NEAR = 1  # two real given names one letter apart
    MISSING = 2
    INITIAL = 3
    TYPO = 4
    VARIANT = 5
    SAME = 6


AGREES = frozenset({"full", "variant", "typo", "initial", "typo_both"})
SURNAME_AGREES = AGREES | {"near", "last_only", "last_only_typo"}


@lru_cache(maxsize=4_096)
def level(first_a: Words, last_a: Words, first_b: Words, last_b: Words) -> str:
    """Return the better level of the names as written, and with one side swapped."""
    straight = _combine(first_part(first_a, first_b), last_part(last_a, last_b))
    if straight in {"full", "variant"} or not (first_a and last_a and first_b and last_b):
        return straight
    crossed = {
        _combine(first_part(last_a, first_b), last_part(first_a, last_b)),
        _combine(first_part(first_a, last_b), last_part(last_a, first_b)),
    }
    if "full" in crossed:
        return "full"
    # A short form or a slip and swapped as well: as sure as one slip.
    return "typo" if crossed & {"typo", "variant"} and straight != "typo" else straight


def _combine(first: Part, last: Part) -> str:
    if last is Part.MISSING:
        if first is Part.MISSING or first is Part.INITIAL:
            return "missing"
        return "first_only" if first > Part.MISSING else "conflict"
    if last is Part.DIFFERS:
        return "last_differs" if first >= Part.TYPO else "conflict"
    exact, misspelt = _WITH_LAST[first]
    if last is Part.VARIANT and exact == "full":
        return "variant"  # García and Sánchez García
    return exact if last >= Part.VARIANT else misspelt


# First name's part → level where the last names are the same, and where they are misspelt.
_WITH_LAST: dict[Part, tuple[str, str]] = {
    Part.SAME: ("full", "typo"),
    Part.VARIANT: ("variant", "typo_both"),
    Part.TYPO: ("typo", "typo_both"),
    Part.INITIAL: ("initial", "last_only_typo"),
    Part.MISSING: ("last_only", "last_only_typo"),
    Part.NEAR: ("near", "conflict"),
    Part.DIFFERS: ("first_differs", "conflict"),
}


@lru_cache(maxsize=4_096)
def first_part(a: Words, b: Words) -> Part:
    """Compare two first names."""
    if not a or not b:
        return Part.MISSING
    one, two = "".join(a), "".join(b)
    if one == two:
        return Part.SAME
    if len(one) == 1 or len(two) == 1:
        return Part.INITIAL if one[0] == two[0] else Part.DIFFERS
    return _longer_given(a, b, one, two)


def _longer_given(a: Words, b: Words, one: str, two: str) -> Part:
    if normal.are_variants(one, two) or a[0] == b[0] or _are_initials(a, b) or _are_initials(b, a):
        return Part.VARIANT
    if min(len(a[0]), len(b[0])) > 1 and (len(a) > 1) != (len(b) > 1):
        # "John F." and "Jon"; the first word is the name one is called by
        return min(first_part(a[:1], b[:1]), Part.VARIANT)
    if len(one) >= _MIN_TYPO and normal.skeleton(one) == normal.skeleton(two):
        return Part.NEAR if normal.is_known(one) and normal.is_known(two) else Part.VARIANT
    return Part.TYPO if _is_cut(one, two) else _misspelt_given(one, two)


def _is_cut(one: str, two: str) -> bool:
    """Tell whether one name may be the familiar form of the other: Susi and Susanne."""
    short, long = sorted((one, two), key=len)
    is_short = _CUT <= len(short) <= _SHORT_NAME and len(long) > len(short)
    return (
        is_short
        and short[:_CUT] == long[:_CUT]
        and not (normal.is_known(short) and normal.is_known(long))
    )


@lru_cache(maxsize=4_096)
def is_alike(first_a: Words, last_a: Words, first_b: Words, last_b: Words) -> bool:
    """Tell whether two full names may be one name misspelt: both parts resemble each other.

    This proves nothing alone. With one mailbox it distinguishes a slip from a spouse.
    """
    if not (first_a and last_a and first_b and last_b):
        return False
    pairs = (("".join(first_a), "".join(first_b)), ("".join(last_a), "".join(last_b)))
    crossed = (("".join(first_a), "".join(last_b)), ("".join(last_a), "".join(first_b)))
    return any(all(_resemble(x, y) for x, y in both) for both in (pairs, crossed))


def _resemble(one: str, two: str) -> bool:
    if one == two or normal.are_variants(one, two):
        return True
    if normal.is_known(one) and normal.is_known(two):
        return False
    return likeness(one, two) >= _ALIKE


def _misspelt_given(one: str, two: str) -> Part:
    if not is_typo(one, two):
        return Part.DIFFERS
    return Part.NEAR if normal.is_known(one) and normal.is_known(two) else Part.TYPO


@lru_cache(maxsize=4_096)
def last_part(a: Words, b: Words) -> Part:
    """Compare two last names."""
    if not a or not b:
        return Part.MISSING
    one, two = "".join(a), "".join(b)
    if one == two or normal.umlaut(one) == normal.umlaut(two):
        return Part.SAME
    if set(a) == set(b):
        return Part.SAME
    if set(a) < set(b) or set(b) < set(a):
        return Part.VARIANT  # Dupont and Dupont-Martin
    if min(len(one), len(two)) >= _MIN_TYPO and normal.skeleton(one) == normal.skeleton(two):
        return Part.VARIANT
    return Part.TYPO if is_typo(one, two) else Part.DIFFERS


def is_typo(one: str, two: str) -> bool:
    """Tell whether two words are one, misspelt: one slip, two in a long word."""
    shorter, longer = sorted((len(one), len(two)))
    if shorter < _MIN_TYPO - 1 or longer < _MIN_TYPO:
        return False
    distance = edits(one, two, 2)
    if distance > (2 if shorter >= _LONG else 1):
        return False
    if one[0] != two[0] and longer < _SHORT_NAME and sorted(one) != sorted(two):
        return False  # Meyer and Beyer, Bauer and Sauer
    return distance == 1 or likeness(one, two) >= _SIMILAR


def _are_initials(short: Words, full: Words) -> bool:
    return len(full) > 1 and "".join(short) == "".join(w[0] for w in full)
