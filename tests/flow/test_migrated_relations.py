"""Relations of a source's records, whatever the order of arrival: parents, conversions, rejects that come back."""

import json
from typing import Any

from hub.etl import flow
from tests.flow.conftest import World
from tests.flow.migrating import STREAMS, hold, made, migrating, org
from tests.flow.test_migrated import batch_of, differences, seen, sync, undo
from tests.flow.test_undo import crm

LAST = 10_000


def late(objects: dict[str, list[Any]], at: int) -> dict[str, list[Any]]:
    """The same objects, changed at another moment: after what was read before."""
    return {
        stream: [made(r.source_id, at=at, **{k: v for k, v in json.loads(r.payload).items() if k != "Id"}) for r in own]
        for stream, own in objects.items()
    }  # fmt: skip


def test_every_order_of_arrival_gives_the_same(world: World) -> None:
    """Six orgs alike but for their names, each with its streams in another order, one read a stream."""
    import random

    migrating(world)
    orders = [random.Random(n).sample(STREAMS, len(STREAMS)) for n in range(1, 6)]
    for step in range(len(STREAMS)):
        for n, order in enumerate(orders, 1):
            hold(world, late(org(str(n)), 100 * step + n), order[step]) if order[
                step
            ] != "leads" else None
        sync(world)
    names = ["Acme", "Borel", "Cadot", "Doria", "Estel"]
    found = [
        json.dumps(seen(world, name), default=str).replace(name, "X").replace(name.lower(), "x")
        for name in names
    ]
    assert found[0].count("2024-06-30") >= 2
    for one in found[1:]:
        assert one == found[0]
    assert not world.rows("SELECT 1 FROM ops.wanted")
    assert not world.rows("SELECT 1 FROM landing.quarantine WHERE resolved_at IS NULL")
    verdicts = world.rows("SELECT verdict, count(*) AS n FROM ops.verdict GROUP BY 1 ORDER BY 1")
    assert {row.verdict for row in verdicts} == {"created"}
    parents = world.rows("SELECT p.organization_name AS name FROM crm.contact c JOIN crm.contact p ON p.id = c.parent_id ORDER BY 1")  # fmt: skip
    assert [row.name for row in parents] == [f"{name} Holding" for name in names]


def test_what_names_nothing_that_came_is_rejected_and_comes_back(world: World) -> None:
    hold(migrating(world), org(), "users", "opportunities", "tasks", "notes")
    hold(world, {"opportunities": [made("006Z", at=2, Name="Odd", StageName="Haggling", CurrencyIsoCode="XQX", AccountId="001F1")]})  # fmt: skip
    report = sync(world)
    verdicts = {entry.stream: dict(entry.verdicts) for entry in report.ledgers}
    assert verdicts["opportunities"] == {"rejected": 3}
    assert verdicts["tasks"] == verdicts["notes"] == {"rejected": 1}
    told = {row.source_id: (row.field, row.value) for row in world.rows("SELECT * FROM landing.quarantine WHERE resolved_at IS NULL ORDER BY id DESC")}  # fmt: skip
    assert "accounts/001F1" in told["006D1"][1]
    reasons = {(row.field, row.reason) for row in world.rows("SELECT field, reason FROM landing.quarantine WHERE source_id = '006Z'")}  # fmt: skip
    assert ("stage", "the pipeline Sales has no stage 'Haggling'") in {(f, r.split(";")[0]) for f, r in reasons}  # fmt: skip
    assert {field for field, _ in reasons} == {"stage", "currency"}
    hold(world, late(org(), 50), "accounts", "contacts")
    sync(world)
    assert len(seen(world)["deals"]) == 2
    assert [row[0] for row in seen(world)["activities"]] == ["note", "task"]
    now = world.rows("SELECT stream, verdict, count(*) AS n FROM ops.verdict GROUP BY 1, 2 ORDER BY 1, 2")  # fmt: skip
    assert [tuple(row) for row in now if row.stream in {"opportunities", "tasks", "notes"}] == [
        ("notes", "created", 1),
        ("opportunities", "created", 2),
        ("opportunities", "rejected", 1),
        ("tasks", "created", 1),
    ]


