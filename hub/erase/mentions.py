"""Take a person out of what is others': every text of every table, Dagster's included.

All columns of text, JSON and bytes of all tables are searched, declared personal or not. A value that is
the mention and nothing else becomes empty; in a longer text the mention becomes `[erased]`. A chunk of
rows is one transaction, so a killed erase goes on where it was.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
    Connection,
    Engine,
    LargeBinary,
    Text,
    and_,
    cast,
    column,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType

from hub.db.metadata import metadata
from hub.db.transactions import run_transaction
from hub.erase import patterns
from hub.erase.person import Person
from hub.erase.rows import OF_THE_TEAM
from hub.erase.tied import Tied
from hub.etl.erased_text import MARK, without
from hub.records.tables import change

CHUNK = 500
"""Rows that are rewritten in one transaction."""
_LONG_ID = 6
"""Characters of a vendor's id from which on the id alone, as a JSON value, names the object."""
_LISTS_IDS = ("ops.batch", "ops.undo_part")
"""Tables whose documents list ids of objects without their source."""
_UNTOUCHED = {*OF_THE_TEAM, "ops.tombstone"}


@dataclass(frozen=True, slots=True)
class Mentions:
    """What is looked for.

    Args:
        anywhere: own addresses, numbers and names, and names of objects; None: nothing.
        in_deals: also the parts of the name and shared addresses: in what hangs on the person's deals, and
            in the history of another person who was merged with the person by mistake.
        ids: vendor's ids that stand alone as a value, where a document lists ids.
    """

    anywhere: str | None
    in_deals: str | None
    ids: frozenset[str] = field(default_factory=frozenset)


_NAMESAKE = text("""
SELECT 1 FROM ops.source_record
WHERE target = 'person' AND entity_id IS NOT NULL AND entity_id <> ALL(:entities)
  AND lower(canonical ->> 'first_name') = lower(:first)
  AND lower(canonical ->> 'last_name') = lower(:last) LIMIT 1
""")


def mentions_of(conn: Connection, person: Person) -> Mentions:
    """Return what a person may be mentioned by; call before the person's records go.

    A whole name counts everywhere. A name that another person has as well counts only in what hangs on the
    person's deals.
    """
    own = [patterns.of_form(form) for form in sorted(person.own)]
    objects = [patterns.of_text("/".join(key)) for key in sorted(person.objects)]
    names: list[str | None] = []
    for first, last in sorted(person.spelled):
        args = {"entities": sorted(person.entities), "first": first, "last": last}
        if conn.execute(_NAMESAKE, args).first() is None:
            names.append(patterns.of_name(first, last))
    parts = [patterns.of_name(first, last) for first, last in sorted(person.spelled)]
    parts += [patterns.of_word(word) for pair in sorted(person.spelled) for word in pair]
    parts += [patterns.of_form(form) for form in sorted(person.shared)]
    ids = frozenset(i for _, _, i in person.objects if len(i) >= _LONG_ID)
    anywhere = patterns.any_of([*own, *objects, *names])
    return Mentions(anywhere, patterns.any_of([*own, *objects, *parts]), ids)


@dataclass(frozen=True, slots=True)
class _Place:
    """A table, and where its rows are searched for what."""

    table: Any
    keys: Sequence[Any]
    columns: Sequence[Any]
    pattern: str
    rows: ColumnElement[bool] | None = None
    ids: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return f"{self.table.schema}.{self.table.name}"


def places(conn: Connection, wanted: Mentions, ids: Tied) -> list[_Place]:
    """Return all tables of the hub and of Dagster, each with its columns of text."""
    found: list[_Place] = []
    quoted = patterns.any_of(f'"{re.escape(one)}"' for one in sorted(wanted.ids))
    listed = patterns.any_of([wanted.anywhere, quoted])
    for one in sorted(metadata.tables.values(), key=lambda t: t.fullname):
        if one.fullname in _UNTOUCHED:
            continue
        columns = [
            c for c in one.columns if _is_text(c) and c.computed is None and not _is_fixed(c)
        ]
        keys = list(one.primary_key.columns)
        lists_ids = one.fullname in _LISTS_IDS
        if columns and (pattern := listed if lists_ids else wanted.anywhere):
            ids_alone = wanted.ids if lists_ids else frozenset()
            found.append(_Place(one, keys, columns, pattern, ids=ids_alone))
        tie = one.c.get("deal_id") if one.fullname != "crm.deal" else one.c.id
        if wanted.in_deals and columns and ids.deals and tie is not None:
            rows = tie == func.any(literal(ids.deals))
            found.append(_Place(one, keys, columns, wanted.in_deals, rows))
    if wanted.in_deals and ids.beside:
        own = change.c.entity_id == func.any(literal(ids.beside))
        found.append(_Place(change, [change.c.id], [change.c.fields], wanted.in_deals, own))
    if wanted.anywhere:
        found += _dagster(conn, wanted.anywhere)
    return found


