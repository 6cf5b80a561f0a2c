"""The columns of rows that came with a source's record: deals, activities.

`record_id` is the record. `given` holds, by column, a digest of the value that the record gave last:
a later version of the record changes only columns that still have this value.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB


def from_source() -> list[Column[Any]]:
    """Return the two columns, new ones for each table."""
    return [
        Column("record_id", BigInteger, ForeignKey("ops.source_record.id"), unique=True),
        Column("given", JSONB),
    ]
