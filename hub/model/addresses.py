"""E-mail addresses: how they are read and compared, and which ones were invented.

In: a text with addresses, names, comments. Out: the addresses, in order, and pieces that look like one and are none.
"jane at acme.fr" is not guessed. Mappings, typed values and matching use this module. Not here: what two
equal addresses prove (`hub.matching`).
"""

import functools
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

import idna

_ATOM = re.compile(
    r"(?=.{6,254}$)(?=[^@]{1,64}@)[A-Za-z0-9_+\-]+(?:\.[A-Za-z0-9_+\-]+)*"
    r"@(?:[A-Za-z0-9]{1,63}\.|[A-Za-z0-9]{1,30}-[A-Za-z0-9]{1,30}\.)+"
    r"(?!(?i:alt|arpa|internal|invalid|local|localhost|onion)$)[A-Za-z]{2,24}"
)
"""Plainly valid addresses: the library accepts them too (a property test checks this)."""
_BREAK = re.compile(r"[\r\n\v\f\u2028\u2029;|\uff1b\u061b]+")
_COMMA = re.compile(r"[,\uff0c\u3001\u060c]+")
_NAME = re.compile(r"[^\W\d_][\w .'\u2019-]*")
_ADDRESS_ENDS = re.compile(r"[\s/<>()\[\]{}:\"\u00ab\u00bb\u201c-\u201f]+")
_QUERY = re.compile(r"(@[^?@\s]+)\?\S*")
_QUOTES = "'`\u00b4\u2018\u2019\u201a\u201b.,;! "
_AROUND = _QUOTES + "?*_~-"
_DOTS = str.maketrans("\u3002\uff61\u2024", "...")
_SPACED = re.compile(r"([^\s@]+)\s*@\s*([^\s@]+)")
_SITE = re.compile(r"\w\.\w")


class Addresses(NamedTuple):
    """Distinct addresses in the order of the text, and pieces that are none."""

    valid: tuple[str, ...]
    bad: tuple[str, ...]


def find_addresses(text: str) -> Addresses:
    """Return the addresses of a text: several in a field, display names, comments, mailto:, quotes."""
    return Addresses((text,), ()) if _ATOM.fullmatch(text) else _find(text)


def is_email(address: str) -> bool:
    """Tell whether an address is well formed (`.test` counts; nothing is looked up)."""
    return _ATOM.fullmatch(address) is not None or why_no_address(address) is None


@functools.lru_cache(maxsize=4_096)
def why_no_address(address: str) -> str | None:
    """Return the reason why an address is not well formed, or None."""
    from email_validator import (  # noqa: PLC0415 slow to load; most addresses are plain
        EmailNotValidError,
        validate_email,
    )

    try:
        validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as exc:
        return str(exc)
    except (ValueError, IndexError, UnicodeError) as exc:  # the idna tables on some broken labels
        return f"not an e-mail address: {type(exc).__name__}"
    return None


@functools.lru_cache(maxsize=4096)
def _find(raw: str) -> Addresses:
    text = unicodedata.normalize("NFKC", raw).translate(_DOTS)
    whole = _one_line(text).strip(_QUOTES)
    if "|" not in whole and is_email(whole):
        return Addresses((whole,), ())
    if "@" not in text and "%40" in text:
        text = unquote(text)
    found: dict[str, str] = {}
    bad: list[str] = []
    for address in _pieces_of(text):
        if is_email(address):
            found.setdefault(comparable(address), address)
        else:
            bad.append(address)
    return Addresses(tuple(found.values()), tuple(dict.fromkeys(bad)))


def _pieces_of(text: str) -> Iterator[str]:
    """Yield the pieces that may be addresses, valid or not."""
    for line in _BREAK.split(text):
        pieces = [_one_line(piece) for piece in _COMMA.split(line)]
        for piece, after in zip(pieces, [*pieces[1:], ""], strict=True):
            is_name = (
                "<" in after
                and _NAME.fullmatch(piece.strip(_AROUND + '"'))
                and not _SITE.search(piece)
            )
            if not is_name:  # Doe, Jane <jane@acme.fr>
                yield from _in_piece(piece)


