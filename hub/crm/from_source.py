"""Write rows that come with source records: deals and activities.

In: whole rows, one a record. A new record inserts its row. A later version changes only the columns
that still have the value that the version before gave: what people changed since stays. Not here: what
a row holds (`hub.etl.deal_rows`, `hub.etl.activity_rows`).
"""

import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, TextClause, text

from hub.db.json_text import write_json

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "deal": (
        "name", "contact_id", "organization_id", "owner_id", "pipeline_id", "stage_id", "value",
        "currency", "is_hot", "source", "loss_reason_id", "unqualified_reason_id",
        "estimated_close_date", "customized_win_likelihood", "added_at", "closed_at",
        "last_stage_change_at", "tags", "custom_fields",
    ),
    "task": (
        "entity_id", "deal_id", "who", "created_at", "content", "owner_id", "due_at", "remind_at",
        "completed_at",
    ),
    "call": (
        "entity_id", "deal_id", "who", "created_at", "made_at", "is_incoming", "is_missed",
        "duration_s", "phone_number", "outcome_id", "summary", "recording_url", "external_id",
    ),
    "visit": (
        "entity_id", "deal_id", "who", "created_at", "visited_at", "address", "outcome_id", "summary",
    ),
    "message": (
        "entity_id", "deal_id", "who", "created_at", "kind", "sent_at", "is_incoming", "subject",
        "content", "address", "external_id",
    ),
    "note": ("entity_id", "deal_id", "who", "created_at", "content", "is_important"),
}  # fmt: skip
"""The columns that a record gives, by table."""

Row = Mapping[str, Any]
ARCHIVED = "archived_at"  # in `given`: the source has deleted the object


def _named(columns: Collection[str], of: str = "") -> str:
    return ", ".join(f"{of}{name}" for name in columns)


def _by_table(make: Callable[[str, tuple[str, ...]], str]) -> dict[str, TextClause]:
    return {table: text(make(table, columns)) for table, columns in COLUMNS.items()}


_PRESENT = _by_table(
    lambda table, columns: (
        f"SELECT id, record_id, given, archived_at, {_named(columns)} FROM crm.{table} "  # noqa: S608 our own names
        "WHERE record_id = ANY(CAST(:ids AS bigint[])) ORDER BY id"
    )
)
_LOCKED = {table: text(f"{statement} FOR NO KEY UPDATE") for table, statement in _PRESENT.items()}
_INSERT = _by_table(
    lambda table, columns: (
        f"INSERT INTO crm.{table} (record_id, given, {_named(columns)}) "  # noqa: S608 our own names
        f"SELECT n.record_id, n.given, {_named(columns, 'n.')} "
        f"FROM jsonb_populate_recordset(CAST(NULL AS crm.{table}), CAST(:rows AS jsonb)) n "
        "ORDER BY n.record_id RETURNING id, record_id"
    )
)
_UPDATE = _by_table(
    lambda table, columns: (
        f"UPDATE crm.{table} t SET given = n.given, archived_at = n.archived_at, "  # noqa: S608 our own names
        + ", ".join(f"{name} = n.{name}" for name in columns)
        + f" FROM jsonb_populate_recordset(CAST(NULL AS crm.{table}), CAST(:rows AS jsonb)) n "
        "WHERE t.id = n.id"
    )
)
_DELETE = _by_table(
    lambda table, _: (
        f"DELETE FROM crm.{table} WHERE record_id = ANY(CAST(:ids AS bigint[])) "  # noqa: S608 our own names
        "AND given IS NOT NULL RETURNING id"
    )
)


@dataclass(slots=True)
class Written:
    """What writing rows did.

    Args:
        ids: record → the number of its row.
        created: records whose row is new.
        updated: records whose row changed → the row as it was before.
    """

    ids: dict[int, int] = field(default_factory=dict)
    created: set[int] = field(default_factory=set)
    updated: dict[int, Row] = field(default_factory=dict)


