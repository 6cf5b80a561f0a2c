"""The way of a record from a vendor's page to its owner, over a real database."""

import itertools

import pytest

from hub.etl import flow
from hub.model.verdicts import Op
from tests.flow.conftest import World, salesforce_lead, typeform_answer

BOTH = ["salesforce", "typeform"]


def test_a_lead_is_loaded_assigned_and_accounted_for(world: World) -> None:
    world.salesforce.objects["leads"] = [
        salesforce_lead(
            n, LastName=f"Name{n}", FirstName="Eve", Email=f"eve{n}@corp{n}.example.com"
        )
        for n in range(1, 8)
    ]
    report = flow.sync(world.hub, ["salesforce"])
    assert report.holds
    (entry,) = [e for e in report.ledgers if e.stream == "leads"]
    assert (entry.counted, entry.seen, dict(entry.verdicts)) == (7, 7, {"created": 7})
    owners = [row.n for row in world.rows("SELECT count(*) AS n FROM crm.lead GROUP BY owner_id")]
    assert sorted(owners) == [2, 2, 3]
    told = {row.event for row in world.rows("SELECT event FROM ops.outbox")}
    assert told == {"leads_digest"}, "an initial load rings nobody"


def test_a_second_sync_changes_nothing(world: World) -> None:
    world.salesforce.objects["leads"] = [salesforce_lead(n, LastName=f"N{n}") for n in range(1, 4)]
    flow.sync(world.hub, ["salesforce"])
    again = flow.sync(world.hub, ["salesforce"], full=True)
    assert again.holds
    assert again.stages["land"]["landed"] == 0
    (entry,) = [e for e in again.ledgers if e.stream == "leads"]
    assert dict(entry.verdicts) == {"unchanged": 3}


def test_a_later_lead_rings_its_owner_once(world: World) -> None:
    world.salesforce.objects["leads"] = [salesforce_lead(1, LastName="First")]
    flow.sync(world.hub, ["salesforce"])
    world.salesforce.objects["leads"].append(salesforce_lead(2, LastName="Second"))
    flow.sync(world.hub, ["salesforce"])
    flow.sync(world.hub, ["salesforce"])
    events = world.rows("SELECT event, dedupe_key FROM ops.outbox WHERE event <> 'leads_digest'")
    assert [tuple(e) for e in events] == [
        ("lead_assigned", "lead_assigned:salesforce/leads/00Q000000000002AAA")
    ]
    assert len(world.rows("SELECT * FROM crm.alert WHERE lead_id IS NOT NULL")) == 1


def test_who_asks_again_is_an_inquiry_not_a_lead(world: World) -> None:
    world.salesforce.objects["leads"] = [
        salesforce_lead(1, LastName="Moreau", FirstName="Lea", Email="lea@moreau.example.com")
    ]
    flow.sync(world.hub, BOTH)
    world.typeform.objects["responses"] = [
        typeform_answer("t1", at=50, first_name="Lea", last_name="Moreau",
                        email="lea@moreau.example.com", message="call me")
    ]  # fmt: skip
    flow.sync(world.hub, BOTH)
    assert len(world.rows("SELECT * FROM reporting.leads")) == 1
    assert [r.message for r in world.rows("SELECT message FROM crm.inquiry")] == ["call me"]
    assert [r.event for r in world.rows("SELECT event FROM ops.outbox ORDER BY id")] == [
        "leads_digest", "inquiry_received"
    ]  # fmt: skip
    assert len(world.rows("SELECT * FROM ops.assignment WHERE group_id IS NOT NULL")) == 1


@pytest.mark.parametrize("order", list(itertools.permutations("abf")))
def test_a_form_with_two_peoples_keys_never_connects_them(
    world: World, order: tuple[str, ...]
) -> None:
    records = {
        "a": ("salesforce", "leads", salesforce_lead(1, FirstName="Anna", LastName="Keller",
              Email="anna.keller@keller.example.com", Phone="+33 6 39 98 00 01", Company="Keller SA")),
        "b": ("salesforce", "leads", salesforce_lead(2, FirstName="Marc", LastName="Dubois",
              Email="marc@dubois.example.com", Phone="+33 6 39 98 00 02", Company="Dubois SARL")),
        "f": ("typeform", "responses", typeform_answer("t1", at=3, first_name="Anna",
              last_name="Keller", email="anna.keller@keller.example.com", phone="+33639980002")),
    }  # fmt: skip
    for step, name in enumerate(order, start=1):
        source, stream, record = records[name]
        connector = world.salesforce if source == "salesforce" else world.typeform
        from dataclasses import replace
        from datetime import timedelta

        from tests.flow.conftest import START

        late = replace(record, at=START + timedelta(seconds=step * 10))
        connector.objects.setdefault(stream, []).append(late)
        flow.sync(world.hub, BOTH)
    entity = {
        row.source_id: row.entity_id
        for row in world.rows(
            "SELECT source_id, entity_id FROM ops.source_record WHERE target = 'person'"
        )
    }
    anna, marc = entity["00Q000000000001AAA"], entity["00Q000000000002AAA"]
    assert anna != marc
    assert entity["f1:t1"] == anna
    reviews = world.rows(
        "SELECT least(a.source_id, b.source_id) AS x, greatest(a.source_id, b.source_id) AS y "
        "FROM ops.review r JOIN ops.source_record a ON a.id = r.a JOIN ops.source_record b ON b.id = r.b"
    )
    assert [tuple(r) for r in reviews] == [("00Q000000000002AAA", "f1:t1")]


