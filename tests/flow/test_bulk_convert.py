"""A chunk of conversions shares its statements, and gives what one conversion after the other gives."""

from typing import Any

import pytest
from sqlalchemy import Connection, text

from hub.actions.bulk import run as running
from hub.actions.bulk.run import Asked, run
from hub.actions.bulk.take_back import preview, take_back
from hub.actions.companies.choice import Choice, Unsure
from hub.actions.leads.convert import Wish, convert
from hub.actions.people.edit import edit
from hub.actions.setup import custom_field
from hub.crm.custom_fields import CustomField
from hub.errors import ActionError
from hub.etl import flow
from tests.acting import acting, by
from tests.flow.conftest import World, hubspot_contact, salesforce_lead

LEADS: tuple[dict[str, Any], ...] = (
    {"LastName": "Lee", "Company": "Nordwind"},
    {"LastName": "Ray", "Company": "Nordwind GmbH"},  # the name alone: a question
    {"LastName": "Fox", "Company": "Quilldrift Marine Instruments", "City": "Oslo", "Rating": "Hot"},
    {"LastName": "Hart", "Company": "Quilldrift Marine Instruments", "LeadSource": "Fair"},
    {"LastName": None, "FirstName": None, "Company": "Quilldrift Marine Instruments"},
    {"LastName": "Moreau", "FirstName": "Lea", "Email": "lea@moreau.example.com", "Company": "Moreau"},
    {"LastName": "Kerr", "Email": "kerr@oakfield.example.com", "Company": "Oakfield"},
    {"LastName": "Kerr", "FirstName": "Ian", "Email": "ian@oakfield.example.com"},
    {"LastName": "Solo"},
    {"LastName": "Gone", "Company": "Gone Works"},
)  # fmt: skip
_SAID = "coalesce(c.last_name, c.organization_name)"
_STATE = {
    "contacts": f"SELECT {_SAID}, c.kept_by, c.owner_id, c.is_organization, o.organization_name, c.tags, "
    "c.customer_status, c.prospect_status, c.archived_at IS NULL, c.first_name "
    "FROM crm.contact c LEFT JOIN crm.contact o ON o.id = c.company_id",
    "standing": f"SELECT {_SAID}, c.kept_by FROM crm.contact c WHERE c.archived_at IS NULL",
    "deals": f"SELECT d.name, {_SAID}, o.organization_name, d.source, d.tags, d.owner_id, d.currency, "
    "d.custom_fields, (SELECT count(*) FROM crm.stage_transition t WHERE t.deal_id = d.id), "
    "(SELECT count(*) FROM crm.deal_contact x WHERE x.deal_id = d.id) FROM crm.deal d "
    "JOIN crm.contact c ON c.id = d.contact_id LEFT JOIN crm.contact o ON o.id = d.organization_id",
    "leads": f"SELECT l.last_name, l.first_name, l.organization_name, {_SAID}, a.organization_name, "
    "l.converted_at IS NULL, l.owner_id, l.status FROM crm.lead l "
    "LEFT JOIN crm.contact c ON c.id = l.contact_id LEFT JOIN crm.contact a ON a.id = l.account_id",
    "made": "SELECT l.last_name, l.first_name, x.made - 'before', x.made -> 'before' -> 'lead', "
    "x.made -> 'before' -> 'person', x.made -> 'before' -> 'company' "
    "FROM crm.conversion x JOIN crm.lead l ON l.id = x.lead_id WHERE x.reopened_at IS NULL",
    "employed": "SELECT c.last_name, c.first_name, o.organization_name FROM ops.employment e "
    "JOIN crm.contact c ON c.entity_id = e.person_id JOIN crm.contact o ON o.entity_id = e.company_id "
    "WHERE e.revoked_at IS NULL",
    "asked": "SELECT name, count(*) FROM ops.company_question GROUP BY name",
    "history": "SELECT count(*) FROM ops.change WHERE fields ? 'converted'",
}


def state(conn: Connection) -> dict[str, list[str]]:
    """Return the rows without their numbers, which alone may differ."""
    return {name: sorted(map(str, conn.execute(text(sql)))) for name, sql in _STATE.items()}


@pytest.fixture
def market(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Leads of one firm, of firms of one name, a contact that is there already, and an archived lead."""
    monkeypatch.setattr(running, "CHUNK", 6)
    with world.db.engine.begin() as conn:
        for kind in ("lead", "deal"):
            custom_field.add(by(conn), CustomField(kind, "", "Size", "text"))
    world.add("salesforce", "leads", *(
        salesforce_lead(n, **{"Email": None, **values}) for n, values in enumerate(LEADS, 1)
    ))  # fmt: skip
    world.add("hubspot", "contacts", hubspot_contact(
        5, firstname="Lea", lastname="Moreau", email="lea@moreau.example.com", lifecyclestage="customer",
    ))  # fmt: skip
    assert flow.sync(world.hub, ["salesforce", "hubspot"]).holds
    with world.db.engine.begin() as conn:
        conn.execute(text("UPDATE crm.lead SET archived_at = now() WHERE last_name = 'Gone'"))
        even = "SELECT id FROM crm.lead WHERE id % 2 = 0 AND archived_at IS NULL"
        for number in conn.execute(text(even)).scalars().all():
            edit(by(conn), f"lead/{number}", {"custom_fields.size": "big"})
    return world


def test_a_chunk_gives_what_one_conversion_after_the_other_gives_and_is_undone(
    market: World,
) -> None:
    ids = [row.id for row in market.rows("SELECT id FROM crm.lead ORDER BY id")]
    wish = Wish(company=Choice(unsure=Unsure.REVIEW))
    refused = {}
    with market.db.engine.connect() as conn:
        before = state(conn)
        for number in ids:
            try:
                with conn.begin_nested():
                    convert(by(conn), f"lead/{number}", wish)
            except ActionError as exc:
                refused[f"lead/{number}"] = exc.message
        expected = state(conn)
        conn.rollback()
    assert len(refused) == 1
    assert any("nordwind" in one and "2" in one for one in expected["asked"]), (
        "a question in review"
    )
    asked = Asked(
        "convert", {"currency": "EUR", "has_deal": True}, names=[f"lead/{n}" for n in ids]
    )
    done = run(market.db.engine, acting(), asked)
    assert done.changed == len(ids) - 1
    assert {one.record: one.why for one in done.refused_records} == refused
    with market.db.engine.begin() as conn:
        assert state(conn) == expected
    assert run(market.db.engine, acting(), asked).changed == 0, "once"
    foreseen = preview(market.db.engine, acting(), done.batch or 0)
    back = take_back(market.db.engine, acting(), done.batch or 0)
    assert (back.restored, back.kept) == (len(ids) - 1, ())
    assert foreseen == back
    with market.db.engine.begin() as conn:
        after = state(conn)
    for name in ("standing", "leads", "deals", "made", "employed", "asked"):
        assert after[name] == before[name], name
