"""A batch is taken back: the CRM is as it was, but for what people have done since."""

from typing import Any

import pytest
from sqlalchemy import text

from hub.actions.batches.undo import preview_undo, undo_batch
from hub.actions.identity.merge import merge, unmerge
from hub.actions.people.edit import edit
from hub.errors import ActionError
from hub.etl import flow
from hub.model.verdicts import Op
from hub.undo.report import Undone
from tests.acting import acting, done
from tests.flow.conftest import (
    World,
    hubspot_contact,
    hubspot_owner,
    mailchimp_member,
    prepared,
    salesforce_lead,
    typeform_answer,
    zendesk_ticket,
    zendesk_user,
)

WHO = "operator"
SOURCES = ["hubspot", "mailchimp", "salesforce", "typeform", "zendesk"]
_TABLES = text(
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'crm' "
    "AND table_type = 'BASE TABLE' ORDER BY 1"
)


def crm(world: World) -> dict[str, list[str]]:
    """Every row of schema crm, as text."""
    found: dict[str, list[str]] = {}
    with world.db.engine.begin() as conn:
        for table in list(conn.execute(_TABLES).scalars()):
            rows = conn.execute(text(f'SELECT t::text AS r FROM crm."{table}" t'))
            found[table] = sorted(rows.scalars())
    return found


def last_batch(world: World, source: str) -> int:
    (row,) = world.rows(
        "SELECT max(id) AS id FROM ops.batch WHERE source = :s AND kind = 'sync'", s=source
    )
    return int(row.id)


def undo(world: World, source: str) -> Undone:
    return undo_batch(world.db.engine, acting(WHO), last_batch(world, source))


def act(world: World, verb: Any, *arguments: Any) -> Any:
    with world.db.engine.begin() as conn:
        return done(conn, verb, *arguments)


def sf(number: int) -> str:
    return f"salesforce/leads/00Q{number:012d}AAA"


def lea(number: int = 1, **more: Any) -> Any:
    values = {"FirstName": "Lea", "LastName": "Moreau", "Email": "lea@moreau.example.com"}
    return salesforce_lead(number, **{**values, **more})


def noah(number: int = 2, **more: Any) -> Any:
    values = {"FirstName": "Noah", "LastName": "Brandt", "Email": "noah@brandt.example.com"}
    return salesforce_lead(number, **{**values, **more})


@prepared
def settled(world: World) -> World:
    """Lea and Noah, and Noah's question to the help desk, which he came back to ask."""
    world.add("salesforce", "leads", lea(), noah(Phone="+33145678901"))
    world.add(
        "zendesk", "users", zendesk_user(7, name="Noah Brandt", email="noah@brandt.example.com")
    )
    world.add("zendesk", "tickets", zendesk_ticket(9, subject="It broke", requester_id=7))
    assert flow.sync(world.hub, SOURCES).holds
    return world


