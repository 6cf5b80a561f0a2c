"""Transforms of e-mail addresses.

The one reader of e-mail addresses in the hub. In: a text with addresses, names, comments. Out: the addresses, in order, and what looks like one and is
none. Never guessed: "jane at acme.fr". What does not belong here: when two addresses are the same
(`hub.model.addresses`).
"""

import functools
import re
import unicodedata
from typing import NamedTuple
from urllib.parse import unquote

from email_validator import EmailNotValidError, validate_email

from hub.errors import RecordError
from hub.mappings.registry import Args, Ctx, Outcome, Remark, transform
from hub.mappings.text import as_text, clean
from hub.model.addresses import comparable, is_invented

_CACHE = 65_536
_LONGEST = 20_000
"""Characters: some five hundred addresses."""
_ATOM = re.compile(
    r"(?=.{6,254}$)(?=[^@]{1,64}@)[A-Za-z0-9_+\-]+(?:\.[A-Za-z0-9_+\-]+)*"
    r"@(?:[A-Za-z0-9]{1,63}\.|[A-Za-z0-9]{1,30}-[A-Za-z0-9]{1,30}\.)+"
    r"(?!(?i:alt|arpa|internal|invalid|local|localhost|onion)$)[A-Za-z]{2,24}"
)
"""Plainly valid addresses: the library would say yes (a property test holds it)."""
_BREAK = re.compile(r"[\r\n\v\f\u2028\u2029;,|\uff1b\uff0c\u3001\u060c\u061b]+")
_ADDRESS_ENDS = re.compile(r"[\s/<>()\[\]{}:\"\u00ab\u00bb\u201c-\u201f]+")
_QUERY = re.compile(r"(@[^?@\s]+)\?\S*")
_QUOTES = "'`\u00b4\u2018\u2019\u201a\u201b.,;! "
_AROUND = _QUOTES + "?*_~-"
_DOTS = str.maketrans("\u3002\uff61\u2024", "...")
_SPACED = re.compile(r"([^\s@]+)\s*@\s*([^\s@]+)")
_SITE = re.compile(r"\w\.\w")


class Addresses(NamedTuple):
    """Addresses in the order of the text, each once; and pieces that are none."""

    valid: tuple[str, ...]
    bad: tuple[str, ...]


def is_email(address: str) -> bool:
    """Tell whether an address is well formed (`.test` counts; nothing is looked up)."""
    return _ATOM.fullmatch(address) is not None or _why_no_email(address) is None


@functools.lru_cache(maxsize=_CACHE)
def _why_no_email(address: str) -> str | None:
    try:
        validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as exc:
        return str(exc)
    except (ValueError, IndexError, UnicodeError) as exc:  # the idna tables on some broken labels
        return f"not an e-mail address: {type(exc).__name__}"
    return None


def read(value: object) -> Addresses:
    """Return the addresses of a text.

    Raises:
        RecordError: the value is no text, or longer than 20,000 characters.
    """
    raw = as_text(value)
    if _ATOM.fullmatch(raw):
        return Addresses((raw,), ())
    if len(raw) > _LONGEST:
        raise RecordError(f"longer than {_LONGEST} characters")
    return _read(raw)


@functools.lru_cache(maxsize=4096)
def _read(raw: str) -> Addresses:
    text = unicodedata.normalize("NFKC", raw).translate(_DOTS)
    whole = clean(text).strip(_QUOTES)
    if is_email(whole):
        return Addresses((whole,), ())
    if "@" not in text and "%40" in text:
        text = unquote(text)
    found: dict[str, str] = {}
    bad: list[str] = []
    pieces = [clean(piece) for piece in _BREAK.split(text)]
    for nth, piece in enumerate(pieces):
        names_next = "<" in "".join(pieces[nth + 1 : nth + 2])  # Doe, Jane <jane@acme.fr>
        for address in _in_piece(piece, names_next=names_next):
            if is_email(address):
                found.setdefault(comparable(address), address)
            else:
                bad.append(address)
    return Addresses(tuple(found.values()), tuple(dict.fromkeys(bad)))


def _in_piece(piece: str, *, names_next: bool) -> list[str]:
    """Return what stands for an address between two separators; a piece without @ is one that went wrong."""
    if not piece.strip(_AROUND):
        return []
    if "@" not in piece:
        return [] if names_next else [piece]
    text = _QUERY.sub(r"\1 ", piece).strip()
    spaced = _SPACED.fullmatch(text)
    text = f"{spaced[1]}@{spaced[2]}" if spaced else text
    words = [_trimmed(word) for word in _ADDRESS_ENDS.split(text)]
    beside = " ".join(word for word in words if word and "@" not in word)
    lost = [beside] if _SITE.search(beside) and not ("<" in piece or "?" in piece) else []
    return [word for word in words if "@" in word] + lost


def _trimmed(word: str) -> str:
    """Take quotes and full stops off, and other signs where they make no address: _jane@acme.fr is one."""
    word = word.strip(_QUOTES)
    return word if is_email(word) else word.strip(_AROUND)


@transform()
def email(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """The first valid address of a text, as typed; none → problem; a bad or an invented one is told."""
    valid, bad = read(value)
    if not valid:
        if not bad:
            return None
        raise RecordError(f"not an e-mail address: {_why_no_email(bad[0]) or bad[0][:80]}")
    first = _in_order(valid)[0]
    if bad:
        return Remark(first, f"not an e-mail address: {bad[0][:80]}")
    if is_invented(first):
        return Remark(first, "an address that was made up to fill the field")
    return first


@transform(idempotent=False)
def emails(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """The valid addresses after the first, as a list."""
    return [*_in_order(read(value).valid)[1:]] or None


def _in_order(valid: tuple[str, ...]) -> list[str]:
    """Put invented addresses last, so that they are no one's first while there is another."""
    return sorted(valid, key=is_invented)
