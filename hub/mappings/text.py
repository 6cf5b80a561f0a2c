"""Transforms of plain text, and the joining of several values.

Text that leaves here is NFC, without tags, entities, NUL, control, zero-width (but for joiners that
a script needs) and surrogate characters.
"""

import functools
import re
import unicodedata

from hub.errors import RecordError
from hub.mappings.markup import has_markup, readable
from hub.mappings.registry import Args, Ctx, Outcome, Remark, transform

_JUNK = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
# Arabic and its neighbours, the scripts of India, Burmese, Khmer, Mongolian, …: their words are spelt
# with joiners (https://www.unicode.org/reports/tr31/#Layout_and_Format_Control_Characters).
_JOINING = (
    "\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff\u1b00-\u1bff\ua800-\uabff"
    "\ufb50-\ufdff\ufe70-\ufefc\U00011000-\U00011fff"
)
_EMOJI = "\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\ufe0f\U0001f000-\U0001faff"
_STRAY_JOINER = re.compile(
    f"(?<![{_JOINING}])\u200c|(?<![{_JOINING}{_EMOJI}])\u200d|(?<=[{_EMOJI}])\u200d(?![{_EMOJI}])"
    "|(?<![\u1800-\u18af])\u180e"
)
_JOINERS = str.maketrans("", "", "\u180e\u200c\u200d")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LINE = re.compile(r"\r\n|[\r\n\v\f\x85\u2028\u2029]")
LONGEST_LINE = 65_536
"""Characters of a value of one line: the longest that a vendor allows (HubSpot's single-line text)."""
LONGEST = 1_000_000
"""Characters of a text with lines; the longest that a vendor allows is 131,072 (Salesforce)."""


def as_text(value: object) -> str:
    """Return a scalar as text.

    Raises:
        RecordError: the value is a list, an object or a truth value.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        found = kind_of(value)
        raise RecordError(f"expected text, got {found}", found_type=found)
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
    """Return one line of clean text: NFC, no tags, entities or control characters, single spaces."""
    if _is_plain(value):
        return value.strip(" ")
    return _clean_short(value) if len(value) <= 200 else _clean_line(value)  # noqa: PLR2004 the cache is for names


def _is_plain(value: str) -> bool:
    """Tell what needs no cleaning but at its ends: most texts."""
    return (
        value.isascii()
        and value.isprintable()
        and "  " not in value
        and "<" not in value
        and "&" not in value
    )


def _clean_line(value: str) -> str:
    return " ".join(_readable(value).split())


_clean_short = functools.lru_cache(maxsize=16_384)(_clean_line)


def _readable(value: str) -> str:
    """Return text without markup and without characters that nobody sees."""
    seen = _visible(value)
    while has_markup(
        seen
    ):  # what an entity stood for may be invisible, or make a tag with its like
        seen = _visible(readable(seen))
    return seen


def _visible(value: str) -> str:
    kept = _STRAY_JOINER.sub("", _JUNK.sub("", value))
    return unicodedata.normalize("NFC", _SURROGATE.sub("\ufffd", kept))


def clean_lines(value: str) -> str:
    """Return clean text that keeps its line breaks (at most one blank line in a row)."""
    if _is_plain(value):
        return value.strip(" ")
    lines = [" ".join(line.split()) for line in _LINE.split(_readable(value))]
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def fold(value: str) -> str:
    """Return text without case, accents or punctuation, for comparison only."""
    return _fold_ascii(value) if value.isascii() else _fold_cached(value)


_WORDS = re.compile(r"[\W_]+")


@functools.lru_cache(maxsize=16_384)
def _fold_cached(value: str) -> str:
    joined = value.translate(_JOINERS)
    spread = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", joined).casefold())
    return _WORDS.sub(" ", "".join(c for c in spread if not unicodedata.combining(c))).strip()


@functools.lru_cache(maxsize=16_384)
def _fold_ascii(value: str) -> str:
    return _WORDS.sub(" ", value.casefold()).strip()


def _said(raw: str, cleaned: str, longest: int = LONGEST) -> Outcome:
    """Return a cleaned text, and say what became of it where something was lost."""
    if not cleaned:
        return Remark(None, "nothing but markup") if _says_something(raw) else None
    if len(cleaned) > longest:
        return Remark(cleaned[:longest].rstrip(), f"cut after {longest} characters")
    if not raw.isascii() and _SURROGATE.search(raw):
        return Remark(cleaned, "half of a character pair (lone surrogate) was replaced")
    return cleaned


def _says_something(raw: str) -> bool:
    """Tell whether a text whose reading is empty had letters or digits outside of its tags."""
    return any(c.isalnum() for c in re.sub(r"<[^>]*>|&#?\w+;", "", raw))


@transform()
def text(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """One line: NFC, trimmed, single spaces, no tags, entities or control characters; blank → null."""
    raw = as_text(value)
    return _said(raw, clean(raw), LONGEST_LINE)


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
    return _said(raw, clean(raw).upper(), LONGEST_LINE)


@transform()
def html_to_text(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """HTML as readable text; links keep their address, list items a dash, scripts go. All texts are read so."""
    return multiline(value, {}, _ctx)


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
