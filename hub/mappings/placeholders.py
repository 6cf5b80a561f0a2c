"""Placeholders: texts in place of a missing value, by kind of field.

In: a text, and the kind of the field. Out: whether the text is a placeholder. The words are in
`placeholders.yaml`. Not here: the counting of placeholders (`hub.mappings.steps`).
"""

import functools
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence

from hub.mappings.files import read
from hub.mappings.folders import HERE

Check = Callable[[str], bool]

_SELDOM_AGAIN = ("web", "id", "day")

_LONGEST = 80  # characters; no placeholder is longer
_MARKS = " \t\r\n\v\f\u00a0()[]{}<>\"'`*_-\u2013\u2014.\u2026·:;,!?|~=#\u00ab\u00bb\u201c\u201d\u2018\u2019\u00bf\u00a1"
_BY_A_PROGRAM = re.compile(
    r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!)|\\N"
    r"|\{\{.*\}\}|\{%.*%\}|\{![\w.\s]+\}|\{[A-Za-z]\w*(?:[._]\w+)*\}|\$\{[^}]*\}|#\{[^}]*\}"
    r"|\*\|.*\|\*|%%[\w.\s]+%%|%[A-Za-z_][\w.]*%|\[\[.*\]\]|<%.*%>|@@\w+@@"
)
"""A spreadsheet's error, a null of MySQL's, or a merge tag that no program filled (HubSpot,
Mailchimp, Salesforce, Liquid, and older forms)."""
_BETWEEN_DIGITS = str.maketrans("", "", " \u00a0.-()/+_")
_MADE_UP = frozenset(("123456789", "1234567890", "12345678", "987654321", "9876543210"))
_ALL_ONE = 6  # digits; from that many the same on a number is made up
_END = 9  # digits of a number after the code of the country
_ZEROS = re.compile(r"0{2,}(?:[\s-]0+)*")
_CALLER = re.compile(
    r"(?:(?:web(?:site)?|unknown|anonymous|new)\s+)?"
    r"(?:visitor|visiteur|besucher|visitante|visitatore|bezoeker|guest|user|utilisateur|caller)"
    r"[\s_#:\-]*#?\d[\d\s]*",
    re.IGNORECASE,
)


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    spread = unicodedata.normalize("NFKD", text)
    return unicodedata.normalize("NFC", "".join(c for c in spread if not unicodedata.combining(c)))


def _forms(words: Sequence[str]) -> frozenset[str]:
    low = [str(word).casefold() for word in words]
    return frozenset(low) | {_without_accents(word) for word in low}


_FILE, _ = read(HERE / "placeholders.yaml")
_LISTS = {name: _forms(words) for name, words in _FILE["lists"].items()}
_WORDS: Mapping[str, frozenset[str]] = {
    kind: frozenset().union(*(_LISTS[name] for name in lists))
    for kind, lists in _FILE["kinds"].items()
}
KINDS = tuple(_WORDS)
_SURNAMES = frozenset(_FILE["surnames"])
_LONGEST_SURNAME = 8  # characters, with spaces around it
_PROGRAMS = _LISTS["machine"]
_NO_EMAIL = frozenset(_FILE["no_email"].split())
_SAME_WORD = frozenset(_FILE["same_word"].split())


def check_of(kind: str) -> Check:
    """Return the check for placeholders of a kind of field (one of `KINDS`)."""
    return _CHECKS[kind]


def _check_of(kind: str) -> Check:
    """Return a check; its results are cached for kinds of fields whose values repeat."""
    words, more = _WORDS[kind], _FURTHER.get(kind)

    def says_nothing(text: str) -> bool:
        if len(text) > _LONGEST or not text:
            return False
        if text[0].isalnum() and text[-1].isalnum():  # as nearly all are
            low = text.casefold()
            return low in words or (more is not None and more(text, low))
        bare = text.strip(_MARKS)
        low, trimmed = bare.casefold(), text.strip()
        if low in words or _BY_A_PROGRAM.fullmatch(trimmed):
            return True
        if not bare:
            return bool(trimmed) and _is_punctuation(trimmed)
        return more is not None and more(trimmed, low)

    return says_nothing if kind in _SELDOM_AGAIN else functools.lru_cache(8_192)(says_nothing)


def is_placeholder(kind: str, text: str) -> bool:
    """Return whether a text is a placeholder in a field of a kind."""
    return _CHECKS[kind](text)


def is_from_a_program(text: str) -> bool:
    """Return whether a program wrote a text in place of a missing value: null, `--None--`, `{{name}}`."""
    if len(text) > _LONGEST:
        return False
    bare = text.strip()
    marked = bare.startswith(("--", "[", "(", "<")) and bare.strip(_MARKS).casefold() == "none"
    is_word = bare.strip("()[]<>- ").casefold() in _PROGRAMS
    return is_word or marked or bool(_BY_A_PROGRAM.fullmatch(bare))


