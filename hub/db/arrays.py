"""Arrays as PostgreSQL's own text: a tenth of what psycopg takes to write a list value by value.

Use it for the long arrays of a chunk, where the statement casts them: `CAST(:ids AS text[])`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec


def array(values: Iterable[str | int | bool | datetime | None]) -> object:
    """Return an array of values; None is NULL.

    JSON and the text of an array differ in what follows a backslash. An array in which there is one
    goes to psycopg as a list.
    """
    some = list(values)
    try:
        text = msgspec.json.encode(some).decode()
    except ValueError:  # half of a character pair, which psycopg refuses in its own words
        return some
    return some if "\\" in text else f"{{{text[1:-1]}}}"


def bytes_array(values: Sequence[bytes]) -> str:
    """Return an array for `bytea[]`."""
    return "{" + ",".join([f'"\\\\x{value.hex()}"' for value in values]) + "}"
