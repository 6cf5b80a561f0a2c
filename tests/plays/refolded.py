"""Everything folded once more: nothing may differ from what the home holds.

Load writes a new row at once and complete, and asks only what a new person can have. A person who is
folded again goes the general way. So this holds the short way against the general one.
"""

from typing import Any

from sqlalchemy import Engine, text

from hub.etl.load import refold
from hub.records import entities

_ROWS = {
    table: text(f"SELECT to_jsonb(r) FROM crm.{table} r ORDER BY id")
    for table in ("lead", "contact", "note", "inquiry", "ticket")
}
_KEYS = text("SELECT to_jsonb(k) FROM ops.company_key k ORDER BY 1")
_STANDING = text("SELECT id FROM ops.entity ORDER BY id")


def differences(engine: Engine) -> list[str]:
    """Return what would change if everything was folded again; nothing is kept of it."""
    with engine.connect() as conn, conn.begin() as transaction:
        before = {name: conn.execute(said).scalars().all() for name, said in _said().items()}
        everybody = conn.execute(_STANDING).scalars().all()
        entities.bump(conn, everybody)
        refold(conn, everybody)
        after = {name: conn.execute(said).scalars().all() for name, said in _said().items()}
        transaction.rollback()
    return [line for name in before for line in _differing(name, before[name], after[name])]


def _said() -> dict[str, Any]:
    return {**_ROWS, "company_key": _KEYS}


def _differing(name: str, before: Any, after: Any) -> list[str]:
    if name == "company_key" or len(before) != len(after):
        return [] if before == after else [f"{name}: {before} folded again is {after}"]
    return [
        f"{name}/{row['id']}: {column} is {row[column]!r}, folded again it is {other[column]!r}"
        for row, other in zip(before, after, strict=True)
        for column in row
        if row[column] != other[column]
    ]
