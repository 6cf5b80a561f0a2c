"""Where each vendor keeps what identifies a person: data, and reading and writing by it.

A path with a dot leads into a nested value. Not here: what the values are (`factories.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fields:
    """One vendor's person records.

    Args:
        stream: where they are.
        email: path of the e-mail address.
        phone: path of the telephone number.
        first: path of the first name.
        last: path of the last name; the same as `first` where both are one text.
        one_email: no two records of the vendor have the same e-mail address.
        needs_email: no record is without one.
    """

    stream: str
    email: str
    phone: str
    first: str
    last: str
    one_email: bool = False
    needs_email: bool = False


FIELDS: Mapping[str, Fields] = {
    "salesforce": Fields("leads", "Email", "Phone", "FirstName", "LastName"),
    "typeform": Fields("responses", "email", "phone", "first_name", "last_name"),
    "hubspot": Fields("contacts", "email", "phone", "firstname", "lastname", one_email=True),
    "mailchimp": Fields(
        "members",
        "email_address",
        "merge_fields.PHONE",
        "merge_fields.FNAME",
        "merge_fields.LNAME",
        one_email=True,
        needs_email=True,
    ),
    "zendesk": Fields("users", "email", "phone", "name", "name", one_email=True),
}


def read(values: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path, None where there is none."""
    *folders, name = path.split(".")
    for folder in folders:
        values = values.get(folder) or {}
    return values.get(name)


def write(values: Record, path: str, value: object) -> None:
    """Set the value at a path."""
    *folders, name = path.split(".")
    for folder in folders:
        values = values.setdefault(folder, {})
    values[name] = value


def drop(values: Record, path: str) -> None:
    """Take the value at a path away."""
    *folders, name = path.split(".")
    for folder in folders:
        values = values.get(folder) or {}
    values.pop(name, None)


def write_name(source: str, values: Record, first: str, last: str) -> None:
    """Set a person's name, in two fields or in one."""
    fields = FIELDS[source]
    if fields.first == fields.last:
        write(values, fields.first, f"{first} {last}")
        return
    write(values, fields.first, first)
    write(values, fields.last, last)


def is_person(record: Mapping[str, Any]) -> bool:
    """Return whether a record is of a person: not a company, not a ticket."""
    fields = FIELDS.get(record["source"])
    return fields is not None and fields.stream == record["stream"]
