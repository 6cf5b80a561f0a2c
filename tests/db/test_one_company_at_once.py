"""Eight connections meet one new company in the same moment: there is one, with all its people."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from hub.connectors.base import Page, Stream
from hub.db.transactions import run_transaction
from hub.etl import companies, flow
from hub.etl.context import Hub
from hub.etl.land import land_page
from hub.etl.load import refold
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from tests.db.conftest import WORKERS, at_once

START = datetime(2026, 1, 1, tzinfo=UTC)
NORTH = {"name": "Northgate Robotics Ltd", "domain": "northgate.example"}


def _record(number: int, **properties: str) -> RawRecord:
    at = START + timedelta(seconds=number)
    row = {"id": str(number), "properties": properties, "archived": False}
    return RawRecord(str(number), Op.UPSERT, at, "1", json.dumps(row).encode())


def _everything(hub: Hub) -> tuple[list[int], list[int | None], list[int]]:
    """Companies that stand, the accounts of leads, entities that are behind."""
    with hub.engine.begin() as conn:
        standing = conn.execute(
            text("SELECT id FROM crm.contact WHERE is_organization AND merged_into IS NULL")
        ).scalars()
        accounts = conn.execute(text("SELECT account_id FROM crm.lead ORDER BY id")).scalars()
        behind = conn.execute(text("SELECT id FROM ops.entity WHERE version > folded_version"))
        return list(standing), list(accounts), list(behind.scalars())


def test_eight_conversions_make_one_company(hub: Hub) -> None:
    values = {"organization_name": "Northgate Robotics", "website": "northgate.example"}

    def make() -> int:
        def work(conn: Connection) -> int:
            entity = companies.make(conn, values)
            refold(conn, [entity])
            return entity

        return run_transaction(hub.engine, work)

    made = at_once([make] * WORKERS)
    assert len(set(made)) == 1
    standing, _, behind = _everything(hub)
    assert len(standing) == 1
    assert not behind


@pytest.mark.parametrize("attempt", range(3))
def test_eight_loads_that_meet_a_company_and_its_people_make_one(hub: Hub, attempt: int) -> None:
    """Half the workers bring the company, half a lead of it; no stage waits for another."""
    batch = flow.begin(hub, "hubspot")

    def bring(number: int) -> Callable[[], None]:
        is_company = (number + attempt) % 2 == 0
        one = (
            _record(number, **NORTH)
            if is_company
            else _record(number, lastname=f"Lee{number}", email=f"l{number}@northgate.example")
        )

        def work() -> None:
            stream = Stream("companies" if is_company else "contacts")
            land_page(hub, batch, stream, Page([one], {}))
            flow.run_stages(hub)

        return work

    at_once([bring(n) for n in range(1, WORKERS + 1)])
    flow.run_stages(hub)
    standing, accounts, behind = _everything(hub)
    assert len(standing) == 1
    assert accounts == standing * (WORKERS // 2)
    assert not behind
    ledgers = flow.finish(hub, batch)
    assert all(entry.holds for entry in ledgers), ledgers
    (entry,) = [e for e in ledgers if e.stream == "companies"]
    assert sum(entry.verdicts.values()) == WORKERS // 2
