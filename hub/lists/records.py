"""One record's values by the names of its fields, as lists have them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from hub.lists.dates import Moment
from hub.lists.fields import Catalogue, shown


def values_of(
    conn: Connection, fields: Catalogue, record_id: int, names: Sequence[str], moment: Moment
) -> dict[str, Any] | None:
    """Return field → value of a record; None where there is no such record of that kind.

    Args:
        conn: an open connection.
        fields: the catalogue of the record's kind.
        record_id: its number.
        names: fields of the catalogue.
        moment: when it is asked, in the time zone of the user who asks.
    """
    table = fields.table
    wanted = [fields.fields[name] for name in names]
    columns = [field.column.label(f"c{n}") for n, field in enumerate(wanted)]
    row = conn.execute(select(table.c.id, *columns).where(table.c.id == record_id)).one_or_none()
    if row is None:
        return None
    return {f.name: shown(f, value, moment) for f, value in zip(wanted, row[1:], strict=True)}
