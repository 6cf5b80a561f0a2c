"""Deals and activities of a source: loaded once, in any order, with their dates, authors and relations."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from hub.actions.batches.undo import preview_undo, undo_batch
from hub.actions.identity.erase import erase
from hub.etl import flow
from hub.etl.flow import SyncReport
from hub.model.verdicts import Op
from hub.undo.report import Undone
from tests.acting import acting
from tests.flow.conftest import World
from tests.flow.migrating import STREAMS, hold, made, migrating, org
from tests.flow.test_undo import but_turns, crm

DEALS = """
SELECT d.name, d.value, d.currency, s.name AS stage, u.name AS owner, d.added_at::date::text AS added,
  d.closed_at::text AS closed, d.last_stage_change_at::text AS changed, d.source, d.custom_fields,
  coalesce(c.first_name, c.organization_name) AS contact, o.organization_name AS company,
  d.last_activity_at::text AS active, d.next_task_at::date::text AS next
FROM crm.deal d JOIN crm.stage s ON s.id = d.stage_id LEFT JOIN crm."user" u ON u.id = d.owner_id
JOIN crm.contact c ON c.id = d.contact_id LEFT JOIN crm.contact o ON o.id = d.organization_id
WHERE d.name LIKE :name ORDER BY d.name
"""
MOVES = """
SELECT f.name AS a, t.name AS b, m.who, m.at::text FROM crm.stage_transition m
JOIN crm.deal d ON d.id = m.deal_id LEFT JOIN crm.stage f ON f.id = m.from_stage_id
JOIN crm.stage t ON t.id = m.to_stage_id WHERE d.name LIKE :name ORDER BY d.name, m.at, m.id
"""
ROLES = """
SELECT d.name, c.first_name, x.role FROM crm.deal_contact x JOIN crm.deal d ON d.id = x.deal_id
JOIN crm.contact c ON c.id = x.contact_id WHERE d.name LIKE :name ORDER BY 1, 2
"""
ACTIVITIES = """
WITH a AS (
  SELECT 'task' AS kind, content AS words, entity_id, deal_id, who, created_at, due_at AS at FROM crm.task
  UNION ALL SELECT 'call', summary || ' ' || duration_s || ' ' || o.name, entity_id, deal_id, who, created_at, made_at
    FROM crm.call LEFT JOIN crm.outcome o ON o.id = outcome_id
  UNION ALL SELECT 'visit', summary, entity_id, deal_id, who, created_at, visited_at FROM crm.visit
  UNION ALL SELECT 'message', subject || content, entity_id, deal_id, who, created_at, sent_at FROM crm.message
  UNION ALL SELECT 'note', content, entity_id, deal_id, who, created_at, created_at FROM crm.note)
SELECT a.kind, a.words, coalesce(c.first_name, c.organization_name) AS of, d.name AS deal, a.who,
  a.created_at::text, a.at::text
FROM a LEFT JOIN crm.contact c ON c.entity_id = a.entity_id LEFT JOIN crm.deal d ON d.id = a.deal_id
WHERE a.who LIKE :who ORDER BY 1
"""


def seen(world: World, name: str = "Acme", who: str | None = None) -> dict[str, list[Any]]:
    """Return the CRM's rows of an org."""
    args = {"name": f"{name}%"}
    author = who or f"rita@{name.lower()}-old.example.com"
    return {
        "deals": [tuple(row) for row in world.rows(DEALS, **args)],
        "moves": [tuple(row) for row in world.rows(MOVES, **args)],
        "roles": [tuple(row) for row in world.rows(ROLES, **args)],
        "activities": [tuple(row) for row in world.rows(ACTIVITIES, who=author)],
    }


def sync(world: World) -> SyncReport:
    report = flow.sync(world.hub, ["salesforce"])
    assert report.holds, report.ledgers
    return report


