"""Companies of one name are asked about once; a merge of companies can be taken back without a trace."""

from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import text

from hub.actions.activities import activity
from hub.actions.companies.questions import answer, open_questions
from hub.actions.deals import deal as deals
from hub.actions.identity.merge import merge, unmerge
from hub.actions.identity.review import decide
from hub.errors import ActionError
from hub.etl import companies, derivations, flow, load
from hub.etl.rederive import rederive
from hub.model.verdicts import Judgement
from hub.records import departing
from tests.acting import by
from tests.flow.conftest import World
from tests.flow.selling import WHO, act
from tests.flow.test_companies import COMPANIES, company, customer, organization

SAME, DIFFERENT = Judgement.SAME, Judgement.DIFFERENT


@pytest.fixture
def wide(world: World) -> World:
    """Vendors that hand out companies as well."""
    world.vendors["hubspot"].names = ("owners", "companies", "contacts")
    world.vendors["zendesk"].names = ("organizations", "users", "tickets")
    return world


def asked(world: World) -> dict[str, int]:
    """Each question, and how many companies it has."""
    with world.db.engine.begin() as conn:
        return {q.name: len(q.companies) for q in open_questions(by(conn))}


def names(world: World) -> list[str]:
    return [row.organization_name for row in world.rows(COMPANIES)]


def test_a_short_name_is_one_question_that_is_answered_once(wide: World) -> None:
    wide.add("hubspot", "companies", company(1, name="Nordwind"), company(2, name="Nordwind GmbH"))
    wide.add("zendesk", "organizations", organization(5, "NORDWIND"))
    assert flow.sync(wide.hub, ["hubspot", "zendesk"]).holds
    assert asked(wide) == {"company/nordwind": 3}
    done = act(wide, answer, WHO, "company/nordwind", SAME)
    assert len(done.companies) == len(names(wide)) == 1
    assert asked(wide) == {}
    # the answer holds when a source says something else of the company
    wide.add("hubspot", "companies", company(2, at=10_000, name="Nordwind GmbH", city="Kiel"))
    assert flow.sync(wide.hub, ["hubspot"]).holds
    assert (len(names(wide)), asked(wide)) == (1, {})
    # a new company of the name is a question, and the answered ones are one member of it
    wide.add("hubspot", "companies", company(3, at=20_000, name="Nordwind"))
    assert flow.sync(wide.hub, ["hubspot"]).holds
    assert asked(wide) == {"company/nordwind": 2}
    act(wide, answer, WHO, "company/nordwind", DIFFERENT)
    assert (len(names(wide)), asked(wide)) == (2, {})
    # a second fact decides without a question
    wide.add("hubspot", "companies", company(4, at=30_000, name="Nordwind", city="Kiel"))
    assert flow.sync(wide.hub, ["hubspot"]).holds
    assert (len(names(wide)), asked(wide)) == (2, {})
    with pytest.raises(ActionError) as caught:
        act(wide, answer, WHO, "company/nordwind", SAME)
    assert caught.value.code == "not_found"
    assert not any(flow.waiting(wide.hub).values())


def test_companies_that_conflict_are_not_made_one_by_an_answer(wide: World) -> None:
    own = [company(n, name="Dupont", domain=f"dupont-{n}.example") for n in (1, 2)]
    wide.add("hubspot", "companies", *own, company(3, name="Dupont"))
    assert flow.sync(wide.hub, ["hubspot"]).holds
    assert asked(wide) == {"company/dupont": 3}
    with pytest.raises(ActionError) as caught:
        act(wide, answer, WHO, "company/dupont", SAME)
    assert "two domains" in caught.value.message
    act(wide, decide, WHO, "hubspot/companies/3", "hubspot/companies/1", SAME)
    assert asked(wide) == {}, "the other company of the name has another domain"
    assert len(names(wide)) == 2


_EVERYTHING = text("""
SELECT 'company' AS kind, c.id, to_jsonb(c) AS row FROM crm.contact c
UNION ALL SELECT 'lead', l.id, to_jsonb(l) FROM crm.lead l
UNION ALL SELECT 'deal', d.id, to_jsonb(d) FROM crm.deal d
UNION ALL SELECT 'deal contact', x.deal_id, to_jsonb(x) FROM crm.deal_contact x
UNION ALL SELECT 'note', n.id, to_jsonb(n) FROM crm.note n
UNION ALL SELECT 'task', t.id, to_jsonb(t) FROM crm.task t
UNION ALL SELECT 'employment', k.id, to_jsonb(k) FROM ops.employment k
UNION ALL SELECT 'edit', e.id, to_jsonb(e) FROM ops.edit e
UNION ALL SELECT 'record', s.id, jsonb_build_object('entity', s.entity_id) FROM ops.source_record s
UNION ALL SELECT 'entity', e.id, jsonb_build_object('into', e.merged_into) FROM ops.entity e
ORDER BY 1, 2, 3
""")


