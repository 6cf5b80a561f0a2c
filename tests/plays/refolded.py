"""Everything folded once more: nothing may differ from what the home holds.

Load writes a new row at once and complete, and asks only what a new person can have. A person who is
folded again goes the general way. So this holds the short way against the general one, and the question
by which load chooses between them against the tables themselves.
"""

from collections import defaultdict
from typing import Any

from sqlalchemy import Connection, Engine, text

from hub.crm.attached import Attached, attached
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
        wrong = _wrongly_attached(conn, everybody)
        entities.bump(conn, everybody)
        refold(conn, everybody)
        after = {name: conn.execute(said).scalars().all() for name, said in _said().items()}
        transaction.rollback()
    return wrong + [line for name in before for line in _differing(name, before[name], after[name])]


def _wrongly_attached(conn: Connection, everybody: Any) -> list[str]:
    """Return what load's one question about people answers otherwise than their tables, read one by one."""
    found = attached(conn, everybody)
    expected = _read_plainly(conn, everybody)
    return [
        f"entity {n}: {found[n]}, but {expected[n]}" for n in everybody if found[n] != expected[n]
    ]


def _read_plainly(conn: Connection, everybody: Any) -> dict[int, Attached]:
    def column(statement: str) -> set[Any]:
        return {tuple(row) if len(row) > 1 else row[0] for row in conn.execute(text(statement))}

    leads = column("SELECT entity_id FROM crm.lead")
    contacts = column("SELECT entity_id FROM crm.contact")
    edited = column("SELECT entity_id FROM ops.edit")
    employed = column("SELECT person_id FROM ops.employment")
    heard = column("SELECT entity_id FROM ops.consent_event WHERE origin_id IS NULL")
    heard_records = column(
        "SELECT source, stream, source_id FROM ops.consent_event "
        "WHERE origin_id IS NULL AND said_of = 'person'"
    )
    told = column(
        "SELECT source, stream, source_id FROM ops.source_record "
        "WHERE target IN ('note', 'inquiry')"
    )
    tickets = column("SELECT source, requester FROM crm.ticket")
    merged, records = defaultdict(list), defaultdict(list)
    for entity, root in conn.execute(text("SELECT id, merged_into FROM ops.entity")):
        merged[root].append(entity)
    for entity, *key in conn.execute(
        text(
            "SELECT entity_id, source, stream, source_id FROM ops.source_record "
            "WHERE target = 'person' AND entity_id IS NOT NULL"
        )
    ):
        records[entity].append(tuple(key))

    def absorbed(entity: int) -> list[int]:
        return [n for child in merged[entity] for n in (child, *absorbed(child))]

    plain = {}
    for entity in everybody:
        others = absorbed(entity)
        whole = {entity, *others}
        keys = {key for one in whole for key in records[one]}
        plain[entity] = Attached(
            has_row=entity in leads | contacts,
            has_absorbed=bool(others),
            absorbed_lead=bool(leads & set(others)),
            absorbed_contact=bool(contacts & set(others)),
            is_edited=bool(edited & whole),
            is_employed=bool(employed & whole),
            has_told=bool(told & keys),
            has_ticket=bool(tickets & {(source, number) for source, _, number in keys}),
            is_heard=bool(heard & whole or heard_records & keys),
        )
    return plain


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
