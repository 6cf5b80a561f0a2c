"""Transforms of amounts and numbers as people write them: `1,5 M€`, `$1.5M`, `12 lakh`, `1.234.567,89`.

An amount is an exact decimal as text. It is never a float, and never converted to another currency.
An amount with two possible readings is refused, and the reason names both readings.
"""

import functools
import math
import re
import unicodedata
from decimal import Decimal, InvalidOperation

from hub.errors import RecordError
from hub.mappings.currencies import codes, signs
from hub.mappings.registry import Args, Ctx, Outcome, Remark, transform
from hub.mappings.text import as_text, clean, fold, number_text

_MOST_CHARACTERS = 60
_MOST_DIGITS = 30
_LARGEST = 10**15  # beyond it JSON readers lose digits
_GROUP = 3

_SCALES: dict[str, int] = {
    **dict.fromkeys(("k", "thousand", "mille", "tsd", "tausend", "mila", "duizend", "tys", "тыс"), 10**3),
    **dict.fromkeys(("万", "萬"), 10**4),
    **dict.fromkeys(("lakh", "lakhs", "lac", "lacs"), 10**5),
    **dict.fromkeys(
        (
            "m", "mm", "mn", "mln", "mio", "mill", "million", "millions", "millionen", "millon", "millones",
            "milione", "milioni", "miljoen", "milhao", "milhoes", "mi", "млн",
        ),
        10**6,
    ),
    **dict.fromkeys(("crore", "crores", "cr"), 10**7),
    **dict.fromkeys(("億", "亿"), 10**8),
    **dict.fromkeys(
        (
            "b", "bn", "billion", "billions", "md", "mds", "mrd", "milliard", "milliards", "milliarde", "milliarden",
            "miliardo", "miliardi", "miljard", "bi", "млрд",
        ),
        10**9,
    ),
}  # fmt: skip
"""Folded word after a number → its factor."""
_TWO_SCALES = {"mil": "a thousand (Spanish, Portuguese) or a million (English)"}
_LONG_SCALE = {"billon": 10**12, "billones": 10**12, "billionen": 10**12, "biljoen": 10**12}

_LEFT_OUT = re.compile(r"[\s'\u2019_]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d{1,3})?|[+-]?\.\d+", re.ASCII)
_WRITTEN = re.compile(r"[+-]?(?:\d[\d.,]*|[.,]\d+)", re.ASCII)
_INDIAN = re.compile(r"\d{1,2}(,\d\d)+,\d{3}(\.\d+)?", re.ASCII)
_SPACED = re.compile(
    r"\d{1,3}(?:[\s'\u2019_]\d{3})+(?:[.,]\d*)?\s*-?|\d{1,2}(?:\s\d\d)+\s\d{3}", re.ASCII
)
_POINT_GROUPS = frozenset(
    ("EUR", "BRL", "DKK", "NOK", "SEK", "ISK", "PLN", "CZK", "HUF", "TRY", "RON", "RSD", "BGN", "RUB", "UAH", "IDR", "VND", "CLP",
     "COP", "ARS", "UYU")
)  # fmt: skip
"""Currencies of countries that group digits with a point, so `10.000 €` has one reading."""
_PIECE = re.compile(
    r"[万萬億亿]|[^\W\d_万萬億亿]+\.?|[\W\d_]+"
)  # CJK writes no space before a unit
_BOUNDS = re.compile(r"\d\s*(?:-|\u2013|\u2014|to|bis|à|a)\s*\d|^[<>≤≥~]|\d\s*\+$", re.IGNORECASE)


