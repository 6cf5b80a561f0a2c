"""Normal forms: one text for all spellings of a name, address, number or company.

In: one value as text. Out: its normal form, for comparison only, never for display.
"""

import re
import unicodedata
from datetime import datetime
from functools import lru_cache

from publicsuffixlist import PublicSuffixList

from hub.frozen import dataclass
from hub.matching.model_files import load, words
from hub.model.addresses import (
    ascii_domain,
    comparable,
    find_addresses,
    is_invented,
    readable_domain,
)
from hub.model.name_words import GIVEN_TABLE

_WORDS = load("words.yaml")
_FORMAL: dict[str, frozenset[str]] = {}
for _formal, _forms in (*GIVEN_TABLE["short"].items(), *GIVEN_TABLE["further"].items()):
    for _form in (_formal, *str(_forms).split()):
        _FORMAL[_form] = _FORMAL.get(_form, frozenset()) | {_formal}
_KNOWN = words(GIVEN_TABLE["known"]) | frozenset(_FORMAL)
_ROLE = words(_WORDS["role"])
_FREE = words(_WORDS["free_mail"])
_HOSTS = words(_WORDS["hosts_of_many"])
_SUFFIXES = words(_WORDS["public_suffixes"])
_LEGAL = words(_WORDS["legal"])
_GENERIC = words(_WORDS["generic"])
_PLACEHOLDER = words(_WORDS["placeholder"])
TITLES = words(_WORDS["titles"])
_NAME_SUFFIXES = words(_WORDS["suffixes"])
_PARTICLES = words(_WORDS["particles"])
_GMAIL = frozenset({"gmail.com", "googlemail.com"})
_FOLD_EXTRA = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "\u0131": "i",
        **dict.fromkeys("\u180e\u200c\u200d", ""),  # joiners: how letters look, not what they are
        # Cyrillic, as most passports and forms write it
        **dict(zip("абвгдезийклмнопрстуфыэіїєґў", "abvgdeziyklmnoprstufyeiiegu", strict=True)),
        "ё": "e",
        "ж": "zh",
        "\u0445": "kh",
        "ц": "ts",
        "ч": "ch",
        "ш": "sh",
        "щ": "shch",
        "ъ": "",
        "ь": "",
        "ю": "yu",
        "я": "ya",
        # Greek
        **dict(zip("αβγδεζηικλμνξοπρστυφωςά", "avgdeziiklmnxoprstyfosa", strict=True)),
        "θ": "th",
        "χ": "ch",
        "ψ": "ps",
    }
)
_NOT_WORD = re.compile(r"[\W_]+")
_WORD = re.compile(r"[^\W_]+")
_APOSTROPHE = re.compile(r"['\u2019\u02bc`\u00b4.]")
_QUOTE = re.compile(r"['\u2019\u02bc`\u00b4]")
_EXTENSION = re.compile(
    r"\s*(?:;?ext(?:ension)?\.?|poste|durchwahl|\bdw\b|x|#)[\s=.:]*\d+\s*$", re.IGNORECASE
)
_ROLE_WORD = re.compile(r"[^._\-0-9]+")
_HOST_ENDS = re.compile(r"[/?#:]")
_MIN_PHONE = 7
_MAX_PHONE = 15
_TAIL = 9
_MIN_IDENTIFIER = 5


def fold(text: str) -> str:
    """Return lower case without accents."""
    return text.lower() if text.isascii() else _without_accents(text)


@lru_cache(maxsize=4_096)
def _without_accents(text: str) -> str:
    plain = unicodedata.normalize("NFC", text).casefold().translate(_FOLD_EXTRA)
    low = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    # a letter of a special alphabet (bold, squared) is a capital again; a Greek one may have had an accent
    return low.casefold().translate(_FOLD_EXTRA)


def tokens(text: str) -> tuple[str, ...]:
    """Return the folded words of a text; apostrophes and full stops join, all else separates."""
    return tuple(_WORD.findall(_APOSTROPHE.sub("", fold(text))))


@lru_cache(maxsize=4_096)
def given(text: str | None) -> tuple[str, ...]:
    """Return the words of a first name without titles, empty for a placeholder."""
    if not text:
        return ()
    split = _WORD.findall(_QUOTE.sub("", fold(text)))
    found = [t for t in split if t not in TITLES or len(split) == 1]
    found = [t for t in found if not t.isdigit()]
    return () if "".join(found) in _PLACEHOLDER else tuple(found)