def _in_piece(piece: str) -> list[str]:
    """Return the candidate between two separators; a piece without @ is a bad one."""
    if not piece.strip(_AROUND):
        return []
    if "@" not in piece:
        return [piece]
    text = _QUERY.sub(r"\1 ", piece).strip()
    spaced = _SPACED.fullmatch(text)
    text = f"{spaced[1]}@{spaced[2]}" if spaced else text
    words = [_trimmed(word) for word in _ADDRESS_ENDS.split(text)]
    beside = " ".join(word for word in words if word and "@" not in word)
    lost = [beside] if _SITE.search(beside) and not ("<" in piece or "?" in piece) else []
    return [word for word in words if "@" in word] + lost


def _trimmed(word: str) -> str:
    """Strip quotes and full stops, and other signs where they are no part of it: _jane@acme.fr is valid."""
    word = word.strip(_QUOTES)
    return word if is_email(word) else word.strip(_AROUND)


def _one_line(text: str) -> str:
    """Return a text without invisible characters."""
    if text.isascii() and text.isprintable():
        return text.strip()
    seen = (
        c
        for c in text
        if unicodedata.category(c) not in ("Cf", "Cs") and (c.isspace() or c.isprintable())
    )
    return " ".join("".join(seen).split())


_NOT_LETTER = re.compile(r"[^a-z0-9]+")
_NO_ADDRESS = frozenset((
    "noemail", "noemails", "nomail", "noaddress", "noemailaddress", "none", "nonegiven", "notprovided", "notgiven",
    "noreplyemail", "donotemail", "sansemail", "sansmail", "sansadresse", "pasdemail", "pasdemel", "pasdadresse",
    "keine", "keinemail", "keineemail", "keinemailadresse", "sincorreo", "sinemail", "nocorreo", "notiene",
    "semail", "sememail", "nessunaemail", "senzaemail", "geenemail", "geenmail",
))  # fmt: skip
"""Local parts, letters only, that mean: there is no address."""
_INVENTED = frozenset((
    "test", "testing", "tester", "teste", "essai", "prueba", "prova", "asdf", "asdfgh", "qwerty", "azerty", "abc",
    "abcd", "foo", "fake", "dummy", "sample", "xyz", "blabla", "toto", "user",
))  # fmt: skip
_INVENTED_DOMAINS = _INVENTED | {"bar", "email", "mail", "domain", "domaine", "example", "none"}


@functools.lru_cache(maxsize=4_096)
def comparable(address: str) -> str:
    """Return an address without case, its domain in ASCII: josé@münchen.de is josé@xn--mnchen-3ya.de."""
    if address.isascii():
        return address.lower()
    local, at, domain = unicodedata.normalize("NFC", address).rpartition("@")
    return f"{local.casefold()}{at}{ascii_domain(domain)}"


def ascii_domain(domain: str) -> str:
    """Return a host name in lower case and ASCII (IDNA 2008, UTS 46); a name that has no such form stays."""
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError:  # idna.IDNAError is one
        return domain.casefold()


def readable_domain(domain: str) -> str:
    """Return a host name as people write it: xn--mnchen-3ya.de is münchen.de."""
    if "xn--" not in domain:
        return domain
    try:
        return idna.decode(domain)
    except UnicodeError:
        return domain


@functools.lru_cache(maxsize=4_096)
def is_invented(address: str) -> bool:
    """Tell whether an address was typed to fill a field: noemail@acme.com, test@test.com, a@a.fr."""
    local, _, domain = address.lower().rpartition("@")
    local = _NOT_LETTER.sub("", local)
    if local in _NO_ADDRESS:
        return True
    if local not in _INVENTED and len(set(local)) != 1:
        return False
    name = _NOT_LETTER.sub("", domain.partition(".")[0])
    return name in _INVENTED_DOMAINS if local in _INVENTED else local == name
