"""An undo works in chunks: killed it goes on, and what comes in between is neither lost nor removed."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from sqlalchemy import text

from hub.actions.batches.undo import preview_undo, undo_batch
from hub.actions.people.edit import edit
from hub.connectors.base import Page, Stream
from hub.db.locks import company_lock, identity_lock, source_locks
from hub.etl import flow
from hub.etl.land import land_page
from hub.model.records import RawRecord
from hub.records import batch_history, batches
from hub.undo import chunks
from hub.undo.report import Undone
from hub.views.status import read_status
from tests.acting import acting
from tests.flow.conftest import World, salesforce_lead, zendesk_ticket, zendesk_user
from tests.flow.test_undo import act, but_turns, crm, last_batch, settled, sf
from tests.plays.stage import Crash, crashing

__all__ = ["settled"]  # a fixture
WHO = "operator"
N = 12


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "MOST", 2)


def person(number: int, **more: Any) -> RawRecord:
    """A person of a batch that will be undone."""
    return salesforce_lead(number, at=900 + number, FirstName=f"F{number}", LastName=f"L{number}",
                           Email=f"f{number}@l{number}.example.com", **more)  # fmt: skip


@pytest.fixture
def second(settled: World) -> tuple[World, dict[str, list[str]], int]:
    """A second batch over two people and a ticket: a dozen new leads, an update, a bridge."""
    before = crm(settled)
    settled.add(
        "salesforce", "leads", *(person(n) for n in range(11, 11 + N)),
        salesforce_lead(1, at=990, FirstName="Lea", LastName="Moreau", Title="CEO",
                        Email="lea@moreau.example.com"),
        salesforce_lead(6, at=991, FirstName="Noah", LastName="Brandt", Phone="+33145678901",
                        Email="lea@moreau.example.com"),
    )  # fmt: skip
    flow.sync(settled.hub, ["salesforce"])
    assert crm(settled)["lead"] != before["lead"]
    return settled, before, last_batch(settled, "salesforce")


def undo(world: World, batch: int) -> Undone:
    return undo_batch(world.db.engine, acting(WHO), batch)


def killed(world: World, batch: int, commit: int) -> None:
    """Undo the batch, and stop where it would commit for so manieth a time."""
    with pytest.raises(Crash), crashing(world.db.engine, commit):
        undo(world, batch)


def live(world: World, *records: RawRecord) -> None:
    """Records come in live, and go the whole way."""
    with world.db.engine.begin() as conn:
        batch = batches.live_batch(conn, "salesforce", world.hub.clock.now())
    land_page(world.hub, batch, Stream("leads"), Page(list(records), {}), move_cursor=False)
    flow.run_stages(world.hub)


Second = tuple[World, dict[str, list[str]], int]


def test_an_undo_that_is_killed_twice_ends_as_one_in_peace(second: Second) -> None:
    world, before, batch = second
    said = preview_undo(world.db.engine, acting(WHO), batch).document()
    assert said["reverted"]["leads"] == N
    for commit in (8, 6):
        killed(world, batch, commit)
        left = len(crm(world)["lead"])
        assert len(before["lead"]) < left < len(before["lead"]) + N, "some have gone, some have not"
        half = preview_undo(world.db.engine, acting(WHO), batch).document()
        assert {**half, "undo": 0} == {**said, "undo": 0}, "what was done, and what is left"
    done = undo(world, batch).document()
    assert {**done, "undo": 0} == {**said, "undo": 0}, "the report of a resumed undo is whole"
    assert but_turns(crm(world)) == but_turns(before)
    (given,) = world.rows("SELECT count(*) AS n FROM ops.assignment WHERE withdrawn_by IS NOT NULL")
    assert given.n == sum(one["turns"] for one in done["given_back"])


def test_what_is_owed_is_given_back_once(second: Second) -> None:
    world, _, batch = second
    credits_of = "SELECT sum(credit) AS n FROM crm.member"
    (before,) = world.rows(credits_of)
    killed(world, batch, 8)
    killed(world, batch, 6)
    report = undo(world, batch)
    (after,) = world.rows(credits_of)
    assert after.n - before.n == 2 * sum(one.turns for one in report.given_back) > 0


def test_a_half_undone_batch_is_seen_and_says_who_undoes_it(second: Second) -> None:
    world, _, batch = second
    killed(world, batch, 8)
    with world.db.engine.begin() as conn:
        shown = {row["id"]: row for row in batch_history.latest(conn, 10)}
    (undoing,) = [row for row in shown.values() if row["kind"] == "undo"]
    assert shown[batch]["state"] == "undoing"
    assert (undoing["undone"], undoing["state"], undoing["who"]) == (batch, "running", WHO)
    status = read_status(world.db, world.hub.settings)
    assert status.undoing == (batch,)
    undo(world, batch)
    assert read_status(world.db, world.hub.settings).undoing == ()


def test_a_person_who_was_edited_meanwhile_stays(second: Second) -> None:
    world, before, batch = second
    killed(world, batch, 8)
    (left,) = world.rows(
        "SELECT max(source_id) AS id FROM ops.source_record WHERE batch_id = :b "
        "AND withdrawn_by IS NULL AND target = 'person'",
        b=batch,
    )
    act(world, edit, WHO, f"salesforce/leads/{left.id}", {"city": "Oslo"})
    report = undo(world, batch)
    assert [kept.records for kept in report.edited] == [(f"salesforce/leads/{left.id}",)]
    assert len(crm(world)["lead"]) == len(before["lead"]) + 1
    assert world.rows("SELECT city FROM crm.lead WHERE city IS NOT NULL")[0].city == "Oslo"


def test_who_comes_in_between_is_not_removed_with_the_one_they_are(second: Second) -> None:
    """Live leads of people who go: of one whose chunk is done, of one whose chunk is to come."""
    world, before, batch = second
    killed(world, batch, 8)
    states = {
        int(row.source_id[3:-3]): row.gone
        for row in world.rows(
            "SELECT source_id, withdrawn_by IS NOT NULL AS gone FROM ops.source_record "
            "WHERE source_id LIKE '00Q%' AND target = 'person'"
        )
    }
    done = min(n for n, gone in states.items() if gone and n > 10)
    to_come = max(n for n, gone in states.items() if not gone and n > 10)
    live(world, *(
        salesforce_lead(n + 100, at=2_000 + n, FirstName=f"F{n}", LastName=f"L{n}", City="Bergen",
                        Email=f"f{n}@l{n}.example.com") for n in (done, to_come)
    ))  # fmt: skip
    assert undo(world, batch).blocked == []
    flow.run_stages(world.hub)
    found = world.rows(
        "SELECT l.last_name, l.city, l.title, l.owner_id, l.merged_into, "
        "(SELECT array_agg(s.source_id) FROM ops.source_record s WHERE s.entity_id = l.entity_id) "
        "AS records FROM crm.lead l WHERE l.city = 'Bergen' ORDER BY l.last_name"
    )
    assert [(row.last_name, len(row.records)) for row in found] == sorted(
        [(f"L{done}", 1), (f"L{to_come}", 1)]
    )
    assert all(row.owner_id and row.merged_into is None for row in found)
    assert len(crm(world)["lead"]) == len(before["lead"]) + 2


def test_a_newer_version_that_lands_in_between_stays(second: Second) -> None:
    world, _, batch = second
    killed(world, batch, 8)
    (left,) = world.rows(
        "SELECT max(source_id) AS id FROM ops.source_record WHERE batch_id = :b "
        "AND withdrawn_by IS NULL AND target = 'person'",
        b=batch,
    )
    live(world, person(int(left.id[3:-3]), Title="CTO"))
    report = undo(world, batch)
    assert [(kept.records, kept.why) for kept in report.blocked] == [
        ((f"salesforce/leads/{left.id}",), "a later batch brought it again")
    ]
    assert world.rows("SELECT last_name FROM crm.lead WHERE title = 'CTO'")


def test_leads_that_arrive_while_it_runs_wait_for_a_second_at_most(second: Second) -> None:
    world, before, batch = second
    numbers = iter(range(500, 600))

    def arrive() -> float:
        started = time.monotonic()
        live(world, person(next(numbers), City="Bergen"))
        return time.monotonic() - started

    alone = max(arrive() for _ in range(3))  # what the way takes on this machine, as busy as it is
    done = Event()
    with ThreadPoolExecutor(1) as pool:
        arriving = pool.submit(lambda: [arrive() for _ in iter(done.is_set, True)])
        try:
            undo(world, batch)
        finally:
            done.set()
        took = arriving.result()
    flow.run_stages(world.hub)
    rows = world.rows("SELECT owner_id FROM crm.lead WHERE city = 'Bergen'")
    assert len(rows) == len(took) + 3 > 3
    assert all(row.owner_id for row in rows)
    most = max(1, 10 * alone)  # a busy machine is slow in everything
    assert max(took) < most, "each was matched, loaded and routed between two chunks"
    assert len(crm(world)["lead"]) == len(before["lead"]) + len(rows)


def test_a_preview_waits_for_nobody_and_holds_nobody_up(second: Second) -> None:
    world, _, batch = second
    held = crm(world)
    with source_locks(world.db.engine, ["salesforce"]), world.db.engine.begin() as conn:
        identity_lock(conn)
        company_lock(conn)
        conn.execute(text("SELECT 1 FROM crm.lead FOR UPDATE"))
        conn.execute(text("SELECT 1 FROM ops.source_record FOR UPDATE"))
        assert preview_undo(world.db.engine, acting(WHO), batch).reverted["leads"] == N
    assert crm(world) == held


def test_a_sync_of_the_source_waits_until_an_undo_is_through(second: Second) -> None:
    world, _, batch = second
    with ThreadPoolExecutor(1) as pool:
        with source_locks(world.db.engine, ["salesforce"]):
            waiting = pool.submit(undo, world, batch)
            time.sleep(0.2)
            assert not waiting.done(), "a sync, or another undo of the source, holds it"
        assert waiting.result(timeout=20).reverted["leads"] == N


def test_who_parted_because_of_the_batch_is_one_again_and_no_row_stays(world: World) -> None:
    """A record leaves its person because of the batch: a lead of its own, which did not exist."""
    world.add("salesforce", "leads", person(1), person(2, Title="CFO"))
    world.add("salesforce", "leads", salesforce_lead(
        3, at=950, FirstName="F1", LastName="L1", Email="f1@l1.example.com"))  # fmt: skip
    flow.sync(world.hub, ["salesforce"])
    before = crm(world)
    assert len(before["lead"]) == 2
    world.add("salesforce", "leads", salesforce_lead(
        3, at=2_000, FirstName="Ole", LastName="Dahl", Email="ole@dahl.example.com"))  # fmt: skip
    flow.sync(world.hub, ["salesforce"])
    assert len(crm(world)["lead"]) == 3
    batch = last_batch(world, "salesforce")
    said = preview_undo(world.db.engine, acting(WHO), batch).document()
    done = undo(world, batch).document()
    assert {**said, "undo": 0} == {**done, "undo": 0}
    assert done["reverted"]["leads"] == 1
    assert but_turns(crm(world)) == but_turns(before)


def test_a_refused_record_of_an_undone_batch_is_closed_as_well(settled: World) -> None:
    settled.add("salesforce", "leads", salesforce_lead(40, at=940, Email="no name"))
    settled.add("zendesk", "users", zendesk_user(8, at=940, name="Pia", email="pia@x.example.com"))
    settled.add("zendesk", "tickets", zendesk_ticket(10, at=941, subject="Help", requester_id=8))
    flow.sync(settled.hub, ["salesforce", "zendesk"])
    for source in ("salesforce", "zendesk"):
        undo(settled, last_batch(settled, source))
    assert not settled.rows("SELECT 1 FROM landing.quarantine WHERE resolved_at IS NULL")
    heads = settled.rows("SELECT source_id FROM landing.head WHERE source_id = :i", i=sf(40)[-18:])
    assert heads == []
