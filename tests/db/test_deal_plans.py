"""Queries of deals and of conversions use an index, whatever their number."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, text

from hub.actions.leads.convert import convert
from hub.actions.leads.reopen import reopen
from hub.actions.reading import listed
from hub.crm import customer_status, owners
from hub.db.embedded import Server
from hub.views.lists import Filters
from tests.acting import by
from tests.db.conftest import seed_leads
from tests.db.test_plans import plans_of
from tests.prepared import fresh_database

ROWS = 20_000
_DEALS = (
    (
        "INSERT INTO crm.contact (entity_id, last_name, batch_id, is_organization) "
        "SELECT entity_id, last_name, batch_id, id % 10 = 0 FROM crm.lead WHERE id % 2 = 0"
    ),
    (
        "UPDATE crm.contact c SET company_id = (SELECT max(o.id) FROM crm.contact o "
        "WHERE o.is_organization AND o.id BETWEEN c.id - 20 AND c.id) WHERE NOT is_organization"
    ),
    (
        "INSERT INTO crm.deal (name, contact_id, organization_id, pipeline_id, stage_id, currency, "
        "owner_id) SELECT 'd' || c.id, c.id, c.company_id, 1, "
        "CASE WHEN c.id % 500 = 0 THEN 4 ELSE 1 + c.id % 2 END, 'EUR', "
        'CASE WHEN c.id % 400 = 0 THEN 2 ELSE 1 END FROM crm.contact c, crm."user" u WHERE u.id = 1'
    ),
    (
        "INSERT INTO crm.stage_transition (deal_id, to_stage_id, who) "
        "SELECT id, stage_id, 'x' FROM crm.deal"
    ),
    (
        "INSERT INTO crm.conversion (lead_id, person_id, who) SELECT l.id, c.id, 'x' "
        "FROM crm.lead l JOIN crm.contact c USING (entity_id)"
    ),
    (
        "INSERT INTO crm.note (entity_id, content) SELECT entity_id, 'x' FROM crm.lead "
        "WHERE id % 3 = 0"
    ),
)


@pytest.fixture(scope="module")
def full(server: Server) -> Iterator[Connection]:
    """Leads, half of them contacts with a deal; a few deals have an owner or an early close date."""
    with fresh_database(server) as database:
        with database.engine.begin() as conn:
            owners.apply_people(
                conn,
                [
                    owners.Person(
                        f"{n}@b.example.com", n, is_active=True, timezone="UTC", notify={}
                    )
                    for n in ("ann", "bob")
                ],
            )
            seed_leads(conn, ROWS, owned=True)
            for statement in _DEALS:
                conn.execute(text(statement))
        with database.owner_engine().connect() as owner:
            owner.exec_driver_sql("ANALYZE")
            owner.commit()
        with database.engine.begin() as conn:
            yield conn
            conn.rollback()


def assert_no_table_is_read_whole(conn: Connection, work: Any) -> None:
    """Tables of a few rows may be read whole: what the team sets up, and empty tables."""
    big = set(conn.execute(text("SELECT relname FROM pg_class WHERE reltuples > 500")).scalars())
    assert {"lead", "contact", "deal", "entity", "source_record", "stage_transition"} <= big
    for statement, nodes in plans_of(conn, work).items():
        scanned = {n["Relation Name"] for n in nodes if n["Node Type"] == "Seq Scan"}
        assert not scanned & big, statement


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"owner": "bob@b.example.com"},
        {"stage": "Closure"},
        {"stage": "Closure", "owner": "ann@b.example.com"},
        {"where": ["name is d40"]},
        {"sort": "-value"},
    ],
)
def test_a_list_of_deals_reads_no_table_whole(full: Connection, asked: Any) -> None:
    found: list[Any] = []

    def ask() -> None:
        found.extend(listed(by(full), "deal", Filters(**asked), limit=8).rows)

    assert_no_table_is_read_whole(full, ask)
    assert found


def test_the_status_of_a_customer_reads_no_table_whole(full: Connection) -> None:
    ids = full.execute(text("SELECT id FROM crm.contact LIMIT 5")).scalars().all()
    assert_no_table_is_read_whole(full, lambda: customer_status.recompute(full, ids))


def test_a_conversion_and_its_undoing_read_no_table_whole(full: Connection) -> None:
    lead = full.execute(text("SELECT min(id) FROM crm.lead WHERE id % 2 = 1")).scalar_one()
    for verb in (convert, reopen):
        assert_no_table_is_read_whole(full, lambda v=verb: v(by(full), str(lead)))