@transform()
def money(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """Exact decimal amount as text ("1 234,56 €", "$1.5M", "12 lakh", "(1,234)"); never a float, never converted."""
    if isinstance(value, bool):
        raise RecordError("expected an amount, got true/false", found_type="true/false")
    raw = number_text(value) if isinstance(value, int | float) else clean(as_text(value))
    if not raw:
        return None
    if len(raw) <= _MOST_DIGITS and raw.isascii() and raw.isdigit():
        return raw.lstrip("0") or "0"
    return _plain_decimal(_amount(raw))


@transform()
def number(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """A number, as an integer if it is whole; a range or a bound ("11-50", "500+") stays as typed, with a problem."""
    if isinstance(value, bool):
        raise RecordError("expected a number, got true/false", found_type="true/false")
    raw = "" if isinstance(value, int | float) else clean(as_text(value))
    if isinstance(value, str) and not raw:
        return None
    if raw and _BOUNDS.search(raw) and len(raw) <= _MOST_CHARACTERS:
        return Remark(raw, "a range, not a number; kept as typed")
    exact = value if isinstance(value, int | float) else float(_amount(raw))
    if isinstance(exact, float) and not math.isfinite(exact):
        raise RecordError("not a finite number")
    if abs(exact) > _LARGEST:
        raise RecordError("too large a number")
    return int(exact) if float(exact).is_integer() else exact


@transform(params={"by": (int,)}, needs=("by",), idempotent=False)
def divide(value: object, args: Args, _ctx: Ctx) -> Outcome:
    """A number divided by `by`, rounded to a whole number: milliseconds become seconds with `by: 1000`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RecordError("expected a number")
    if not math.isfinite(value) or abs(value) > _LARGEST:
        raise RecordError("too large a number")
    by = args["by"]
    if isinstance(by, bool) or not isinstance(by, int | float) or not by:
        raise RecordError("the divisor is no number")
    whole: int = round(value / by)
    return whole


@transform(idempotent=False)
def currency(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """The ISO 4217 code of the currency in a text (a code or a sign such as € $ £ ¥ ₹); null if there is none."""
    raw = clean(as_text(value))[:_MOST_CHARACTERS]
    found = next((word for word in re.findall(r"[A-Z]{3}", raw) if word in codes()), None)
    return found or next((code for sign, code in signs().items() if sign in raw), None)


@functools.lru_cache(maxsize=4_096)
def _amount(raw: str) -> Decimal:
    """Return the amount in a text.

    Raises:
        RecordError: the text is not an amount, or it has two readings.
    """
    if len(raw) > _MOST_CHARACTERS:
        raise RecordError("not an amount")
    if _NUMBER.fullmatch(raw) and not _could_be_grouped(raw):
        return _decimal(raw)
    text = _ascii(raw)
    is_negative = text.startswith("(") and text.endswith(")")
    text, unit, scale = _without_words(text.strip("()"))
    is_negative = is_negative or text.endswith("-")
    text = text.removesuffix("-")
    if not _WRITTEN.fullmatch(text):
        raise RecordError("not an amount")
    amount = _decimal(_with_point(text, unit, is_scaled=scale > 1)) * scale
    return -amount if is_negative else amount


def _ascii(raw: str) -> str:
    """Return a text with ASCII digits and signs; other scripts' digits are converted."""
    plain = unicodedata.normalize("NFKC", raw).replace("\u2212", "-").replace("\u066b", ".")
    plain = plain.replace("\u066c", ",")
    digits = "".join(
        str(unicodedata.decimal(c)) if c.isdecimal() and not c.isascii() else c for c in plain
    )
    return digits.strip()


def _without_words(text: str) -> tuple[str, str, int]:
    """Return the number in a text, the code of its currency ("" if there is none), and its factor."""
    unit = ""
    for sign, code in signs().items():
        if sign in text:
            unit, text = unit or code, text.replace(sign, " ")
    scale, number_parts = 1, ""
    for piece in _PIECE.findall(text):
        word = piece.strip(".")
        if not word[:1].isalpha():
            if scale > 1 and any(c.isdigit() for c in piece):
                raise RecordError("not an amount: there are digits after the scale word")
            number_parts += piece
        elif (found := _scale(word)) is not None and any(c.isdigit() for c in number_parts):
            scale *= found
        elif word.upper() in codes():
            unit = unit or word.upper()
        elif fold(word) not in _CURRENCY_WORDS:
            raise RecordError("not an amount")
    return _without_spaces(number_parts.strip()), unit, scale


def _without_spaces(text: str) -> str:
    """Return a number without the spaces and apostrophes that group its digits."""
    spaced = re.sub(r"(?<=[+-])\s+", "", text)
    if re.search(r"\d[\s'\u2019_]+\d", spaced) and not _SPACED.fullmatch(spaced.lstrip("+-")):
        raise RecordError("not an amount: its digits are in no groups of three")
    return _LEFT_OUT.sub("", spaced)


_CURRENCY_WORDS = frozenset(
    ("euro", "euros", "dollar", "dollars", "dollari", "pound", "pounds", "livres", "franken", "francs", "rs", "ca", "us",
     "yen", "kr", "kc", "zl", "ft", "lei", "fr", "sfr", "руб", "р", "円", "元", "원", "ht", "ttc", "per", "de", "di", "d")
)  # fmt: skip


def _scale(word: str) -> int | None:
    """Return the factor of a word, None if it is not a scale word; `M` and `m` are a million."""
    folded = fold(word)
    if folded in _TWO_SCALES:
        raise RecordError(f"two readings: '{word}' is {_TWO_SCALES[folded]}")
    found = _SCALES.get(folded, _LONG_SCALE.get(folded))
    if found is None and len(folded) > 1 and folded[0] in "km" and folded[1:].upper() in codes():
        return _SCALES[folded[0]]  # kEUR, MEUR
    return found


def _could_be_grouped(text: str) -> bool:
    """Return whether exactly three digits follow the only point: 1.234."""
    return re.fullmatch(r"[+-]?[1-9]\d{0,2}[.]\d{3}", text, re.ASCII) is not None


def _with_point(text: str, unit: str, *, is_scaled: bool) -> str:
    """Return a number with a decimal point and no grouping.

    A comma before three last digits groups digits, because prices have no thousandths. With a scale
    word after it (`1,234 M`) both readings are possible.
    """
    cut = max(text.rfind(","), text.rfind("."))
    sign = text[cut] if cut >= 0 else ""
    if "," in text and "." in text:
        _check_groups(text[:cut], "." if sign == "," else ",", text)
        return text.replace("." if sign == "," else ",", "").replace(",", ".")
    if sign and text.count(sign) > 1:
        _check_groups(text, sign, text)
        return text.replace(sign, "")
    is_group = len(text) - cut == _GROUP + 1 and re.fullmatch(r"[+-]?[1-9]\d{0,2}", text[:cut])
    if sign and is_group and (is_scaled or (sign == "." and unit not in _POINT_GROUPS)):
        whole, part = text.replace(sign, ""), text.replace(sign, ".")
        raise RecordError(f"two readings: {whole} or {part}")
    if sign and is_group:
        return text.replace(sign, "")
    return text.replace(",", ".")


def _check_groups(text: str, sign: str, whole: str) -> None:
    """Raise `RecordError` unless the digits between the signs are groups of three, or Indian groups."""
    if sign == "," and _INDIAN.fullmatch(whole.lstrip("+-")):
        return
    _, *groups = text.split(sign)
    if any(len(group) != _GROUP for group in groups):
        raise RecordError("not an amount: its digits are in no groups of three")


def _decimal(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation as exc:
        raise RecordError("not an amount") from exc
    if abs(amount.adjusted()) > _MOST_DIGITS:
        raise RecordError("not a plausible amount")
    return amount


def _plain_decimal(amount: Decimal) -> str:
    plain = format(amount, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in ("-0", "") else plain
