"""The normal forms of a person: addresses, numbers, and names beside them. Pure.

In: canonical values, or the text of a payload. Out: forms, as matching compares them, so that letter
case, plus-tags, dots at Gmail and ways of writing a number make no difference.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from hub.matching import normal
from hub.model.addresses import comparable
from hub.model.erasure import ErasureKey, TombstoneKind
from hub.records.consent_addresses import addresses_in

EMAIL, PHONE = "email", "phone"
EMAIL_IN_TEXT = re.compile(
    r"[^\s@<>\"'(),;:\[\]\\]+@[^\s@<>\"'(),;:\[\]\\]+\.[^\s@<>\"'(),;:\[\]\\]+"
)
NUMBER_IN_TEXT = re.compile(r"\+?\(?\d(?:[ .()/\u00a0\u202f-]{0,3}\d){6,16}")
Form = tuple[str, str]
"""A kind (email, phone) and the normal form."""


def email_form(said: str) -> str:
    """Return the normal form of an e-mail address."""
    box = normal.mailbox(said)
    return box.address if box else comparable(said.strip())


def is_role(form: str) -> bool:
    """Tell whether an address belongs to a function and not to a person: info@, sales@."""
    box = normal.mailbox(form)
    return box is None or box.is_role


def phone_form(said: str) -> str | None:
    """Return the normal form of a number, None where it is none; best give it in E.164."""
    return normal.phone(said)


def tail(form: str) -> str:
    """Return the end of a number, which is the same with and without the country."""
    return normal.tail(form)


def forms_of(values: Mapping[str, Any]) -> set[Form]:
    """Return the addresses and numbers of a person's values. A fax is seldom one person's, and left out."""
    found: set[Form] = set()
    for kind, said in addresses_in(values):
        form = email_form(said) if kind == EMAIL else phone_form(said) if kind == PHONE else None
        if form:
            found.add((kind, form))
    return found


def names_of(values: Mapping[str, Any]) -> set[str]:
    """Return the forms of a person's name: the last name with each formal first name; empty if nameless."""
    last = " ".join(normal.family(_text(values.get("last_name"))))
    first = normal.given(_text(values.get("first_name")))
    if not last:
        return set()
    return {f"{last}, {formal}" for formal in normal.formals(first[0])} if first else {f"{last},"}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def digests_of(key: ErasureKey, values: Mapping[str, Any]) -> set[bytes]:
    """Return the digests by which a record of a person meets a tombstone."""
    forms, names = forms_of(values), names_of(values)
    found = {key.digest(TombstoneKind(kind), form) for kind, form in forms}
    found |= {key.digest(TombstoneKind.NAMED, form, name) for _, form in forms for name in names}
    return found


def mentioned(key: ErasureKey, text: str) -> dict[bytes, str]:
    """Return the digests of all addresses and numbers in a text: digest → as it is written there."""
    found: dict[bytes, str] = {}
    for match in EMAIL_IN_TEXT.finditer(text):
        said = match[0].rstrip(".")
        found[key.digest(TombstoneKind.EMAIL, email_form(said))] = said
    for match in NUMBER_IN_TEXT.finditer(text):
        form = phone_form(match[0])
        if form:
            found[key.digest(TombstoneKind.TAIL, tail(form))] = match[0]
    return found


def text_of(payload: bytes) -> str:
    """Return the text of a payload, with JSON's escapes read where it has some."""
    text = payload.decode("utf-8", "replace")
    if "\\u" not in text:
        return text
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def scalars(value: object) -> Iterator[str]:
    """Yield the texts and numbers in a JSON value, each as a text."""
    if isinstance(value, dict):
        for one in value.values():
            yield from scalars(one)
    elif isinstance(value, list):
        for one in value:
            yield from scalars(one)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield str(value)


NOT_JSON = object()


def read(payload: bytes) -> object:
    """Return the JSON value of a payload, `NOT_JSON` where it is none."""
    try:
        found: object = json.loads(payload.decode("utf-8"))
    except (ValueError, RecursionError):
        return NOT_JSON
    return found


def is_same(a: str, b: str) -> bool:
    """Tell whether two numbers are one; where one has no country, by their ends."""
    return normal.are_same_number(a, b)
