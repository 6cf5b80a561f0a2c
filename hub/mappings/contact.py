"""Transforms of what a person is reached by: e-mail, phone, address, web site."""

import functools
import re
from urllib.parse import urlsplit

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from hub.errors import RecordError
from hub.mappings.files import places
from hub.mappings.registry import Args, Ctx, Outcome, Remark, transform
from hub.mappings.text import as_text, clean, fold

_CACHE = 65_536
_ATOM = re.compile(
    r"(?=.{6,254}$)(?=[^@]{1,64}@)[A-Za-z0-9_+\-]+(?:\.[A-Za-z0-9_+\-]+)*"
    r"@(?:[A-Za-z0-9]{1,63}\.|[A-Za-z0-9]{1,30}-[A-Za-z0-9]{1,30}\.)+"
    r"(?!(?i:alt|arpa|internal|invalid|local|localhost|onion)$)[A-Za-z]{2,24}"
)
"""Plainly valid addresses: the library would say yes (a property test holds it)."""
_ANGLE = re.compile(r"<([^<>]*)>")


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


def _addresses(value: object) -> list[str]:
    raw = clean(as_text(value))
    if not raw:
        return []
    if _ATOM.fullmatch(raw):
        return [raw]
    if len(raw) > 2000:  # noqa: PLR2004 some twenty addresses
        raise RecordError("too long for an e-mail address")
    found = []
    for part in re.split("[;,]", raw):
        inner = _ANGLE.search(part)
        address = (inner.group(1) if inner else part).strip()
        if address[:7].lower() == "mailto:":
            address = address[7:].strip()
        if address:
            found.append(address)
    return found


@transform()
def email(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """The first valid address of a text, as typed (mailto: and angle brackets gone); none → problem."""
    addresses = _addresses(value)
    valid = [a for a in addresses if is_email(a)]
    if not addresses:
        return None
    if not valid:
        raise RecordError(f"not an e-mail address: {_why_no_email(addresses[0])}")
    if len(valid) < len(addresses):
        wrong = next(a for a in addresses if a not in valid)
        return Remark(valid[0], f"one of the addresses is not valid: {wrong[:80]}")
    return valid[0]


@transform(idempotent=False)
def emails(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """The valid addresses after the first, as a list."""
    valid = [a for a in _addresses(value) if is_email(a)]
    return [*dict.fromkeys(valid[1:])] or None


_NATIONAL = {"FR": re.compile(r"0([1-7]\d{8})"), "US": re.compile(r"([2-9]\d\d[2-9]\d{6})")}
_PLUS = re.compile(
    r"\+33[1-7]\d{8}|\+1[2-9]\d\d[2-9]\d{6}|\+44[127]\d{9}|\+34[67]\d{8}|\+491[567]\d{8,9}"
)
_SPACED = str.maketrans("", "", " .-()/\u00a0")


@transform()
def phone(value: object, _args: Args, ctx: Ctx) -> Outcome:
    """E.164, read in the record's country; what cannot be read or is too short or long stays as typed, with a problem."""
    raw = clean(as_text(value))
    return _phone(raw[:250], ctx.region) if raw else None


@functools.lru_cache(maxsize=_CACHE)
def _phone(raw: str, region: str) -> Outcome:
    quick = _quick_phone(raw, region)
    if quick:
        return quick
    number = _parse(raw, region)
    if number is None:
        return Remark(raw, "not a phone number; kept as typed")
    if not phonenumbers.is_possible_number(number):
        return Remark(raw, f"not a possible phone number for {region}; kept as typed")
    said = _e164(number)
    again = _parse(said, region)
    if again is None or _e164(again) != said:  # its first digits are taken for a trunk prefix
        return Remark(raw, "read twice, it is two phone numbers; kept as typed")
    return said


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _quick_phone(raw: str, region: str) -> str | None:
    """Read the plain national and international forms of FR, US, GB, ES and DE without the library."""
    if raw.isascii() and "(0" not in raw:
        digits = raw.translate(_SPACED)
        if _PLUS.fullmatch(digits):
            return digits
        national = _NATIONAL.get(region)
        found = national.fullmatch(digits) if national and raw[0] in "(0123456789" else None
        if found:
            return ("+33" if region == "FR" else "+1") + found.group(1)
    return None


def _parse(raw: str, region: str) -> phonenumbers.PhoneNumber | None:
    typed = raw.replace("(0)", " ")
    if typed.startswith("00") and region not in ("US", "CA"):
        typed = "+" + typed[2:]
    try:
        return phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException:
        return None


@transform(idempotent=False)
def phone_extension(value: object, _args: Args, ctx: Ctx) -> Outcome:
    """The extension of a phone number (x12, ext. 12, poste 12), as text."""
    raw = clean(as_text(value))[:250]
    if not any(c.isalpha() or c in "#;" for c in raw):
        return None
    number = _parse(re.sub(r"\bposte\b", "ext", raw, flags=re.IGNORECASE), ctx.region)
    return number.extension or None if number else None


@transform()
def country(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """ISO-2 code from a code or a name (EN FR DE ES IT PT); an unknown text stays, counted as drift."""
    raw = clean(as_text(value))
    if not raw:
        return None
    known = places()[0].get(fold(raw))
    return known or Remark(_short(raw), "unknown country", "unknown")


@transform()
def state(value: object, _args: Args, ctx: Ctx) -> Outcome:
    """State or province: its code in US CA AU BR IN MX (from code or name); elsewhere as typed."""
    raw = clean(as_text(value))
    if not raw:
        return None
    return places()[1].get(ctx.region, {}).get(fold(raw), _short(raw))


def _short(raw: str) -> str:
    if len(raw) > 255:  # noqa: PLR2004 the longest any vendor allows
        raise RecordError("longer than 255 characters")
    return raw


_HOST = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9\-]*(\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,}(/[\w\-./]*)?", re.ASCII
)


@transform()
def url(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """A web address with https:// put before it where no scheme was typed; what is none → problem."""
    raw = clean(as_text(value))
    if not raw:
        return None
    if len(raw) < 200 and _HOST.fullmatch(raw):  # noqa: PLR2004 most of them
        return "https://" + raw
    if len(raw) > 2000 or " " in raw:  # noqa: PLR2004 what browsers take
        raise RecordError("not a web address")
    full = raw if re.match(r"(?i)https?://", raw) else "https://" + raw.removeprefix("//")
    try:
        host = urlsplit(full).hostname or ""
    except ValueError as exc:
        raise RecordError("not a web address") from exc
    if (
        "." not in host.strip(".")
        or "@" in full.split("/")[2]
        or re.match(r"https://\w+:(//|\D)", full)
    ):
        raise RecordError("not a web address")
    return full
