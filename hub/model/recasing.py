"""Capitals given back to a name that is ALL CAPS or all lower case. Pure.

In: a first, last or full name in one line. Out: the same letters, with capitals where names have
them. A name in mixed case stays as it was written.
"""

import functools
import re

from hub.model.name_words import folded, words

_LONGEST = 200  # characters; a longer text is no name
_EDGE = re.compile(r"([\s\-\u2010\u2011'\u2019\u02bc.&/+]+)")
_NUMERALS = words("numerals")
_SMALL = words("small")
_MAC = words("mac")
_TWO_LETTERS = words("two_letters")
_BETWEEN = frozenset("yei")
_AFTER_THESE = frozenset(("o", "d", "l", "m", "n", "dell", "dall", "nell", "all", "sant", "s", "t"))
_APOSTROPHES = "'\u2019\u02bc"
_TURKISH = re.compile("[\u0130\u0131\u011e\u011f]|[\u015e\u015f](?!.*[\u0102\u0103\u0162\u0163])")
_TURKIC = ("tr", "az")
_DOTLESS = str.maketrans({"I": "\u0131", "\u0130": "i"})
_A_NAME = 4  # letters of a word that is surely no initial and no numeral
_FEW = 2  # letters up to which capitals are initials


def recase(name: str, language: str = "") -> str:
    """Return a name with capitals where names have them.

    Args:
        name: one line.
        language: BCP 47 tag of the record's language; `tr` and `az` have an I of their own.
    """
    if not (name.isupper() or name.islower()) or len(name) > _LONGEST:
        return name
    if name.isupper() and sum(map(str.isalpha, name)) <= _FEW and folded(name) not in _TWO_LETTERS:
        return name
    return _recased(name, language[:2].lower() in _TURKIC)


@functools.lru_cache(maxsize=4_096)
def _recased(name: str, is_turkic: bool) -> str:  # noqa: FBT001 a key of the cache
    is_turkic = is_turkic or _TURKISH.search(name) is not None
    is_loud = name.isupper()
    pieces = _EDGE.split(name)
    said = list(pieces)
    for i in range(0, len(pieces), 2):
        if pieces[i]:
            said[i] = _piece(pieces, i, is_turkic=is_turkic, is_loud=is_loud)
    return "".join(said)


def _piece(pieces: list[str], i: int, *, is_turkic: bool, is_loud: bool) -> str:
    word = pieces[i]
    before = pieces[i - 1] if i else ""
    behind = pieces[i + 1] if i + 1 < len(pieces) else ""
    stands_alone = (not before or before.isspace()) and behind.isspace()
    low = _lower(word, is_turkic=is_turkic)
    key = folded(word)
    if before.isspace() and not behind.strip() and key in _NUMERALS:
        return word.upper()
    if stands_alone and is_loud and key in _BETWEEN and _is_between_names(pieces, i):
        return low  # Ortega y Gasset
    if stands_alone and _is_small(key, pieces, i):
        return low
    if before[-1:] in _APOSTROPHES and before and not _starts_anew(pieces, i):
        return low
    return _capital(low, is_turkic=is_turkic)


def _is_small(key: str, pieces: list[str], i: int) -> bool:
    """Tell whether a word is a particle in small letters: de la Tour, von und zu Guttenberg."""
    if key not in _SMALL:
        return False
    is_first = i == 0 or not pieces[0]
    return not is_first or key not in (
        "la",
        "las",
        "los",
        "und",
        "do",
        "dos",
        "den",
        "ten",
        "ter",
        "te",
        "y",
    )


def _is_between_names(pieces: list[str], i: int) -> bool:
    beside = (pieces[i - 2] if i else "", pieces[i + 2])
    return all(len(one) >= _A_NAME and all(c.lower() != c.upper() for c in one) for one in beside)


def _starts_anew(pieces: list[str], i: int) -> bool:
    """Tell whether a capital follows an apostrophe: O'Neil, Dell'Acqua, but not Mar'yana."""
    return not pieces[i - 2] or folded(pieces[i - 2]) in _AFTER_THESE


def _lower(word: str, *, is_turkic: bool) -> str:
    return (word.translate(_DOTLESS) if is_turkic else word.replace("\u0130", "i")).lower()


def _capital(low: str, *, is_turkic: bool) -> str:
    key = folded(low)
    if low.startswith("mc") and len(low) > 3:  # noqa: PLR2004 McX at least
        return "Mc" + low[2:].capitalize()
    if key in _MAC:
        return "Mac" + low[3:].capitalize()
    if low.startswith("ij") and len(low) > 3 and low[2] not in "aeiou":  # noqa: PLR2004 Dutch: IJsbrand
        return "IJ" + low[2:]
    if is_turkic and low[0] == "i":
        return "\u0130" + low[1:]
    return low[0].title() + low[1:]
