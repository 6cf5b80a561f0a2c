"""Which field of the hub each header of a table names, and of which kind of object the table is.

In: headers, the name of the file. Out: a kind, and a field or "" for each header. Pure but for reading
the shipped `headers.yaml`.
"""

import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

KINDS = ("leads", "contacts", "companies", "deals", "activities", "users")
PEOPLE = frozenset(("leads", "contacts"))
_LETTERS = {"œ": "oe", "æ": "ae", "ø": "o", "ł": "l"}
_AGAIN = re.compile(r" \(\d+\)$")
_PERSONAL = frozenset(("first_name", "last_name", "email", "mobile", "title", "salutation"))
_OF_ANYTHING = frozenset(
    ("id", "tags", "description", "created_at", "updated_at", "owner", "owner_email", "owner_id", "deleted", "type", "source", "status", "notes")
)  # fmt: skip
_MARKS_OF_USERS = 2
_SURE = 100.0
_NAMES = frozenset(("full_name", "last_name", "first_name", "last_or_full_name", "email"))


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of a table's headers.

    Args:
        kind: one of `KINDS`, "" if no kind is likely.
        fields: one for each header; "" for a header without a known meaning.
        also: other kinds that the headers allow about as well.
    """

    kind: str
    fields: tuple[str, ...]
    also: tuple[str, ...] = ()


def squashed(text: str) -> str:
    """Return a header without case, accents, spaces and punctuation: `Nom de l'entreprise` → `nomdelentreprise`."""
    plain = unicodedata.normalize("NFKD", "".join(_LETTERS.get(c, c) for c in text.casefold()))
    return "".join(c for c in plain if c.isalnum())


def meaning_of(headers: Sequence[str], file_name: str, kind: str = "") -> Meaning:
    """Return the kind of a table, and the field of each header.

    Args:
        headers: of the table.
        file_name: of the file and sheet; it decides where the headers do not.
        kind: set by the user.
    """
    if kind:
        return Meaning(kind, _fields(headers, kind))
    scores = {one: _score(headers, file_name, one) for one in KINDS}
    best = max(KINDS, key=lambda one: (scores[one], -KINDS.index(one)))
    if not scores[best]:
        return Meaning("", ("",) * len(headers))
    near = tuple(k for k in KINDS if k != best and scores[k] >= scores[best] - 1 and scores[k] > 1)
    return Meaning(best, _fields(headers, best), near)


def type_of(field: str) -> str:
    """Return how a cell of a field is read: text, date, datetime or number."""
    return _types().get(field, "text")


def fields_of(kind: str) -> list[str]:
    """Return the fields that a column of a table of this kind can name."""
    return sorted(set(_names(kind).values()) - {"last_or_full_name"})


def _fields(headers: Sequence[str], kind: str) -> tuple[str, ...]:
    names, left_out = _names(kind), ignored(headers)
    found: list[str] = []
    for header in headers:
        field = names.get(squashed(_AGAIN.sub("", header)), "")
        found.append("" if field in found or header in left_out else field)
    if kind in PEOPLE:
        _resolve_names(found)
    if (
        "owner" not in found
    ):  # HubSpot says `Contact owner` of a lead, Salesforce `Account Owner` of a contact
        owner = next((i for i, h in enumerate(headers) if squashed(h) in _owners()), None)
        if owner is not None and not found[owner]:
            found[owner] = "owner"
    return (*found,)


def ignored(headers: Sequence[str]) -> frozenset[str]:
    """Return the headers of columns without a use for the hub."""
    document = _document()
    names = {squashed(one) for one in document["ignored"]}
    said = {squashed(header) for header in headers}
    for mark, more in document["ignored_with"].items():
        if squashed(mark) in said:
            names |= {squashed(one) for one in more}
    return frozenset(header for header in headers if squashed(header) in names)


def _resolve_names(found: list[str]) -> None:
    """Decide what `Nom` or `Name` means, by the other columns."""
    for name in ("last_or_full_name", "full_name"):
        if name not in found:
            continue
        is_last = "first_name" in found and "last_name" not in found
        found[found.index(name)] = "last_name" if is_last else "full_name"
    for i, field in enumerate(found):
        if field == "full_name" and found.index(field) < i:
            found[i] = ""


def _score(headers: Sequence[str], file_name: str, kind: str) -> float:
    if kind == "users":
        return _SURE if _are_users(headers, file_name) else 0.0
    fields = [field for field in _fields(headers, kind) if field]
    known = set(fields)
    said = known - _OF_ANYTHING
    is_named = bool(_file_words(file_name) & _of_file_names(kind))
    if not said or (len(said) == 1 and said != {"email"} and not is_named):
        return 0.0
    score = float(len(known))
    score += 2 * sum(1 for header in headers if squashed(header) in _markers(kind))
    score += 1.5 * is_named
    if kind in PEOPLE and not known & _NAMES:
        return 0.0
    if kind not in PEOPLE:
        needed = {"companies": {"name", "domain"}, "deals": {"name", "value", "stage"}, "activities": {"subject", "content", "due_at", "file_name"}}  # fmt: skip
        if not known & needed[kind]:
            return 0.0
        people = set(_fields(headers, "leads")) & _PERSONAL
        score -= 2 * len(people - {"email", "title"}) if kind == "companies" else 0
    if kind == "deals" and not known & {"stage", "value", "pipeline"}:
        return 0.0
    return max(score, 0.0)


def activity_type(file_name: str) -> str:
    """Return what the rows of a table of activities are, by one word in its name; "" if none or several say it."""
    words = _file_words(file_name)
    named = _document()["activity_types"]
    said = [kind for kind, known in named.items() if words & {squashed(word) for word in known}]
    return said[0] if len(said) == 1 else ""


def _are_users(headers: Sequence[str], file_name: str) -> bool:
    """Return whether the rows are users of the old CRM: the other headers are those of people too."""
    marks = sum(1 for header in headers if squashed(header) in _markers("users"))
    is_named = bool(_file_words(file_name) & _of_file_names("users"))
    return marks + is_named >= _MARKS_OF_USERS and marks > 0


def _file_words(name: str) -> frozenset[str]:
    parts = re.split(r"[\W_\d]+", unicodedata.normalize("NFC", name.casefold()))
    return frozenset(squashed(part) for part in parts if part)


@functools.cache
def _document() -> Mapping[str, Any]:
    text = (files("hub.connectors.files") / "headers.yaml").read_text("utf-8")
    document: Mapping[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return document


@functools.cache
def _types() -> Mapping[str, str]:
    return {field: kind for kind, fields in _document()["types"].items() for field in fields}


@functools.cache
def _of_file_names(kind: str) -> frozenset[str]:
    return frozenset(squashed(word) for word in _document()["file_names"][kind])


@functools.cache
def _names(kind: str) -> Mapping[str, str]:
    """Return field by squashed header; what a kind says itself comes before what kinds share."""
    parts = ["shared", *(["people"] if kind in PEOPLE else []), kind]
    found: dict[str, str] = {}
    for part in parts:
        for field, headers in _document()[part].items():
            found |= {squashed(one): field for one in _expanded(headers, kind)}
    return found


@functools.cache
def _markers(kind: str) -> frozenset[str]:
    """Return headers that name the kind: `Lead ID`, `Statut de la piste`."""
    parts = ["shared", *(["people"] if kind in PEOPLE else []), kind]
    named = [
        header
        for part in parts
        for headers in _document()[part].values()
        for header in headers
        if "{kind}" in str(header)
    ]
    own = _document()["markers"][kind]
    return frozenset(squashed(one) for one in [*_expanded(named, kind), *own])


@functools.cache
def _owners() -> frozenset[str]:
    listed = _document()["shared"]["owner"]
    return frozenset(squashed(one) for kind in KINDS for one in _expanded(listed, kind))


def _expanded(headers: Sequence[object], kind: str) -> list[str]:
    words = _document()["kinds"][kind]
    found: list[str] = []
    for header in map(str, headers):
        found += (
            [header.replace("{kind}", word) for word in words] if "{kind}" in header else [header]
        )
    return found