def test_deals_and_activities_come_whole(world: World) -> None:
    hold(migrating(world), org())
    report = sync(world)
    shown = seen(world)
    won, more = shown["deals"]
    assert won[:3] == ("Acme 2024", 1200.5, "USD")
    assert won[3:] == (
        "Won", "Rita Acme", "2024-05-05", "2024-06-30 10:00:00+00", "2024-06-30 10:00:00+00", "Fair",
        {"deal_type": "New"}, "Lea", "Acme Works", "2024-06-02 09:00:00+00", "2030-01-01",
    )  # fmt: skip
    assert (more[2], more[3], more[10], more[11]) == (
        "EUR",
        "Qualified",
        "Acme Works",
        "Acme Works",
    )
    who = "rita@acme-old.example.com"
    assert shown["moves"] == [
        (None, "Incoming", who, "2024-05-05 10:00:00+00"),
        ("Incoming", "Quote", who, "2024-06-01 10:00:00+00"),
        ("Quote", "Won", who, "2024-06-30 10:00:00+00"),
        (None, "Qualified", "salesforce", "2024-05-05 10:00:00+00"),
    ]
    assert shown["roles"] == [("Acme 2024", "Max", "Decision Maker")]
    assert [row[:4] for row in shown["activities"]] == [
        ("call", "Talked 90 Reached", "Max", "Acme 2024"),
        ("message", "OfferHere it is", "Lea", None),
        ("note", "Likes tea", "Lea", None),
        ("task", "Call back", "Lea", "Acme 2024"),
        ("visit", "On site", "Acme Works", None),
    ]
    assert {row[5] for row in shown["activities"]} == {"2024-05-05 10:00:00+00"}
    assert [row.customer_status for row in world.rows(
        "SELECT customer_status FROM crm.contact WHERE organization_name = 'Acme Works' OR first_name = 'Lea'"
    )] == ["current", "current"]  # fmt: skip
    verdicts = {entry.stream: dict(entry.verdicts) for entry in report.ledgers}
    assert verdicts["opportunities"] == {"created": 2}
    assert all(verdicts[stream] == {"created": 1} for stream in STREAMS[5:])
    assert not world.rows(
        "SELECT 1 FROM ops.outbox WHERE state = 'waiting' AND event <> 'leads_digest'"
    )
    before = world.rows("SELECT sum(xmin::text::bigint) AS n FROM crm.deal")
    hold(world, {"tasks": [made("00T11", at=50, Subject="Call back", Due="2030-01-01T12:00:00Z", ContactId="003L1", DealId="006D1", OwnerId="005U1", CreatedById="005U1", Again=1)]})  # fmt: skip
    again = sync(world)
    assert seen(world) == shown
    assert world.rows("SELECT sum(xmin::text::bigint) AS n FROM crm.deal") == before
    assert {e.stream: dict(e.verdicts) for e in again.ledgers}["tasks"] == {"unchanged": 1}


def batch_of(world: World) -> int:
    (row,) = world.rows("SELECT max(id) AS id FROM ops.batch WHERE kind = 'sync'")
    return int(row.id)


def differences(before: Mapping[str, list[str]], now: Mapping[str, list[str]]) -> dict[str, Any]:
    """The rows of each table that are there once only; a stage that a deal entered again has a new number."""
    found = {
        table: sorted({*rows} ^ {*now[table]})
        for table, rows in but_turns(dict(before)).items()
        if rows != now[table]
    }
    numbered = found.pop("stage_transition", [])
    assert all(n % 2 == 0 for n in Counter(row.partition(",")[2] for row in numbered).values())
    return found


def undo(world: World, batch: int) -> Undone:
    """Undo a batch; its preview says the same before."""
    engine = world.db.engine
    foreseen = preview_undo(engine, acting("operator"), batch).document()
    report = undo_batch(engine, acting("operator"), batch)
    assert {**report.document(), "undo": 0} == {**foreseen, "undo": 0}
    return report