def everything(world: World) -> list[Any]:
    with world.db.engine.begin() as conn:
        return [tuple(row) for row in conn.execute(_EVERYTHING)]


def test_merge_and_unmerge_of_companies_is_the_identity(wide: World) -> None:
    """Of any two of four companies, in either order: people, deals, activities and edits are as before."""
    wide.add(
        "hubspot", "companies",
        company(1, name="Nordwind", domain="nordwind.example", city="Kiel"),
        company(2, name="Ridgeway Ceramics", hubspot_owner_id=""),
    )  # fmt: skip
    wide.add("zendesk", "organizations", organization(5, "Nordwind", "nordwind-2.example"))
    wide.add("hubspot", "contacts", *(
        customer(n, lastname=f"N{n}", email=f"n{n}@mail{n}.example", associatedcompanyid=str(n))
        for n in (1, 2)
    ))  # fmt: skip
    assert flow.sync(wide.hub, ["hubspot", "zendesk"]).holds
    with wide.db.engine.begin() as conn:
        by_hand = companies.make(conn, {"organization_name": "Nordwind", "city": "Lyon"})
        load.refold(conn, [by_hand])
    rows = wide.rows("SELECT id FROM crm.contact WHERE is_organization ORDER BY id")
    firms = [f"contact/{row.id}" for row in rows]
    assert len(firms) == 4
    for n, firm in enumerate(firms):
        new = deals.NewDeal(f"deal {n}", firm, "EUR")
        act(wide, deals.add, WHO, new)
        act(wide, activity.write, WHO, "note", firm, {"content": f"note {n}"})
    before = everything(wide)
    for one, other in [*combinations(firms, 2), *combinations(reversed(firms), 2)]:
        younger = max(one, other, key=lambda c: int(c.split("/")[1]))
        done = act(wide, merge, WHO, one, other)
        assert done.survivor < done.absorbed
        assert len(names(wide)) == 3
        people = wide.rows(
            "SELECT 1 FROM crm.contact p JOIN crm.contact c ON c.id = p.company_id "
            "WHERE c.merged_into IS NOT NULL OR c.archived_at IS NOT NULL"
        )
        assert people == [], "people work for the company that is left"
        act(wide, unmerge, WHO, younger)
        assert everything(wide) == before
    assert not any(flow.waiting(wide.hub).values())


def test_the_companies_of_an_older_home_are_asked_about_when_it_is_upgraded(wide: World) -> None:
    """Older rules found no company by a short name: no key, no question; the upgrade makes both."""
    with wide.db.engine.begin() as conn:
        derivations.declare(conn, wide.hub.mappings)
    wide.add("hubspot", "companies", company(1, name="Nordwind"), company(2, name="Nordwind"))
    assert flow.sync(wide.hub, ["hubspot"]).holds
    with wide.db.engine.begin() as conn:
        conn.execute(text("DELETE FROM ops.company_question"))
        conn.execute(text("DELETE FROM ops.company_key"))
        records = conn.execute(
            text("SELECT id, match_keys FROM ops.source_record WHERE target = 'organisation'")
        )
        departing.forget_keys(conn, {row.id: row.match_keys for row in records})
        conn.execute(
            text("UPDATE ops.source_record SET match_keys = NULL WHERE target = 'organisation'")
        )
        conn.execute(text("UPDATE ops.derivation SET version = '1' WHERE name = 'links'"))
    assert asked(wide) == {}
    rederive(wide.hub)
    assert asked(wide) == {"company/nordwind": 2}


def test_what_cannot_be_merged_is_refused(wide: World) -> None:
    wide.add("hubspot", "companies", company(1, name="Nordwind", domain="nordwind.example"))
    wide.add("hubspot", "contacts", customer(1, lastname="Lee", email="lee@mail.example.org"))
    assert flow.sync(wide.hub, ["hubspot"]).holds
    (firm,) = wide.rows("SELECT id FROM crm.contact WHERE is_organization")
    (person,) = wide.rows("SELECT id FROM crm.contact WHERE NOT is_organization")
    for verb, arguments, code in (
        (merge, (f"contact/{firm.id}", f"contact/{person.id}"), "conflict"),
        (merge, (f"contact/{firm.id}", f"contact/{firm.id}"), "conflict"),
        (merge, (str(firm.id), str(firm.id)), "not_found"),  # a number alone is a lead's
        (unmerge, (f"contact/{firm.id}",), "conflict"),
        (unmerge, ("hubspot/companies/1",), "conflict"),
    ):
        with pytest.raises(ActionError) as caught:
            act(wide, verb, WHO, *arguments)
        assert caught.value.code == code
