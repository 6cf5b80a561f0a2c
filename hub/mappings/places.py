"""Transforms of countries and states, by code or by name in any language.

In: a text as people type it. Out: an ISO 3166 code if the text names one place; otherwise the text as
typed, with a remark. Frequent names are in places.yaml. The names in other languages come from CLDR
(Babel) and Debian's iso-codes (pycountry); they are loaded at first need. Not here: telephone numbers.
"""

import functools
import gettext
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from hub.errors import RecordError
from hub.mappings.files import places
from hub.mappings.registry import Args, Ctx, Outcome, Remark, transform
from hub.mappings.text import as_text, clean, fold

_LONGEST = 255
"""Characters: the longest any vendor allows."""
_SHORTEST_NAME = 4
"""Letters of a CLDR name in Latin script: a shorter one may be a code or another word (ao, bi, cad)."""
_PARTS = re.compile(r"[/|,;()\[\]\u3001\uff0c\uff0f\n]+|\s[-\u2013\u2014]\s")
_ARTICLE = re.compile(
    r"(?:the|la|le|les|l|el|los|las|il|lo|gli|i|o|a|os|as|die|der|das|republic of|kingdom of|state of|republique de|"
    r"republica de|republik|republika|estado de|province of|province de|provincia de|etat de|union territory of) "
)
_INITIALS = re.compile(r"(?:[A-Za-z]\. ?){2,4}|[A-Za-z] [A-Za-z]")
"""U. K. and the like; not N/A, which would be Namibia."""
_NO_CODES = frozenset(("Nga",))
"""Words that look like a code: Vietnamese for Russia, where NGA is Nigeria."""
_DIAL = re.compile(r"(?:\+|00)\s*([1-9]\d{0,3})")
_FLAG = range(0x1F1E6, 0x1F200)
"""The regional indicators A to Z, two of which make a flag."""


@transform()
def country(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """ISO-2 code from a code or a name in any language; another text stays as typed and counts as drift."""
    raw = clean(as_text(value))
    return _country(raw) if raw else None


@functools.lru_cache(maxsize=4096)
def _country(raw: str) -> Outcome:
    typed = _short(raw)
    code = country_code(typed)
    if code:
        return code
    parts = [part for part in map(clean, _PARTS.split(typed)) if part]
    known = {code: part for part in parts if (code := country_code(part))}
    if len(known) > 1:  # Georgia, USA
        known = {
            c: p for c, p in known.items() if all(p == o or _is_state(c, o) for o in known.values())
        }
    if len(known) != 1:
        return Remark(typed, "unknown country", "unknown")
    ((code, _),) = known.items()
    beside = [p for p in parts if country_code(p) != code and not _ARTICLE.fullmatch(f"{fold(p)} ")]
    return Remark(code, f"beside the country: {', '.join(beside)[:80]}") if beside else code


def country_code(text: str) -> str | None:
    """Return the ISO-2 code (or XK, Kosovo) of a text that is a country's code or name; else None."""
    folded = fold(text)
    quick = places()[0]
    is_code = len(folded) > 3 or (text.isascii() and text not in _NO_CODES)  # noqa: PLR2004 Bỉ is Belgium, BI Burundi
    found = quick.get(folded) if is_code else None
    if not found and _INITIALS.fullmatch(text):
        found = quick.get(folded.replace(" ", ""))
    if found:
        return found
    if any(ord(c) in _FLAG for c in text):
        letters = "".join(chr(ord(c) - _FLAG[0] + ord("a")) for c in text if ord(c) in _FLAG)
        return quick.get(letters) if len(letters) == 2 else None  # noqa: PLR2004 one flag
    if dialled := _DIAL.fullmatch(text.strip()):
        import phonenumbers  # noqa: PLC0415 slow to load, and seldom needed

        regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(dialled[1]), ())
        return regions[0] if len(regions) == 1 else None
    if len(text) > 100 or not any(c.isalpha() for c in text):  # noqa: PLR2004 no country's name is so long
        return None
    world = _world()
    bare = _ARTICLE.sub("", folded, count=1) if _ARTICLE.match(folded) else folded
    return (
        world.get(_key(text))
        or (quick.get(bare) if bare != folded else None)
        or world.get(_key(bare))
    )


@functools.cache
def _world() -> Mapping[str, str]:
    """Return the country of each CLDR name that only one country has, by `_key`.

    These are some 33,000 names in 390 languages. Loading takes about a second, once a process; the
    other data of the languages is released at once.
    https://cldr.unicode.org/translation/displaynames/countryregion-territory-names
    """
    from babel import localedata  # noqa: PLC0415 seldom needed

    known = frozenset(places()[0].values())
    found: dict[str, set[str]] = {}
    for language in localedata.locale_identifiers():
        parts = language.split("_")
        if len(parts) > 1 and not (parts[1].istitle() and len(parts) == 2):  # noqa: PLR2004 a script, no country
            continue
        territories = localedata.load(language, merge_inherited=False).get("territories", {})
        for code, name in territories.items():
            key = _key(str(name))
            if code in known and (len(key) >= _SHORTEST_NAME or not str(name).isascii()):
                found.setdefault(key, set()).add(code)
        localedata.clear_caches()
    return {name: codes.pop() for name, codes in found.items() if len(codes) == 1}


