"""Erased people stay out: by the vendor's id, by their own address, by a shared one with the name."""

from datetime import UTC, datetime

import pytest

from hub.etl import flow
from hub.model.erasure import ErasureKey, TombstoneKind
from hub.records import tombstones
from hub.records.erasure_key import key_file, make_key
from hub.records.tombstones import Tombstone
from tests.flow.conftest import World, hubspot_contact, salesforce_lead, typeform_answer

LEA = {"FirstName": "Lea", "LastName": "Moreau"}


def bury(world: World, *of: tuple[TombstoneKind, tuple[str, ...]]) -> ErasureKey:
    """Keep tombstones, as an erasure would."""
    key = make_key(world.hub.settings.home)
    at = datetime.now(UTC)
    with world.db.engine.begin() as conn:
        rows = [Tombstone(key.digest(kind, *form), kind, "e1", key.id, at) for kind, form in of]
        tombstones.add(conn, rows)
    return key


def blocked(world: World) -> int:
    with world.db.engine.begin() as conn:
        return sum(one.blocked for one in tombstones.erasures(conn))


def verdicts(world: World) -> list[tuple[str, str]]:
    rows = world.rows("SELECT source_id, verdict FROM ops.verdict ORDER BY verdict, source_id")
    return [(row.source_id.partition(":")[0], row.verdict) for row in rows]


def everything(world: World) -> str:
    """Return the raw store, the records and the CRM as one text."""
    tables = ("landing.raw", "landing.head", "landing.quarantine", "ops.source_record", "crm.lead",
              "ops.verdict", "ops.consent_event", "crm.note", "crm.inquiry")  # fmt: skip
    found = [
        str(row.body) for t in tables for row in world.rows(f"SELECT t::text AS body FROM {t} t")
    ]
    return "\n".join(found).lower()


def test_an_erased_object_is_blocked_when_it_lands(world: World) -> None:
    lea = salesforce_lead(1, Email="other@moreau.example.com", **LEA)
    key = bury(world, (TombstoneKind.RECORD, ("salesforce", "leads", lea.source_id)))
    world.add(
        "salesforce", "leads", lea, salesforce_lead(2, LastName="Roux", Email="r@roux.example.com")
    )
    assert flow.sync(world.hub, ["salesforce"]).holds, "the ledger adds up"
    assert verdicts(world) == [("00Q000000000002AAA", "created"), ("erased", "excluded")]
    assert "moreau" not in everything(world)
    assert lea.source_id.lower() not in everything(world)
    assert blocked(world) == 1
    assert flow.sync(world.hub, ["salesforce"], full=True).holds
    assert blocked(world) == 2, "and each time again"
    assert key.erased_id("salesforce", "leads", lea.source_id) in everything(world)


@pytest.mark.parametrize(
    "written",
    [
        "LEA@Moreau.example.com",
        "lea+news@moreau.example.com",
        "Lea Moreau <lea@moreau.example.com>",
    ],
)
def test_a_new_object_with_an_erased_address_is_blocked_when_it_is_mapped(
    world: World, written: str
) -> None:
    bury(world, (TombstoneKind.EMAIL, ("lea@moreau.example.com",)))
    world.add("hubspot", "contacts", hubspot_contact(7, email=written, firstname="L", lastname="M"))
    assert flow.sync(world.hub, ["hubspot"]).holds
    assert "moreau" not in everything(world)
    assert verdicts(world) == [("erased", "excluded")]
    assert not world.rows("SELECT 1 FROM ops.pending")
    assert blocked(world) == 1
    world.add("hubspot", "contacts", hubspot_contact(7, at=99, email="l@new.example.com"))
    assert flow.sync(world.hub, ["hubspot"]).holds
    assert not world.rows("SELECT 1 FROM crm.lead"), "its id is known by now"


def test_a_shared_address_blocks_only_the_name_that_was_erased(world: World) -> None:
    bury(world, (TombstoneKind.NAMED, ("family@moreau.example.com", "moreau, lea")))
    shared = {"Email": "family@moreau.example.com"}
    world.add("salesforce", "leads", salesforce_lead(1, **LEA, **shared),
              salesforce_lead(2, FirstName="Paul", LastName="Moreau", **shared))  # fmt: skip
    assert flow.sync(world.hub, ["salesforce"]).holds
    assert [r.first_name for r in world.rows("SELECT first_name FROM crm.lead")] == ["Paul"]
    assert blocked(world) == 1


def test_what_others_write_of_an_erased_person_loses_the_address(world: World) -> None:
    bury(
        world,
        (TombstoneKind.EMAIL, ("lea@moreau.example.com",)),
        (TombstoneKind.TAIL, ("612345678",)),
    )
    said = "Ask lea@moreau.example.com or 06 12 34 56 78, please."
    answer = typeform_answer("t1", email="paul@roux.example.com", message=said)
    world.add("typeform", "responses", answer)
    assert flow.sync(world.hub, ["typeform"]).holds
    assert "lea@" not in everything(world)
    assert "34 56 78" not in everything(world)
    assert "ask [erased] or [erased], please." in everything(world)
    assert blocked(world) == 0
    assert flow.sync(world.hub, ["typeform"], full=True).holds
    assert "lea@" not in everything(world)


def test_without_its_key_no_source_is_read(world: World) -> None:
    bury(world, (TombstoneKind.EMAIL, ("lea@moreau.example.com",)))
    assert key_file(world.hub.settings.home).stat().st_mode & 0o777 == 0o600
    key_file(world.hub.settings.home).unlink()
    world.add("salesforce", "leads", salesforce_lead(1, **LEA))
    report = flow.sync(world.hub, ["salesforce"])
    assert not report.holds
    assert "the key of erased people is missing" in report.faults[0].message
    assert not world.rows("SELECT 1 FROM landing.raw")
