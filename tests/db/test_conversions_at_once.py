"""Eight connections convert one lead at once: it is converted once, and all are told the same."""

from typing import Any

import pytest
from sqlalchemy import text

from hub.actions.companies.choice import Choice, Unsure
from hub.actions.companies.questions import answer, open_questions
from hub.actions.leads.convert import Converted, Wish, convert
from hub.actions.leads.reopen import reopen
from hub.actions.people.edit import edit
from hub.db.transactions import run_transaction
from hub.errors import ActionError
from hub.etl.context import Hub
from hub.model.verdicts import Judgement
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


@pytest.mark.parametrize("unsure", [Unsure.OFFER, Unsure.REVIEW])
def test_two_leads_of_one_firm_converted_at_once_end_in_one_company(
    hub: Hub, leads: list[str], unsure: Unsure
) -> None:
    """Neither has an e-mail. Two connections convert them in the same moment, and one question is answered."""
    for lead in leads:
        with hub.engine.begin() as conn:
            edit(by(conn), lead, {"organization_name": "Nordwind", "email": None})

    def converting(lead: str, wish: Wish) -> Any:
        try:
            return run_transaction(hub.engine, lambda conn: convert(by(conn, WHO), lead, wish))
        except ActionError as error:
            return error

    wish = Wish(company=Choice(unsure=unsure))
    told = at_once([lambda n=n: converting(leads[n], wish) for n in (0, 1)])
    if unsure is Unsure.OFFER:  # the later one is told of the company that the earlier one made
        (refused,) = [t for t in told if isinstance(t, ActionError)]
        lead = leads[told.index(refused)]
        done = converting(lead, Wish(company=Choice(refused.others[0])))
        assert done.is_new
    else:
        with hub.engine.begin() as conn:
            (question,) = open_questions(by(conn))
            assert len(question.companies) == 2
            answer(by(conn), question.name, Judgement.SAME)
    with hub.engine.begin() as conn:
        firms = conn.execute(text(
            "SELECT id FROM crm.contact WHERE is_organization AND merged_into IS NULL"
        )).scalars().all()  # fmt: skip
        works = conn.execute(
            text("SELECT DISTINCT company_id FROM crm.contact WHERE NOT is_organization")
        ).scalars().all()  # fmt: skip
        assert open_questions(by(conn)) == []
    assert len(firms) == 1
    assert works == firms