def _is_text(one: Column[Any]) -> bool:
    return isinstance(one.type, Text | JSON | JSONB | LargeBinary) or (
        isinstance(one.type, ARRAY) and isinstance(one.type.item_type, Text)
    )


def _is_fixed(one: Column[Any]) -> bool:
    """Tell whether a column holds digests or our own words, and no text of anybody."""
    return one.name in {"hash", "canonical_hash", "public_id", "mapping_version"}


class _Tid(UserDefinedType[str]):
    """Where a row stands."""

    cache_ok = True

    def get_col_spec(self, **_kw: Any) -> str:
        return "tid"


_TYPES: Mapping[str, Any] = {"json": JSON, "jsonb": JSONB}
_DAGSTER = text("""
SELECT c.table_name, json_object_agg(c.column_name, c.data_type) AS columns
FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'dagster' AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER'
  AND c.data_type IN ('text', 'character varying', 'json', 'jsonb')
GROUP BY c.table_name ORDER BY c.table_name
""")


def _dagster(conn: Connection, pattern: str) -> Iterator[_Place]:
    """Yield Dagster's tables; a row is known by where it stands, while its transaction lasts."""
    for name, types in conn.execute(_DAGSTER):
        columns = [column(c, _TYPES.get(type_, Text)) for c, type_ in types.items()]
        made = table(name, column("ctid", _Tid), *columns, schema="dagster")
        yield _Place(made, [made.c.ctid], [made.c[c] for c in types], pattern)


def _says(place: _Place) -> ColumnElement[bool]:
    """Search the whole row as one text, which costs one search a row; bytes have one of their own."""
    whole = cast(literal_column(f'"{place.table.name}"'), Text)
    bodies = [func.encode(c, "escape") for c in place.columns if isinstance(c.type, LargeBinary)]
    hits = or_(*(one.op("~*")(place.pattern) for one in (whole, *bodies)))
    return hits if place.rows is None else and_(place.rows, hits)


def count(
    conn: Connection,
    wanted: Iterable[_Place],
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
        rows = select(func.count()).select_from(place.table).where(_says(place))
        if (own := but(place.table)) is not None:
            rows = rows.where(~func.coalesce(own, false()))
        if n := conn.execute(rows).scalar_one():
            found[place.name] = found.get(place.name, 0) + n
    return found


def take_out(engine: Engine, wanted: Sequence[_Place], done: Callable[[str, int], None]) -> None:
    """Rewrite every row that mentions the person, some hundred in a transaction."""
    for place in wanted:
        redact = Redactor(place.pattern, place.ids)
        while n := run_transaction(engine, lambda conn, p=place, r=redact: _rewrite(conn, p, r)):  # type: ignore[misc]
            done(place.name, n)
            if n < CHUNK:
                break


def _rewrite(conn: Connection, place: _Place, redact: "Redactor") -> int:
    rows = conn.execute(
        select(*place.keys, *place.columns).where(_says(place)).limit(CHUNK).with_for_update()
    ).all()
    n, first = 0, len(place.keys)
    for row in rows:
        changed = {
            c.name: new
            for c, old in zip(place.columns, row[first:], strict=True)
            if c not in place.keys and (new := redact.value(c, old)) != old
        }
        if changed:
            same = and_(*(k == v for k, v in zip(place.keys, row[:first], strict=True)))
            conn.execute(update(place.table).where(same).values(**changed))
            n += 1
    return n


@dataclass(frozen=True, slots=True)
class Redactor:
    """Takes mentions out of values of any column."""

    pattern: str
    ids: frozenset[str]

    def value(self, of: Any, old: Any) -> Any:
        """Return what a column holds afterwards."""
        if old is None:
            return None
        if isinstance(old, bytes | memoryview):
            return self.text(bytes(old).decode("utf-8", "replace")).encode()
        if isinstance(old, str):
            new = self.text(old)
            may_be_empty = getattr(of, "nullable", False) and of.table.schema != "dagster"
            return None if new == MARK and may_be_empty else new
        return without(old, self.text)

    def text(self, said: str) -> str:
        """Return a text without mentions."""
        if said in self.ids:
            return MARK
        return re.sub(self.pattern, MARK, said, flags=re.IGNORECASE)


def by_table(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add up counts by table."""
    total: dict[str, int] = {}
    for one in counts:
        for name, n in one.items():
            total[name] = total.get(name, 0) + n
    return {name: n for name, n in sorted(total.items()) if n}
