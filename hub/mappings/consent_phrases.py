"""Classify the wording of a form: agreement to marketing, acceptance of terms, refusal, or none.

In: the title of a question, or the label of a choice. Out: a `Reading`. The words are in
`consent_phrases.yaml`, in six languages. Unknown wording gives no consent, because a false opt-in is
worse than a missing one. Not here: the answers (`hub.mappings.consents`).
"""

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import field

import yaml

from hub.frozen import dataclass
from hub.mappings.folders import HERE
from hub.mappings.text import clean_lines, fold

LONGEST_WORDING = 2_000
"""Most characters of a wording; a longer text is a document and gives no consent."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The meaning of a wording if its answer is yes.

    Args:
        is_opt_in: it agrees to marketing messages.
        is_opt_out: it refuses marketing messages.
        is_terms: it accepts terms of use or a privacy notice.
        channels: the channels that it names, in the order of the list.
        is_open: it asks how, why or how often, so a plain yes gives no consent.
        is_usable: it has no negation, condition or other people, so a choice may complete it.
    """

    is_opt_in: bool = False
    is_opt_out: bool = False
    is_terms: bool = False
    channels: tuple[str, ...] = ()
    is_open: bool = False
    is_usable: bool = True


NOTHING = Reading(is_usable=False)


@dataclass(frozen=True, slots=True)
class _Words:
    """The compiled lists."""

    one: Mapping[str, re.Pattern[str]]
    agrees: re.Pattern[str]
    refuses: re.Pattern[str]
    channels: Mapping[str, re.Pattern[str]] = field(default_factory=dict)


@functools.lru_cache(maxsize=4_096)
def read_wording(wording: str) -> Reading:
    """Return the meaning of a wording, which is read sentence by sentence."""
    if len(wording) > LONGEST_WORDING:
        return NOTHING
    words = _words()
    readings = [_sentence(one, words) for one in _sentences(wording, words)]
    if not readings:
        return NOTHING
    is_opt_in = any(r.is_opt_in for r in readings)
    is_opt_out = any(r.is_opt_out for r in readings)
    is_clear = all(r.is_usable or r.is_opt_out or r.is_terms for r in readings)
    is_both = is_opt_in and is_opt_out
    channels = dict.fromkeys(c for r in readings if not r.is_terms for c in r.channels)
    return Reading(
        is_opt_in=is_opt_in and is_clear and not is_both,
        is_opt_out=is_opt_out and not is_both,
        is_terms=any(r.is_terms for r in readings),
        channels=tuple(channels),
        is_open=any(r.is_open for r in readings),
        is_usable=all(r.is_usable for r in readings),
    )


def says(which: str, wording: str) -> bool:
    """Return whether a whole answer is in the list `yes` or `no`."""
    return len(wording) < 100 and bool(_words().one[f"={which}"].fullmatch(_folded(wording)))  # noqa: PLR2004 no such answer is longer


def channel_of(label: str) -> str | None:
    """Return the channel that a choice's label is ("By e-mail"), or None."""
    folded = _folded(label)
    return next((c for c, p in _words().channels.items() if p.fullmatch(f" {folded} ")), None)


def _sentence(sentence: str, words: _Words) -> Reading:
    has = {name: bool(p.search(sentence)) for name, p in words.one.items() if name[0] != "="}
    channels = tuple(c for c, p in words.channels.items() if p.search(sentence))
    if not channels and has["any_way"]:
        channels = ("email", "phone")
    plain = _without_ways(sentence, words)
    is_open = bool(words.one["=asks_else"].match(sentence))
    is_of_theirs = has["you_asked"] and has["your"]
    is_usable = not (
        has["negation"] or has["unclear"] or has["others"] or has["stop"] or is_of_theirs
    )
    is_opt_in = is_usable and not has["own_affair"] and bool(words.agrees.search(plain))
    is_stop = has["stop"] and not has["negation"] and not is_open
    is_refusal = is_stop or bool(words.refuses.search(sentence))
    is_opt_out = is_refusal and not has["unclear"] and not has["others"] and not is_open
    if is_opt_out and not is_stop and _is_doubled(sentence, words):
        is_opt_out = False
    is_terms = (
        has["terms"] and has["accept"] and not has["negation"] and not has["others"]
        and not has["unclear"] and not is_opt_out
    )  # fmt: skip
    return Reading(is_opt_in, is_opt_out, is_terms, channels, is_open, is_usable)


def _is_doubled(sentence: str, words: _Words) -> bool:
    """Return whether a refusal negates a refusal: "I do not want to stop receiving it"."""
    if words.one["stop"].search(sentence):
        return True
    rest = re.sub(r" (?:pas|plus|jamais)(?= )", "", words.one["refusal"].sub("", sentence, count=1))
    return bool(words.one["negation"].search(rest))


_BREAK = re.compile(r"[.;!?\n\u3002\u2026]+(?:\s|$)|\s[\u2013\u2014|-]\s")
_CLAUSE = re.compile(r"[,:()]|\b(?:and|but|und|aber|et|mais|y|pero|e|ma|en|maar)\b", re.IGNORECASE)
_PARTICLE = re.compile(
    r"^\W*(?:yes|no|oui|non|ja|nein|s[ií\u00ec]|nee)"
    r"(?: (?:thanks|thank you|please|merci|danke|bitte|gracias|grazie|bedankt|dank je))?"
    r"\s*[,:.!\u2013\u2014-]+\s*",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"\{\{[^}]*\}\}|<[^>]*>|[*_`\u00bf\u00a1]|\]\([^)]*\)|\[")


