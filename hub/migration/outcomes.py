"""What a batch made of each of its objects: the verdict, the row, its owner, and which fields changed.

Two databases are compared: the one in which the batch ran, and the one before it. A rehearsal
compares a copy with the hub's own database. Numbers of rows differ between two runs, so they are
shown by what they name: an owner by address, a company, stage or pipeline by name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from hub.model.records import JsonValue
from hub.records.plans import Outcome

CHUNK = 1_000

_PAGE = text("""
SELECT v.stream, v.source_id, v.verdict, s.id AS record_id, s.target, s.role, s.entity_id
FROM ops.verdict v
LEFT JOIN LATERAL (
  SELECT s.id, s.target, s.role, s.entity_id FROM ops.source_record s
  WHERE s.source = v.source AND s.stream = v.stream AND s.source_id = v.source_id
    AND s.target = ANY(:targets)
  ORDER BY array_position(CAST(:targets AS text[]), s.target) LIMIT 1
) s ON true
WHERE v.batch_id = :batch AND (v.stream, v.source_id) > (:stream, :source_id)
ORDER BY v.stream, v.source_id LIMIT :limit
""")
# the main row of an object, before what else the object says
_TARGETS = [
    "user",
    "person",
    "organisation",
    "deal",
    "ticket",
    "task",
    "call",
    "visit",
    "message",
    "note",
]
_OF_ENTITY = {"lead": "lead", "contact": "contact", "organisation": "contact"}
_OF_RECORD = ("deal", "ticket", "task", "call", "visit", "message", "note")
_KINDS = {"organisation": "company"}
# columns that say how a row is kept, and no value of the record
_TECHNICAL = frozenset({
    "id", "entity_id", "record_id", "batch_id", "lane", "recorded_at", "sort_key", "sort_name", "names",
    "name_key", "search_tokens", "merged_into", "kept_by", "unasked_since", "status_set_by",
    "account_why", "lead_id", "cloned_from", "is_organization", "source_id", "source", "requester",
    "last_activity_at", "last_communication_at", "next_task_at", "first_response_at",
    "customer_status", "prospect_status", "who", "given",
})  # fmt: skip
# columns with the number of another row → the table, and the SQL of what names it
_NAMED: Mapping[str, tuple[str, str]] = {
    "owner_id": ('crm."user"', "coalesce(email, name)"),
    "account_id": ("crm.contact", "organization_name"),
    "company_id": ("crm.contact", "organization_name"),
    "organization_id": ("crm.contact", "organization_name"),
    "contact_id": (
        "crm.contact",
        "coalesce(email, concat_ws(' ', first_name, last_name), organization_name)",
    ),
    "stage_id": ("crm.stage", "name"),
    "pipeline_id": ("crm.pipeline", "name"),
    "loss_reason_id": ("crm.reason", "name"),
    "unqualified_reason_id": ("crm.reason", "name"),
    "outcome_id": ("crm.outcome", "name"),
    "deal_id": ("crm.deal", "name"),
    "parent_id": ("crm.contact", "organization_name"),
}
_OF_THE_RUN = frozenset({"archived_at"})
Values = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the row of an object is: its table, the column that finds it, and the value."""

    kind: str
    table: str
    by: str
    key: int


def outcomes(
    after: Connection, before: Connection | None, batch_id: int
) -> Iterator[list[Outcome]]:
    """Yield what the batch made of its objects, in pages, by stream and source id.

    Args:
        after: an open transaction of the database in which the batch ran.
        before: one of the database as it was; None: every value counts as new.
        batch_id: the batch.
    """
    last = ("", "")
    while True:
        args = {"batch": batch_id, "stream": last[0], "source_id": last[1], "limit": CHUNK}
        page = after.execute(_PAGE, args | {"targets": _TARGETS}).all()
        if not page:
            return
        yield _page(after, before, page)
        last = (page[-1].stream, page[-1].source_id)


def _page(after: Connection, before: Connection | None, page: Sequence[Any]) -> list[Outcome]:
    places = {n: place for n, row in enumerate(page) if (place := _place(row)) is not None}
    now = _rows(after, list(places.values()))
    then = _rows(before, list(places.values())) if before is not None else {}
    found = []
    for n, row in enumerate(page):
        place = places.get(n)
        is_new, values, had = False, {}, {}
        if place is not None and place in now:
            values, had = now[place], then.get(place, {})
            is_new = place not in then
        found.append(
            Outcome(
                row.stream,
                row.source_id,
                row.verdict,
                _KINDS.get(place.kind, place.kind) if place is not None and values else None,
                is_new,
                _text(values.get("owner")),
                {
                    name: [had.get(name), value]
                    for name, value in values.items()
                    if had.get(name) != value
                },
            )
        )
    return found


def _place(row: Any) -> _Place | None:
    if row.target in _OF_RECORD:
        return _Place(row.target, f"crm.{row.target}", "record_id", row.record_id)
    kind = row.role if row.target == "person" else row.target
    if kind in _OF_ENTITY and row.entity_id is not None:
        return _Place(kind, f"crm.{_OF_ENTITY[kind]}", "entity_id", row.entity_id)
    return None


def _rows(conn: Connection, places: Sequence[_Place]) -> dict[_Place, Values]:
    """Return the rows of places that have one, with names in place of numbers."""
    groups: dict[tuple[str, str], dict[int, list[_Place]]] = {}
    for place in places:
        groups.setdefault((place.table, place.by), {}).setdefault(place.key, []).append(place)
    raw: dict[_Place, dict[str, Any]] = {}
    for (table, by), keys in groups.items():
        statement = text(
            f"SELECT {by} AS key, to_jsonb(t) AS row FROM {table} t WHERE {by} = ANY(:keys)"  # noqa: S608 our own names
        )
        for one in conn.execute(statement, {"keys": list(keys)}):
            for place in keys[one.key]:
                raw[place] = one.row
    names = _names(conn, raw.values())
    return {place: _shown(row, names) for place, row in raw.items()}


def _names(conn: Connection, rows: Any) -> dict[str, dict[int, str]]:
    wanted: dict[str, set[int]] = {column: set() for column in _NAMED}
    for row in rows:
        for column in _NAMED:
            if row.get(column) is not None:
                wanted[column].add(row[column])
    found: dict[str, dict[int, str]] = {}
    for column, ids in wanted.items():
        if ids:
            table, name = _NAMED[column]
            statement = text(f"SELECT id, {name} AS name FROM {table} WHERE id = ANY(:ids)")  # noqa: S608 our own names
            found[column] = {r.id: r.name for r in conn.execute(statement, {"ids": list(ids)})}
    return found


def _shown(row: Mapping[str, Any], names: Mapping[str, Mapping[int, str]]) -> Values:
    values: Values = {}
    for name, value in row.items():
        if name in _TECHNICAL or value is None or value in ([], {}):
            continue
        if (
            name in _OF_THE_RUN
        ):  # its time is that of the run, so only whether it is set is an outcome
            values[name.removesuffix("_at")] = True
        elif name in _NAMED:
            values[name.removesuffix("_id")] = names.get(name, {}).get(value)
        else:
            values[name] = value
    return values


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None
