"""Remove a person's mentions from other people's data: count them, and rewrite the rows.

A value that is the mention and nothing else becomes empty; in a longer text the mention becomes
`[erased]`. A chunk of rows is one transaction, so a killed erase continues where it was.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, false, func, select, update
from sqlalchemy.exc import IntegrityError

from hub.db.transactions import run_transaction
from hub.erase.patterns import any_of
from hub.erase.places import DAGSTER, Place, says
from hub.erase.redactor import Redactor
from hub.etl.erased_text import MARK

CHUNK = 500
"""Rows that are rewritten in one transaction."""


def count(
    conn: Connection,
    wanted: Iterable[Place],
    but: Callable[[Any], ColumnElement[bool] | None] = lambda _table: None,
) -> dict[str, int]:
    """Return how many rows mention the person, by table; tables without one are left out.

    Args:
        conn: an open connection.
        wanted: where to look.
        but: rows of a table that do not count.
    """
    found: dict[str, int] = {}
    for place in wanted:
        rows = select(func.count()).select_from(place.table).where(says(place))
        if (own := but(place.table)) is not None:
            rows = rows.where(~func.coalesce(own, false()))
        if n := conn.execute(rows).scalar_one():
            found[place.name] = found.get(place.name, 0) + n
    return found


def take_out(engine: Engine, wanted: Sequence[Place], done: Callable[[str, int], None]) -> None:
    """Rewrite every row that mentions the person, some hundred in a transaction."""
    for place in wanted:
        redact = Redactor(any_of(place.patterns) or "", place.ids)
        found = changed = CHUNK
        while found == CHUNK and changed:
            found, changed = run_transaction(
                engine,
                lambda conn, p=place, r=redact: _rewrite(conn, p, r),  # type: ignore[misc]
            )
            done(place.name, changed)


def _rewrite(conn: Connection, place: Place, redact: Redactor) -> tuple[int, int]:
    """Rewrite some rows; returns how many mention the person, and how many of these were changed."""
    rows = conn.execute(
        select(*place.keys, *place.columns).where(says(place)).limit(CHUNK).with_for_update()
    ).all()
    n, first = 0, len(place.keys)
    for row in rows:
        changed = {
            c.name: new
            for c, old in zip(place.columns, row[first:], strict=True)
            if c not in place.keys and (new := _new(place, redact, c, old)) != old
        }
        if changed:
            same = and_(*(k == v for k, v in zip(place.keys, row[:first], strict=True)))
            _write(conn, place, same, changed)
            n += 1
    return len(rows), n


def _new(place: Place, redact: Redactor, of: Any, old: Any) -> Any:
    if place.table.schema == DAGSTER:
        return (
            redact.serialized(old)
            if isinstance(old, str)
            else redact.value(old, may_be_empty=False)
        )
    return redact.value(old, may_be_empty=bool(of.nullable))


def _write(
    conn: Connection, place: Place, same: ColumnElement[bool], changed: Mapping[str, Any]
) -> None:
    """Write a row; where another row has the same name by now, the mark gets a number."""
    try:
        with conn.begin_nested():
            conn.execute(update(place.table).where(same).values(**changed))
    except IntegrityError:
        mark = f"{MARK[:-1]} {secrets.token_hex(4)}]"
        numbered = {
            name: new.replace(MARK, mark) if isinstance(new, str) else new
            for name, new in changed.items()
        }
        conn.execute(update(place.table).where(same).values(**numbered))


def by_table(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add up counts by table."""
    total: dict[str, int] = {}
    for one in counts:
        for name, n in one.items():
            total[name] = total.get(name, 0) + n
    return {name: n for name, n in sorted(total.items()) if n}
