"""The encoding of a text file.

In: a path. Out: the name of an encoding, and a sentence if the encoding was guessed. Not here: rows.

The order of the evidence: a byte order mark; zero bytes (UTF-16 without a mark); valid UTF-8; then a guess
by `charset-normalizer`. Its guess between the encodings of one script is weak for names: it reads French
in Windows-1252 as Windows-1250, where `œ` becomes `ś`. So Windows-1252 is taken for Latin letters, unless
the letters are those of a language that Windows-1252 cannot write.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from charset_normalizer import from_bytes
from charset_normalizer.models import CharsetMatch

from hub.errors import ConfigError

UTF8 = "utf-8-sig"
WESTERN = "cp1252"
_BLOCK = 1 << 20
_SAMPLE = 1 << 16
_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = [
    WESTERN, "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "mac_roman", "cp932", "gb18030", "big5", "euc_kr",
]  # fmt: skip
_LATIN = frozenset((WESTERN, "cp1250", "cp1254", "cp1257"))
_NOT_WESTERN = frozenset(
    ("Polish", "Czech", "Slovak", "Hungarian", "Slovene", "Croatian", "Romanian", "Turkish", "Lithuanian", "Latvian")
)  # fmt: skip
_FEW = 4
_RARE = 50
"""Fewer zero bytes than one in so many are faults in cells of a text; the mapping takes them out."""
_MOSTLY = 4
"""A file with four valid characters of UTF-8 for each wrong byte is UTF-8 with wrong rows."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding, as Python names it; `note` says how it was found if it is not certain."""

    name: str
    note: str = ""


def encoding_of(path: Path) -> Encoding:
    """Return the encoding of a text file; its bytes are read once, in blocks.

    Raises:
        ConfigError: the file cannot be read, or is not a text file.
    """
    head = _head(path)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name)
    if head.count(0) * _RARE > len(head):
        return _without_mark(path, head)
    valid, wrong = _utf8(path)
    if not wrong:
        return Encoding(UTF8)
    if valid >= _MOSTLY * wrong:
        return Encoding(UTF8, f"{path.name} is UTF-8 with {wrong} wrong bytes")
    return _guess(path)


def checked(name: str, path: Path) -> str:
    """Return an encoding that a user named, if Python knows it.

    Raises:
        ConfigError: it is not known.
    """
    try:
        found = codecs.lookup(name).name
    except LookupError as exc:
        raise ConfigError(
            f"{path.name}: the encoding {name!r} is not known",
            hint="for example utf-8, utf-16, cp1252",
        ) from exc
    return UTF8 if found == "utf-8" else found


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_SAMPLE)
    except OSError as exc:
        raise ConfigError(f"cannot read {path}: {exc.strerror}", hint="check the path") from exc


def _without_mark(path: Path, head: bytes) -> Encoding:
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 8
    if odd > half and not even:
        return Encoding("utf-16-le", f"{path.name} was read as UTF-16 without a byte order mark")
    if even > half and not odd:
        return Encoding("utf-16-be", f"{path.name} was read as UTF-16 without a byte order mark")
    raise ConfigError(
        f"{path.name} is not a text file", hint="save it as CSV in UTF-8, or as .xlsx"
    )


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _utf8(path: Path) -> tuple[int, int]:
    """Return how many characters beyond ASCII are valid UTF-8, and how many bytes are not."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    valid = wrong = 0
    for block in _blocks(path):
        if block.isascii() and not decoder.getstate()[0]:
            continue
        text = decoder.decode(block)
        bad = sum(1 for c in text if "\udc80" <= c <= "\udcff")
        wrong += bad
        valid += sum(1 for c in text if c > "\x7f") - bad
    tail = decoder.decode(b"", final=True)
    return valid, wrong + len(tail)


def _guess(path: Path) -> Encoding:
    lines = bytearray()
    for block in _blocks(path):
        for line in block.splitlines():
            if not line.isascii():
                lines += line + b"\n"
        if len(lines) > _SAMPLE:
            break
    sample = bytes(lines[:_SAMPLE])
    name = _most_likely(sample)
    shown = _shown(sample, name)
    return Encoding(
        name,
        f"{path.name} is not UTF-8; it was read as {name}, so a word in it is {shown!r}. "
        f"If this is wrong, set `encoding` in the mapping file",
    )


def _most_likely(sample: bytes) -> str:
    found = from_bytes(sample, cp_isolation=_CANDIDATES, threshold=0.9).best()
    beyond_ascii = sum(1 for byte in sample if byte > 0x7F)  # noqa: PLR2004
    if found is None or beyond_ascii < _FEW:
        return WESTERN
    if found.encoding in _LATIN:
        return _of_latin(found, sample)
    return found.encoding if found.coherence > 0 else WESTERN


def _of_latin(found: CharsetMatch, sample: bytes) -> str:
    western = sample.decode(WESTERN, "replace")
    if western == str(found) or found.language not in _NOT_WESTERN:
        return WESTERN
    return found.encoding


def _shown(sample: bytes, name: str) -> str:
    words = sample.decode(name, "replace").replace(";", " ").replace(",", " ").split()
    return next((word.strip('"')[:40] for word in words if not word.isascii()), "")
