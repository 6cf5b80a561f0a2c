"""The words that names are taken apart by, and how words are compared. Pure.

In: nothing. Out: sets of folded words, from `name_words.yaml` and `given_names.yaml` beside this.
"""

import functools
import unicodedata
from importlib.resources import files
from typing import Any

import yaml

_STOPS = str.maketrans("", "", ".\u2019\u02bc'\u00b4`")


def load(name: str) -> dict[str, Any]:
    """Return the parsed YAML file `name` of this room."""
    text = files("hub.model").joinpath(name).read_text(encoding="utf-8")
    document = yaml.load(text, Loader=yaml.CSafeLoader)
    if not isinstance(document, dict):
        raise TypeError(f"{name} is not a mapping")
    return document


@functools.lru_cache(maxsize=4_096)
def folded(word: str) -> str:
    """Return a word of a name for comparison: no case, accents, full stops or apostrophes."""
    if word.isascii():
        return word.lower().translate(_STOPS)
    spread = unicodedata.normalize("NFKD", word.casefold().replace("\u0131", "i"))
    plain = "".join(c for c in spread if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", plain.translate(_STOPS).replace("\u0111", "d"))


_FILE = load("name_words.yaml")


def words(name: str) -> frozenset[str]:
    """Return one list of `name_words.yaml`, folded."""
    return frozenset(folded(word) for word in str(_FILE[name]).split())


def exact(name: str) -> frozenset[str]:
    """Return one list of `name_words.yaml`, unfolded."""
    return frozenset(str(_FILE[name]).split())


def letters(name: str) -> frozenset[str]:
    """Return the characters of one list of `name_words.yaml`."""
    return frozenset(str(_FILE[name])) - {" "}


GIVEN_TABLE = load("given_names.yaml")
"""Given names: `short` and `further` (formal name → its forms), and `known`; `hub.matching` reads it too."""


def _given() -> frozenset[str]:
    found = set(str(GIVEN_TABLE["known"]).split()) | set(words("given"))
    for formal, forms in (*GIVEN_TABLE["short"].items(), *GIVEN_TABLE["further"].items()):
        found |= {formal, *str(forms).split()}
    return frozenset(found)


GIVEN = _given()


def is_given(word: str) -> bool:
    """Tell whether a word is a known given name; of a hyphenated word each part must be one."""
    return all(part in GIVEN for part in folded(word).split("-"))