def may_be_a_surname(text: str) -> bool:
    """Return whether a text is a placeholder and, with its capital, a surname: Null, None, Na, No."""
    return (
        len(text) <= _LONGEST_SURNAME
        and (bare := text.strip()).casefold() in _SURNAMES
        and bare.istitle()
    )


def _is_punctuation(text: str) -> bool:
    return all(c.isspace() or unicodedata.category(c)[0] in "PZC" or c in "~=|`<>^+" for c in text)


def _name(bare: str, low: str) -> bool:
    if low in _SURNAMES:
        return not may_be_a_surname(bare)
    return _all_x(bare, low) or bool(_CALLER.fullmatch(bare))


def _all_x(_bare: str, low: str) -> bool:
    return low[:1] == "x" and not low.strip("x")


def _company(bare: str, low: str) -> bool:
    return _all_x(bare, low) and bare != "X"  # a company of that name


def _phone(bare: str, low: str) -> bool:
    if low[:1].isalpha():
        return _all_x(bare, low)
    digits = bare.translate(_BETWEEN_DIGITS)
    if not digits.isdigit() or len(digits) < _ALL_ONE:
        return False
    end = digits[-_END:]
    return len(set(end)) == 1 or digits in _MADE_UP


def _email(bare: str, low: str) -> bool:
    local, at, domain = low.rpartition("@")
    if not at:
        return _all_x(bare, low)
    label = domain.partition(".")[0]
    return local in _NO_EMAIL or (local == label and local in _SAME_WORD)


def _postal(bare: str, low: str) -> bool:
    return _all_x(bare, low) or _ZEROS.fullmatch(bare) is not None


def _web(bare: str, low: str) -> bool:
    return _all_x(bare, low) or low.rstrip("/.") in _WORDS["web"]


_FURTHER: Mapping[str, Callable[[str, str], bool]] = {
    "name": _name,
    "company": _company,
    "phone": _phone,
    "email": _email,
    "postal": _postal,
    "place": _all_x,
    "web": _web,
    "number": _all_x,
    "text": _all_x,
}
"""Kind → a further check, of the text without outer spaces, and of its bare lower-case form."""

_CHECKS: Mapping[str, Check] = {kind: _check_of(kind) for kind in KINDS}

_BY_TRANSFORM: Mapping[str, str] = {
    "recase_name": "name",
    "split_name": "name",
    "company": "company",
    "phone": "phone",
    "phone_extension": "phone",
    "phone_region": "phone",
    "other_phones": "phone",
    "second_mobile": "phone",
    "email": "email",
    "emails": "email",
    "name_from_email": "email",
    "postal": "postal",
    "street": "place",
    "country": "place",
    "state": "place",
    "url": "web",
    "date": "day",
    "datetime": "day",
    "number": "number",
    "money": "number",
    "currency": "number",
    "picklist": "choice",
    "bool": "choice",
    "names": "choice",
    "tags": "choice",
    "multi": "choice",
    "has_any": "choice",
    "has_prefix": "id",
    "sf_id": "id",
    "identifier": "id",
}
_BY_FIELD: Mapping[str, str] = {
    "first_name": "name",
    "last_name": "name",
    "name": "name",
    "organization_name": "company",
    "website": "web",
    "url": "web",
    "street": "place",
    "city": "place",
    "state": "place",
    "country": "place",
    "postal_code": "postal",
    "emails": "email",
    "status": "choice",
    "unqualified_reason": "choice",
    "priority": "choice",
    "ticket_type": "choice",
    "outcome": "choice",  # "No answer" is what came of a call
    "stage": "choice",
    "pipeline": "choice",
    "loss_reason": "choice",
    "channel": "choice",
    "purpose": "choice",
    "satisfaction": "choice",
    "id": "id",
}
_BY_KIND: Mapping[str, str] = {
    "email": "email",
    "phone": "phone",
    "date": "day",
    "datetime": "day",
    "number": "number",
    "money": "number",
    "bool": "choice",
    "list": "choice",
    "ref": "id",
}


def kind_of(transforms: Sequence[str], inherited: str | None, place: str, kind: str | None) -> str:
    """Return the kind of a value: by its transforms, otherwise by its target field.

    Args:
        transforms: names of the rule's own transforms.
        inherited: the kind that the rule around it has.
        place: the target field.
        kind: the target field's kind in `hub.model.entities`.
    """
    own = next((_BY_TRANSFORM[name] for name in transforms if name in _BY_TRANSFORM), None)
    return own or inherited or _BY_FIELD.get(place) or _BY_KIND.get(kind or "", "text")
