"""Transforms of names: taken apart, and given their capitals back."""

import functools
import re

from hub.errors import RecordError
from hub.mappings.placeholders import is_placeholder
from hub.mappings.registry import Args, Ctx, Outcome, transform
from hub.mappings.text import as_text, clean, fold, text

HONORIFICS = frozenset(
    [
        "m",
        "mme",
        "mlle",
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "dr",
        "prof",
        "herr",
        "frau",
        "sr",
        "sra",
        "srta",
        "sig",
        "dott",
        "me",
    ]
)
SUFFIXES = frozenset(["jr", "sr", "ii", "iii", "iv", "phd", "md", "esq", "mba", "dds"])
PARTICLES = frozenset(
    [
        "de",
        "du",
        "des",
        "d",
        "da",
        "das",
        "do",
        "dos",
        "di",
        "del",
        "della",
        "van",
        "von",
        "der",
        "den",
        "ten",
        "ter",
        "la",
        "le",
        "las",
        "los",
        "el",
        "al",
        "bin",
        "ibn",
        "ben",
        "y",
        "e",
        "af",
        "av",
        "zu",
        "zum",
        "zur",
    ]
)
PARTS = ("first_name", "last_name", "salutation", "suffix")
_SHOUT = 2  # letters up to which capitals are taken for initials
_EDGE = re.compile(r"([\s\-'\u2019.]+)")


@transform(params={"part": (str,)}, needs=("part",), idempotent=False)
def split_name(value: object, args: Args, _ctx: Ctx) -> Outcome:
    """One part of a full name (first_name, last_name, salutation, suffix); particles stay with the last name."""
    if args["part"] not in PARTS:
        raise RecordError(f"a name has no part '{args['part']}'")
    full = clean(as_text(value))
    return name_parts(full[:500])[PARTS.index(args["part"])] or None


@functools.lru_cache(maxsize=16_384)
def name_parts(full: str) -> tuple[str, str, str, str]:
    """Return (first, last, salutation, suffix) of a full name; a single word is a last name."""
    suffixes: list[str] = []
    pieces = [p.strip() for p in full.split(",") if p.strip()]
    while len(pieces) > 1 and _is(pieces[-1], SUFFIXES):
        suffixes.insert(0, pieces.pop())
    if len(pieces) == 2:  # noqa: PLR2004 "Last, First"
        words, last_words = pieces[1].split(), pieces[0].split()
    else:
        words, last_words = " ".join(pieces).split(), []
    salutation: list[str] = []
    front = words or last_words
    while len(front) > 1 and _is(front[0], HONORIFICS):
        salutation.append(front.pop(0))
    if last_words and len(last_words) > 1 and _is(last_words[0], HONORIFICS):
        salutation.append(last_words.pop(0))
    tail = last_words or words
    while len(tail) > (1 if last_words else 2) and _is(tail[-1], SUFFIXES):
        suffixes.insert(0, tail.pop())
    if not last_words:
        cut = _last_name_start(words)
        words, last_words = words[:cut], words[cut:]
    return " ".join(words), " ".join(last_words), " ".join(salutation), " ".join(suffixes)


def _is(word: str, known: frozenset[str]) -> bool:
    return fold(word).replace(" ", "") in known


def _last_name_start(words: list[str]) -> int:
    """Return where the last name begins: at the first particle after a first name, else its end."""
    for i in range(1, len(words) - 1):
        if fold(words[i]) in PARTICLES:
            return i
    return max(0, len(words) - 1)


@transform()
def recase_name(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """Gives capitals back to a name that is ALL CAPS or all lower case; any other stays as it is."""
    name = text(value, {}, _ctx)
    return recase(name) if isinstance(name, str) else name


def recase(name: str) -> str:
    """Return a name with capitals where names have them."""
    if not (name.isupper() or name.islower()) or len(name) > 200:  # noqa: PLR2004 no name, leave it
        return name
    if name.isupper() and sum(c.isalpha() for c in name) <= _SHOUT:
        return name
    return _recased(name)


@functools.lru_cache(maxsize=16_384)
def _recased(name: str) -> str:
    pieces = _EDGE.split(name)
    for i, piece in enumerate(pieces):
        if i % 2 == 0 and piece:
            stands_alone = (i == 0 or pieces[i - 1].isspace()) and (
                i + 1 < len(pieces) and (pieces[i + 1].isspace() or pieces[i + 1] in "'\u2019")
            )
            pieces[i] = _capital(piece, is_particle=stands_alone and fold(piece) in PARTICLES)
    return clean("".join(pieces))


def _capital(word: str, *, is_particle: bool) -> str:
    low = word.lower()
    if is_particle:
        return low if low != "d" else "D"
    if low.startswith("mc") and len(low) > 3:  # noqa: PLR2004 McX at least
        return "Mc" + low[2:].capitalize()
    return low.capitalize()


@transform()
def company(value: object, args: Args, ctx: Ctx) -> Outcome:
    """Company name; "[not provided]", "N/A", "Self", "-" and the like → null."""
    return None if is_placeholder("company", clean(as_text(value))) else text(value, args, ctx)


@transform(idempotent=False)
def name_from_email(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """A last name made of an e-mail's local part (jean.dupont@… → dupont), for records without one."""
    local = clean(as_text(value)).partition("@")[0].partition("+")[0]
    words = [w for w in re.split(r"[._\-\s]+", local) if w and not w.isdigit()]
    return words[-1][:80] if words else None
