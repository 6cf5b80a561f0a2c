"""The company of a lead that is converted: found, or made; and whoever works there.

A seam: companies are found and made in one place, and this is where conversion asks for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

# ruff: noqa: ARG001


@dataclass(frozen=True, slots=True)
class Employer:
    """A company of a lead; `is_new` says that it was made for it."""

    entity_id: int
    is_new: bool


def company_of(conn: Connection, lead: Mapping[str, Any]) -> Employer | None:
    """Return the company that a lead names: the one that is there, else a new one."""
    return None


def employ(
    conn: Connection, who: str, person_entity: int, employer: Employer, *, owner_id: int | None
) -> tuple[int, dict[str, Any] | None]:
    """Let a person work for a company; returns its contact, and the row as it was before."""
    raise AssertionError("unreachable: no company is found")


def dismiss(conn: Connection, person_entity: int, company_id: int) -> None:
    """Take back that a person works for a company."""


def give_up(conn: Connection, company_id: int) -> None:
    """Archive a company that a conversion made and nobody has worked on."""
