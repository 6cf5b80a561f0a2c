"""The letters of a last name as one number, which proves that two names are unlike without the records.

Some keys propose people with different names: all Annas of a company, all of one initial in a street. Nearly
all of these pairs are judged different because of their last names. `ops.match_key` has the number with such
a key. If the numbers show that two names are unlike, `names.level` gives `last_differs` or `conflict`. The
number can miss unlike names, but it never calls names unlike that may agree.
"""

from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

from hub.frozen import dataclass
from hub.matching import normal
from hub.matching.keys import MatchView, Traits

_OFTEN_TWICE = "lnrstaiom"
_ONCE = "bcdfghjkpquvwxyz"
# No bit for e: Mueller and Muller are one. A letter that is often doubled has two bits.
_BITS = {letter: (1 << 2 * n, 2 << 2 * n) for n, letter in enumerate(_OFTEN_TWICE)}
_BITS |= {letter: (1 << 18 + n, 0) for n, letter in enumerate(_ONCE)}
# A digit has the bit of a rare letter: one slip still changes one bit at most.
_BITS |= {str(n): _BITS[letter] for n, letter in enumerate("qxjzwykvph")}
_LETTERS = (1 << 34) - 1
_SOUND_AT, _SOUND = 34, (1 << 14) - 1
_BEGIN_AT, _BEGIN = 48, (1 << 12) - 1
_IS_GIVEN, _IS_SET = 1 << 60, 1 << 61
_ALPHABET = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_SHORT = 3  # such a word may be the initials of a given name
_BEGINNING = 3  # letters that a familiar form keeps of a name
_LONG = 8  # from here on two letters may be mistyped
_MOST_GIVEN = 3


def letters(v: MatchView) -> int | None:
    """Return the number of a record's last name; None if its pairs must always be compared.

    This is so if the last name has several words or letters beyond a to z. It is also so if a birth date,
    an identifier or an edit may weigh more than the name.
    """
    t = v.traits
    if v.typed is not None or t.birth or t.identifier or not _is_plain(t.last):
        return None
    (word,) = t.last
    if len(word) <= _SHORT:
        return None
    form = _form(word)
    found = form.letters | form.sound << _SOUND_AT | form.beginning << _BEGIN_AT | _IS_SET
    return found | _IS_GIVEN if normal.is_known(word) else found


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a record for the comparison with the letters of others.

    Args:
        forms: letters, sound and the number of letters that may be mistyped, of every form of the last
            and, since the two may be swapped, of the first name.
        beginnings: of the first name.
    """

    forms: tuple[tuple[int, int, int], ...]
    beginnings: frozenset[int]

    def may_agree(self, other: int | None) -> bool:
        """Tell whether another record, with these letters, may have such a name."""
        if other is None or other & _IS_GIVEN or other >> _BEGIN_AT & _BEGIN in self.beginnings:
            return True
        theirs, sound = other & _LETTERS, other >> _SOUND_AT & _SOUND
        for own, own_sound, slips in self.forms:
            if own_sound == sound:
                return True
            if (own & ~theirs).bit_count() <= slips and (theirs & ~own).bit_count() <= slips:
                return True
        return False


def names_of(v: MatchView) -> Names | None:
    """Return the names of a record; None if its pairs must always be compared."""
    t = v.traits
    if v.typed is not None or not _is_plain(t.last) or not _are_readable(t.first):
        return None
    given = [_form(w) for w in _given_forms(t)]
    forms = dict.fromkeys([_form(t.last[0]), *given])
    return Names(
        tuple((f.letters, f.sound, f.slips) for f in forms), frozenset(f.beginning for f in given)
    )


def _given_forms(t: Traits) -> list[str]:
    return [t.first_text, *t.first] if t.first else []


def _is_plain(last: tuple[str, ...]) -> bool:
    return len(last) == 1 and _ALPHABET.issuperset(last[0])


def _are_readable(first: tuple[str, ...]) -> bool:
    return len(first) <= _MOST_GIVEN and _ALPHABET.issuperset("".join(first))


class _Form(NamedTuple):
    letters: int
    sound: int
    beginning: int
    slips: int


@lru_cache(maxsize=4_096)
def _form(word: str) -> _Form:
    return _Form(
        letters_of(word),
        crc32(normal.skeleton(word).encode()) & _SOUND,
        crc32(word[:_BEGINNING].encode()) & _BEGIN,
        2 if len(word) >= _LONG else 1,
    )


@lru_cache(maxsize=4_096)
def letters_of(word: str) -> int:
    """Return which letters a word has, and which twice, in the lowest 34 bits.

    One slip of the keyboard sets at most one bit and clears at most one.
    """
    found = 0
    for letter in word:
        if letter in _BITS:
            once, twice = _BITS[letter]
            found |= twice if found & once else once
    return found
