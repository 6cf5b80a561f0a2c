"""Transforms of telephone numbers.

The one reader of telephone numbers in the hub. In: a text, and the country whose national numbers
it may hold ("" where that is not known). Out: numbers in E.164, an extension, and the other words
beside them. What cannot be read stays as typed, with a problem. A plain number is read here, all
others in `hub.mappings.phone_numbers`. What does not belong here: which country a record is of.
"""

import functools
import re

from hub.mappings.phone_reading import LONGEST, Reading
from hub.mappings.registry import Args, Ctx, Outcome, Remark, transform
from hub.mappings.text import as_text, clean
from hub.model.records import JsonValue


def read(value: object, region: str) -> Reading:
    """Return the numbers of a text; `region` is an ISO-2 country, or "" for none.

    Raises:
        RecordError: the value is no text.
    """
    raw = as_text(value)
    if len(raw) < LONGEST:
        return _read_short(raw, region)
    return _with_library(raw, region) if clean(raw[: 4 * LONGEST]) else Reading()


@functools.lru_cache(maxsize=1024)
def _read_short(raw: str, region: str) -> Reading:
    """Read a text of usual length; four fields of a record ask for the same one."""
    line = clean(raw)
    if not line:
        return Reading()
    quick = _quick(line, region)
    return Reading((quick,)) if quick else _with_library(raw, region)


def _with_library(raw: str, region: str) -> Reading:
    from hub.mappings.phone_numbers import read_with_library  # noqa: PLC0415 most numbers are plain

    return read_with_library(raw, region)


def is_mobile(e164: str) -> bool:
    """Return whether a number is certainly a mobile one; North American numbers do not show it."""
    from hub.mappings import phone_numbers  # noqa: PLC0415 seldom asked

    return phone_numbers.is_mobile(e164)


@transform(reads=("region",))
def phone(value: object, _args: Args, ctx: Ctx) -> Outcome:
    """E.164 of the first number, read in the record's country; a text without a readable number stays as typed, with a problem."""
    raw = as_text(value)
    reading = read(raw, ctx.region)
    if reading.numbers:
        return _remark(reading)
    typed = clean(raw)
    return Remark(typed[:LONGEST], f"{reading.why}; kept as typed") if typed else None


def _remark(reading: Reading) -> Outcome:
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
