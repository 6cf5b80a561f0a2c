"""No report over a period reads a table whole, and one over all time reads a rollup alone.

The plans are those of the statements that the reports send, on tables of a real size.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from bench.business import seed_business
from hub.crm import rollups
from hub.db.embedded import Server
from hub.db.engine import Database
from hub.reports import REPORTS, Scope
from tests.db.sales import set_up
from tests.prepared import fresh_database

LEADS, DEALS = 20_000, 6_000
BIG = {"lead", "deal", "stage_transition", "call"}
MONTH = Scope(date(2026, 3, 1), date(2026, 3, 31))
WITH_OWNER = Scope(date(2026, 3, 1), date(2026, 3, 31), owner_id=1, pipeline_id=1, source="Web")


@pytest.fixture(scope="module")
def full_database(server: Server) -> Iterator[Database]:
    """Leads and deals of four years."""
    with fresh_database(server) as database:
        with database.engine.begin() as conn:
            set_up(conn)
            seed_business(conn, leads=LEADS, deals=DEALS)
            conn.execute(
                text(
                    "INSERT INTO crm.call (entity_id, who, made_at) "
                    "SELECT entity_id, 'ann@a.example.com', created_at FROM crm.lead "
                    "WHERE created_at IS NOT NULL"
                )
            )
            rollups.compact(conn)
        with database.owner_engine().connect() as owner:
            owner.exec_driver_sql("ANALYZE")
            owner.commit()
        yield database


@pytest.fixture
def full(full_database: Database) -> Iterator[Connection]:
    with full_database.engine.begin() as conn:
        yield conn
        conn.rollback()


def read_by(conn: Connection, name: str, scope: Scope) -> list[tuple[str, str]]:
    """How each table is read, by every statement of a report: (node, table)."""
    caught: list[tuple[str, Any]] = []

    def catch(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        caught.append((statement, parameters))

    event.listen(conn.engine, "before_cursor_execute", catch)
    try:
        REPORTS[name](conn, scope)
    finally:
        event.remove(conn.engine, "before_cursor_execute", catch)
    assert caught
    nodes: list[dict[str, Any]] = []
    for statement, parameters in caught:
        explained = conn.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
        todo = [entry["Plan"] for entry in explained.scalar_one()]
        while todo:
            node = todo.pop()
            nodes.append(node)
            todo.extend(node.get("Plans", ()))
    return [(n["Node Type"], n["Relation Name"]) for n in nodes if "Relation Name" in n]


@pytest.mark.parametrize("scope", [MONTH, WITH_OWNER], ids=["month", "month_of_an_owner"])
@pytest.mark.parametrize("name", [n for n in REPORTS if n != "pipeline"])
def test_a_report_over_a_period_reads_no_table_whole(
    full: Connection, name: str, scope: Scope
) -> None:
    read = read_by(full, name, scope)
    assert {table for _, table in read} & BIG, "it reads the records themselves"
    assert not [table for node, table in read if node == "Seq Scan" and table in BIG], read
    assert not [table for _, table in read if table.endswith("_rollup")]


_WITHOUT_ROLLUP = {
    "unasked",  # few rows, by an index
    "activity",  # one pass over narrow tables: a rollup would be written with each activity
}


@pytest.mark.parametrize(
    "scope", [Scope(), Scope(owner_id=1, pipeline_id=1, source="Web")], ids=["all", "of_an_owner"]
)
@pytest.mark.parametrize("name", [n for n in REPORTS if n not in _WITHOUT_ROLLUP])
def test_a_report_over_all_time_reads_a_rollup(full: Connection, name: str, scope: Scope) -> None:
    tables = {table for _, table in read_by(full, name, scope)}
    assert [table for table in tables if table.endswith("_rollup")], tables
    assert not tables & BIG


def test_a_business_written_in_bulk_is_counted_as_its_records_are(full: Connection) -> None:
    counted = [_cycle(full)]
    rollups.refresh(full)
    assert [_cycle(full)] == counted
    assert [stage["entered"] for stage in counted[0]["stages"]] == [
        full.execute(
            text("SELECT count(DISTINCT deal_id) FROM crm.stage_transition WHERE to_stage_id = :s"),
            {"s": stage},
        ).scalar_one()
        for stage in (1, 2, 3, 4)
    ]


def _cycle(conn: Connection) -> dict[str, Any]:
    return REPORTS["sales-cycle"](conn, Scope())


def test_a_rollup_grows_with_its_keys_and_not_with_the_records(full: Connection) -> None:
    rows = rollups.refresh(full)
    full.execute(text("INSERT INTO ops.entity (kind, anchor_id, batch_id, lane) "
                      "SELECT 'person', -id, 0, 'bulk' FROM crm.lead"))  # fmt: skip
    full.execute(
        text(
            "INSERT INTO crm.lead (entity_id, lane, batch_id, lead_source, owner_id, status, "
            "created_at, first_response_at, converted_at) "
            "SELECT e.id, l.lane, 0, lead_source, owner_id, status, created_at, first_response_at, "
            "converted_at FROM crm.lead l JOIN ops.entity e ON e.anchor_id = -l.id AND e.batch_id = 0"
        )
    )
    assert rollups.compact(full) == rows


def test_moving_one_deal_reads_no_table_whole_after_a_load_in_the_same_session(
    full: Connection,
) -> None:
    """A plan that was made for a whole load must not stay for a single row."""
    seed_business(full, leads=100, deals=3_000)
    before = _scans(full)
    for statement in (
        "INSERT INTO crm.stage_transition (deal_id, to_stage_id, who) SELECT max(id), 2, 'x' FROM crm.deal",
        "UPDATE crm.deal SET owner_id = 2 WHERE id = (SELECT max(id) FROM crm.deal)",
        "UPDATE crm.lead SET lead_source = 'X' WHERE id = (SELECT max(id) FROM crm.lead)",
    ):
        full.execute(text(statement))
    assert _scans(full) == before


def _scans(conn: Connection) -> dict[str, int]:
    found = conn.execute(
        text(
            "SELECT relname, pg_stat_get_xact_numscans(relid) FROM pg_stat_all_tables "
            "WHERE schemaname = 'crm' AND relname IN ('lead', 'deal', 'stage_transition')"
        )
    )
    return {row[0]: row[1] for row in found}
