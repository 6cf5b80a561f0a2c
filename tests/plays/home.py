"""A hub's database: the inputs of the oracle, and the rows that are compared with its result.

All SQL of the plays is here. Whoever moves tables changes this module and nothing else of them.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from hub.model.records import RawRecord
from hub.model.verdicts import Op


@dataclass(frozen=True)
class Version:
    """One raw version of an object; `is_undone` when an undo took it back."""

    id: int
    source: str
    stream: str
    raw: RawRecord
    is_undone: bool
    landed_at: datetime

    @property
    def key(self) -> str:
        return f"{self.source}/{self.stream}/{self.raw.source_id}"


@dataclass(frozen=True)
class TypedEdit:
    """An edit by a user; `anchor` is the first record of the edited person."""

    id: int
    anchor: str
    field: str
    value: Any


@dataclass(frozen=True)
class Decision:
    """A user's verdict on two records; `parts`: it took one out of the other's person."""

    id: int
    a: str
    b: str
    is_same: bool
    parts: bool = False


@dataclass(frozen=True)
class TeamWord:
    """A decision of the team: a correction of an address, or an opt-out of a person (`anchor`)."""

    about: tuple[str, str, str]
    anchor: str | None
    at: datetime
    is_correction: bool


@dataclass(frozen=True)
class Row:
    """A lead or a contact; `anchor` is the record with which its entity began."""

    id: int
    entity: int
    root: int
    anchor: str
    is_standing: bool
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Child:
    """Something that hangs on a person: a note, an inquiry, a ticket; `root` is whose it is now."""

    kind: str
    id: int
    key: str | None
    entity: int | None
    root: int | None
    words: str | None


@dataclass(frozen=True)
class Home:
    """One look into the database; of companies: record → entity, and row → entity."""

    versions: list[Version]
    edits: list[TypedEdit]
    decisions: list[Decision]
    entities: dict[str, int]
    roots: dict[int, int]
    anchors: dict[int, str]
    leads: list[Row]
    contacts: list[Row]
    companies: dict[str, int]
    company_rows: dict[int, int]
    children: list[Child]
    consents: dict[tuple[str, str, str], str]
    team: list[TeamWord]

    def people(self) -> set[frozenset[str]]:
        """Which records are one person."""
        groups: dict[int, set[str]] = defaultdict(set)
        for key, entity in self.entities.items():
            groups[self.roots[entity]].add(key)
        return {frozenset(g) for g in groups.values()}


_KEY = "concat_ws('/', s.source, s.stream, s.source_id)"
_VERSIONS = text(
    "SELECT id, source, stream, source_id, op, at, version, payload::text AS payload, body, into_id, "
    "withdrawn_by IS NOT NULL AS is_undone, landed_at FROM landing.raw ORDER BY id"
)
_RECORDS = text(
    f"SELECT {_KEY} AS key, entity_id FROM ops.source_record s WHERE target = 'person' "
    "AND withdrawn_by IS NULL AND entity_id IS NOT NULL"
)
_ENTITIES = text(
    f"SELECT e.id, e.merged_into, {_KEY} AS anchor FROM ops.entity e "
    "LEFT JOIN ops.source_record s ON s.id = e.anchor_id AND s.withdrawn_by IS NULL"
)
_COMPANIES = text(
    f"SELECT {_KEY} AS key, entity_id FROM ops.source_record s WHERE target = 'organisation' "
    "AND withdrawn_by IS NULL AND entity_id IS NOT NULL"
)
_COMPANY_ROWS = text("SELECT id, entity_id FROM crm.contact WHERE is_organization")
_EDITS = text(
    "SELECT id, entity_id, field, value FROM ops.edit WHERE revoked_at IS NULL ORDER BY at, id"
)
_DECISIONS = text(
    "SELECT e.id, concat_ws('/', x.source, x.stream, x.source_id) AS a, "
    "concat_ws('/', y.source, y.stream, y.source_id) AS b, e.judgement, "
    "e.reasons -> 0 ->> 0 ~ '^(unmerge|take) ' AS parts FROM ops.edge e "
    "JOIN ops.source_record x ON x.id = e.a JOIN ops.source_record y ON y.id = e.b "
    "WHERE e.made_by LIKE 'person:%' AND e.revoked_at IS NULL ORDER BY e.id"
)
_CHILDREN = text(
    f"SELECT 'note' AS kind, n.id, {_KEY} AS key, n.entity_id, n.content AS words "
    "FROM crm.note n LEFT JOIN ops.source_record s ON s.id = n.record_id "
    f"UNION ALL SELECT 'inquiry', n.id, {_KEY}, n.entity_id, concat_ws(': ', n.subject, n.message) "
    "FROM crm.inquiry n JOIN ops.source_record s ON s.id = n.record_id "
    f"UNION ALL SELECT 'ticket', n.id, {_KEY}, n.entity_id, n.subject "
    "FROM crm.ticket n JOIN ops.source_record s ON s.id = n.record_id WHERE n.archived_at IS NULL "
    "UNION ALL SELECT 'task', n.id, NULL, n.entity_id, n.content FROM crm.task n "
    "UNION ALL SELECT 'call', n.id, NULL, n.entity_id, n.summary FROM crm.call n"
)
_CONSENTS = text("SELECT address, channel, purpose, state FROM reporting.consents")
_TEAM = text(
    "SELECT address, channel, purpose, entity_id, at, is_correction FROM ops.consent_event "
    "WHERE raw_id IS NULL AND origin_id IS NULL ORDER BY id"
)


def read(conn: Connection) -> Home:
    """Look into the database."""
    found = conn.execute(_ENTITIES).all()
    merged = {row.id: row.merged_into for row in found}
    anchors = {row.id: row.anchor for row in found}
    roots = {entity: _root(entity, merged) for entity in merged}
    return Home(
        versions=[_version(row) for row in conn.execute(_VERSIONS)],
        edits=[
            TypedEdit(r.id, anchors[r.entity_id], r.field, r.value) for r in conn.execute(_EDITS)
        ],
        decisions=[
            Decision(r.id, *sorted((r.a, r.b)), r.judgement == "same", r.parts)
            for r in conn.execute(_DECISIONS)
        ],
        entities={row.key: row.entity_id for row in conn.execute(_RECORDS)},
        roots=roots,
        anchors=anchors,
        leads=_rows(conn, "lead", roots, anchors),
        contacts=_rows(conn, "contact", roots, anchors),
        companies={row.key: roots[row.entity_id] for row in conn.execute(_COMPANIES)},
        company_rows={row.id: roots[row.entity_id] for row in conn.execute(_COMPANY_ROWS)},
        children=[
            Child(r.kind, r.id, r.key or None, r.entity_id, roots.get(r.entity_id), r.words)
            for r in conn.execute(_CHILDREN)
        ],
        consents=_consents(conn),
        team=[
            TeamWord(
                (r.address, r.channel, r.purpose), anchors.get(r.entity_id), r.at, r.is_correction
            )
            for r in conn.execute(_TEAM)
        ],
    )


def _root(entity: int, merged: Mapping[int, int | None]) -> int:
    above = merged[entity]
    return entity if above is None else _root(above, merged)


def _version(row: Any) -> Version:
    payload = row.body if row.payload is None else row.payload.encode()
    raw = RawRecord(row.source_id, Op(row.op), row.at, row.version, bytes(payload), row.into_id)
    return Version(row.id, row.source, row.stream, raw, row.is_undone, row.landed_at)


def _rows(
    conn: Connection, table: str, roots: Mapping[int, int], anchors: Mapping[int, str]
) -> list[Row]:
    rows = conn.execute(text(f"SELECT * FROM crm.{table} ORDER BY id")).mappings()
    return [
        Row(
            row["id"],
            row["entity_id"],
            roots[row["entity_id"]],
            anchors[row["entity_id"]],
            row["merged_into"] is None and roots[row["entity_id"]] == row["entity_id"],
            dict(row),
        )
        for row in rows
        if not row.get("is_organization")
    ]


def _consents(conn: Connection) -> dict[tuple[str, str, str], str]:
    """(address, channel, purpose) → yes or no; what permits and forbids nothing is left out."""
    said = {(r.address, r.channel, r.purpose): r.state for r in conn.execute(_CONSENTS)}
    plain = ((about, plain_state(state)) for about, state in said.items())
    return {about: state for about, state in plain if state}


def plain_state(state: str) -> str | None:
    """yes, no, or nothing."""
    if state in {"opt_out", "do_not_call", "erased"}:
        return "no"
    return "yes" if state == "opt_in" else None


def same(old: Any, new: Any) -> bool:
    """Tell whether a column holds a folded value."""
    if isinstance(old, datetime):
        return isinstance(new, str) and datetime.fromisoformat(new) == old
    return (old or None) == (new or None)


def shown(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


def sorted_keys(group: Iterable[str]) -> str:
    return ", ".join(sorted(group))