def _sentences(wording: str, words: _Words) -> list[str]:
    """Return the folded sentences with a space on both sides, without mere notices."""
    found = []
    for part in _BREAK.split(clean_lines(_MARKUP.sub(" ", wording).replace("\u2019", "'"))):
        is_no = bool(re.match(r"\W*(?:no|non|nein|nee)\b", part, re.IGNORECASE))
        bare = _PARTICLE.sub("", part, count=1)
        text = f" {_folded(bare)} "
        if words.one["any_time"].search(text) and words.one["withdraw"].search(text):
            text = f" {_folded(_without_notices(bare, words))} "
        has_yes = words.agrees.search(text) and not words.refuses.search(text)
        if is_no and bare != part and has_yes:  # "No, send me the newsletter" is neither
            text = f" no{text}"
        if text.strip():
            found.append(text)
    return found


def _without_notices(sentence: str, words: _Words) -> str:
    """Return a sentence without the clauses that only say that consent can be withdrawn."""
    is_notice = False
    kept = []
    for clause in _CLAUSE.split(sentence):
        text = f" {_folded(clause)} "
        is_notice = bool(words.one["withdraw"].search(text) or words.one["any_time"].search(text))
        if not is_notice:
            kept.append(clause)
    return ", ".join(kept)


def _folded(text: str) -> str:
    folded = f" {fold(text)} "
    return re.sub(r" e (mail\w*)", r" e\1", folded).strip()


def _without_ways(sentence: str, words: _Words) -> str:
    """Return a sentence without "by e-mail" and the like, because these are not its object."""
    return words.one["ways"].sub("", sentence)


def _either(entries: Iterable[str]) -> str:
    """Return an alternation of folded entries, the longest first."""
    folded = {
        re.escape(_folded(one.rstrip("*"))) + (r"\w*" if one.endswith("*") else "")
        for one in map(str, entries)
    }
    return "|".join(sorted(folded, key=lambda one: (-len(one), one)))


@functools.cache
def _words() -> _Words:
    """Compile the lists, once."""
    text = (HERE / "consent_phrases.yaml").read_text("utf-8")
    raw = yaml.load(text, Loader=yaml.CBaseLoader)  # noqa: S506 texts alone: "no", "on" are words here
    lists = {
        name: [entry for entries in by_language.values() for entry in entries]
        for name, by_language in raw.items()
        if name != "channels"
    }
    each = {name: f"(?:{_either(entries)})" for name, entries in lists.items()}
    ways = [one for entries in raw["channels"].values() for one in entries if " " in one]
    one = {name: re.compile(rf"(?<= ){each[name]}(?= )") for name in _SEARCHED}
    one |= {
        f"={name}": re.compile(rf" ?{each[name]}(?= |$)") for name in ("yes", "no", "asks_else")
    }
    refusals = (each["refuse"], each["do_not_send"], f"^ ?{each['none_of']}")
    one["refusal"] = re.compile(rf"(?:{'|'.join(refusals)})(?= )")
    one["ways"] = re.compile(rf" (?:{_either(w for w in ways if w.split()[0] in _BY)})(?= )")
    return _Words(
        one=one,
        agrees=_agreement(each),
        refuses=_refusal(each),
        channels={
            name: re.compile(rf" (?:{_either(entries)}) ")
            for name, entries in raw["channels"].items()
        },
    )


_SEARCHED = (
    "negation", "unclear", "others", "stop", "own_affair", "terms", "accept", "any_time", "withdraw",
    "any_way", "you_asked", "your",
)  # fmt: skip
_BY = frozenset(("by", "via", "per", "par", "por", "tramite"))


def _agreement(each: Mapping[str, str]) -> re.Pattern[str]:
    """Return what a sentence that agrees to being written to has in it.

    Between a verb and its object there may be articles and the like, then at most two other words;
    nothing follows the object, or a word that does not change its meaning.
    """
    gap = rf"(?:{each['filler']} ){{0,5}}(?:(?!{each['blocking']} )\w+ ){{0,2}}?"
    thing = rf"{each['object']} (?=$|{each['following']} )"
    ways = [
        rf"{each['will']} (?:{each['filler']} ){{0,2}}?{each['receive']} {gap}{thing}",
        rf"{each['will']} {gap}{thing}(?:\w+ ){{0,6}}?{each['receive']} ",
        rf"{each['send']} {gap}{thing}",
        rf"{each['agree_to']} (?:{each['filler']} ){{0,4}}{thing}",
    ]
    starts = rf"{each['subscribe']} {gap}{thing}"
    return re.compile(rf" (?:{'|'.join(ways)}|{each['complete']} )|^ {starts}")


def _refusal(each: Mapping[str, str]) -> re.Pattern[str]:
    """Return what a sentence that refuses to be written to has in it."""
    about = rf"(?:{each['object']}|{each['contact']})"
    ways = [
        rf"{each['refuse']} (?:\w+ ){{0,6}}?{about}(?= )",
        rf"{each['do_not_send']}(?= )",
    ]
    starts = rf"{each['none_of']} (?:\w+ ){{0,2}}?{each['object']}(?= )"
    return re.compile(rf" (?:{'|'.join(ways)})|^ {starts}")