def _key(text: str) -> str:
    """Return a name for comparison: like `fold`, but with the vowel signs that other scripts need.

    Joiners are removed because some people leave them out. The Thai word for "country" is removed too.
    """
    joined = (
        text.replace("\u200c", "")
        .replace("\u200d", "")
        .removeprefix("\u0e1b\u0e23\u0e30\u0e40\u0e17\u0e28")
    )
    spread = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", joined).casefold())
    kept = (c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in spread)
    return " ".join("".join(c for c in kept if not unicodedata.combining(c)).split())


@transform(reads=("region",))
def state(value: object, _args: Args, ctx: Ctx) -> Outcome:
    """State or province: its code in US CA AU BR IN MX, from code or name; another text is drift. In other countries as typed."""
    raw = clean(as_text(value))
    if not raw:
        return None
    known = places()[1].get(ctx.region)
    if known is None:
        return _short(raw)
    return known.get(fold(raw)) or _state(ctx.region, raw)


@functools.lru_cache(maxsize=4096)
def _state(region: str, raw: str) -> Outcome:
    typed = _short(raw)
    code = state_code(region, typed)
    if code:
        return code
    parts = [p for p in map(clean, _PARTS.split(re.sub(rf"^{region}-", "", typed))) if p]
    codes = {code for part in parts if (code := state_code(region, part))}
    if len(codes) != 1:
        return Remark(typed, "unknown state", "unknown")
    beside = [p for p in parts if not state_code(region, p) and country_code(p) != region]
    found = codes.pop()
    return Remark(found, f"beside the state: {', '.join(beside)[:80]}") if beside else found


def state_code(region: str, text: str) -> str | None:
    """Return a state's code from its code or name; None if unknown, or if the country uses no codes."""
    known = places()[1].get(region)
    if known is None:
        return None
    folded = fold(text)
    short = folded.replace(" ", "")
    return (
        known.get(folded)
        or (known.get(short) if len(short) <= 4 else None)  # noqa: PLR2004 N.Y., N.S.W.
        or known.get(_ARTICLE.sub("", folded, count=1))
        or _states_abroad(region).get(_key(text))
    )


def _is_state(region: str, text: str) -> bool:
    return state_code(region, text) is not None


@functools.cache
def _states_abroad(region: str) -> Mapping[str, str]:
    """Return state codes by names in other languages; a name of several states is left out."""
    found: dict[str, set[str]] = {}
    import pycountry  # noqa: PLC0415 a twentieth of a second, and seldom needed

    listed = [one for one in pycountry.subdivisions if one.country_code == region]
    names = {one.name: one.code.partition("-")[2] for one in listed}
    for translated in _translations():
        for name, code in names.items():
            found.setdefault(_key(translated(name)), set()).add(code)
    return {name: codes.pop() for name, codes in found.items() if len(codes) == 1}


def _translations() -> Iterable[Callable[[str], str]]:
    import pycountry  # noqa: PLC0415 see above

    for file in sorted(Path(pycountry.LOCALES_DIR).glob("*/LC_MESSAGES/iso3166-2.mo")):
        with file.open("rb") as opened:
            yield gettext.GNUTranslations(opened).gettext


def is_country(code: str) -> bool:
    """Return whether a text is an ISO-2 code of a country."""
    return len(code) == 2 and code.isupper() and code.lower() in places()[0]  # noqa: PLR2004 the length of a code


@transform(idempotent=False, reads=("region",))
def phone_region(value: object, _args: Args, ctx: Ctx) -> Outcome:
    """The country for a user's national numbers, from `all_of` a time zone and a locale: the default country, or another one that both name.

    A vendor sets a time zone and a locale if the user chooses none, so one of them alone proves no country.
    If only one names another country than the default, national numbers have no country and stay as typed.
    """
    texts = _texts(value)
    zones = {zone for text in texts if (zone := _of_zone(text))}
    locales = {place for text in texts if (place := _of_locale(text))}
    if "en-US" in texts and zones != {"US"}:
        locales -= {"US"}  # Zendesk's code for English, not a place
    if zones | locales <= {ctx.region}:
        return ctx.region or None
    if zones == locales and len(zones) == 1:
        return zones.pop()
    return Remark(", ".join(texts), "time zone or language of another country", "unknown")


def _texts(value: object) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [clean(as_text(one))[:_LONGEST] for one in listed if one is not None]


def _of_locale(text: str) -> str:
    """Return the country of a locale such as nl-BE; "" if it has none."""
    region = re.fullmatch(r"[A-Za-z]{2,3}(?:[-_][A-Za-z]{4})?[-_]([A-Za-z]{2})", text)
    return (country_code(region[1]) or "") if region else ""


def _of_zone(text: str) -> str:
    """Return the country of a time zone, by its IANA name or its city; "" if it has none."""
    if (
        "US & Canada" in text
    ):  # names of Rails, which Zendesk uses: https://api.rubyonrails.org/classes/ActiveSupport/TimeZone.html
        return "US"
    territory = _zones().get(text) or _by_city().get(fold(text), "")
    return territory if is_country(territory) else ""


@functools.cache
def _zones() -> Mapping[str, str]:
    from babel.core import get_global  # noqa: PLC0415 seldom needed

    zones: Mapping[str, str] = get_global("zone_territories")
    return zones


@functools.cache
def _by_city() -> Mapping[str, str]:
    found: dict[str, set[str]] = {}
    for zone, territory in _zones().items():
        found.setdefault(fold(zone.rpartition("/")[2]), set()).add(territory)
    return {city: codes.pop() for city, codes in found.items() if len(codes) == 1}


def _short(raw: str) -> str:
    if len(raw) > _LONGEST:
        raise RecordError(f"longer than {_LONGEST} characters")
    return raw
