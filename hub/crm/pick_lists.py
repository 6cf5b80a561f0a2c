"""Pick lists of a team: the reasons of deals and leads, the outcomes of calls and visits.

A value has a kind and a name, and is unique by both, letter case aside. A team adds values, and so do
sources (`batch_id`). Not here: statuses, stages (`statuses`, `pipelines`), and who may change a list.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from sqlalchemy import Connection, text

from hub.frozen import dataclass


@dataclass(frozen=True, slots=True)
class PickList:
    """A table of values.

    Args:
        table: its name.
        held: what follows FROM to find a row that holds the value `p`.
    """

    table: str
    held: Sequence[str]


REASONS = PickList(
    "reason", ("crm.deal d WHERE p.id IN (d.loss_reason_id, d.unqualified_reason_id)",)
)
OUTCOMES = PickList(
    "outcome", ("crm.call c WHERE c.outcome_id = p.id", "crm.visit v WHERE v.outcome_id = p.id")
)
ReasonKind = Literal["loss", "deal_unqualified", "lead_unqualified"]
Name = tuple[str, str]
"""Kind and name."""


@dataclass(frozen=True, slots=True)
class Option:
    """A value that users choose."""

    id: int
    kind: str
    name: str


def options(conn: Connection, of: PickList, kind: str | None = None) -> list[Option]:
    """Return the values of a list, of one kind or of all, in the order in which they came."""
    rows = conn.execute(
        text(
            f"SELECT id, kind, name FROM crm.{of.table} "  # noqa: S608 our own names
            "WHERE CAST(:kind AS text) IS NULL OR kind = :kind ORDER BY kind, id"
        ),
        {"kind": kind},
    )
    return [Option(*row) for row in rows]


def number_of(conn: Connection, of: PickList, kind: str, name: str) -> int | None:
    """Return the number of a value, letter case aside; None if there is none."""
    return conn.execute(
        text(f"SELECT id FROM crm.{of.table} WHERE kind = :kind AND lower(name) = lower(:name)"),  # noqa: S608
        {"kind": kind, "name": name},
    ).scalar_one_or_none()


def add(conn: Connection, of: PickList, kind: str, name: str) -> int | None:
    """Write a value; returns its number, or None if the name is there already."""
    return conn.execute(
        text(
            f"INSERT INTO crm.{of.table} (kind, name) VALUES (:kind, :name) "  # noqa: S608
            "ON CONFLICT (kind, lower(name)) DO NOTHING RETURNING id"
        ),
        {"kind": kind, "name": name},
    ).scalar_one_or_none()


def rename(conn: Connection, of: PickList, number: int, name: str) -> None:
    """Write the name of a value."""
    conn.execute(
        text(f"UPDATE crm.{of.table} SET name = :name WHERE id = :id"),  # noqa: S608
        {"id": number, "name": name},
    )


def delete(conn: Connection, of: PickList, number: int) -> None:
    """Delete a value that no row holds."""
    conn.execute(text(f"DELETE FROM crm.{of.table} WHERE id = :id"), {"id": number})  # noqa: S608


def numbers(conn: Connection, of: PickList, wanted: Mapping[Name, int]) -> dict[Name, int]:
    """Return the number of every value by kind and folded name; unknown ones are added.

    Args:
        conn: an open transaction.
        of: the list.
        wanted: kind and name of each value → the batch that brings it.
    """
    if not wanted:
        return {}
    known = _by_name(conn, of)
    new = {w: b for w, b in wanted.items() if (w[0], w[1].casefold()) not in known}
    if not new:
        return known
    conn.execute(
        text(f"""
INSERT INTO crm.{of.table} (kind, name, batch_id)
SELECT kind, name, batch FROM unnest(CAST(:kinds AS text[]), CAST(:names AS text[]),
  CAST(:batches AS bigint[])) WITH ORDINALITY AS n(kind, name, batch, ord) ORDER BY ord
ON CONFLICT (kind, lower(name)) DO NOTHING
"""),  # noqa: S608
        {"kinds": [w[0] for w in new], "names": [w[1] for w in new], "batches": list(new.values())},
    )
    return _by_name(conn, of)


def _by_name(conn: Connection, of: PickList) -> dict[Name, int]:
    return {(one.kind, one.name.casefold()): one.id for one in options(conn, of)}


def forget(conn: Connection, of: PickList, batch_id: int) -> int:
    """Delete the values that a batch brought and that no row holds; returns how many."""
    unheld = " AND ".join(f"NOT EXISTS (SELECT 1 FROM {rows})" for rows in of.held)  # noqa: S608
    done = conn.execute(
        text(f"DELETE FROM crm.{of.table} p WHERE batch_id = :batch AND {unheld}"),  # noqa: S608
        {"batch": batch_id},
    )
    return done.rowcount
