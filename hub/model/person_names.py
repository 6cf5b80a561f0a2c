"""A full name taken apart: one splitter for every source and for matching. Pure.

In: a name in one line, and the language of its record where that is known. Out: its parts. Which name
comes first follows from capitals, a comma, the script, the language, or the words themselves. Otherwise
given names come first, and the last word is the family name. Particles start a family name. Texts that
are no name are left out and reported (`hub.model.no_names`); no letter is lost.

Sources: https://www.w3.org/International/questions/qa-personal-names, Unicode CLDR's `personNames`.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

from hub.model import family_first, no_names
from hub.model.name_words import exact, folded, is_given, words

_TITLES = words("titles")
_WITH_STOP = words("titles_with_stop")
_NOBILITY = words("nobility")
_SUFFIXES = words("suffixes")
_PARTICLES = words("particles")
_JOINTS = exact("joints")
_BORN = words("born")
_AFTER_PARTICLE = words("spanish_given_after_particle")
_IBERIAN = words("iberian")
_IBERIAN_LANGUAGES = ("es", "pt", "ca", "gl")
_ARABIC_PAIRS = exact("arabic_pairs")
_LONG_EZ = 5  # letters from which a word in -ez is a Spanish surname
_LONGEST = 500


class PersonName(NamedTuple):
    """The parts of a name; each may be empty."""

    first: str
    last: str
    salutation: str = ""
    suffix: str = ""
    left_out: str = ""


@functools.lru_cache(maxsize=4_096)
def split(full: str, language: str = "") -> PersonName:
    """Take a full name apart; a single word is a family name.

    Args:
        full: the name, in one line.
        language: BCP 47 tag of the record's own language (`hu`, `zh-TW`); empty where none is known.
    """
    kept, left_out = no_names.cleaned(full[:_LONGEST])
    left_out += full[_LONGEST:]
    if not kept:
        given, family = no_names.of_address(left_out) if "@" in left_out else ("", "")
        return PersonName(given, family, left_out=left_out)
    if no_names.is_nothing(left_out) and kept.isalpha() and full.startswith(kept):
        return PersonName(kept, "", left_out=left_out)  # Jane null
    left = [left_out] if left_out else []
    pieces, suffixes = _suffix_pieces(kept)
    if len(pieces) > 1:
        pieces = _without_remarks(pieces, left)
    name = _comma(pieces) if len(pieces) > 1 else _plain(pieces[0].split(), _primary(language))
    suffix = " ".join([*([name.suffix] if name.suffix else []), *suffixes])
    return name._replace(suffix=suffix, left_out=" ".join(left))


def parts_of_given(typed: str, language: str = "") -> PersonName:
    """Take apart a first name that was typed without a last name: "Jane Doe".

    Given names alone (Anna Maria, Jean-Pierre) stay together, and so does a single word.
    """
    name = split(typed, language)
    whole = " ".join(part for part in (name.first, name.last) if part)
    if (
        not name.first
        or not name.last
        or ("," not in typed and all(_is_initial(w) or is_given(w) for w in whole.split()))
    ):
        return name._replace(first=whole, last="")
    return name


def _primary(language: str) -> str:
    return language.replace("_", "-").partition("-")[0].strip().lower()


def _suffix_pieces(text: str) -> tuple[list[str], list[str]]:
    """Return the pieces between commas, and those that are suffixes: Jane Doe, MD, PhD."""
    pieces = [
        p
        for one in text.replace("\u060c", ",").replace("\u3001", ",").split(",")
        if (p := one.strip())
    ]
    suffixes: list[str] = []
    while len(pieces) > 1 and all(folded(w) in _SUFFIXES for w in pieces[-1].split()):
        suffixes.insert(0, pieces.pop())
    if len(pieces) > 2 and folded(pieces[1]) in _SUFFIXES:  # noqa: PLR2004 Doe, Jr., John
        suffixes.insert(0, pieces.pop(1))
    return pieces or [text], suffixes


def _without_remarks(pieces: Sequence[str], left: list[str]) -> list[str]:
    """Leave out the text after a comma if it is no given name: `Jane Doe, Acme Ltd`."""
    before, after = pieces[0].split(), pieces[1].split()
    is_whole = len(before) > 1 and is_given(before[0]) and not is_given(before[-1])
    if is_whole and not any(is_given(word) or _is_initial(word) for word in after):
        left.append(", ".join(pieces[1:]))
        return [pieces[0]]
    if len(pieces) > 2:  # noqa: PLR2004 family and given names
        left.append(", ".join(pieces[2:]))
    return list(pieces[:2])


def _comma(pieces: Sequence[str]) -> PersonName:
    """Return the parts of `Last, First`."""
    words_, salutation = _titles(pieces[1].split(), 1)
    behind, suffix = _suffixes(words_, 1)
    family, more = _titles(pieces[0].split(), 1)
    family, generation = _suffixes(family, 1)
    return PersonName(
        " ".join(behind),
        " ".join(family),
        " ".join([*more, *salutation]),
        " ".join([*generation, *suffix]),
    )


def _plain(found: Sequence[str], language: str) -> PersonName:
    """Return the parts of a name without a comma."""
    kept, titles = _titles(found, 1, language)
    kept, suffixes = _suffixes(kept, 2)
    kept, behind = family_first.without_title_behind(kept)
    cut, is_family_first = _cut(kept, language)
    head, tail = kept[:cut], kept[cut:]
    if len(kept) == 1 and (pair := family_first.one_word(kept[0], language)):
        head, tail = [pair[1]], [pair[0]]
    elif is_family_first:
        head, tail = tail, head
    return PersonName(
        " ".join(head), " ".join(tail), " ".join([*titles, *behind]), " ".join(suffixes)
    )


def _titles(found: Sequence[str], least: int, language: str = "") -> tuple[list[str], list[str]]:
    """Return the words after the titles, at least `least` of them, and the titles."""
    kept, titles = list(found), list[str]()
    while len(kept) > least and _is_title(kept, language):
        titles.append(kept.pop(0))
    return kept, titles


def _is_title(found: Sequence[str], language: str) -> bool:
    word = folded(found[0])
    if word in _NOBILITY:
        return len(found) > 2 and is_given(found[1])  # noqa: PLR2004 a title and two names
    if word not in _TITLES:
        return False
    if word not in _WITH_STOP:
        return True
    has_stop = found[0].endswith((".", ".ssa", ".ra"))
    if len(word) > 1:
        return has_stop or (word == "me" and language == "fr")  # Maître
    rest = [w for w in found[1:] if folded(w) not in _TITLES]
    is_alone = len(rest) == 1 and (has_stop or word == "m")
    return is_alone or (has_stop and bool(rest) and (language == "fr" or is_given(rest[0])))


def _suffixes(found: Sequence[str], least: int) -> tuple[list[str], list[str]]:
    kept, suffixes = list(found), list[str]()
    while len(kept) > least and folded(kept[-1]) in _SUFFIXES:
        suffixes.insert(0, kept.pop())
    return kept, suffixes


def _cut(found: Sequence[str], language: str) -> tuple[int, bool]:
    """Return where the second name begins, and whether the first is the family name."""
    n = len(found)
    if n < 2:  # noqa: PLR2004 one word, or none
        return 0, False
    marked = _capitals(found)
    if marked is not None:
        return marked
    in_front = family_first.words_of_family(found, language)
    if in_front:
        return in_front, True
    return _family_start(found, language), False


def _capitals(found: Sequence[str]) -> tuple[int, bool] | None:
    """Return the cut beside a family name in capitals: DUPONT Jean, Marie-Claude LE GALL."""
    loud = [_is_loud(word) for word in found]
    if not any(loud) or all(loud[i] or _is_initial(w) for i, w in enumerate(found)):
        return None
    behind = len(loud)
    while behind and loud[behind - 1]:
        behind -= 1
    if behind < len(loud):
        return behind, False
    front = 0
    while front < len(loud) and loud[front]:
        front += 1
    return (front, True) if front else None


def _is_loud(word: str) -> bool:
    """Tell whether a word is in capitals and no initials (JP, J.R.)."""
    count = sum(c.isalpha() for c in word)
    if count < 2 or not word.isupper() or "." in word.rstrip("."):  # noqa: PLR2004 an initial
        return False
    if folded(word) in _SUFFIXES:
        return False
    return count > 2 or any(c in "AEIOUY\u00c9\u00c8\u00d6\u00dc" for c in word[1:]) or word == "NG"  # noqa: PLR2004 LE, XU, but not JP


def _is_initial(word: str) -> bool:
    bare = word.replace(".", "").replace("-", "")
    return len(bare) == 1 or ("." in word and bare.isupper() and len(bare) < 4)  # noqa: PLR2004 J.R.R.


def _family_start(found: Sequence[str], language: str) -> int:
    """Return where the family name begins in a name that its given names lead."""
    n = len(found)
    last = n - 1
    if folded(found[0]) in _NOBILITY and folded(found[1]) in _PARTICLES:
        return 0  # Graf von Faber
    for i in range(1, n):
        word = folded(found[i])
        if word in _BORN and i > 1 and i < last:
            return _family_start(found[:i], language)
        if word in _NOBILITY and i < last:
            return i
    i = 1
    while i < last:
        if _is_particle(found, i):
            behind = _behind_particles(found, i)
            if (
                behind < last
                and folded(found[behind]) in _AFTER_PARTICLE
                and _may_be_devout(found, i)
            ):
                i = behind + 1  # Maria del Carmen
                continue
            return i - 1 if i > 1 and _is_iberian(found[i - 1]) else i
        i += 1
    return _without_particle(found, language)


def _without_particle(found: Sequence[str], language: str) -> int:
    """Return where the family name begins in a name without a particle."""
    n = len(found)
    if n < 3:  # noqa: PLR2004 given and family name
        return n - 1
    middle = found[-2]
    if middle in _JOINTS:
        return max(0, n - 3)  # José Ortega y Gasset
    if middle in _ARABIC_PAIRS:
        return n - 2
    if any(_is_initial(word) for word in (found[0], middle, found[-1])):
        return n - 1
    is_two = language in _IBERIAN_LANGUAGES and not is_given(middle)
    return n - 2 if is_two or _is_iberian(middle) else n - 1


def _is_particle(found: Sequence[str], i: int) -> bool:
    word = found[i]
    if len(word.rstrip(".'\u2019")) < 2:  # noqa: PLR2004 an initial
        return False
    return folded(word) in _PARTICLES and not (word.isupper() and word.endswith("."))


def _behind_particles(found: Sequence[str], i: int) -> int:
    while i < len(found) - 1 and folded(found[i]) in _PARTICLES:
        i += 1
    return i


def _may_be_devout(found: Sequence[str], i: int) -> bool:
    """Tell whether the names before a particle take one of Mary's: Maria del, Ana de la, Juan de."""
    return all(is_given(word) or folded(word) in ("ma", "mª", "m") for word in found[:i])


def _is_iberian(word: str) -> bool:
    low = folded(word)
    return low in _IBERIAN or (low.endswith("ez") and len(low) >= _LONG_EZ)
