"""Read telephone numbers with libphonenumber's metadata: https://github.com/google/libphonenumber.

In: a text, and the country whose national numbers it may hold ("" where that is not known). Out: a
`Reading`. `hub.mappings.phones` loads this module for the first number whose form is not plain, because
the metadata are slow to load.
"""

import functools
import re
import unicodedata
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

from hub.mappings.phone_reading import LONGEST, Reading
from hub.mappings.phone_words import (
    EXTENSION,
    EXTENSION_AFTER_SEPARATOR,
    LABELS,
    SEPARATOR,
)
from hub.mappings.text import clean, fold

_FEWEST = 5
"""Fewest digits of a number; a shorter run is something else (18h, room 12)."""
_RUN = re.compile(r"[+(\[]*\d[\d\s().\-/'\u2019\u00b7*\[\]]*\d|\d")
_ASIDE = re.compile(r"\(([^()\d]*)\)")
_TIME = re.compile(
    r"(?<!\d)\d{1,2}\s?[:h]\s?\d{2}(?!\d)|(?<!\d)\d{1,2}\s?(?:h|am|pm|uhr|ч)\b", re.IGNORECASE
)
_ASIDE_ENDS = re.compile(r"(?<=[^\d\s+(])\)")
"""The end of words in parentheses."""
_SPREADSHEET = re.compile(r"\d+(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)
_VANITY = re.compile(
    r"(?:\+?1[ .-]?)?\(?8(?:00|33|44|55|66|77|88)\)?[ .-]?(?=[A-Z0-9-]*[A-Z]{3})[A-Z0-9-]{7,14}",
    re.IGNORECASE,
)
"""Letters for digits, on toll-free numbers of North America: 1-800-FLOWERS."""


class _Piece(NamedTuple):
    """One number read, or none (an empty `number`)."""

    number: str
    extension: str
    beside: str


@functools.lru_cache(maxsize=4096)
def read_with_library(raw: str, region: str) -> Reading:
    """Return the numbers of a text of any form."""
    text = _plain(raw)
    line = clean(text)
    if not any(c.isdigit() for c in line):
        return Reading(why="not a phone number")
    if _SPREADSHEET.fullmatch(line):
        return Reading(why="a spreadsheet has shortened the number")
    pieces = [p for p in SEPARATOR.split(text) if any(c.isalnum() for c in p)]
    apart = _several(pieces, region) if len(pieces) > 1 else Reading()
    if len(apart.numbers) > 1:
        return apart
    whole = _piece(line, region)
    if whole.number and not (apart.numbers and whole.beside):
        return Reading((whole.number,), whole.extension, whole.beside)
    return apart if apart.numbers else _by_spaces(line, region)


def _by_spaces(line: str, region: str) -> Reading:
    """Read numbers that only spaces separate: 0639980001 0199000002."""
    words = line.split(" ")
    apart = _several(words, region) if len(words) < 9 else Reading()  # noqa: PLR2004 more are a sentence
    return apart if len(apart.numbers) > 1 else Reading(why=_why(line, region))


def _plain(raw: str) -> str:
    """Return a text with ASCII digits, plain hyphens and spaces; a line break becomes a separator."""
    text = re.sub(r"[\r\n\v\f\x85\u2028\u2029]+", " ; ", raw[: 2 * LONGEST])
    text = clean(unicodedata.normalize("NFKC", text))
    text = "".join(_plain_sign(c) for c in text) if not text.isascii() else text
    return EXTENSION_AFTER_SEPARATOR.sub(" ", text)


def _plain_sign(char: str) -> str:
    if char.isascii():
        return char
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    if char in "\u2212\u30fc" or unicodedata.category(char) == "Pd":
        return "-"
    return char


def _several(pieces: list[str], region: str) -> Reading:
    """Read pieces in order; a piece that fits only an earlier piece's country is read in that country."""
    found: dict[str, _Piece] = {}
    beside: list[str] = []
    abroad = region
    for piece in pieces:
        abroad = _stated(piece) or abroad
        one = _piece(piece, region)
        other = _piece(piece, abroad) if abroad != region else one
        if one.number and other.number and one.number != other.number:
            one = _Piece("", "", piece)  # a national number of either country
        one = one if one.number else other
        if not one.number:
            beside.append(_unlabelled(piece))
            continue
        if found and one.extension:
            beside.append(f"{one.number} x{one.extension}")
        found.setdefault(one.number, one)
        beside.append(one.beside)
    extension = next(iter(found.values())).extension if found else ""
    return Reading(tuple(found), extension, " ".join(b for b in beside if b))


def _piece(text: str, region: str) -> _Piece:
    """Read one number and the words around it."""
    vanity = _VANITY.fullmatch(text)
    if vanity and (number := _accepted(text, region or "US")):
        return _Piece(number, "", "")
    asides = " ".join(_ASIDE.findall(text))
    text = _ASIDE.sub(" ", text).rstrip(" .,")
    found = EXTENSION.search(text)
    extension = found[1] if found else ""
    text = text[: found.start()] if found else text
    runs = _runs(text)
    if len(runs) != 1:
        return _Piece("", "", text)
    number = _number(runs[0][0], region)
    around = f"{text[: runs[0].start()]} {text[runs[0].end() :]} {asides}"
    return _Piece(number, extension, _unlabelled(around)) if number else _Piece("", "", text)


def _runs(text: str) -> list[re.Match[str]]:
    """Return the runs of digits and signs that are long enough for a number; 18:00 is a time of day."""
    masked = _TIME.sub(lambda time: "x" * len(time[0]), text)
    masked = _ASIDE_ENDS.sub("x", masked)
    return [run for run in _RUN.finditer(masked) if _digits(run[0]) >= _FEWEST]


def _digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


def _unlabelled(text: str) -> str:
    """Return the words that are more than the label of a number (Tel., mobile, Handy)."""
    words = fold(text).split()
    return "" if all(word in LABELS for word in words) else clean(text).strip(" ()[]:;,/-")


def _number(run: str, region: str) -> str:
    """Return a run of digits in E.164, or ""; 00 and (0) are tried both ways."""
    typed = re.sub(r"^[+(\[]*\+[+(\[]*(?:00)?|^[(\[]*(?=\+)", "+", run.strip("/.- "))
    typed = re.sub("['\u2019\u00b7*]", " ", typed)
    bare = typed.replace("(0)", " ")
    ways = [bare, typed.replace("(0)", "0")] if "(0)" in typed else [bare]
    if bare.lstrip("([").startswith("00"):
        abroad = "+" + bare.lstrip("([")[2:]
        ways = [*ways, abroad] if region in ("US", "CA") else [abroad, *ways]
    return next((number for way in ways if (number := _accepted(way, region))), "")


def _accepted(typed: str, region: str) -> str:
    number = parsed(typed, region)
    digits = [c for c in typed if c.isdigit()]
    if number is None or (typed[0] != "+" and len(set(digits)) == 1):
        return ""
    if not phonenumbers.is_possible_number(number) or not _kinds(number):
        return ""
    said = _e164(number)
    again = parsed(said, region)
    stable = (
        again is not None and _e164(again) == said
    )  # otherwise its first digits would be taken for a trunk prefix
    return said if stable else ""


def parsed(typed: str, region: str) -> PhoneNumber | None:
    """Return a number as the library reads it, or None."""
    try:
        return phonenumbers.parse(typed, region or None)
    except phonenumbers.NumberParseException:
        return None


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _stated(piece: str) -> str:
    """Return the country of a number's prefix, or ""."""
    run = _RUN.search(piece)
    number = parsed(re.sub(r"^[(\[]*00", "+", run[0]), "") if run else None
    return (phonenumbers.region_code_for_number(number) or _main_country(number)) if number else ""


def _main_country(number: PhoneNumber) -> str:
    return phonenumbers.region_code_for_country_code(number.country_code or 0)


def is_mobile(e164: str) -> bool:
    """Return whether a number is certainly a mobile one; North American numbers do not show it."""
    number = parsed(e164, "")
    return number is not None and _kinds(number) == {PhoneNumberType.MOBILE}


def _kinds(number: PhoneNumber) -> frozenset[int]:
    """Return the kinds of a number; none if no number of its country has this length and beginning.

    A number that is not assigned to an operator is accepted (films use 06 39 98 and 07700 900). A number
    whose first digits do not exist in its country is a mistake.
    """
    kind = phonenumbers.number_type(number)
    if kind != PhoneNumberType.UNKNOWN:
        return frozenset({kind})
    national = phonenumbers.national_significant_number(number)
    code = number.country_code or 0
    if code == 1:
        return _IN_NORTH_AMERICA if _AREA.match(national) else frozenset()
    return _kin(code, national[:2], len(national))


_AREA = re.compile(r"[2-9](?!11)\d\d")
"""An area code of North America: https://nationalnanpa.com/area_codes/"""
_IN_NORTH_AMERICA = frozenset({PhoneNumberType.FIXED_LINE_OR_MOBILE})


@functools.lru_cache(maxsize=4096)
def _kin(code: int, begin: str, length: int) -> frozenset[int]:
    """Return the kinds of the numbers of this country and length that share the first two digits."""
    fill = "23456789012345"[: max(0, length - 4)]
    ways = (
        f"+{code}{begin}{middle:02}{fill}"[: len(str(code)) + 1 + length] for middle in range(100)
    )
    numbers = (parsed(way, "") for way in ways)
    kinds = {phonenumbers.number_type(n) for n in numbers if n is not None}
    return frozenset(kinds - {PhoneNumberType.UNKNOWN})


def _why(text: str, region: str) -> str:
    runs = [run[0] for run in _runs(text)]
    if not runs:
        return "not a phone number"
    if not region and not runs[0].lstrip("([").startswith(("+", "00")):
        return "a national number, and the record's country is not known"
    number = parsed(runs[0], region)
    if number is None or not phonenumbers.is_possible_number(number):
        return f"too short or too long for a phone number of {region or 'that country'}"
    return f"no number of {_main_country(number)} begins like this"