@lru_cache(maxsize=4_096)
def family(text: str | None) -> tuple[str, ...]:
    """Return the words of a last name without particles and suffixes, empty for a placeholder."""
    if not text:
        return ()
    split = [t for t in tokens(text) if not t.isdigit()]
    if "".join(split) in _PLACEHOLDER:
        return ()
    kept = [t for t in split if t not in _PARTICLES and t not in _NAME_SUFFIXES]
    return tuple(kept or split)


@lru_cache(maxsize=4_096)
def formals(name: str) -> frozenset[str]:
    """Return the formal names of a familiar given name; itself if it is on no list."""
    return _FORMAL.get(name, frozenset({name}))


def are_variants(a: str, b: str) -> bool:
    """Tell whether one given name is a short form or spelling of the other."""
    return bool(formals(a) & formals(b)) or b in formals(a) or a in formals(b)


def is_known(name: str) -> bool:
    """Tell whether this is a known given name, so that it is no misspelling of another."""
    return name in _KNOWN


def umlaut(text: str) -> str:
    """Return a text in which ae, oe, ue are one letter, so that Mueller equals Müller."""
    return text.replace("ae", "a").replace("oe", "o").replace("ue", "u")


_SPELLINGS = tuple(
    (re.compile(old), new)
    for old, new in (
        ("tsch|tch|tsj|cz|c(?=h)ch", "c"), ("sch|sh|sz|sj", "s"), ("kh|ch", "h"), ("zh|dj|dzh", "j"),
        ("ph|ff", "f"), ("th", "t"), ("ck|q", "k"), ("ts|tz", "c"), ("ks", "x"), ("w", "v"),
        ("ou|oo", "u"), ("[yj]", "i"), ("ee|ie|ii+|ei", "i"), ("ae", "e"), (r"(.)\1", r"\1"),
    )
)  # fmt: skip


@lru_cache(maxsize=4_096)
def skeleton(name: str) -> str:
    """Return a name in which the usual spellings of one sound are one: Sergei and Sergey."""
    for old, new in _SPELLINGS:
        name = old.sub(new, name)
    return name


_GENERATION = {"jr": "jr", "jnr": "jr", "junior": "jr", "sr": "sr", "snr": "sr", "senior": "sr"}
_GENERATION |= {"ii": "ii", "iii": "iii", "iv": "iv"}


def generation(first: str | None, last: str | None) -> str:
    """Return jr, sr, ii, iii or iv of a name; a name without other words has none."""
    return (_generation(first) if first else "") or (_generation(last) if last else "")


@lru_cache(maxsize=4_096)
def _generation(name: str) -> str:
    return next((g for t in tokens(name)[1:] if (g := _GENERATION.get(t))), "")


_ORDERS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%m/%d/%Y")


@lru_cache(maxsize=4_096)
def birth(text: str | None) -> str:
    """Return a birth date as eight digits, year first if that is clear; empty if it is none."""
    if not text:
        return ""
    for order in _ORDERS:
        try:
            return datetime.strptime(text.strip()[:10], order).strftime("%Y%m%d")  # noqa: DTZ007 a day
        except ValueError:
            continue
    digits = "".join(c for c in text if c.isdigit())
    return digits if len(digits) == len("19991231") else ""


