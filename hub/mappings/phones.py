"""Transforms of telephone numbers.

The one reader of telephone numbers in the hub. In: a text, and the country whose national numbers it may hold ("" where that is not known). Out: numbers in
E.164, an extension, and what stands beside them. What cannot be read stays as typed, with a problem.
Metadata: https://github.com/google/libphonenumber. What does not belong here: which country a record is of.
"""

import functools
import re
import unicodedata
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType

from hub.mappings.phone_words import EXTENSION, EXTENSION_AFTER_SEPARATOR, LABELS, SEPARATOR
from hub.mappings.registry import Args, Ctx, Outcome, Remark, transform
from hub.mappings.text import as_text, clean, fold
from hub.model.records import JsonValue

_LONGEST = 250
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


class Reading(NamedTuple):
    """The numbers in a text.

    Args:
        numbers: in E.164, in the order of the text, each once.
        extension: of the first number; digits, or "".
        beside: words and digits that are part of no number.
        why: the reason, where there is no number.
    """

    numbers: tuple[str, ...] = ()
    extension: str = ""
    beside: str = ""
    why: str = ""


class _Piece(NamedTuple):
    """One number read, or none (an empty `number`)."""

    number: str
    extension: str
    beside: str


def read(value: object, region: str) -> Reading:
    """Return the numbers of a text; `region` is an ISO-2 country, or "" for none.

    Raises:
        RecordError: the value is no text.
    """
    raw = as_text(value)
    if len(raw) < _LONGEST:
        return _read_short(raw, region)
    return _read(raw, region) if clean(raw[: 4 * _LONGEST]) else Reading()


@functools.lru_cache(maxsize=1024)
def _read_short(raw: str, region: str) -> Reading:
    """Read a text of usual length; four fields of a record ask for the same one."""
    line = clean(raw)
    if not line:
        return Reading()
    quick = _quick(line, region)
    return Reading((quick,)) if quick else _read(raw, region)


@transform(reads=("region",))
def phone(value: object, _args: Args, ctx: Ctx) -> Outcome:
    """E.164 of the first number, read in the record's country; a text without a readable number stays as typed, with a problem."""
    raw = as_text(value)
    reading = read(raw, ctx.region)
    if reading.numbers:
        return _told(reading)
    typed = clean(raw)
    return Remark(typed[:_LONGEST], f"{reading.why}; kept as typed") if typed else None


def _told(reading: Reading) -> Outcome:
    first, *further = reading.numbers
    said = []
    if further:
        said.append(f"more than one number: also {', '.join(further)}")
    if reading.beside:
        said.append(f"beside the number: {reading.beside[:80]}")
    return Remark(first, "; ".join(said)) if said else first


@transform(idempotent=False, reads=("region",))
def phone_extension(value: object, _args: Args, ctx: Ctx) -> Outcome:
    """The extension of a phone number (x12, ext. 12, poste 12, Durchwahl 12), as text."""
    return read(value, ctx.region).extension or None


@transform(idempotent=False, reads=("region",))
def second_mobile(value: object, _args: Args, ctx: Ctx) -> Outcome:
    """The first mobile number after another number in the same field."""
    return next((n for n in read(value, ctx.region).numbers[1:] if is_mobile(n)), None)


@transform(idempotent=False, reads=("region",))
def other_phones(value: object, _args: Args, ctx: Ctx) -> Outcome:
    """The second and further numbers of a field, or of each of `all_of` (phone, mobile, …), as a list.

    Of a list, the number that `second_mobile` takes from the first field for an empty second one is left out.
    """
    fields = value if isinstance(value, list) else [value]
    found = [read(v, ctx.region) if v is not None else Reading() for v in fields]
    if max([len(r.numbers) for r in found], default=0) < 2:  # noqa: PLR2004 no second number
        return None
    standing = {r.numbers[0] for r in found if r.numbers}
    if isinstance(value, list) and not any(r.numbers or r.why for r in found[1:2]):
        standing |= set([n for r in found[:1] for n in r.numbers[1:] if is_mobile(n)][:1])
    further: list[JsonValue] = [n for r in found for n in r.numbers[1:] if n not in standing]
    return [*dict.fromkeys(further)] or None


@functools.lru_cache(maxsize=4096)
def _read(raw: str, region: str) -> Reading:
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
    text = re.sub(r"[\r\n\v\f\x85\u2028\u2029]+", " ; ", raw[: 2 * _LONGEST])
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
    number = _parse(typed, region)
    digits = [c for c in typed if c.isdigit()]
    if number is None or (typed[0] != "+" and len(set(digits)) == 1):
        return ""
    if not phonenumbers.is_possible_number(number) or not _kinds(number):
        return ""
    said = _e164(number)
    again = _parse(said, region)
    stable = (
        again is not None and _e164(again) == said
    )  # otherwise its first digits would be taken for a trunk prefix
    return said if stable else ""


def _parse(typed: str, region: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(typed, region or None)
    except phonenumbers.NumberParseException:
        return None


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _stated(piece: str) -> str:
    """Return the country of a number's prefix, or ""."""
    run = _RUN.search(piece)
    number = _parse(re.sub(r"^[(\[]*00", "+", run[0]), "") if run else None
    return (phonenumbers.region_code_for_number(number) or _main_country(number)) if number else ""


def _main_country(number: PhoneNumber) -> str:
    return phonenumbers.region_code_for_country_code(number.country_code or 0)


def is_mobile(e164: str) -> bool:
    """Return whether a number is certainly a mobile one; North American numbers do not show it."""
    number = _parse(e164, "")
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
    numbers = (_parse(way, "") for way in ways)
    kinds = {phonenumbers.number_type(n) for n in numbers if n is not None}
    return frozenset(kinds - {PhoneNumberType.UNKNOWN})


def _why(text: str, region: str) -> str:
    runs = [run[0] for run in _runs(text)]
    if not runs:
        return "not a phone number"
    if not region and not runs[0].lstrip("([").startswith(("+", "00")):
        return "a national number, and the record's country is not known"
    number = _parse(runs[0], region)
    if number is None or not phonenumbers.is_possible_number(number):
        return f"too short or too long for a phone number of {region or 'that country'}"
    return f"no number of {_main_country(number)} begins like this"


_NATIONAL = {
    "FR": ("+33", re.compile(r"0([1-7]\d{8})")),
    "GB": ("+44", re.compile(r"0((?:1[1-9]|2[03489]|7\d)\d{8})")),
    "US": ("+1", re.compile(r"([2-9](?!11)\d\d[2-9]\d{6})")),
}
_PLUS = re.compile(
    r"\+33[1-7]\d{8}|\+1[2-9](?!11)\d\d[2-9]\d{6}|\+44[127]\d{9}|\+34[67]\d{8}|\+491[567]\d{8,9}"
)
_SPACED = str.maketrans("", "", " .-()/\u00a0")


def _quick(raw: str, region: str) -> str | None:
    """Read the plain national and international forms of FR, US, GB, ES and DE without the library."""
    if raw.isascii() and "(0" not in raw:
        digits = raw.translate(_SPACED)
        if _PLUS.fullmatch(digits):
            return digits
        code, national = _NATIONAL.get(region, ("", None))
        found = national.fullmatch(digits) if national and raw[0] in "(0123456789" else None
        if found and len(set(digits)) > 1:
            return code + found.group(1)
    return None
