"""Transforms of plain text, and transforms that join several values.

The result is NFC. It has no tags, entities, NUL, control, zero-width or surrogate characters.
Zero-width joiners stay where the script needs them.
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
# Arabic and related scripts, the scripts of India, Burmese, Khmer, Mongolian, …: words in them are spelt
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
"""Most characters of a one-line value: the longest that a vendor allows (HubSpot's single-line text)."""
LONGEST = 1_000_000
"""Most characters of a text with lines; the longest that a vendor allows is 131,072 (Salesforce)."""


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
    """Return a number's digits.

    Raises:
        RecordError: the integer has more digits than Python prints (4,300).
    """
    try:
        return str(value)
    except ValueError as exc:
        raise RecordError("the number is too long") from exc


def kind_of(value: object) -> str:
    """Return the name of a value's JSON type for messages."""
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
    """Return whether a text needs no cleaning except at its ends; most texts do not."""
    return (
        value.isascii()
        and value.isprintable()
        and "  " not in value
        and "<" not in value
        and "&" not in value
    )


def _clean_line(value: str) -> str:
    return " ".join(_readable(value).split())


_clean_short = functools.lru_cache(maxsize=4_096)(_clean_line)


def _readable(value: str) -> str:
    """Return text without markup and without invisible characters."""
    seen = _visible(value)
    # repeated, because a decoded entity may be an invisible character or a part of a tag
    while has_markup(seen):
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


@functools.lru_cache(maxsize=4_096)
def _fold_cached(value: str) -> str:
    joined = value.translate(_JOINERS)
    spread = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", joined).casefold())
    return _WORDS.sub(" ", "".join(c for c in spread if not unicodedata.combining(c))).strip()


@functools.lru_cache(maxsize=4_096)
def _fold_ascii(value: str) -> str:
    return _WORDS.sub(" ", value.casefold()).strip()


def _with_remark(raw: str, cleaned: str, longest: int = LONGEST) -> Outcome:
    """Return a cleaned text, with a remark if a part of the raw text was lost."""
    if not cleaned:
        return Remark(None, "nothing but markup") if _says_something(raw) else None
    if len(cleaned) > longest:
        return Remark(cleaned[:longest].rstrip(), f"cut after {longest} characters")
    if not raw.isascii() and _SURROGATE.search(raw):
        return Remark(cleaned, "half of a character pair (lone surrogate) was replaced")
    return cleaned


def _says_something(raw: str) -> bool:
    """Return whether a text has letters or digits outside of its tags and entities."""
    return any(c.isalnum() for c in re.sub(r"<[^>]*>|&#?\w+;", "", raw))


@transform()
def text(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """One line of text: NFC, trimmed, single spaces, no tags, entities or control characters; blank → null."""
    raw = as_text(value)
    return _with_remark(raw, clean(raw), LONGEST_LINE)


@transform()
def multiline(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """Text as `text` gives it, with its line breaks."""
    raw = as_text(value)
    return _with_remark(raw, clean_lines(raw))


@transform()
def street(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """Street lines joined by line breaks, without blank lines."""
    parts = value if isinstance(value, list) else [value]
    raw = "\n".join(as_text(part) for part in parts if part is not None)
    return _with_remark(raw, re.sub("\n+", "\n", clean_lines(raw)))


@transform()
def postal(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """Postal code as text, with its leading zeros and inner spaces."""
    raw = as_text(value)
    return _with_remark(raw, clean(raw).upper(), LONGEST_LINE)


@transform()
def html_to_text(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """HTML as readable text: links keep their address, list items get a dash, scripts are removed. `text` and `multiline` do the same."""
    return multiline(value, {}, _ctx)


def _parts(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else [value]


@transform(params={"sep": (str,)}, idempotent=False)
def concat(value: object, args: Args, _ctx: Ctx) -> Outcome:
    """The values of `all_of` that are not blank, joined by `sep` (default a space)."""
    raw = [as_text(v) for v in _parts(value) if v is not None]
    joined = str(args.get("sep", " ")).join(part for part in map(clean, raw) if part)
    return _with_remark("".join(raw), joined)


@transform(idempotent=False)
def lines(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """The values of `all_of` that are not blank, below each other; each keeps its line breaks."""
    raw = [as_text(v) for v in _parts(value) if v is not None]
    joined = "\n".join(part for part in map(clean_lines, raw) if part)
    return _with_remark("".join(raw), joined, LONGEST)


@transform(idempotent=False)
def coalesce(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """First value of `all_of` that is not blank."""
    for part in _parts(value):
        if part not in (None, "", [], {}) and not (isinstance(part, str) and not clean(part)):
            return part  # type: ignore[return-value]
    return None


@transform(params={"text": (str,)}, needs=("text",), idempotent=False)
def template(value: object, args: Args, _ctx: Ctx) -> Outcome:
    """A text in which `{0}`, `{1}`… are replaced by the value, or the values of `all_of`; null if one is blank."""
    parts = ["" if v is None else clean_lines(as_text(v)) for v in _parts(value)]
    filled = str(args["text"])
    for hole in sorted(set(re.findall(r"\{(\d+)\}", filled))):
        if int(hole) >= len(parts) or not parts[int(hole)]:
            return None
    result = re.sub(r"\{(\d+)\}", lambda m: parts[int(m.group(1))], filled)
    return _with_remark(result, result.strip())


@transform(params={"value": (object,)}, needs=("value",), sees_null=True)
def const(_value: object, args: Args, _ctx: Ctx) -> Outcome:
    """A constant in place of any value, null included."""
    return args["value"]  # type: ignore[no-any-return]


@transform(params={"prefixes": (list,)}, needs=("prefixes",), idempotent=False)
def has_prefix(value: object, args: Args, _ctx: Ctx) -> Outcome:
    """True when the text begins with one of the prefixes."""
    return as_text(value).startswith(tuple(str(p) for p in args["prefixes"]))