def test_parents_in_a_circle_are_cut_at_the_youngest_link(world: World) -> None:
    migrating(world)
    firms = [("001A", "Alba", "001B", 3), ("001B", "Brom", "001C", 9), ("001C", "Cyan", "001A", 5), ("001D", "Delf", "001A", 20)]  # fmt: skip
    for source_id, name, parent, at in firms:
        hold(world, {"accounts": [made(source_id, at=at, Name=name, Website=f"https://{name}.example", ParentId=parent)]})  # fmt: skip
        flow.sync(world.hub, ["salesforce"], full=True)
    tree = "SELECT c.organization_name AS a, p.organization_name AS b FROM crm.contact c LEFT JOIN crm.contact p ON p.id = c.parent_id ORDER BY 1"  # fmt: skip
    cut = [("Alba", "Brom"), ("Brom", None), ("Cyan", "Alba"), ("Delf", "Alba")]
    assert [tuple(row) for row in world.rows(tree)] == cut
    (told,) = world.rows("SELECT source_id, field, reason FROM landing.quarantine WHERE resolved_at IS NULL")  # fmt: skip
    assert (told.source_id, told.field) == ("001B", "parent")
    assert "circle" in told.reason
    before = crm(world)
    hold(world, {"accounts": [made("001E", at=30, Name="Elan", Website="https://elan.example"), made("001C", at=31, Name="Cyan", Website="https://Cyan.example", ParentId="001E")]})  # fmt: skip
    sync(world)
    assert ("Cyan", "Elan") in [tuple(row) for row in world.rows(tree)]
    undo(world, batch_of(world))
    assert differences(before, crm(world)) == {}


def test_a_converted_lead_points_to_what_it_became_in_any_order(world: World) -> None:
    migrating(world)
    ids = {"ConvertedContactId": "003L1", "ConvertedAccountId": "001F1", "ConvertedOpportunityId": "006D1"}  # fmt: skip
    lead = made("00Q1", FirstName="Lea", LastName="Acme", Email="lea@acme.example", ConvertedDate="2024-06-01", **ids)  # fmt: skip
    hold(world, {"leads": [lead]})
    sync(world)
    said = (
        "SELECT x.who, x.at::date::text, p.first_name, o.organization_name, d.name, d.lead_id = l.id AS back, "
        "l.converted_at::date::text AS converted FROM crm.conversion x JOIN crm.lead l ON l.id = x.lead_id "
        "LEFT JOIN crm.contact p ON p.id = x.person_id LEFT JOIN crm.contact o ON o.id = x.company_id "
        "LEFT JOIN crm.deal d ON d.id = x.deal_id"
    )
    assert [tuple(row) for row in world.rows(said)] == [("salesforce", "2024-06-01", None, None, None, None, "2024-06-01")]  # fmt: skip
    before = crm(world)
    for n, stream in enumerate(("opportunities", "contacts", "accounts"), 1):
        hold(world, late(org(), 50 * n), stream)
        sync(world)
    whole = ("salesforce", "2024-06-01", "Lea", "Acme Works", "Acme 2024", True, "2024-06-01")
    assert [tuple(row) for row in world.rows(said)] == [whole]
    assert not world.rows("SELECT 1 FROM crm.lead WHERE converted_at IS NULL")
    accounts = batch_of(world)
    report = undo(world, accounts)
    assert {k.why for k in report.blocked} == {"it has a deal"}
    for batch in (accounts - 2, accounts, accounts - 1):
        assert not undo(world, batch).blocked
    assert differences(before, crm(world)) == {}
    undo(world, 1)
    assert not world.rows("SELECT 1 FROM crm.conversion UNION ALL SELECT 1 FROM crm.lead")


def test_activities_follow_the_person_that_they_name(world: World) -> None:
    """Two records of one person are parted: what names the second one goes with it, and comes back."""
    migrating(world)
    twin = {"FirstName": "Lea", "LastName": "Acme", "Email": "lea@acme.example"}
    hold(world, {**org(), "contacts": [*org()["contacts"], made("003N1", at=2, **twin)],
                 "notes": [*org()["notes"], made("0021N", at=2, Body="Of the other", ContactId="003N1", CreatedById="005U1")]})  # fmt: skip
    hold(world, {"opportunities": [made("006N", at=3, Name="Other", StageName="Quote", ContactId="003N1")]})  # fmt: skip
    sync(world)
    (one,) = world.rows("SELECT DISTINCT entity_id FROM ops.source_record WHERE source_id IN ('003L1', '003N1')")  # fmt: skip
    whose = (
        "SELECT (SELECT s.entity_id FROM ops.source_record s WHERE s.source_id = '003N1') = n.entity_id AS same, "
        "n.entity_id = :one AS first FROM crm.note n WHERE n.content = 'Of the other'"
    )
    assert [tuple(row) for row in world.rows(whose, one=one.entity_id)] == [(True, True)]
    named = {"FirstName": "Noe", "LastName": "Zola", "Email": "noe@zola.example"}
    hold(world, {"contacts": [made("003N1", at=90, **named)]})
    sync(world)
    assert [tuple(row) for row in world.rows(whose, one=one.entity_id)] == [(True, False)]
    (deal,) = world.rows("SELECT c.first_name FROM crm.deal d JOIN crm.contact c ON c.id = d.contact_id WHERE d.name = 'Other'")  # fmt: skip
    assert deal.first_name == "Noe"
    (note,) = world.rows("SELECT c.first_name FROM crm.note n JOIN crm.contact c USING (entity_id) WHERE n.content = 'Likes tea'")  # fmt: skip
    assert note.first_name == "Lea"
