"""Eight connections convert one lead at once: it is converted once, and all are told the same."""

from typing import Any

import pytest
from sqlalchemy import text

from hub.actions.leads.convert import Converted, Wish, convert
from hub.actions.leads.reopen import reopen
from hub.db.transactions import run_transaction
from hub.errors import ActionError
from hub.etl.context import Hub
from tests.acting import by
from tests.db.conftest import WORKERS, at_once, seed_leads

WHO = "operator"


@pytest.fixture
def leads(hub: Hub) -> list[str]:
    """Leads that are owned, by number."""
    with hub.engine.begin() as conn:
        seed_leads(conn, 3, owned=True)
        return [str(n) for n in conn.execute(text("SELECT id FROM crm.lead ORDER BY id")).scalars()]


def counts(hub: Hub) -> tuple[int, ...]:
    with hub.engine.begin() as conn:
        return tuple(
            conn.execute(text(f"SELECT count(*) FROM crm.{table}")).scalar_one()
            for table in ("contact", "deal", "conversion")
        )


@pytest.mark.parametrize("attempt", range(3))
def test_eight_connections_convert_a_lead_once(hub: Hub, leads: list[str], attempt: int) -> None:
    lead = leads[attempt]

    def work() -> Converted:
        return run_transaction(hub.engine, lambda conn: convert(by(conn, WHO), lead, Wish()))

    told = at_once([work] * WORKERS)
    assert len({(t.person_id, t.deal_id) for t in told}) == 1
    assert sorted(t.is_new for t in told) == [False] * (WORKERS - 1) + [True]
    assert counts(hub) == (1, 1, 1)


def test_converting_and_reopening_at_once_leave_one_of_the_two(hub: Hub, leads: list[str]) -> None:
    def there() -> Any:
        return run_transaction(hub.engine, lambda conn: convert(by(conn, WHO), leads[0], Wish()))

    def back() -> Any:
        try:
            return run_transaction(hub.engine, lambda conn: reopen(by(conn, WHO), leads[0]))
        except ActionError:
            return None  # not converted yet, or no more

    at_once([there, back] * (WORKERS // 2))
    with hub.engine.begin() as conn:
        standing, lead, contacts, deals = conn.execute(
            text(
                "SELECT (SELECT count(*) FROM crm.conversion WHERE reopened_at IS NULL), "
                "(SELECT count(*) FROM crm.lead WHERE converted_at IS NOT NULL), "
                "(SELECT count(*) FROM crm.contact), (SELECT count(*) FROM crm.deal)"
            )
        ).one()
    assert standing == lead == contacts == deals
    assert standing in (0, 1)


def test_eight_leads_of_one_company_make_one_company(hub: Hub) -> None:
    with hub.engine.begin() as conn:
        seed_leads(conn, WORKERS, owned=True)
        conn.execute(
            text(
                "UPDATE crm.lead SET organization_name = 'Nordwind Logistik', "
                "email = 'x' || id || '@nordwind.example.com'"
            )
        )
        names = [str(n) for n in conn.execute(text("SELECT id FROM crm.lead")).scalars()]
    told = at_once(
        [
            lambda n=n: run_transaction(hub.engine, lambda c: convert(by(c, WHO), n, Wish()))
            for n in names
        ]  # type: ignore[misc]
    )
    assert len({t.company_id for t in told}) == 1
    with hub.engine.begin() as conn:
        companies = conn.execute(
            text("SELECT customer_status, prospect_status FROM crm.contact WHERE is_organization")
        ).all()
        behind = conn.execute(
            text("SELECT 1 FROM crm.contact WHERE NOT is_organization AND company_id IS NULL")
        ).all()
    assert [tuple(c) for c in companies] == [("none", "current")]
    assert not behind
