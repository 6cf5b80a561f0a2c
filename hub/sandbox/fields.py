"""The paths of the fields that identify a person at each vendor, and functions that use them.

A path with a dot leads into a nested value. Not here: the values (`factories.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one vendor's person records.

    Args:
        stream: the stream of these records.
        email: path of the e-mail address.
        phone: path of the telephone number.
        first: path of the first name.
        last: path of the last name; equal to `first` if both are in one field.
        one_email: the vendor allows an e-mail address in one record only.
        needs_email: every record has an e-mail address.
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
    """Return the value at a path, or None."""
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
    """Remove the value at a path."""
    *folders, name = path.split(".")
    for folder in folders:
        values = values.get(folder) or {}
    values.pop(name, None)


def write_name(source: str, values: Record, first: str, last: str) -> None:
    """Set a person's name in the vendor's two fields, or in its one field."""
    fields = FIELDS[source]
    if fields.first == fields.last:
        write(values, fields.first, f"{first} {last}")
        return
    write(values, fields.first, first)
    write(values, fields.last, last)


def is_person(record: Mapping[str, Any]) -> bool:
    """Tell whether a record is a person, not a company or a ticket."""
    fields = FIELDS.get(record["source"])
    return fields is not None and fields.stream == record["stream"]
