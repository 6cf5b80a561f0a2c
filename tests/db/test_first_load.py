"""In a first load the tables grow faster than their statistics: each chunk still reads a chunk.

What was read is what PostgreSQL counts in the transaction, under plans made for the values at hand
and under those that a prepared statement keeps. (The queue itself is narrow, and soon analysed: see test_plans.)
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, text

from hub.crm import companies as crm_companies
from hub.crm import contacts, leads, owners
from hub.db.embedded import Server
from hub.db.engine import Database
from hub.landing import store
from hub.model.records import RawRecord
from hub.model.verdicts import Op, Verdict
from hub.records import batches, companies, queue
from hub.records.verdicts import set_verdicts
from tests.db.conftest import seed_leads
from tests.prepared import fresh_database

ROWS = 8_000
CHUNK = 100
MODES = ("force_custom_plan", "force_generic_plan")


_COMPANIES = (
    (
        "INSERT INTO ops.company_key (entity_id, hash, is_company) "
        "SELECT id, hashtextextended('domain=' || id, 0), id % 2 = 0 FROM ops.entity"
    ),
    (
        "INSERT INTO crm.contact (entity_id, organization_name, is_organization, batch_id) "
        "SELECT id, 'Firm', true, 1 FROM ops.entity WHERE id % 2 = 0"
    ),
)


@pytest.fixture(scope="module")
def grown(server: Server) -> Iterator[Database]:
    """Tables that were filled in one go and never analysed."""
    with fresh_database(server) as database:
        with database.owner_engine().connect() as owner:
            for table in (
                "landing.raw", "landing.head", "ops.verdict", "crm.lead", "ops.company_key",
                "crm.contact",
            ):  # fmt: skip
                owner.exec_driver_sql(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
            owner.exec_driver_sql(
                "ALTER TABLE ops.source_record SET (autovacuum_enabled = off)",
            )
            owner.commit()
        with database.engine.begin() as conn:
            owners.apply_people(conn, [owners.Person("a@b.example.com", "Ann", True, "UTC", {})])
            seed_leads(conn, ROWS, owned=True)
            conn.execute(
                text(
                    "INSERT INTO ops.pending (stage, ref, lane, batch_id) "
                    "SELECT 'normalize', id, 'bulk', batch_id FROM landing.raw"
                )
            )
            conn.execute(text("UPDATE ops.verdict SET verdict = NULL"))
            for statement in _COMPANIES:
                conn.execute(text(statement))
        with database.owner_engine().connect() as owner:
            owner.exec_driver_sql("ANALYZE ops.pending")  # autovacuum's own time is its own
            owner.commit()
        yield database


@pytest.fixture(params=MODES)
def conn(grown: Database, request: pytest.FixtureRequest) -> Iterator[Connection]:
    with grown.engine.begin() as conn:
        conn.exec_driver_sql(f"SET LOCAL plan_cache_mode = {request.param}")
        conn.info["before"] = rows_read(
            conn
        )  # what the backend has not handed on yet is counted too
        yield conn
        conn.rollback()


def rows_read(conn: Connection) -> dict[str, int]:
    """Return how many rows of each large table the transaction has read so far."""
    rows = conn.execute(
        text(
            "SELECT relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) "
            "FROM pg_stat_xact_user_tables "
            "WHERE relname IN ('raw', 'head', 'verdict', 'source_record', 'lead', 'contact', "
            "'company_key')"
        )
    )
    return {row[0]: row[1] for row in rows}


def _assert_a_chunk(conn: Connection) -> None:
    before = conn.info["before"]
    read = {name: n - before.get(name, 0) for name, n in rows_read(conn).items()}
    assert sum(read.values())
    too_many = {name: n for name, n in read.items() if n > 8 * CHUNK}
    assert not too_many


def _records(n: int) -> list[RawRecord]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        RawRecord(f"00Q{i:09d}", Op.UPSERT, at, "2", b'{"Id":"%d"}' % i) for i in range(1, n + 1)
    ]


def test_a_page_that_lands_is_held_against_its_own_records(conn: Connection) -> None:
    batch = batches.open_batch(conn, source="salesforce", kind="sync", lane="bulk")
    landed = store.land_page(
        conn,
        _records(CHUNK),
        batch=batch.id,
        source="salesforce",
        stream="leads",
        lane="bulk",
        mapped=True,
    )
    assert landed.changed == CHUNK
    _assert_a_chunk(conn)


@pytest.mark.parametrize("source", [None, "salesforce"])
def test_a_chunk_of_the_queue_is_read_without_the_rest(
    conn: Connection, source: str | None
) -> None:
    taken = queue.take_raws(conn, CHUNK, source=source)
    assert [one.raw_id for one in taken] == sorted(one.raw_id for one in taken)
    assert len(taken) == CHUNK
    _assert_a_chunk(conn)


def test_verdicts_touch_their_records_alone(conn: Connection) -> None:
    batch = conn.execute(text("SELECT min(id) FROM ops.batch")).scalar_one()
    rows = [
        (batch, "salesforce", "leads", one.source_id, Verdict.CREATED) for one in _records(CHUNK)
    ]
    set_verdicts(conn, rows)
    _assert_a_chunk(conn)
    given = conn.execute(text("SELECT count(*) FROM ops.verdict WHERE verdict = 'created'"))
    assert given.scalar_one() == CHUNK


def test_leads_are_linked_without_a_look_at_all_others(conn: Connection) -> None:
    ids = list(
        conn.execute(text("SELECT id FROM ops.entity ORDER BY id LIMIT :n"), {"n": CHUNK}).scalars()
    )
    contacts.CONTACTS.insert(
        conn,
        [
            {
                "entity_id": i,
                "owner_id": None,
                "last_activity_at": None,
                "batch_id": 1,
                "is_organization": False,
            }
            for i in ids[:3]
            if i % 2
        ],
    )
    leads.link_to_contacts(conn, ids)
    _assert_a_chunk(conn)


def test_accounts_are_found_without_a_look_at_all_others(conn: Connection) -> None:
    ids = list(
        conn.execute(text("SELECT id FROM ops.entity ORDER BY id LIMIT :n"), {"n": CHUNK}).scalars()
    )
    keys = {i: {("domain", str(i))} for i in ids if i % 2}
    companies.set_lead_keys(conn, keys, {i: {("domain", "x"), *own} for i, own in keys.items()})
    found = companies.having(conn, {i: {("domain", str(i))} for i in ids}, 20)
    assert {i for i in ids if i % 2 == 0} == found.keys()
    leads.point_to_accounts(conn, {i: (i + i % 2, "domain") for i in ids})
    _assert_a_chunk(conn)


def test_a_company_wakes_its_own_people_alone(conn: Connection) -> None:
    ids = list(
        conn.execute(
            text("SELECT id FROM ops.entity WHERE id % 2 = 0 ORDER BY id LIMIT :n"), {"n": CHUNK}
        ).scalars()
    )
    crm_companies.concerned(conn, ids)
    _assert_a_chunk(conn)