def write(conn: Connection, table: str, rows: Sequence[Row]) -> Written:
    """Write rows; what people changed since stays.

    Args:
        conn: an open transaction.
        table: deal, task, call, visit, message or note.
        rows: `record_id` and every one of `COLUMNS`, in the types of the database.
    """
    done = Written()
    present = _present(conn, [row["record_id"] for row in rows], _LOCKED[table])
    new = [_with_given(table, row) for row in rows if row["record_id"] not in present]
    changed = []
    for row in rows:
        if (was := present.get(row["record_id"])) is None:
            continue
        done.ids[row["record_id"]] = was["id"]
        now = _merged(table, was, row)
        if _differs(table, was, now):
            done.updated[row["record_id"]] = was
        if now["given"] != was["given"] or row["record_id"] in done.updated:
            changed.append(now)
    if new:
        for made in conn.execute(_INSERT[table], {"rows": write_json(new)}):
            done.ids[made.record_id] = made.id
            done.created.add(made.record_id)
    if changed:
        conn.execute(_UPDATE[table], {"rows": write_json(changed)})
    return done


def archive(conn: Connection, table: str, record_ids: Sequence[int], at: datetime) -> list[Row]:
    """Archive rows whose objects the source has deleted; returns these rows as they were.

    A row that was archived here stays as it is.
    """
    rows = [
        row for row in _present(conn, record_ids, _LOCKED[table]).values() if row[ARCHIVED] is None
    ]
    gone = [{**row, ARCHIVED: at, "given": {**row["given"], ARCHIVED: digest(at)}} for row in rows]
    if gone:
        conn.execute(_UPDATE[table], {"rows": write_json(gone)})
    return rows


def delete(conn: Connection, table: str, record_ids: Sequence[int]) -> list[int]:
    """Delete the rows of records that are undone; returns their numbers."""
    if not record_ids:
        return []
    return list(conn.execute(_DELETE[table], {"ids": list(record_ids)}).scalars())


def edited(conn: Connection, table: str, record_ids: Sequence[int]) -> set[int]:
    """Return the records whose row people have changed since the record wrote it."""
    return {
        record
        for record, row in rows_of(conn, table, record_ids).items()
        if any(digest(row[name]) != row["given"].get(name) for name in COLUMNS[table])
        or (row[ARCHIVED] is None) == (ARCHIVED in row["given"])
    }


def rows_of(conn: Connection, table: str, record_ids: Sequence[int]) -> dict[int, Row]:
    """Return the rows of records: record → row."""
    return _present(conn, record_ids, _PRESENT[table])


def _present(conn: Connection, record_ids: Sequence[int], statement: TextClause) -> dict[int, Row]:
    if not record_ids:
        return {}
    rows = conn.execute(statement, {"ids": list(record_ids)}).mappings()
    return {row["record_id"]: dict(row) for row in rows if row["given"] is not None}


def _with_given(table: str, row: Row) -> Row:
    return {**row, "given": {name: digest(row[name]) for name in COLUMNS[table]}}


def _merged(table: str, was: Row, row: Row) -> dict[str, Any]:
    """Return a row with the columns that a version changes and that no user has changed here."""
    given = {name: digest(row[name]) for name in COLUMNS[table]}
    now = dict(was)
    for name, mark in given.items():
        if digest(was[name]) == was["given"].get(name) and mark != was["given"].get(name):
            now[name] = row[name]
    if ARCHIVED in was["given"]:  # the object is there again
        now[ARCHIVED] = None
    return {**now, "given": given}


def _differs(table: str, was: Row, now: Row) -> bool:
    return any(digest(was[name]) != digest(now[name]) for name in (*COLUMNS[table], ARCHIVED))


def digest(value: object) -> int:
    """Return a number of 32 bits for a value of a column; equal values have the same."""
    return zlib.crc32(_as_text(value).encode())


def _as_text(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, date):
        return value.isoformat()
    return write_json(value)
