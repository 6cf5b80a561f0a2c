"""The records that hold a word as text: how many there are, and what becomes of them with the word.

Words are tags, sources, choices, statuses of leads and reasons why a lead is unqualified. Of a renamed
word each row gets what the fold would give it (`hub.model.words`), archived and merged rows included.
"""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from hub.crm.words import PEOPLE
from hub.model.words import NO_WORDS, Words, key

_TABLES = ("lead", "contact", "deal")
_SLICE = 5_000
# kind → table → the column that holds one such word
_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "status": {"lead": "status"},
    "lead_reason": {"lead": "unqualified_reason"},
    "source": {"lead": "lead_source", "contact": "lead_source", "deal": "source"},
}


def count(conn: Connection, kind: str, scope: str, word: str) -> dict[str, int]:
    """Return how many rows hold a word, by table; tables without any are left out."""
    found = {}
    for table, holds in _held(kind, scope).items():
        statement = text(f"SELECT count(*) FROM crm.{table} WHERE {holds}")  # noqa: S608 our own names
        found[table] = int(conn.execute(statement, _values(scope, word)).scalar_one())
    return {table: n for table, n in found.items() if n}


def is_held(conn: Connection, kind: str, scope: str, word: str) -> bool:
    """Tell whether any row holds a word."""
    return any(
        conn.execute(
            text(f"SELECT 1 FROM crm.{table} WHERE {holds} LIMIT 1"),  # noqa: S608 our own names
            _values(scope, word),
        ).first()
        for table, holds in _held(kind, scope).items()
    )


def distinct(conn: Connection, kind: str, scope: str = "") -> dict[str, int]:
    """Return the words that rows hold, each with the number of rows; reads all rows."""
    found: dict[str, int] = {}
    for table in _held(kind, scope):
        for word, n in conn.execute(text(_counting(kind, table)), {"key": scope.partition(".")[2]}):
            found[word] = found.get(word, 0) + n
    return found


def replace(conn: Connection, kind: str, scope: str, old: str, new: str | None) -> int:
    """Write another word, or none, into all rows that hold a word; returns how many rows."""
    if kind in _COLUMNS:
        return sum(
            conn.execute(
                text(
                    f"UPDATE crm.{table} SET {column} = :new WHERE lower({column}) = lower(:word)"  # noqa: S608
                ),
                {"new": new, "word": old},
            ).rowcount
            for table, column in _COLUMNS[kind].items()
        )
    words = _words(kind, scope, old, new)
    return sum(_rewrite(conn, table, holds, scope, old, words) for table, holds in _held(kind, scope).items())  # fmt: skip


def _words(kind: str, scope: str, old: str, new: str | None) -> Words:
    today = {key(kind, old): new}
    return Words(tag=today) if kind == "tag" else Words(choice={scope.partition(".")[2]: today})


def _rewrite(  # noqa: PLR0917 one call
    conn: Connection, table: str, holds: str, scope: str, old: str, words: Words = NO_WORDS
) -> int:
    column = "tags" if words.tag else "custom_fields"
    rows = conn.execute(
        text(f"SELECT id, {column} AS held FROM crm.{table} WHERE {holds} ORDER BY id FOR NO KEY UPDATE"),  # noqa: S608
        _values(scope, old),
    ).all()  # fmt: skip
    empty = "[]" if column == "tags" else "{}"
    blank = f"'{empty}'" if table == "deal" else "NULL"
    write = text(
        f"UPDATE crm.{table} r SET {column} = coalesce(n.held, {blank}) FROM "  # noqa: S608
        "unnest(CAST(:ids AS bigint[]), CAST(:held AS jsonb[])) AS n(id, held) WHERE r.id = n.id"
    )
    for start in range(0, len(rows), _SLICE):
        part = rows[start : start + _SLICE]
        held = [words.values({column: row.held}).get(column) for row in part]
        said = [None if one is None else json.dumps(one) for one in held]
        conn.execute(write, {"ids": [row.id for row in part], "held": said})
    return len(rows)


def _held(kind: str, scope: str) -> dict[str, str]:
    """Return by table what its rows fulfil that hold `:word`."""
    if kind in _COLUMNS:
        return {t: f"lower({column}) = lower(:word)" for t, column in _COLUMNS[kind].items()}
    if kind == "tag":
        return dict.fromkeys(_TABLES, "jsonb_exists(tags, :word)")
    holds = (
        "(custom_fields ->> :key = :word OR custom_fields -> :key @> to_jsonb(CAST(:word AS text)))"
    )
    return {table: holds + only for table, only in _of_object(scope).items()}


def _of_object(scope: str) -> dict[str, str]:
    object_ = scope.partition(".")[0]
    if object_ in PEOPLE:
        return {"lead": "", "contact": " AND NOT is_organization"}
    return {"contact": " AND is_organization"} if object_ == "company" else {"deal": ""}


def _values(scope: str, word: str) -> dict[str, Any]:
    return {"word": word} | ({"key": scope.partition(".")[2]} if scope else {})


def _counting(kind: str, table: str) -> str:
    if kind in _COLUMNS:
        column = _COLUMNS[kind][table]
        return f"SELECT {column}, count(*) FROM crm.{table} WHERE {column} IS NOT NULL AND :key = '' GROUP BY 1"  # noqa: S608
    return (
        f"SELECT t.word, count(*) FROM crm.{table} CROSS JOIN LATERAL "  # noqa: S608
        "jsonb_array_elements_text(CASE WHEN jsonb_typeof(tags) = 'array' THEN tags ELSE '[]' END) "
        "AS t(word) WHERE :key = '' GROUP BY 1"
    )


def has_key(conn: Connection, field_key: str) -> bool:
    """Tell whether any lead has something under a key of its custom fields, defined or not."""
    statement = text("SELECT 1 FROM crm.lead WHERE jsonb_exists(custom_fields, :key) LIMIT 1")
    return conn.execute(statement, {"key": field_key}).first() is not None
