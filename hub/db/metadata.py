"""The one MetaData for the tables of all rooms, and the mark for personal values."""

from typing import Any

from sqlalchemy import DDL, Column, DateTime, Index, MetaData, Table, event, func, text

SCHEMAS = ("landing", "ops", "crm", "reporting")
UTC = DateTime(timezone=True)
"""The type of every moment."""
NOW = func.now()
"""The default of a moment: the start of its transaction."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def because(why: str) -> dict[str, str]:
    """Return the `info` of an index: the reason that justifies its writes."""
    return {"because": why}


def where_present(column: str, why: str) -> Index:
    """Return a partial index of a column that is empty in most rows: it leaves these out."""
    is_said = text(f"{column} IS NOT NULL")
    return Index(None, column, postgresql_where=is_said, info=because(why))


def personal(name: str, type_: Any, *args: Any, **kwargs: Any) -> Column[Any]:
    """Declare a column that may hold personal values; erase and its full-scan test read them all."""
    return Column(name, type_, *args, info={"personal": True}, **kwargs)


def without_statistics(table: Table, *columns: str) -> None:
    """Exclude columns from ANALYZE that no condition reads: comparing their long values is slow."""
    for name in columns:
        statement = f"ALTER TABLE {table.fullname} ALTER COLUMN {name} SET STATISTICS 0"
        event.listen(table, "after_create", DDL(statement))  # type: ignore[no-untyped-call]
