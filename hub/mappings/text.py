"""Transforms of plain text, and the joining of several values.

Text that leaves here is NFC, without NUL, control, zero-width or surrogate characters.
"""

import functools
import html
import re
import unicodedata
from html.parser import HTMLParser

from hub.errors import RecordError
from hub.mappings.registry import Args, Ctx, Outcome, Remark, transform

_JUNK = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE = re.compile(r"\r\n|[\r\n\v\f\x85\u2028\u2029]")
LONGEST = 32_000


def as_text(value: object) -> str:
    """Return a scalar as text.

    Raises:
        RecordError: the value is a list, an object or a truth value.
    """
    if isinstance(value, str):
        if len(value) > 20 * LONGEST:
            raise RecordError(f"longer than {20 * LONGEST} characters")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RecordError(f"expected text, got {kind_of(value)}")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:  # noqa: PLR2004 beyond it a float is no exact integer
        return str(int(value))
    return number_text(value)


def number_text(value: float) -> str:
    """Return a number's digits; an integer too long to print is refused."""
    try:
        return str(value)
    except ValueError as exc:
        raise RecordError("the number is too long") from exc


def kind_of(value: object) -> str:
    """Name a JSON type for a person."""
    names = {
        bool: "true/false",
        list: "a list",
        dict: "an object",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), type(value).__name__)


def clean(value: str) -> str:
    """Return one line of clean text: NFC, no control or zero-width characters, single spaces."""
    if value.isascii() and value.isprintable() and "  " not in value:
        return value.strip(" ")
    return _clean_slowly(value)


@functools.lru_cache(maxsize=16_384)
def _clean_short(value: str) -> str:
    kept = _SURROGATE.sub("\ufffd", _JUNK.sub("", value))
    return " ".join(unicodedata.normalize("NFC", kept).split())


def _clean_slowly(value: str) -> str:
    return _clean_short(value) if len(value) <= 200 else _clean_short.__wrapped__(value)  # noqa: PLR2004 the cache is for names


def clean_lines(value: str) -> str:
    """Return clean text that keeps its line breaks (at most one blank line in a row)."""
    if value.isascii() and value.isprintable() and "  " not in value:
        return value.strip(" ")
    lines = [clean(line) for line in _LINE.split(value)]
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def fold(value: str) -> str:
    """Return text without case, accents or punctuation, for comparison only."""
    return _fold_ascii(value) if value.isascii() else _fold_cached(value)


_WORDS = re.compile(r"[\W_]+")


@functools.lru_cache(maxsize=16_384)
def _fold_cached(value: str) -> str:
    spread = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", value).casefold())
    return _WORDS.sub(" ", "".join(c for c in spread if not unicodedata.combining(c))).strip()


@functools.lru_cache(maxsize=16_384)
def _fold_ascii(value: str) -> str:
    return _WORDS.sub(" ", value.casefold()).strip()


def _said(raw: str, cleaned: str) -> Outcome:
    if not cleaned:
        return None
    if len(cleaned) > LONGEST:
        raise RecordError(f"longer than {LONGEST} characters")
    if not raw.isascii() and _SURROGATE.search(raw):
        return Remark(cleaned, "half of a character pair (lone surrogate) was replaced")
    return cleaned


@transform()
def text(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """One line: NFC, trimmed, single spaces, no control or zero-width characters; blank → null."""
    raw = as_text(value)
    return _said(raw, clean(raw))


@transform()
def multiline(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """As `text`, but line breaks stay."""
    raw = as_text(value)
    return _said(raw, clean_lines(raw))


@transform()
def street(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """Street lines, joined by line breaks; blank lines left out."""
    parts = value if isinstance(value, list) else [value]
    raw = "\n".join(as_text(part) for part in parts if part is not None)
    return _said(raw, re.sub("\n+", "\n", clean_lines(raw)))


@transform()
def postal(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """Postal code as text: leading zeros and inner spaces stay."""
    raw = as_text(value)
    return _said(raw, clean(raw).upper())


NO_COMPANY = frozenset(
    (
        "not provided",
        "n a",
        "na",
        "none",
        "null",
        "self",
        "self employed",
        "unknown",
        "no company",
        "aucune",
        "",
    )
)


@transform()
def company(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """Company name; "[not provided]", "N/A", "Self", "-" and the like → null."""
    raw = as_text(value)
    cleaned = clean(raw)
    return None if fold(cleaned) in NO_COMPANY else _said(raw, cleaned)


class _Reader(HTMLParser):
    """Collects readable text: links keep their address, list items a dash."""

    BREAKS = frozenset(
        (
            "p",
            "div",
            "br",
            "tr",
            "table",
            "ul",
            "ol",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "blockquote",
        )
    )
    SKIPPED = frozenset(("script", "style", "head", "title"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._skipped = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.SKIPPED:
            self._skipped += 1
        elif tag == "li":
            self.out.append("\n- ")
        elif tag in self.BREAKS:
            self.out.append("\n")
        elif tag == "a":
            self._links.append(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.SKIPPED:
            self._skipped = max(0, self._skipped - 1)
        elif tag in self.BREAKS:
            self.out.append("\n")
        elif tag == "a" and self._links:
            href = self._links.pop()
            if href.startswith(("http://", "https://", "mailto:")):
                self.out.append(f" ({href})")

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.out.append(data)


@transform(idempotent=False)
def html_to_text(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """HTML as readable text; links keep their address, list items a dash, scripts go."""
    raw = as_text(value)
    reader = _Reader()
    try:
        reader.feed(raw)
        reader.close()
    except (AssertionError, ValueError):  # html.parser gives up on some broken declarations
        return _said(raw, clean_lines(html.unescape(re.sub("<[^>]*>", " ", raw))))
    return _said(raw, clean_lines("".join(reader.out)))


def _parts(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else [value]


@transform(params={"sep": (str,)}, idempotent=False)
def concat(value: object, args: Args, _ctx: Ctx) -> Outcome:
    """Joins the values of `all_of` that are not blank."""
    raw = [as_text(v) for v in _parts(value) if v is not None]
    joined = str(args.get("sep", " ")).join(part for part in map(clean, raw) if part)
    return _said("".join(raw), joined)


@transform(idempotent=False)
def coalesce(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """First value of `all_of` that is not blank."""
    for part in _parts(value):
        if part not in (None, "", [], {}) and not (isinstance(part, str) and not clean(part)):
            return part  # type: ignore[return-value]
    return None


@transform(params={"text": (str,)}, needs=("text",), idempotent=False)
def template(value: object, args: Args, _ctx: Ctx) -> Outcome:
    """Fills `{0}`, `{1}`… of a text with the value, or those of `all_of`; null if one is blank."""
    parts = ["" if v is None else clean_lines(as_text(v)) for v in _parts(value)]
    filled = str(args["text"])
    for hole in sorted(set(re.findall(r"\{(\d+)\}", filled))):
        if int(hole) >= len(parts) or not parts[int(hole)]:
            return None
    result = re.sub(r"\{(\d+)\}", lambda m: parts[int(m.group(1))], filled)
    return _said(result, result.strip())


@transform(params={"value": (object,)}, needs=("value",), sees_null=True)
def const(_value: object, args: Args, _ctx: Ctx) -> Outcome:
    """Replaces any value, null included, by a constant."""
    return args["value"]  # type: ignore[no-any-return]


@transform(params={"prefixes": (list,)}, needs=("prefixes",), idempotent=False)
def has_prefix(value: object, args: Args, _ctx: Ctx) -> Outcome:
    """True when the text begins with one of the prefixes."""
    return as_text(value).startswith(tuple(str(p) for p in args["prefixes"]))
