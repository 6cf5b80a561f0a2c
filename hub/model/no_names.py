"""Texts in a name field that are no name: addresses, numbers, pictures, remarks in brackets.

In: one line of text. Out: the name in it, and what was left out. Pure.
"""

import functools
import re
import unicodedata
from typing import NamedTuple

from hub.model.name_words import exact, folded, is_given, words

_PLAIN = re.compile(r"[^\W\d_](?:[^\W\d_]|[ '\u2019.\-])*")
_EMAIL = re.compile(r"<?\b[^\s@<>()\[\],;]+@[^\s@<>()\[\],;]+\.[^\W\d_][\w\-]*>?|<[^<>]*>")
_BRACKETS = re.compile(
    r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|\uff08[^\uff08\uff09]*\uff09|\u3010[^\u3010\u3011]*\u3011"
)
_PHONE = re.compile(r"(?<!\w)(?:\+|00)?\d[\d\s().\-/]{5,}\d(?!\w)")
_NUMBER = re.compile(r"(?<!\S)[#\u2116]?\d+(?!\S)")
_BEHIND_A_BAR = re.compile(r"\s+(?:[|/\u2022]|[-\u2013\u2014])\s+.*$")
_QUOTED = re.compile(r"[\"\u201c\u201d\u201e\u00ab\u00bb]")
_EDGES = " \t-\u2013\u2014|/,;:_*~+=\u2022\u00b7"
_CALLERS = words("callers")
_NEVER = exact("never")
_DESKS = words("desks")
_MOST = 3  # words of an address that are a name


class Cleaned(NamedTuple):
    """A name, and the rest of the text, which is none."""

    name: str
    left_out: str


def cleaned(text: str) -> Cleaned:
    """Return the name in a text, without the rest."""
    if _PLAIN.fullmatch(text) and " - " not in text and _NEVER.isdisjoint(text.lower().split()):
        return Cleaned(text, "")  # nearly all texts are names only
    return _cleaned(text)


@functools.lru_cache(maxsize=8_192)
def _cleaned(text: str) -> Cleaned:
    """Clean until nothing changes: without one sign the next one may be at an end."""
    found = _cleaned_once(text)
    while (again := _cleaned_once(found.name)).name != found.name:
        found = Cleaned(again.name, " ".join(f"{found.left_out} {again.left_out}".split()))
    return found


def _cleaned_once(text: str) -> Cleaned:
    out: list[str] = []
    kept = _QUOTED.sub(" ", text) if text[:1] in '"\u201c\u201e\u00ab' else text
    addresses = _EMAIL.findall(kept)
    kept = _taken(_EMAIL, kept, out)
    kept = _taken(_PHONE, kept, out)
    kept = _without_pictures(kept, out)
    inner = _BRACKETS.findall(kept)
    kept = _taken(_BRACKETS, kept, out)
    kept = _taken(_NUMBER, kept, out)
    kept = _first_of_bars(kept.strip(), out)
    kept = _words_of_a_name(kept.strip(_EDGES), out)
    if not kept and len(inner) == 1 and not addresses:
        inside = inner[0][1:-1].strip(_EDGES)
        if _PLAIN.fullmatch(inside):
            kept = inside
            out = [one for one in out if one != inner[0]]
    return Cleaned(kept, " ".join(" ".join(out).split()))


def is_nothing(word: str) -> bool:
    """Tell whether a word is one that programs write for a missing name: null, undefined."""
    return word.lower() in _NEVER


def _taken(pattern: re.Pattern[str], text: str, out: list[str]) -> str:
    out += [found.group() for found in pattern.finditer(text)]
    return pattern.sub(" ", text)


def _without_pictures(text: str, out: list[str]) -> str:
    """Leave emoji and other signs out; letters, marks and punctuation stay."""
    if text.isascii():
        return text
    kept: list[str] = []
    left: list[str] = []
    for c in text:
        is_picture = (
            unicodedata.category(c) in ("So", "Sk", "Cn", "Co", "Cs") or c in "\ufe0f\u20e3"
        )
        (left if is_picture and c not in "`\u00b4" else kept).append(c)
    if left:
        out.append("".join(left))
        return "".join(kept).replace("\u200d", "")
    return text


def _first_of_bars(text: str, out: list[str]) -> str:
    """Leave out the text after a bar: `Jane Doe | Acme`, `Jane Doe - Acme Ltd`."""
    bar = _BEHIND_A_BAR.search(text)
    before = text[: bar.start()] if bar else text
    if bar and (len(before.split()) > 1 or "|" in bar.group()):
        out.append(bar.group().strip())
        return before
    return text


def _words_of_a_name(text: str, out: list[str]) -> str:
    found = text.split()
    is_shouted = text.isupper()
    if found and folded(found[0]) in _CALLERS and (out or len(found) == 1) and len(found) == 1:
        out.insert(0, text)
        return ""
    kept = []
    for word in found:
        low = word.lower()
        is_surname = word.istitle() or (is_shouted and len(found) > 1)  # Jennifer Null
        is_nothing = low in _NEVER and ("/" in word or not is_surname)
        if is_nothing or not any(c.isalpha() for c in word):
            out.append(word)
        else:
            kept.append(word)
    return " ".join(kept)


@functools.lru_cache(maxsize=4_096)
def of_address(address: str) -> tuple[str, str]:
    """Return (given, family) that the local part of an e-mail address names; empty for a role address.

    jane.doe@… → jane, doe; jean-pierre.dupont@… → jean-pierre, dupont; madonna@… → "", madonna.
    """
    local = address.strip("<> ").rpartition("@")[0].partition("+")[0]
    parts = [p for one in re.split(r"[._\s]+", local) if (p := one.strip("-0123456789"))]
    if len(parts) == 1 and parts[0].count("-") == 1:
        parts = parts[0].split("-")
    parts = [p for p in parts if any(c.isalpha() for c in p)]
    is_no_name = len(parts) > _MOST or any(folded(p) in _DESKS for p in parts)
    if not parts or is_no_name or len(parts[-1]) < 2:  # noqa: PLR2004 letters of a name
        return "", ""
    if len(parts) == 1:
        return "", parts[0][:80]
    given, family = " ".join(parts[:-1]), parts[-1]
    if is_given(family) and not is_given(parts[0]) and len(parts) == 2:  # noqa: PLR2004 doe.jane@…
        given, family = family, given
    return given[:80], family[:80]
