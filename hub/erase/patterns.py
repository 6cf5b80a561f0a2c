"""How an address, a number or a name may be written: regular expressions for PostgreSQL and Python. Pure.

Both engines read the same text: escapes, groups, counts and looking around are written alike. Compare
without case.
"""

import re
from collections.abc import Iterable

import phonenumbers

from hub.etl.erased_forms import EMAIL, Form
from hub.model.addresses import readable_domain

_BETWEEN = r"[^0-9A-Za-z]{0,3}"
"""What may stand between two digits of a number."""
_GMAIL = "gmail.com"


def of_form(form: Form) -> str:
    """Return how an address, or a number, may be written."""
    kind, text = form
    return _email(text) if kind == EMAIL else _number(text)


def _email(form: str) -> str:
    local, _, domain = form.rpartition("@")
    letters = [_letter(c) for c in local]
    hosts = {domain, readable_domain(domain)}
    if domain == _GMAIL:
        letters = [*(f"{c}\\.?" for c in letters[:-1]), *letters[-1:]]
        hosts.add("googlemail.com")
    host = "|".join(sorted("".join(map(_letter, one)) for one in hosts))
    tag = r"(?:\+[^@\s\"'<>,;:]*)?"
    return rf"(?<![a-z0-9._%-]){''.join(letters)}{tag}\s?(?:@|%40)\s?(?:{host})(?![a-z0-9-]|\.[a-z0-9])"


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
    return rf"(?<![0-9]){before}{digits}(?![0-9])"


def of_name(first: str, last: str) -> str | None:
    """Return how a whole name may be written, first or last name first; None without one of them."""
    if not first.strip() or not last.strip():
        return None
    a, b = _words(first), _words(last)
    return rf"(?<!\w)(?:{a}[\s,.]+{b}|{b}[\s,]+{a})(?!\w)"


def of_word(name: str) -> str | None:
    """Return how a first or a last name alone may be written; None for an initial."""
    return rf"(?<!\w){_words(name)}(?!\w)" if len(name.strip()) > 1 else None


def of_text(text: str) -> str:
    """Return how a technical name is written: exactly so."""
    return rf"(?<!\w){re.escape(text)}(?!\w)"


def any_of(patterns: Iterable[str | None]) -> str | None:
    """Return one pattern for all, the longest first; None where there is none."""
    found = sorted({p for p in patterns if p}, key=lambda p: (-len(p), p))
    return "|".join(f"(?:{p})" for p in found) or None


def _words(name: str) -> str:
    return r"\s+".join("".join(map(_letter, word)) for word in name.split())


def _letter(char: str) -> str:
    """Return a letter, also as JSON may escape it (once, or in a text inside a text)."""
    if char.isascii():
        return re.escape(char)
    units = char.encode("utf-16-be")
    codes = [units[i : i + 2].hex() for i in range(0, len(units), 2)]
    escaped = "".join(rf"\\{{1,4}}u{code}" for code in codes)
    return rf"(?:{re.escape(char)}|{escaped})"
