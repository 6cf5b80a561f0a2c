"""A contact that people keep: it outlives its sources, merges with leads, and comes back."""

from hub.actions.identity.merge import Merged, merge, unmerge
from hub.etl import flow
from hub.model.verdicts import Op
from tests.flow.conftest import World, hubspot_contact, prepared, salesforce_lead
from tests.flow.test_actions import act, lead_of, sf

CONTACTS = (
    "SELECT entity_id, last_name, title, owner_id, kept_by, merged_into, archived_at, company_id "
    "FROM crm.contact ORDER BY entity_id"
)
STANDING = "SELECT * FROM crm.contact WHERE merged_into IS NULL AND archived_at IS NULL ORDER BY id"


@prepared
def kept(world: World) -> World:
    """Two leads; the second is a contact as well, because people say so."""
    world.add("salesforce", "leads",
              salesforce_lead(1, LastName="Moreau", Email="lea@moreau.example.com"),
              salesforce_lead(2, LastName="Brandt", Email="noah@brandt.example.com"))  # fmt: skip
    flow.sync(world.hub, ["salesforce"])
    with world.db.engine.begin() as conn:
        conn.exec_driver_sql(
            "INSERT INTO crm.contact (entity_id, last_name, owner_id, batch_id, kept_by) "
            "SELECT entity_id, last_name, owner_id, batch_id, 'person' FROM crm.lead "
            "WHERE last_name = 'Brandt'"
        )
        conn.exec_driver_sql("UPDATE crm.lead SET converted_at = now() WHERE last_name = 'Brandt'")
    return world


def test_what_a_source_says_later_goes_to_the_contact(kept: World) -> None:
    changed = salesforce_lead(
        2, at=500, LastName="Brandt", Email="noah@brandt.example.com", Title="CEO"
    )
    kept.add("salesforce", "leads", changed)
    assert flow.sync(kept.hub, ["salesforce"]).holds
    (contact,) = kept.rows("SELECT * FROM crm.contact")
    assert (contact.title, lead_of(kept, sf(2)).title) == ("CEO", None)
    assert lead_of(kept, sf(2)).contact_id == contact.id


def test_a_contact_that_people_keep_outlives_its_sources(kept: World) -> None:
    kept.add("salesforce", "leads", salesforce_lead(2, at=500, op=Op.DELETE, LastName="Brandt"))
    flow.sync(kept.hub, ["salesforce"])
    (contact,) = kept.rows("SELECT * FROM crm.contact")
    assert contact.archived_at is None
    assert kept.rows("SELECT 1 FROM ops.source_record WHERE gone_at IS NOT NULL")


def test_a_lead_that_absorbs_such_a_contact_is_one_until_they_part(kept: World) -> None:
    before, leads_before = kept.rows(CONTACTS), [lead_of(kept, sf(n)) for n in (1, 2)]
    merged: Merged = act(kept, merge, "operator", sf(1), sf(2))
    (contact,) = kept.rows(STANDING)
    assert contact.entity_id == merged.survivor == leads_before[0].entity_id
    assert contact.owner_id == leads_before[1].owner_id, "nobody owned it: the absorbed one's owner"
    (absorbed,) = kept.rows("SELECT * FROM crm.contact WHERE entity_id = :e", e=merged.absorbed)
    assert absorbed.merged_into == contact.id
    act(kept, unmerge, "operator", str(leads_before[1].id))
    (again,) = kept.rows(STANDING)
    assert again.entity_id == leads_before[1].entity_id
    assert [row for row in kept.rows(CONTACTS) if row.archived_at is None] == before
    one, two = (lead_of(kept, sf(n)) for n in (1, 2))
    assert (one.contact_id, one.archived_at) == (None, None)
    assert (two.contact_id, two.archived_at, two.merged_into) == (again.id, None, None)


def test_a_contact_that_no_source_asks_for_any_more_stays_and_says_so(world: World) -> None:
    world.add(
        "salesforce", "leads", salesforce_lead(1, LastName="Moreau", Email="lea@m.example.com")
    )
    customer = {"lastname": "Moreau", "email": "lea@m.example.com"}
    world.add("hubspot", "contacts", hubspot_contact(1, lifecyclestage="customer", **customer))
    flow.sync(world.hub, ["salesforce", "hubspot"])
    assert len(world.rows(STANDING)) == 1
    world.add("hubspot", "contacts", hubspot_contact(1, at=500, op=Op.DELETE, **customer))
    flow.sync(world.hub, ["hubspot"])
    (unasked,) = world.rows(STANDING)
    assert unasked.unasked_since is not None
    assert lead_of(world, sf(1)).contact_id == unasked.id
    world.add("hubspot", "contacts",
              hubspot_contact(1, at=900, lifecyclestage="customer", **customer))  # fmt: skip
    flow.sync(world.hub, ["hubspot"])
    (contact,) = world.rows(STANDING)
    assert (contact.id, contact.unasked_since) == (unasked.id, None)
    assert lead_of(world, sf(1)).contact_id == contact.id
