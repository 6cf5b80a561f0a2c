"""All that belongs to a person follows every merge and every split."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub.actions.batches.undo import undo_batch
from hub.actions.identity.merge import Merged, merge, unmerge
from hub.errors import ActionError
from hub.etl import flow
from hub.model.verdicts import Op
from tests.acting import acting, done
from tests.flow.conftest import (
    START,
    World,
    mailchimp_member,
    prepared,
    salesforce_lead,
    typeform_answer,
)

SOURCES = ["mailchimp", "salesforce", "typeform"]
WHO = "operator"
LEA = {"FirstName": "Lea", "LastName": "Moreau", "Email": "lea@moreau.example.com"}


def act(world: World, verb: Any, *arguments: Any) -> Any:
    with world.db.engine.begin() as conn:
        return done(conn, verb, *arguments)


def noah_by_mail(**more: Any) -> Any:
    return mailchimp_member(
        "m1",
        full_name="Noah Brandt",
        email_address="noah@brandt.example.com",
        member_rating=5,
        **more,
    )


def noah_by_form(**more: Any) -> Any:
    return typeform_answer(
        "a" * 12, first_name="Noah", last_name="Brandt", email="noah@brandt.example.com", **more
    )


def history(world: World) -> dict[str, set[int]]:
    """Return who has notes and inquiries, by kind."""
    return {
        kind: {row.entity_id for row in world.rows(f"SELECT entity_id FROM {table}")}
        for kind, table in (("notes", "crm.note"), ("inquiries", "crm.inquiry"))
    }


def entity_of(world: World, source: str) -> int:
    (row,) = world.rows(
        "SELECT entity_id FROM ops.source_record WHERE source = :s AND target = 'person'", s=source
    )
    return int(row.entity_id)


@prepared
def two(world: World) -> World:
    """Lea, and Noah: his form with a note and a question is gone, his opt-out is an older word."""
    world.add("salesforce", "leads", salesforce_lead(1, **LEA))
    assert flow.sync(world.hub, SOURCES).holds
    form = noah_by_form(message="Prices?", colour="Blue, by all means")
    world.add("mailchimp", "members", noah_by_mail(status="unsubscribed"))
    world.add("typeform", "responses", form)
    assert flow.sync(world.hub, SOURCES).holds
    world.add("mailchimp", "members", noah_by_mail(at=700))
    world.add(
        "typeform", "responses", replace(form, op=Op.DELETE, at=START + timedelta(seconds=700))
    )
    assert flow.sync(world.hub, SOURCES).holds
    gone = world.rows("SELECT target FROM ops.source_record WHERE gone_at IS NOT NULL")
    assert {row.target for row in gone} == {"person", "note", "inquiry"}
    said = world.rows("SELECT state FROM ops.consent_event ORDER BY id")
    assert [row.state for row in said] == ["opt_out", "opt_in"]
    return world


def test_what_a_source_no_longer_has_follows_a_merge_and_a_split(two: World) -> None:
    before, noah = history(two), entity_of(two, "typeform")
    assert before == {kind: {noah} for kind in ("notes", "inquiries")}
    merged: Merged = act(two, merge, WHO, "salesforce/leads/00Q000000000001AAA", _noah(two))
    assert history(two) == {kind: {merged.survivor} for kind in before}
    assert merged.survivor != noah
    (row,) = two.rows("SELECT id FROM crm.lead WHERE entity_id = :e", e=merged.absorbed)
    act(two, unmerge, WHO, f"lead/{row.id}")
    assert history(two) == before


def _noah(world: World) -> str:
    (row,) = world.rows("SELECT id FROM crm.lead WHERE last_name = 'Brandt'")
    return f"lead/{row.id}"


def test_nothing_that_is_gone_comes_back_by_a_merge(two: World) -> None:
    with two.db.owner_engine().begin() as conn:
        conn.exec_driver_sql("DELETE FROM crm.note")
    act(two, merge, WHO, "salesforce/leads/00Q000000000001AAA", _noah(two))
    assert history(two)["notes"] == set()


def _batch(world: World, source: str) -> int:
    (row,) = world.rows("SELECT max(id) AS id FROM ops.batch WHERE source = :s", s=source)
    return int(row.id)


@pytest.mark.parametrize("undone", ["salesforce", "mailchimp"])
def test_unmerging_what_an_undo_has_left_alone_is_refused_in_words(
    world: World, undone: str
) -> None:
    """The matcher made two leads one; then the records of the one, or of the other, are undone."""
    world.add("salesforce", "leads", salesforce_lead(1, **LEA))
    assert flow.sync(world.hub, SOURCES).holds
    batches = {"salesforce": _batch(world, "salesforce")}
    world.add("mailchimp", "members", noah_by_mail())
    assert flow.sync(world.hub, SOURCES).holds
    batches["mailchimp"] = _batch(world, "mailchimp")
    (lead,) = world.rows(
        "SELECT public_id FROM ops.entity JOIN crm.lead l ON l.entity_id = ops.entity.id "
        "WHERE last_name = 'Brandt'"
    )
    other = {"salesforce": "mailchimp", "mailchimp": "salesforce"}[undone]
    if other == "mailchimp":
        world.add("mailchimp", "members", mailchimp_member(
            "m1", at=800, full_name="Lea Moreau", email_address=LEA["Email"], member_rating=5))  # fmt: skip
    else:
        world.add("salesforce", "leads", salesforce_lead(
            1, at=800, FirstName="Noah", LastName="Brandt", Email="noah@brandt.example.com"))  # fmt: skip
    assert flow.sync(world.hub, SOURCES).holds
    assert world.rows("SELECT 1 FROM crm.lead WHERE merged_into IS NOT NULL")
    report = undo_batch(world.db.engine, acting(WHO), batches[undone])
    assert not report.blocked
    before = world.rows("SELECT * FROM ops.edge ORDER BY id")
    with pytest.raises(ActionError, match="a record each") as told:
        act(world, unmerge, WHO, str(lead.public_id))
    assert told.value.code == "conflict"
    assert told.value.hint
    assert world.rows("SELECT * FROM ops.edge ORDER BY id") == before
