"""How an address, a number or a name may be written: regular expressions for PostgreSQL and Python. Pure.

Both engines read the same text: escapes, groups, counts and looking around are written alike. Compare
without case.
"""

import re
import unicodedata
from collections.abc import Iterable

import phonenumbers

from hub.etl.erased_forms import EMAIL, Form
from hub.model.addresses import readable_domain

_CODED = r"\\+u[0-9a-f]{4}|%[0-9a-f]{2}"
"""A character as JSON or an address of the web writes it: `\\u00a0`, `%20`."""
_BETWEEN = rf"(?:[^0-9A-Za-z]{{0,3}}|{_CODED})"
"""The characters that may separate two digits of a number."""
_SPACE = rf"(?:\s|\\+[nrt]|\+|{_CODED})"
"""A space, a line's end, a tab: as it is, or coded."""
_BEFORE = rf"\\+[nrtbf]|{_CODED}"
"""What a coded character before a word is; it goes with the word. To look behind for it costs ten times as much."""
_START = rf"(?:(?<!\w)|{_BEFORE})"
_GMAIL = "gmail.com"
_ASCII = 128


def of_form(form: Form) -> str:
    """Return how an address, or a number, may be written."""
    kind, text = form
    return _email(text) if kind == EMAIL else _number(text)


def _email(form: str) -> str:
    local, _, domain = form.rpartition("@")
    letters = [_letter(c) for c in _composed(local)]
    hosts = {domain, readable_domain(domain)}
    if domain == _GMAIL:
        letters = [*(f"{c}\\.?" for c in letters[:-1]), *letters[-1:]]
        hosts.add("googlemail.com")
    host = "|".join(sorted("".join(map(_letter, _composed(one))) for one in hosts))
    tag = r"(?:\+[^@\s\"'<>,;:]*)?"
    before = rf"(?:(?<![a-z0-9._%-])|{_BEFORE})"
    return rf"{before}{''.join(letters)}{tag}\s?(?:@|%40)\s?(?:{host})(?![a-z0-9-]|\.[a-z0-9])"


def _number(form: str) -> str:
    country, national = "", form
    if form.startswith("+"):
        try:
            country = str(phonenumbers.parse(form).country_code)
        except phonenumbers.NumberParseException:
            country = ""
        national = form[1 + len(country) :]
    digits = _BETWEEN.join(national)
    before = "0?" + _BETWEEN
    if country:
        before = (
            rf"(?:(?:\+|00)?{_BETWEEN.join(country)}{_BETWEEN}(?:\(?0\)?{_BETWEEN})?|0{_BETWEEN})?"
        )
    return rf"(?:(?<![0-9])|{_BEFORE}){before}{digits}(?![0-9])"


def of_name(first: str, last: str) -> str | None:
    """Return how a whole name may be written, first or last name first; None without one of them."""
    if not first.strip() or not last.strip():
        return None
    a, b = _words(first), _words(last)
    return rf"{_START}(?:{a}(?:[,.]|{_SPACE})+{b}|{b}(?:,|{_SPACE})+{a})(?!\w)"


def of_word(name: str) -> str | None:
    """Return how a first or a last name alone may be written; None for an initial."""
    return rf"{_START}{_words(name)}(?!\w)" if len(name.strip()) > 1 else None


def of_text(text: str) -> str:
    """Return how a technical name is written: exactly so."""
    return rf"{_START}{re.escape(text)}(?!\w)"


def each_of(patterns: Iterable[str | None]) -> tuple[str, ...]:
    """Return the patterns, each once, the longest first."""
    return tuple(sorted({p for p in patterns if p}, key=lambda p: (-len(p), p)))


def any_of(patterns: Iterable[str | None]) -> str | None:
    """Return one pattern for all, the longest first; None where there is none."""
    return "|".join(f"(?:{p})" for p in each_of(patterns)) or None


def _words(name: str) -> str:
    return f"{_SPACE}+".join("".join(map(_letter, word)) for word in _composed(name).split())


def _composed(said: str) -> str:
    return unicodedata.normalize("NFC", said)


def _letter(char: str) -> str:
    """Return a letter in both cases, as it is, as JSON may escape it, and as PostgreSQL writes bytes.

    Both cases are written out: a search of bytes knows the case of ASCII letters alone. JSON in a text of
    another JSON has more backslashes.
    """
    if char.isascii():
        return re.escape(char)
    cases = sorted({char, char.lower(), char.upper()})
    said = sorted({*cases, *(unicodedata.normalize("NFD", one) for one in cases)})
    written = [*map(re.escape, said), *map(_in_json, said), *map(_in_bytes, said)]
    return f"(?:{'|'.join(written)})"


def _in_json(letters: str) -> str:
    units = letters.encode("utf-16-be")
    codes = [units[i : i + 2].hex() for i in range(0, len(units), 2)]
    return "".join(
        re.escape(chr(int(code, 16))) if int(code, 16) < _ASCII else rf"\\{{1,4}}u{code}"
        for code in codes
    )


def _in_bytes(letters: str) -> str:
    return "".join(
        re.escape(chr(byte)) if byte < _ASCII else rf"\\{byte:03o}" for byte in letters.encode()
    )
