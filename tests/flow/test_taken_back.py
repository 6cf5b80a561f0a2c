"""Rows that a changed mapping no longer asks for are taken back, or stay if they are in use."""

from dataclasses import replace
from pathlib import Path

from hub.actions.activities import activity
from hub.etl import flow, remap_preview, reprocess
from hub.etl.remap_rows import Foreseen
from hub.mappings.loader import load_all
from tests.flow.conftest import World, hubspot_contact, salesforce_lead
from tests.flow.test_actions import act, sf
from tests.flow.test_reprocess import _changed

WHO = "operator"
LEADS = "SELECT last_name, unasked_since, archived_at FROM crm.lead ORDER BY id"


def stricter(world: World, folder: Path) -> World:
    """The same world under a mapping that leaves out all people in Lyon."""
    changed = _changed(
        folder, "deleted: {is_true: IsDeleted}",
        "deleted: {is_true: IsDeleted}\nwhen: {not_equals: {path: City, value: Lyon}}",
    )  # fmt: skip
    return replace(world, hub=replace(world.hub, mappings=load_all(changed)))


def test_a_mapping_takes_back_what_nobody_has_touched(world: World, tmp_path: Path) -> None:
    for at in (1, 60):
        world.add("salesforce", "leads", *(
            salesforce_lead(n, at=at + n, LastName=name, City="Lyon", Title=f"at {at}")
            for n, name in enumerate(("Moreau", "Brandt"), 1)
        ))  # fmt: skip
        flow.sync(world.hub, ["salesforce"])
    act(world, activity.write, WHO, "note", sf(2), {"content": "Called"})
    hub = stricter(world, tmp_path / "m").hub
    plan = remap_preview.preview(hub, "salesforce", "leads")
    assert plan.rows == Foreseen(taken_back=1, kept_unasked=1)
    reprocess.remap(hub, "salesforce", "leads")
    (left,) = world.rows(LEADS)
    assert (left.last_name, left.archived_at) == ("Brandt", None)
    assert left.unasked_since is not None
    taken = world.rows("SELECT lead_id FROM ops.assignment WHERE withdrawn_by IS NOT NULL")
    assert [row.lead_id for row in taken] == [None]
    reprocess.remap(world.hub, "salesforce", "leads")
    assert [row.unasked_since for row in world.rows(LEADS)] == [None, None]


def test_who_works_on_a_lead_that_its_source_converts_is_told_once(world: World) -> None:
    person = {"lastname": "Moreau", "email": "lea@m.example.com"}
    world.add("hubspot", "contacts", hubspot_contact(0, lastname="First"))
    flow.sync(world.hub, ["hubspot"])  # the first load is in the bulk lane
    world.add("hubspot", "contacts", hubspot_contact(1, lifecyclestage="lead", **person))
    flow.sync(world.hub, ["hubspot"])
    act(world, activity.write, WHO, "note", "hubspot/contacts/1", {"content": "Called"})
    for at, stage in ((60, "customer"), (120, "lead"), (180, "customer")):
        changed = hubspot_contact(1, at=at, lifecyclestage=stage, **person)
        world.add("hubspot", "contacts", changed)
        flow.sync(world.hub, ["hubspot"])
    (lead,) = world.rows("SELECT * FROM crm.lead WHERE last_name = 'Moreau'")
    assert lead.converted_at is None
    assert lead.source_converted_at is not None
    (contact,) = world.rows("SELECT owner_id FROM crm.contact")
    assert contact.owner_id == lead.owner_id is not None
    told = world.rows("SELECT user_id FROM ops.outbox WHERE event = 'lead_converted_in_source'")
    assert [row.user_id for row in told] == [lead.owner_id]
