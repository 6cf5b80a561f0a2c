"""The names that people use for fields: one name a field, in lists, edits, layouts, links and commands.

Columns and mappings keep their own names. Names of earlier versions are still accepted. Pure.
"""

from collections.abc import Mapping
from typing import TypeVar

from hub.errors import ActionError

PEOPLE: Mapping[str, str] = {"company": "organization_name", "source": "lead_source"}
"""Name → column, of leads, people and companies; every other field has the name of its column."""
DEALS: Mapping[str, str] = {
    "hot": "is_hot",
    "close_date": "estimated_close_date",
    "win_likelihood": "customized_win_likelihood",
}
"""Name → column, of deals."""
FORMER: Mapping[str, str] = {
    column: name for names in (PEOPLE, DEALS) for name, column in names.items()
}
"""Name of earlier versions → today's name."""
_Value = TypeVar("_Value")


def today(name: str) -> str:
    """Return today's name of a field."""
    return FORMER.get(name, name)


def columns(names: Mapping[str, str], given: Mapping[str, _Value]) -> dict[str, _Value]:
    """Return the given values by the names of their columns.

    Args:
        names: `PEOPLE` or `DEALS`.
        given: by name, of today or of earlier versions.

    Raises:
        ActionError: one field is given by both of its names.
    """
    found: dict[str, _Value] = {}
    for name, value in given.items():
        column = names.get(name, name)
        if column in found:
            raise ActionError(
                f"the field {today(name)} is given twice",
                resource="record",
                field=today(name),
                code="invalid",
                hint=f"{column} is its former name: write {today(name)} alone",
            )
        found[column] = value
    return found
