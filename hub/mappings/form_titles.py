"""Find the field that a form's question asks for, by its title.

In: a title as people write it, with greetings, markup and inserted answers. Out: its cores, which are
its sentences without polite words; a field's phrases in six languages (`form_titles.yaml`). A title
asks for a field only if a whole core is one of the phrases. A word inside a longer title is not enough.
"""

import functools
import re
from collections.abc import Iterable, Mapping

import yaml

from hub.mappings.folders import HERE
from hub.mappings.text import clean, fold

LONGEST_TITLE = 300
"""Most characters of a title; a longer one is a text and asks for no field."""

_MARKUP = re.compile(r"\{\{[^}]*\}\}|<[^>]*>|[*_`\u00bf\u00a1]|\([^)]*\)|\[[^\]]*\]|^\s*\d+\s*[.)]")
_SENTENCE = re.compile(r"[.!?;:\n]+(?:\s|$)")
_EITHER = re.compile(r"\s*/\s*")


@functools.lru_cache(maxsize=4_096)
def cores(title: str) -> frozenset[str]:
    """Return the sentences of a title without polite words and markup.

    The alternatives of a title (`Company / Organisation`) stay joined by " / ".
    """
    if len(title) > LONGEST_TITLE:
        return frozenset()
    plain = clean(_MARKUP.sub(" ", title))
    found = {
        " / ".join(bare(part) for part in _EITHER.split(sentence))
        for sentence in _SENTENCE.split(plain)
    }
    found |= {bare(sentence) for sentence in _SENTENCE.split(plain)}
    return frozenset(one for one in found if one.strip(" /"))


def asks_for(title: str, phrases: Iterable[str]) -> int:
    """Return the length of the phrase that equals a core of the title, 0 if none does.

    Args:
        title: of a question.
        phrases: bare phrases, as `bare` gives them.
    """
    known = phrases if isinstance(phrases, frozenset) else frozenset(phrases)
    return max((len(core) for core in cores(title) if _is_known(core, known)), default=0)


def _is_known(core: str, known: frozenset[str]) -> bool:
    return all(part in known for part in core.split(" / "))


@functools.lru_cache(maxsize=4_096)
def is_about_others(title: str) -> bool:
    """Return whether a title asks about another person than the one who answers."""
    return bool(_lists()[1] & set(fold(title[:LONGEST_TITLE]).split())) or bool(
        _phrase_of_others().search(f" {fold(title[:LONGEST_TITLE])} ")
    )


@functools.lru_cache(maxsize=4_096)
def bare(phrase: str) -> str:
    """Return a phrase folded and without polite words, unless it has no other words."""
    folded = f" {fold(phrase)} "
    folded = folded.replace(" e mail", " email")
    stripped = _decoration().sub(" ", folded)
    return " ".join(stripped.split()) or " ".join(folded.split())


def field_names() -> list[str]:
    """Return the fields that have phrases."""
    return list(_lists()[0])


@functools.cache
def phrases_of(field: str) -> frozenset[str]:
    """Return the bare phrases that ask for a field, in all languages."""
    return frozenset(bare(str(phrase)) for phrase in _lists()[0][field])


@functools.cache
def _lists() -> tuple[Mapping[str, list[str]], frozenset[str], list[str]]:
    """Return phrases by field, words for other people, and decoration."""
    text = (HERE / "form_titles.yaml").read_text("utf-8")
    raw = yaml.load(text, Loader=yaml.CBaseLoader)  # noqa: S506 texts alone: "no", "on" are words here
    fields = {
        field: [phrase for listed in by_language.values() for phrase in listed]
        for field, by_language in raw["fields"].items()
    }
    others = {fold(word) for listed in raw["others"].values() for word in listed}
    decoration = [word for listed in raw["decoration"].values() for word in listed]
    return fields, frozenset(others), decoration


@functools.cache
def _phrase_of_others() -> re.Pattern[str]:
    several = sorted(re.escape(one) for one in _lists()[1] if " " in one)
    return re.compile(rf" (?:{'|'.join(several)}) ")


@functools.cache
def _decoration() -> re.Pattern[str]:
    words = sorted({re.escape(fold(one)) for one in _lists()[2]}, key=lambda one: (-len(one), one))
    return re.compile(rf"(?<= )(?:{'|'.join(words)})(?= )")