def but_turns(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    """Leave out whose turn it is: a turn is given back as a credit, and the pointer stays."""
    return {k: v for k, v in rows.items() if k not in {"member", "distribution_group"}}


def test_a_second_batch_is_undone_to_the_letter(settled: World) -> None:
    before = crm(settled)
    settled.add(
        "salesforce", "leads",
        lea(at=900, Title="CEO", City="Lyon"),
        salesforce_lead(2, at=901, op=Op.DELETE),
        salesforce_lead(5, at=902, FirstName="Eva", LastName="Roth", Email="eva@roth.example.com"),
        # one person with two whom nobody took for one
        salesforce_lead(6, at=903, FirstName="Noah", LastName="Brandt", Phone="+33145678901",
                        Email="lea@moreau.example.com"),
    )  # fmt: skip
    flow.sync(settled.hub, ["salesforce"])
    changed = crm(settled)
    assert changed["lead"] != before["lead"]
    report = undo(settled, "salesforce")
    assert but_turns(crm(settled)) == but_turns(before)
    assert report.reverted["restored"] >= 2
    assert [k.why for k in report.blocked + report.edited] == []
    assert sum(g.turns for g in report.given_back) >= 1
    assert (
        settled.rows("SELECT state FROM ops.batch WHERE id = :b", b=report.batch)[0].state
        == "undone"
    )


def test_what_hung_on_it_goes_too(settled: World) -> None:
    before = crm(settled)
    settled.add("hubspot", "owners", hubspot_owner(3, "someone@old.example.com"))
    settled.add("hubspot", "contacts", hubspot_contact(
        1, firstname="Ida", lastname="Lund", email="ida@lund.example.com",
        lifecyclestage="customer", hubspot_owner_id="3"))  # fmt: skip
    settled.add(
        "typeform", "responses",
        typeform_answer("a" * 12, at=950, first_name="Lea", last_name="Moreau",
                        email="lea@moreau.example.com", message="A demo, please"),
        typeform_answer("b" * 12, at=951, first_name="Ola", last_name="Nord",
                        email="ola@nord.example.com", message="Prices?"),
    )  # fmt: skip
    settled.add("zendesk", "users", zendesk_user(8, at=940, name="Pia", email="pia@x.example.com"))
    settled.add(
        "zendesk",
        "tickets",
        zendesk_ticket(10, at=941, subject="Help", requester_id=8),
        zendesk_ticket(9, at=942, subject="It broke again", requester_id=7),
    )
    flow.sync(settled.hub, SOURCES)
    after = crm(settled)
    for table in ("contact", "inquiry", "lead", "ticket", "user"):
        assert after[table] != before[table], table
    for source in ("zendesk", "typeform", "hubspot"):
        undo(settled, source)
    assert but_turns(crm(settled)) == but_turns(before)


def test_an_undone_batch_comes_again_when_everything_is_read(settled: World) -> None:
    before = {k: len(v) for k, v in crm(settled).items()}
    for source in ("salesforce", "zendesk"):
        undo(settled, source)
    gone = crm(settled)
    assert all(not gone[t] for t in ("lead", "contact", "ticket", "inquiry", "alert"))
    flow.sync(settled.hub, SOURCES)
    assert not crm(settled)["lead"], "the cursor stands: nothing newer came"
    rung = len(settled.rows("SELECT 1 FROM ops.outbox WHERE event = 'lead_assigned'"))
    assert flow.sync(settled.hub, SOURCES, full=True).holds
    assert {k: len(v) for k, v in crm(settled).items()} == before
    assert rung == len(settled.rows("SELECT 1 FROM ops.outbox WHERE event = 'lead_assigned'")), (
        "what was undone and is read again rings nobody"
    )


def test_a_rehearsal_says_the_same_and_changes_nothing(settled: World) -> None:
    settled.add("salesforce", "leads", lea(at=900, Title="CEO"))
    flow.sync(settled.hub, ["salesforce"])
    before = crm(settled)
    said = preview_undo(
        settled.db.engine, acting(WHO), last_batch(settled, "salesforce")
    ).document()
    assert crm(settled) == before
    done = undo(settled, "salesforce").document()
    assert {**said, "undo": 0} == {**done, "undo": 0}


def test_what_people_did_since_stays(settled: World) -> None:
    settled.add(
        "salesforce", "leads",
        lea(at=900, Title="CEO"),
        *(salesforce_lead(n, at=900 + n, FirstName=f"F{n}", LastName=f"L{n}",
                          Email=f"f{n}@l{n}.example.com") for n in range(11, 17)),
    )  # fmt: skip
    flow.sync(settled.hub, ["salesforce"])
    batch = last_batch(settled, "salesforce")
    act(settled, edit, WHO, sf(1), {"city": "Lyon"})  # of an older batch: goes back under the edit
    act(settled, edit, WHO, sf(11), {"city": "Oslo"})
    act(settled, merge, WHO, sf(12), sf(13))
    entity = _entity(settled, sf(14))
    with settled.db.engine.begin() as conn:
        conn.execute(
            text("INSERT INTO crm.task (entity_id, who, content) VALUES (:e, 'ann', 'Call back')"),
            {"e": entity},
        )
    settled.add("salesforce", "leads", salesforce_lead(
        15, at=999, FirstName="F15", LastName="L15", Email="f15@l15.example.com", Title="CTO"))  # fmt: skip
    flow.sync(settled.hub, ["salesforce"])
    report = undo_batch(settled.db.engine, acting(WHO), batch)
    assert [k.records for k in report.edited] == [(sf(11),)]
    assert sorted((k.records, k.why) for k in report.blocked) == [
        ((sf(12), sf(13)), "a user has merged it"),
        ((sf(14),), "it has a task"),
        ((sf(15),), "a later batch brought it again"),
    ]
    rows = {r.last_name: r for r in settled.rows("SELECT * FROM crm.lead")}
    assert set(rows) == {"Moreau", "Brandt", "L11", "L13", "L14", "L15"}, "12 is within 13"
    assert (rows["Moreau"].title, rows["Moreau"].city) == (None, "Lyon")


def _entity(world: World, name: str) -> int:
    (row,) = world.rows(
        "SELECT entity_id FROM ops.source_record WHERE target = 'person' AND source_id = :i",
        i=name.rsplit("/", 1)[1],
    )
    return int(row.entity_id)


def test_what_was_in_the_way_is_taken_back_the_second_time(settled: World) -> None:
    before = crm(settled)
    settled.add("salesforce", "leads", lea(at=900, Title="CEO"))
    flow.sync(settled.hub, ["salesforce"])
    first = last_batch(settled, "salesforce")
    settled.add("salesforce", "leads", lea(at=950, Title="CTO"))
    flow.sync(settled.hub, ["salesforce"])
    assert undo_batch(settled.db.engine, acting(WHO), first).blocked
    undo(settled, "salesforce")
    assert "CEO" in str(crm(settled)["lead"])
    undo_batch(settled.db.engine, acting(WHO), first)
    assert but_turns(crm(settled)) == but_turns(before)


def test_consent_is_never_undone(settled: World) -> None:
    settled.add("mailchimp", "members", mailchimp_member(
        "m1", at=900, email_address="lea@moreau.example.com", status="unsubscribed"))  # fmt: skip
    flow.sync(settled.hub, ["mailchimp"])
    said = "SELECT address, state FROM reporting.consents"
    no = [("lea@moreau.example.com", "opt_out")]
    assert settled.rows(said) == no
    report = undo(settled, "mailchimp")
    assert report.consents
    assert settled.rows(said) == no, "the no stands at the address"


def test_a_turn_is_owed_and_its_member_is_served_first(settled: World) -> None:
    def arrive(number: int) -> Any:
        settled.add("salesforce", "leads", salesforce_lead(
            number, at=800 + number, FirstName="N", LastName=f"L{number}",
            Email=f"n{number}@l.example.com"))  # fmt: skip
        flow.sync(settled.hub, ["salesforce"])
        (row,) = settled.rows("SELECT owner_id FROM crm.lead WHERE last_name = :l", l=f"L{number}")
        return row.owner_id

    first = arrive(21)
    pointer = settled.rows("SELECT next_member_id FROM crm.distribution_group")
    undo(settled, "salesforce")
    assert settled.rows("SELECT next_member_id FROM crm.distribution_group") == pointer
    assert arrive(22) == first
    assert arrive(23) == pointer[0].next_member_id
    kept = settled.rows(
        "SELECT lead_id, withdrawn_by FROM ops.assignment WHERE withdrawn_by IS NOT NULL"
    )
    assert len(kept) == 1


@pytest.mark.parametrize("kind", ["none", "undone_kind", "running", "rep"])
def test_what_cannot_be_undone_is_said(settled: World, kind: str) -> None:
    batch = last_batch(settled, "salesforce")
    who, code = WHO, {"none": "not_found", "undone_kind": "invalid"}.get(kind, "conflict")
    with settled.db.engine.begin() as conn:
        if kind == "none":
            batch = 999_999
        elif kind == "running":
            conn.execute(text("UPDATE ops.batch SET state = 'running' WHERE id = :b"), {"b": batch})
    if kind == "undone_kind":
        batch = undo(settled, "salesforce").undo
    if kind == "rep":
        who, code = "ann@owners.example.com", "forbidden"
    before = crm(settled)
    with pytest.raises(ActionError) as told:
        undo_batch(settled.db.engine, acting(who), batch)
    assert told.value.code == code
    assert crm(settled) == before


def test_unmerging_after_an_undo_still_works(settled: World) -> None:
    settled.add("salesforce", "leads", noah(31, at=931))
    flow.sync(settled.hub, ["salesforce"])
    act(settled, unmerge, WHO, sf(31))
    undo(settled, "salesforce")
    assert not settled.rows("SELECT 1 FROM crm.lead WHERE merged_into IS NOT NULL")
