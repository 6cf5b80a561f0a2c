"""Where mentions of a person are looked for: every text of every table, Dagster's included.

All columns of text, JSON and bytes of all tables are searched, declared personal or not.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
    Connection,
    LargeBinary,
    Text,
    and_,
    cast,
    column,
    func,
    literal,
    literal_column,
    or_,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType

from hub.db.metadata import metadata
from hub.erase import patterns
from hub.erase.mentions import Mentions
from hub.erase.rows import OF_THE_TEAM
from hub.erase.tied import Tied
from hub.records.tables import change

DAGSTER = "dagster"
"""The schema of Dagster's tables."""
_LISTS_IDS = ("ops.batch", "ops.undo_part")
"""Tables whose documents list ids of objects without their source."""
_SAYS_IDS = ("ops.outbox", "crm.alert", "ops.alert_state")
"""Tables whose alerts name the ids of lost records, as `hub status` does."""
_UNTOUCHED = {*OF_THE_TEAM, "ops.tombstone"}


@dataclass(frozen=True, slots=True)
class Place:
    """A table, and where its rows are searched for what."""

    table: Any
    keys: Sequence[Any]
    columns: Sequence[Any]
    patterns: tuple[str, ...]
    rows: ColumnElement[bool] | None = None
    ids: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Return the table's name with its schema."""
        return f"{self.table.schema}.{self.table.name}"


def places(conn: Connection, wanted: Mentions, ids: Tied) -> list[Place]:
    """Return all tables of the hub and of Dagster, each with its columns of text."""
    found: list[Place] = []
    listed = patterns.each_of([
        *wanted.anywhere, *(f'"{re.escape(one)}"' for one in sorted(wanted.ids)),
    ])  # fmt: skip
    in_alerts = patterns.each_of([*wanted.anywhere, *map(_in_alert, sorted(wanted.ids))])
    for one in sorted(metadata.tables.values(), key=lambda t: t.fullname):
        if one.fullname in _UNTOUCHED:
            continue
        columns = [
            c for c in one.columns if _is_text(c) and c.computed is None and not _is_fixed(c)
        ]
        keys = list(one.primary_key.columns)
        lists_ids = one.fullname in _LISTS_IDS
        said = in_alerts if one.fullname in _SAYS_IDS else wanted.anywhere
        if columns and (said := listed if lists_ids else said):
            ids_alone = wanted.ids if lists_ids else frozenset()
            found.append(Place(one, keys, columns, said, ids=ids_alone))
        tie = one.c.get("deal_id") if one.fullname != "crm.deal" else one.c.id
        if wanted.in_deals and columns and ids.deals and tie is not None:
            rows = tie == func.any(literal(ids.deals))
            found.append(Place(one, keys, columns, wanted.in_deals, rows))
    if wanted.in_deals and ids.beside:
        own = change.c.entity_id == func.any(literal(ids.beside))
        found.append(Place(change, [change.c.id], [change.c.fields], wanted.in_deals, own))
    if wanted.anywhere:
        found += _dagster(conn, wanted.anywhere)
    return found


def _in_alert(id_: str) -> str:
    """Return the pattern of an id in `… have no verdict: ID, ID; next: …`."""
    return f"(?:(?<=verdict: )|(?<=, )){re.escape(id_)}(?=[,;])"


def _is_text(one: Column[Any]) -> bool:
    return isinstance(one.type, Text | JSON | JSONB | LargeBinary) or (
        isinstance(one.type, ARRAY) and isinstance(one.type.item_type, Text)
    )


def _is_fixed(one: Column[Any]) -> bool:
    """Tell whether a column holds digests or our own words, and no text that a person wrote."""
    return one.name in {"hash", "canonical_hash", "public_id", "mapping_version"}


class _Tid(UserDefinedType[str]):
    """The place of a row."""

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


def _dagster(conn: Connection, said: tuple[str, ...]) -> Iterator[Place]:
    """Yield Dagster's tables; a row is identified by its place within the transaction."""
    for name, types in conn.execute(_DAGSTER):
        columns = [column(c, _TYPES.get(type_, Text)) for c, type_ in types.items()]
        made = table(name, column("ctid", _Tid), *columns, schema="dagster")
        yield Place(made, [made.c.ctid], [made.c[c] for c in types], said)


def says(place: Place) -> ColumnElement[bool]:
    """Search the whole row as one text, which costs one search a row; then each column of a row that is found.

    A row's text does not show: a first name in a column and a last name in the next are no mention.
    """
    whole = cast(literal_column(f'"{place.table.name}"'), Text)
    bodies = [func.encode(c, "escape") for c in place.columns if isinstance(c.type, LargeBinary)]
    texts = [cast(c, Text) for c in place.columns if not isinstance(c.type, LargeBinary)]
    hits = and_(_any(place, [whole, *bodies]), _any(place, [*texts, *bodies]))
    return hits if place.rows is None else and_(place.rows, hits)


def _any(place: Place, texts: Iterable[ColumnElement[str]]) -> ColumnElement[bool]:
    """Compare with each pattern by itself: PostgreSQL takes twice as long for one that joins them."""
    return or_(*(one.op("~*")(said) for one in texts for said in place.patterns))