def test_a_hidden_row_makes_the_ledger_red_and_names_the_range(world: World) -> None:
    world.salesforce.objects["leads"] = [salesforce_lead(n, LastName=f"N{n}") for n in range(1, 40)]
    world.salesforce.hidden = {"00Q000000000017AAA"}
    report = flow.sync(world.hub, ["salesforce"])
    (entry,) = [e for e in report.ledgers if e.stream == "leads"]
    assert not report.holds
    assert entry.shortage["missing"] == 1
    assert str(entry.shortage["narrowest"]).startswith("2026-01-01T00:00:17")
    world.salesforce.hidden = set()
    assert flow.sync(world.hub, ["salesforce"]).holds, "the window is read again next time"
    assert len(world.rows("SELECT * FROM crm.lead")) == 39


@pytest.mark.parametrize("stage", ["normalize", "match"])
def test_a_row_lost_between_stages_is_named(world: World, stage: str) -> None:
    with world.db.owner_engine().begin() as conn:
        conn.exec_driver_sql(
            "CREATE FUNCTION ops.lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NEW.stage = '{stage}' AND NOT EXISTS (SELECT 1 FROM ops.pending WHERE stage = NEW.stage) "
            "THEN RETURN NULL; END IF; RETURN NEW; END $$"
        )
        conn.exec_driver_sql(
            "CREATE TRIGGER lose BEFORE INSERT ON ops.pending FOR EACH ROW EXECUTE FUNCTION ops.lose()"
        )
    world.salesforce.objects["leads"] = [salesforce_lead(1, LastName="Lost")]
    report = flow.sync(world.hub, ["salesforce"])
    (entry,) = [e for e in report.ledgers if e.stream == "leads"]
    assert not report.holds
    assert list(entry.lost) == ["00Q000000000001AAA"]


def test_a_deleted_lead_is_archived_and_a_vendor_merge_is_followed(world: World) -> None:
    world.salesforce.objects["leads"] = [
        salesforce_lead(1, LastName="Stays", FirstName="Zoe", Company="One"),
        salesforce_lead(2, LastName="Goes", FirstName="Ulf", Company="Two"),
        salesforce_lead(3, LastName="Loser", FirstName="Ida", Company="Three"),
    ]
    flow.sync(world.hub, ["salesforce"])
    world.salesforce.objects["leads"] += [
        salesforce_lead(2, at=50, op=Op.DELETE, LastName="Goes"),
        salesforce_lead(3, at=51, op=Op.MERGE_INTO, into="00Q000000000001AAA", LastName="Loser"),
    ]
    report = flow.sync(world.hub, ["salesforce"])
    assert report.holds
    leads = world.rows("SELECT last_name, archived FROM reporting.leads ORDER BY id")
    assert [tuple(r) for r in leads] == [("Stays", False), ("Goes", True)]


def test_legacy_owners_are_taken_over_by_email_and_leavers_go_to_the_group(world: World) -> None:
    import json
    from datetime import timedelta

    from hub.model.records import RawRecord
    from tests.flow.conftest import START

    def user(number: int, email: str) -> RawRecord:
        source_id = f"005{number:012d}AAA"
        row = {"Id": source_id, "Name": email.partition("@")[0], "Email": email, "IsActive": True}
        return RawRecord(
            source_id, Op.UPSERT, START + timedelta(seconds=1), "1", json.dumps(row).encode()
        )

    world.salesforce.objects["users"] = [
        user(1, "Bob@owners.example.com"), user(2, "leaver@owners.example.com")
    ]  # fmt: skip
    world.salesforce.objects["leads"] = [
        salesforce_lead(1, LastName="A", OwnerId="005000000000001AAA"),
        salesforce_lead(2, LastName="B", OwnerId="005000000000002AAA"),
    ]
    report = flow.sync(world.hub, ["salesforce"])
    users = next(e for e in report.ledgers if e.stream == "users")
    assert dict(users.verdicts) == {"merged": 1, "created": 1}
    owners = world.rows("SELECT last_name, owner_email FROM reporting.leads ORDER BY id")
    assert [tuple(r) for r in owners] == [
        ("A", "bob@owners.example.com"),
        ("B", "ann@owners.example.com"),
    ]
    reasons = [r.reason for r in world.rows("SELECT reason FROM reporting.assignments ORDER BY id")]
    assert reasons[0].startswith("legacy owner")
    assert "inactive" in reasons[1]