def test_undo_takes_deals_and_activities_back_to_the_letter(world: World) -> None:
    hold(migrating(world), org("2"))
    sync(world)
    first, before = batch_of(world), crm(world)
    hold(world, org("1", at=60))
    deal = org("2")["opportunities"][0]
    values = json.loads(deal.payload)
    values |= {"Name": "Borel 2025", "StageName": "Lost", "LossReason": "Fog", "IsWon": False, "Roles": [], "Histories": values["Histories"][:2]}  # fmt: skip
    values.pop("Id")
    hold(world, {"opportunities": [made(deal.source_id, at=70, **values)],
                 "tasks": [made("00T12", at=71, op=Op.DELETE)]})  # fmt: skip
    sync(world)
    changed = crm(world)
    assert len(changed["deal"]) == 4
    assert [row.name for row in world.rows("SELECT name FROM crm.reason WHERE batch_id IS NOT NULL")] == ["Fog"]  # fmt: skip
    assert [row.archived_at is None for row in world.rows("SELECT archived_at FROM crm.task ORDER BY record_id")] == [False, True]  # fmt: skip
    report = undo(world, batch_of(world))
    assert differences(before, crm(world)) == {}
    assert (report.reverted["deals"], report.reverted["activities"], report.reverted["notes"]) == (2, 4, 1)  # fmt: skip
    assert not report.blocked + report.edited
    flow.sync(world.hub, ["salesforce"], full=True)
    again = {name: len(rows) for name, rows in crm(world).items()}
    assert again == {name: len(rows) for name, rows in changed.items()} | {"alert": again["alert"]}
    undo(world, batch_of(world))
    undo(world, first)
    assert not world.rows("SELECT 1 FROM crm.contact UNION ALL SELECT 1 FROM crm.deal")


def test_what_people_did_since_stays(world: World) -> None:
    hold(migrating(world), org("1"))
    sync(world)
    with world.db.engine.begin() as conn:
        conn.execute(text("UPDATE crm.deal SET name = 'Mine' WHERE name = 'Acme 2024'"))
        conn.execute(text("UPDATE crm.task SET content = 'Ring them', completed_at = now()"))
    deal = org()["opportunities"][0]
    values = {**json.loads(deal.payload), "Name": "Theirs", "Amount": "7"}
    values.pop("Id")
    task = made("00T11", at=70, Subject="Write", Due="2031-01-01T12:00:00Z", ContactId="003L1", CreatedById="005U1")  # fmt: skip
    hold(world, {"opportunities": [made(deal.source_id, at=70, **values)], "tasks": [task]})
    sync(world)
    (kept,) = world.rows("SELECT name, value FROM crm.deal WHERE currency = 'USD'")
    assert tuple(kept) == ("Mine", 7)
    (done,) = world.rows("SELECT content, due_at::date::text, completed_at, deal_id FROM crm.task")
    assert done[:2] == ("Ring them", "2031-01-01")
    assert (done[2] is None, done[3]) == (False, None)
    report = undo(world, 1)
    assert {k.why for k in report.blocked} >= {"a later batch brought it again"}
    report = undo(world, batch_of(world))
    assert [k.why for k in report.edited] == ["a user has edited it since"]
    assert sorted(k.records for k in report.edited) == [
        ("salesforce/opportunities/006D1", "salesforce/tasks/00T11")
    ]


def test_erase_takes_the_activities_of_a_person(world: World) -> None:
    hold(migrating(world), org("1"))
    hold(world, {"notes": [made("0029", at=2, Body="Lea waits", ContactId="003L1", DealId="006X")]})
    sync(world)
    home = world.hub.settings.home
    erase(world.db.engine, acting("operator"), "lea@acme.example", home=home, region="FR")
    left = world.rows("SELECT target, count(*) AS n FROM ops.source_record GROUP BY 1 ORDER BY 1")
    assert {row.target: row.n for row in left} == {
        "call": 1, "deal": 2, "organisation": 2, "person": 1, "user": 1, "visit": 1,
    }  # fmt: skip
    assert not world.rows("SELECT 1 FROM crm.task UNION ALL SELECT 1 FROM crm.note")
    assert not world.rows("SELECT 1 FROM landing.raw WHERE payload::text ~* 'lea@acme'")
    assert len(world.rows("SELECT 1 FROM crm.deal")) == 2
