"""Rows that a fold fills, one an entity: leads and contacts are read and written in one way.

In: rows by column. Out: statements over whole sets. Not here: what differs, and what is held
(`hub.sinks.crm`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Connection, Table, TextClause, any_, literal, select, text
from sqlalchemy.engine import RowMapping

from hub.db.json_text import write_json
from hub.frozen import dataclass
from hub.model.entities import folded_names


@dataclass(frozen=True, slots=True)
class FoldedRows:
    """A table of such rows; `names` are its folded columns."""

    table: Table
    names: tuple[str, ...]
    _insert: TextClause
    _update: TextClause
    _pointing: TextClause

    def parted_from(self, conn: Connection, row_ids: Sequence[int]) -> list[int]:
        """Return the restored entities whose rows still point to one of these."""
        return list(conn.execute(self._pointing, {"ids": list(row_ids)}).scalars())

    def read(self, conn: Connection, entity_ids: Sequence[int]) -> dict[int, RowMapping]:
        """Return rows by entity, without what PostgreSQL makes of them for lists."""
        if not entity_ids:
            return {}
        # one value: in_() would write a statement each time
        ids = literal(list(entity_ids), ARRAY(BigInteger))
        columns = [column for column in self.table.c if column.computed is None]
        wanted = select(*columns).where(self.table.c.entity_id == any_(ids))
        return {row["entity_id"]: row for row in conn.execute(wanted).mappings()}

    def insert(self, conn: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[int, int]:
        """Insert rows (folded values, and what else a new row is given); returns entity → row."""
        if not rows:
            return {}
        found = conn.execute(self._insert, {"rows": write_json(rows)})
        return {row.entity_id: row.id for row in found}

    def update(self, conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write folded columns and those that say what became of the row, by entity."""
        if rows:
            conn.execute(self._update, {"rows": write_json(rows)})


def folded_rows(table: Table, given: Sequence[str], states: Mapping[str, str | None]) -> FoldedRows:
    """Return the rows of a table.

    Args:
        table: one row an entity.
        given: the columns of a new row beside the folded ones.
        states: the columns that an update writes with them. Where a user may have set one meanwhile, the
            condition under which it is still the fold's (`l` is the row).
    """
    names = folded_names(table.name)
    columns = ", ".join((*names, "entity_id", *given))
    rows = f"jsonb_populate_recordset(CAST(NULL AS {table.fullname}), CAST(:rows AS jsonb))"
    written = {**dict.fromkeys(names), **states}
    assignments = ", ".join(
        f"{name} = n.{name}"
        if when is None
        else f"{name} = CASE WHEN {when} THEN n.{name} ELSE l.{name} END"
        for name, when in written.items()
    )
    return FoldedRows(
        table,
        names,
        text(
            f"INSERT INTO {table.fullname} ({columns}) SELECT {columns} FROM {rows} "  # noqa: S608 our own names
            "ORDER BY entity_id RETURNING id, entity_id"
        ),
        text(
            f"UPDATE {table.fullname} l SET {assignments} FROM {rows} n "  # noqa: S608 our own names
            "WHERE l.entity_id = n.entity_id"
        ),
        text(
            f"SELECT l.entity_id FROM {table.fullname} l JOIN ops.entity e ON e.id = l.entity_id "  # noqa: S608 our own names
            "WHERE l.merged_into = ANY(:ids) AND e.merged_into IS NULL"
        ),
    )
