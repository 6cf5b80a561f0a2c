"""Rows of every kind for lists, made at random from few values, junk in custom fields included."""

import json
import random
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, text

from hub.actions.setup import custom_field
from hub.crm.custom_fields import OBJECTS, TYPES, WITH_CHOICES, CustomField
from tests.acting import by
from tests.db.naive_lists import NOW

TAGS = ["vip", "fair", "Vip", "a'b", 'q"u', "back\\slash"]
WORDS = ["Ann", "bob", "ÉTÉ", "Eté", "Du Pont", "100%", "a_b", "O'Neil", "x\\y", "lee lyon", ""]
CHOICES = ("Gold", "Silver", "It's")
DATES = ["2026-03-31", "2026-04-01", "2026-04-02", "2025-12-31", "2026-07-01"]
MOMENTS = [
    "2026-03-31T21:59:59Z",
    "2026-03-31T22:00:00Z",
    "2026-04-01T22:00:00Z",
    "2025-01-01T00:00:00Z",
]
VALUES: dict[str, list[Any]] = {
    "number": [0, 1, -2.5, 10, 1e6, "12", True, None],
    "string": [*WORDS, 5, None],
    "text": [*WORDS, "two\nlines"],
    "bool": [True, False, "true", None],
    "date": [*DATES, "soon", 2026, None],
    "datetime": [*MOMENTS, "2026-03-31", None],
    "email": ["ann@x.example.com", "bob@x.example.com", ""],
    "phone": ["+33612345678", "06 12"],
    "url": ["https://x.example.com/a_b", None],
    "address": [{"city": "Lyon", "line1": "1 rue A"}, {"city": "Paris"}, "Lyon", None],
    "list": [*CHOICES, "Lead", None],
    "multi_select_list": [["Gold"], ["Gold", "Silver"], [], "Gold", ["It's"], None],
}  # fmt: skip
STATUSES = ["New", "Working", "Unqualified"]
TICKETS = ["new", "open", "pending", "solved", "closed", None]


def define_fields(conn: Connection) -> None:
    """Define one custom field of every type on every object."""
    for object_ in OBJECTS:
        for type_ in TYPES:
            choices = CHOICES if type_ in WITH_CHOICES else ()
            custom_field.add(
                by(conn, "operator"), CustomField(object_, type_, type_, type_, choices)
            )


def _moment(rng: random.Random) -> str | None:
    if rng.random() < 0.25:
        return None
    near = NOW.replace(minute=0) + timedelta(hours=rng.choice([-1, 0, 1, 2, 24, 25, 26, -22, -23]))
    far = NOW - timedelta(days=rng.choice([3, 29, 30, 31, 90, -7]), hours=rng.choice([0, 1, 2, 23]))
    return rng.choice([near, far]).isoformat()


def _person(rng: random.Random, entity: int, users: list[int]) -> dict[str, Any]:
    word = lambda: rng.choice([*WORDS[:-1], None])
    return {
        "entity_id": entity, "first_name": word(), "last_name": word(), "email": word(),
        "organization_name": word(), "city": word(), "description": word(),
        "lead_source": rng.choice(["Web", "web", None]),
        "tags": rng.choice([None, [], rng.sample(TAGS, rng.randint(1, 3))]),
        "custom_fields": {t: rng.choice(VALUES[t]) for t in TYPES if rng.random() < 0.5} or None,
        "created_at": _moment(rng), "last_activity_at": _moment(rng),
        "last_communication_at": _moment(rng), "next_task_at": _moment(rng),
        "owner_id": rng.choice([*users, None]), "batch_id": 1,
        "archived_at": NOW.isoformat() if rng.random() < 0.05 else None,
    }  # fmt: skip


def _insert(conn: Connection, table: str, rows: list[dict[str, Any]]) -> None:
    names = ", ".join(rows[0])
    conn.execute(
        text(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM "
            f"jsonb_populate_recordset(CAST(NULL AS {table}), CAST(:rows AS jsonb))"
        ),
        {"rows": json.dumps(rows)},
    )