@lru_cache(maxsize=4_096)
def identifier(text: str | None) -> str:
    """Return a national or customer number as letters and digits; empty if too short."""
    found = "".join(tokens(text)) if text else ""
    return found if len(found) >= _MIN_IDENTIFIER and len(set(found)) > 1 else ""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One normalised address."""

    address: str
    local: str
    domain: str  # registrable domain
    is_role: bool
    is_free: bool


@lru_cache(maxsize=4_096)
def mailbox(text: str) -> Mailbox | None:
    """Return the normal form of an e-mail address: lower case, domain in ASCII, no tag, no dots at Gmail.

    None if the text has no address, or one that was invented to fill a field.
    """
    raw = comparable(next(iter(find_addresses(text).valid), text.strip()))
    local, at, domain = raw.rpartition("@")
    domain = domain.strip(".")
    if not at or not local or "." not in domain or " " in raw or is_invented(raw):
        return None
    local = local.split("+", 1)[0] or local
    if domain in _GMAIL:
        local, domain = local.replace(".", ""), "gmail.com"
    return Mailbox(
        address=f"{local}@{domain}",
        local=local,
        domain=registrable(domain),
        is_role=_is_role(local),
        is_free=domain in _FREE,
    )


def _is_role(local: str) -> bool:
    parts = _ROLE_WORD.findall(fold(local))
    return bool(parts) and ("".join(parts) in _ROLE or _ROLE.issuperset(parts))


@lru_cache(maxsize=1)
def _public() -> PublicSuffixList:
    return PublicSuffixList()  # the list comes with the package: 0.05 s, nothing is fetched


@lru_cache(maxsize=4_096)
def registrable(domain: str) -> str:
    """Return the registrable part of a host name: mail.acme.co.uk is acme.co.uk."""
    domain = ascii_domain(domain)
    labels = domain.split(".")
    if len(labels) == 2:  # noqa: PLR2004 the whole of it, or a public suffix of which nothing is left
        return domain
    if ".".join(labels[-2:]) in _SUFFIXES:
        return ".".join(labels[-3:])
    return _public().privatesuffix(domain) or domain


@lru_cache(maxsize=4_096)
def own_domain(text: str) -> str | None:
    """Return the registrable domain of a website or host; None of a provider that many share."""
    host = text.strip().lower().removeprefix("mailto:").partition("://")[2] or text.strip().lower()
    host = _HOST_ENDS.split(host, maxsplit=1)[0].rpartition("@")[2].strip(".")
    if "." not in host or " " in host or host.replace(".", "").isdigit():
        return None
    found = registrable(host)
    return None if found in _FREE or found in _HOSTS or found in _SUFFIXES else found


@lru_cache(maxsize=4_096)
def stem(domain: str) -> str:
    """Return the name in a registrable domain: acme of acme.co.uk."""
    return fold(readable_domain(domain)).split(".", 1)[0].replace("-", "")


@lru_cache(maxsize=4_096)
def phone(text: str) -> str | None:
    """Return a number as digits, with a leading + where the country is known."""
    digits = text[1:]
    if text[:1] != "+" or digits[:2] == "00" or not (digits.isascii() and digits.isdigit()):
        return _typed_phone(text)
    is_usable = _MIN_PHONE <= len(digits) <= _MAX_PHONE and len(set(digits[-_MIN_PHONE:])) > 1
    return text if is_usable else None


def _typed_phone(text: str) -> str | None:
    """Return the same of a number that is not plain E.164."""
    bare = _EXTENSION.sub("", text).replace("(0)", "")
    digits = "".join(c for c in bare if c.isdigit() and c.isascii())
    is_international = bare.strip().startswith("+")
    if digits.startswith("00"):
        digits, is_international = digits[2:], True
    if not _MIN_PHONE <= len(digits) <= _MAX_PHONE or len(set(digits[-_MIN_PHONE:])) == 1:
        return None
    return f"+{digits}" if is_international else digits


def tail(number: str) -> str:
    """Return the end of a number that does not depend on how the country is written."""
    return number.lstrip("+").lstrip("0")[-_TAIL:]


def are_same_number(a: str, b: str) -> bool:
    """Compare two normalised numbers; where one has no country, by their ends."""
    if a == b:
        return True
    return not (a[0] == "+" and b[0] == "+") and tail(a) == tail(b)


@lru_cache(maxsize=4_096)
def company(text: str | None) -> tuple[str, ...]:
    """Return the words of a company name without legal forms; empty for a placeholder."""
    if not text:
        return ()
    split = tokens(text)
    kept = tuple(t for t in split if t not in _LEGAL)
    kept = kept or split
    return () if "".join(kept) in _PLACEHOLDER else kept


def distinctive_words(name: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a company name that few companies have; all words if none is left."""
    return tuple(t for t in name if t not in _GENERIC and len(t) > 1) or name


def rare(name: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a company name that few companies have, even if none is left."""
    return tuple(t for t in name if t not in _GENERIC and len(t) > 1)


@lru_cache(maxsize=4_096)
def place(text: str | None) -> str:
    """Return a city, street or postal code as folded letters and digits."""
    return _NOT_WORD.sub("", _APOSTROPHE.sub("", fold(text))) if text else ""
