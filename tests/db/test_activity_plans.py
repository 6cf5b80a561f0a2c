"""The statements after an activity, and lists of activities, use an index on tables of a real size."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from hub.crm import activities, derived
from hub.db.embedded import Server
from hub.db.engine import Database
from hub.records import match_keys
from tests.db.conftest import seed_leads
from tests.prepared import fresh_database

ROWS = 20_000
# small tables of the set-up may be read whole
SMALL = {"outcome", "user", "stage", "pipeline", "distribution_group", "member"}
_SEED = (
    ("INSERT INTO crm.note (entity_id, content, created_at) "
    "SELECT id, 'n', now() - id * interval '1 minute' FROM ops.entity"),
    ("INSERT INTO crm.call (entity_id, who, made_at) "
    "SELECT id, 'w', now() - id * interval '1 minute' FROM ops.entity"),
    "INSERT INTO crm.visit (entity_id, who, visited_at) SELECT id, 'w', now() FROM ops.entity",
    ("INSERT INTO crm.message (entity_id, who, kind, sent_at) "
    "SELECT id, 'w', 'email', now() FROM ops.entity"),
    ("INSERT INTO crm.task (entity_id, who, content, due_at, completed_at) "
    "SELECT id, 'w', 'c', now() + id * interval '1 minute', "
    "  CASE WHEN id % 20 > 0 THEN now() END FROM ops.entity"),
    ("INSERT INTO crm.ticket (record_id, source, source_id, entity_id, created_at) "
    "SELECT id, 'zendesk', id::text, entity_id, now() FROM ops.source_record"),
    "INSERT INTO crm.contact (entity_id, last_name, batch_id) SELECT id, 'C', 0 FROM ops.entity",
    "INSERT INTO ops.employment (person_id, company_id, who) SELECT id, id, 'w' FROM ops.entity",
    ("INSERT INTO crm.deal (name, contact_id, pipeline_id, stage_id, currency) "
    "SELECT 'D', c.id, s.pipeline_id, s.id, 'EUR' FROM crm.contact c, "
    "  (SELECT * FROM crm.stage WHERE is_active ORDER BY id LIMIT 1) s"),
)  # fmt: skip


@pytest.fixture(scope="module")
def full_database(server: Server) -> Iterator[Database]:
    """20,000 leads, who are contacts as well, with one activity of each kind and a deal."""
    with fresh_database(server) as database:
        with database.engine.begin() as conn:
            seed_leads(conn, ROWS)
            for statement in _SEED:
                conn.execute(text(statement))
        with database.owner_engine().connect() as owner:
            owner.exec_driver_sql("ANALYZE")
            owner.commit()
        yield database


@pytest.fixture
def full(full_database: Database) -> Iterator[Connection]:
    with full_database.engine.begin() as conn:
        yield conn
        conn.rollback()


def read_whole(conn: Connection, call: Callable[[], Any]) -> list[str]:
    """Return the tables that any of the statements of a call reads row by row."""
    caught: list[tuple[str, Any]] = []

    def catch(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        caught.append((statement, parameters))

    event.listen(conn.engine, "before_cursor_execute", catch)
    try:
        call()
    finally:
        event.remove(conn.engine, "before_cursor_execute", catch)
    assert caught
    found: list[str] = []
    for statement, parameters in caught:
        plan = conn.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
        told = json.dumps(plan)
        todo = [entry["Plan"] for entry in plan]
        while todo:
            node = todo.pop()
            todo.extend(node.get("Plans", ()))
            name = node.get("Relation Name", "")
            if node["Node Type"] == "Seq Scan" and name not in SMALL:
                found.append(f"{name} in {told[:2000]}")
    return found


def ids(conn: Connection, table: str, n: int) -> list[int]:
    return list(
        conn.execute(text(f"SELECT id FROM {table} ORDER BY id DESC LIMIT :n"), {"n": n}).scalars()
    )


@pytest.mark.parametrize("n", [1, 500])
def test_derived_columns_are_reckoned_by_index(full: Connection, n: int) -> None:
    entities, deals = ids(full, "ops.entity", n), ids(full, "crm.deal", min(n, 50))
    assert not read_whole(full, lambda: derived.recompute(full, entities, deals))


def test_a_timeline_is_read_by_index(full: Connection) -> None:
    entity, deal = ids(full, "ops.entity", 1), ids(full, "crm.deal", 1)[0]
    assert not read_whole(full, lambda: activities.timeline(full, entity, None, 100))
    assert not read_whole(full, lambda: activities.timeline(full, [], deal, 100))


def test_open_tasks_are_read_by_index(full: Connection) -> None:
    entity = ids(full, "ops.entity", 1)[0]
    assert not read_whole(full, lambda: activities.open_tasks(full))
    assert not read_whole(full, lambda: activities.open_tasks(full, owner_id=1))
    assert not read_whole(
        full, lambda: activities.open_tasks_on(full, entity_id=entity, deal_id=None)
    )


def test_likely_duplicates_are_found_by_their_keys(full: Connection) -> None:
    assert not read_whole(full, lambda: match_keys.holders(full, {1: 64, 2: 8}))