def seed(conn: Connection, seed_: int, n: int) -> None:
    """Write members of the team, `n` leads, contacts and deals each, and tickets."""
    rng = random.Random(seed_)
    conn.execute(
        text(
            'INSERT INTO crm."user" (email, name, is_active, timezone, managed_by, role) VALUES '
            "('ann@x.example.com', 'Ann', true, 'Europe/Paris', 'yaml', 'admin'), "
            "('bob@x.example.com', 'Bob', true, 'UTC', 'yaml', 'rep')"
        )
    )
    users = list(conn.execute(text('SELECT id FROM crm."user" ORDER BY id')).scalars())
    conn.execute(text(
        "INSERT INTO ops.batch (kind, source, lane, state) VALUES ('sync', 'x', 'bulk', 'done')"
    ))  # fmt: skip
    entities = list(
        conn.execute(
            text(
                "INSERT INTO ops.entity (kind, anchor_id, batch_id, lane, version, folded_version) SELECT 'person', 0, "
                "(SELECT min(id) FROM ops.batch), 'bulk', 1, 1 FROM generate_series(1, :n) RETURNING id"
            ),
            {"n": 2 * n},
        ).scalars()
    )
    _insert(conn, "crm.lead", [
        {**_person(rng, entity, users), "status": rng.choice(STATUSES), "lane": "bulk",
         "converted_at": rng.choice([None, None, None, NOW.isoformat()])}
        for entity in entities[:n]
    ])  # fmt: skip
    _insert(conn, "crm.contact", [
        {**_person(rng, entity, users), "is_organization": rng.random() < 0.5,
         "customer_status": rng.choice(["none", "current", "past"]), "prospect_status": "none"}
        for entity in entities[n:]
    ])  # fmt: skip
    _employers(conn)
    _deals(conn, rng, users, n)
    _tickets(conn, rng, entities, n)


def _employers(conn: Connection) -> None:
    """Link half of the leads and people to a company; one company in six was merged into another."""
    conn.execute(
        text("""
UPDATE crm.contact c SET merged_into = (
  SELECT min(o.id) FROM crm.contact o WHERE o.is_organization AND o.id % 6 <> 0)
WHERE c.is_organization AND c.id % 6 = 0""")
    )
    for table, key in (("lead", "account_id"), ("contact", "company_id")):
        conn.execute(
            text(f"""
WITH firm AS (
  SELECT id, row_number() OVER (ORDER BY id) - 1 AS n, count(*) OVER () AS of
  FROM crm.contact WHERE is_organization)
UPDATE crm.{table} t SET {key} = f.id FROM firm f
WHERE f.n = t.id % f.of AND t.id % 2 = 0 AND {"true" if table == "lead" else "NOT t.is_organization"}""")
        )


def _deals(conn: Connection, rng: random.Random, users: list[int], n: int) -> None:
    contacts = list(conn.execute(text("SELECT id FROM crm.contact")).scalars())
    stages = conn.execute(text("SELECT id, pipeline_id FROM crm.stage")).all()
    reasons = list(conn.execute(text("SELECT id FROM crm.reason WHERE kind = 'loss'")).scalars())
    rows = []
    for _ in range(n):
        stage = rng.choice(stages)
        rows.append({
            "name": rng.choice(WORDS), "contact_id": rng.choice(contacts),
            "owner_id": rng.choice([*users, None]), "pipeline_id": stage.pipeline_id,
            "stage_id": stage.id, "value": rng.choice([0, 99.5, 1000, 250000]), "currency": "EUR",
            "is_hot": rng.random() < 0.5, "source": rng.choice(["Web", None]),
            "loss_reason_id": rng.choice([None, *reasons[:2]]),
            "estimated_close_date": rng.choice([None, *DATES]),
            "customized_win_likelihood": rng.choice([None, 5]),
            "added_at": _moment(rng) or NOW.isoformat(), "last_stage_change_at": NOW.isoformat(),
            "last_activity_at": _moment(rng), "last_communication_at": _moment(rng),
            "next_task_at": _moment(rng), "tags": rng.sample(TAGS, rng.randint(0, 3)),
            "custom_fields": {t: rng.choice(VALUES[t]) for t in TYPES if rng.random() < 0.5},
        })  # fmt: skip
    _insert(conn, "crm.deal", rows)


def _tickets(conn: Connection, rng: random.Random, entities: list[int], n: int) -> None:
    raws = list(
        conn.execute(
            text(
                "INSERT INTO landing.raw (batch_id, source, stream, source_id, op, at, version, hash, payload) "
                "SELECT (SELECT min(id) FROM ops.batch), 'zendesk', 'tickets', g::text, 'upsert', now(), '1', '\\x00', '{}' "
                "FROM generate_series(1, :n) g RETURNING id"
            ),
            {"n": n},
        ).scalars()
    )
    records = list(
        conn.execute(
            text(
                "INSERT INTO ops.source_record (source, stream, source_id, target, raw_id, batch_id, lane, "
                " mapping_version, trust, canonical, canonical_hash, source_at) "
                "SELECT 'zendesk', 'tickets', id::text, 'ticket', id, batch_id, 'bulk', '1', 'trusted', '{}', hash, at "
                "FROM landing.raw WHERE id = ANY(:raws) RETURNING id"
            ),
            {"raws": raws},
        ).scalars()
    )
    _insert(conn, "crm.ticket", [
        {"record_id": record, "source": "zendesk", "source_id": str(record),
         "entity_id": rng.choice(entities), "status": rng.choice(TICKETS), "recorded_at": NOW.isoformat(),
         "archived_at": NOW.isoformat() if rng.random() < 0.1 else None}
        for record in records
    ])  # fmt: skip
