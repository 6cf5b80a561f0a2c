"""One record's values by the names of its fields, as lists have them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from hub.lists.fields import Catalogue


def values_of(
    conn: Connection, fields: Catalogue, record_id: int, names: Sequence[str]
) -> dict[str, Any] | None:
    """Return field → value of a record; None where there is no such record of that kind.

    Args:
        conn: an open connection.
        fields: the catalogue of the record's kind.
        record_id: its number.
        names: fields of the catalogue.
    """
    table = fields.table
    columns = [fields.fields[name].column.label(f"c{n}") for n, name in enumerate(names)]
    row = conn.execute(select(table.c.id, *columns).where(table.c.id == record_id)).one_or_none()
    return None if row is None else dict(zip(names, row[1:], strict=True))
