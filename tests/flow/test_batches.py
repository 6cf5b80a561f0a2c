"""Batches of one source stand side by side, and each is judged by itself."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection, Engine, event

from hub.actions.batches.undo import undo_batch
from hub.clock import FixedClock
from hub.connectors.base import Page, Stream
from hub.etl import closing, flow
from hub.etl.context import Hub
from hub.etl.land import land_page
from hub.model.records import RawRecord
from hub.records import batches, proofs
from hub.records.batches import Batch
from tests.acting import acting
from tests.flow.conftest import World, salesforce_lead

SALESFORCE = "salesforce"


def lead(number: int, **values: str) -> RawRecord:
    return salesforce_lead(
        number, LastName=f"L{number}", Email=f"l{number}@l.example.com", **values
    )


def live(world: World, *, after_s: float = 0) -> Batch:
    """The batch that takes up what Salesforce sends so many seconds from now."""
    with world.db.engine.begin() as conn:
        return batches.live_batch(conn, SALESFORCE, _later(world.hub, after_s).clock.now())


def land(world: World, batch: Batch, *records: RawRecord) -> None:
    land_page(world.hub, batch, Stream("leads"), Page(list(records), {}), move_cursor=False)


def _later(hub: Hub, after_s: float) -> Hub:
    return replace(hub, clock=FixedClock(hub.clock.now() + timedelta(seconds=after_s)))


def states(world: World) -> list[tuple[str, str]]:
    rows = world.rows("SELECT kind, state FROM ops.batch ORDER BY id")
    return [(row.kind, row.state) for row in rows]


def test_a_sync_and_live_batches_of_a_source_stand_side_by_side(world: World) -> None:
    sync = flow.begin(world.hub, SALESFORCE)
    first, second = live(world), live(world, after_s=90)
    assert len({sync.id, first.id, second.id}) == 3
    assert live(world).id == first.id, "what comes within a minute is taken up by one batch"
    assert flow.begin(world.hub, SALESFORCE).id == sync.id, "an interrupted sync goes on"
    assert states(world) == [("sync", "running"), ("live", "running"), ("live", "running")]


def test_a_live_batch_ends_when_it_is_a_minute_old_and_nothing_of_it_waits(world: World) -> None:
    early, late = live(world), live(world, after_s=90)
    land(world, early, lead(1))
    land(world, late, lead(2))
    assert closing.close_live(_later(world.hub, 61)) == [], "its record still waits"
    flow.run_stages(world.hub)
    assert closing.close_live(world.hub) == [], "neither is a minute old"
    assert [b.id for b in closing.close_live(_later(world.hub, 61))] == [early.id]
    assert [b.id for b in closing.close_live(_later(world.hub, 151))] == [late.id]
    ledgers = world.rows("SELECT state, ledger FROM ops.batch ORDER BY id")
    assert [(row.state, row.ledger[0]["verdicts"]) for row in ledgers] == [
        ("done", {"created": 1}), ("done", {"created": 1}),
    ]  # fmt: skip


def test_a_live_batch_that_is_being_written_into_is_not_ended(world: World) -> None:
    def take_up(conn: Connection) -> Batch:
        return batches.live_batch(conn, SALESFORCE, world.hub.clock.now())

    with world.db.engine.begin() as conn:
        batch = take_up(conn)
    with world.db.engine.begin() as writer:
        assert take_up(writer).id == batch.id
        assert closing.close_live(_later(world.hub, 61)) == []
    assert [b.id for b in closing.close_live(_later(world.hub, 61))] == [batch.id]


_ASKS_WHETHER_SETTLED = "FROM ops.pending WHERE batch_id"


@contextmanager
def meanwhile(engine: Engine, words: str, act: Callable[[], object]) -> Iterator[None]:
    """Do something in another thread when a statement with these words is sent for the first time.

    The statement goes on when the other thread is done, or waits for a lock.
    """
    begun: list[threading.Thread] = []

    def before(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        if words in statement and not begun:
            begun.append(threading.Thread(target=act))
            begun[0].start()
            begun[0].join(1)

    event.listen(engine, "before_cursor_execute", before)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", before)
    assert begun, f"no statement had the words: {words}"
    begun[0].join(20)
    assert not begun[0].is_alive()


def test_a_live_batch_is_closed_by_one_process_of_two(world: World) -> None:
    batch, later = live(world), _later(world.hub, 61)
    closed: list[Batch] = []
    beside = lambda: closed.extend(closing.close_live(later))
    with meanwhile(world.db.engine, _ASKS_WHETHER_SETTLED, beside):
        closed += closing.close_live(later)
    assert [one.id for one in closed] == [batch.id]


def test_no_record_comes_into_a_live_batch_while_it_is_closed(world: World) -> None:
    """The clock of the process that receives the record is a minute behind."""
    first, taken = live(world), []

    def receive() -> None:
        with world.db.engine.begin() as conn:
            taken.append(batches.live_batch(conn, SALESFORCE, world.hub.clock.now()))

    with meanwhile(world.db.engine, _ASKS_WHETHER_SETTLED, receive):
        closed = closing.close_live(_later(world.hub, 61))
    assert [one.id for one in closed] == [first.id]
    assert [one.id for one in taken] != [first.id]
    assert states(world) == [("live", "done"), ("live", "running")]


def test_a_batch_that_another_process_has_closed_is_not_closed_again(world: World) -> None:
    world.add(SALESFORCE, "leads", lead(1))
    batch = flow.begin(world.hub, SALESFORCE)
    ledgers: list[object] = []
    beside = lambda: ledgers.extend(closing.finish(world.hub, batch))
    with meanwhile(world.db.engine, "FOR NO KEY UPDATE", beside):
        ledgers += closing.finish(world.hub, batch)
    assert len(ledgers) == 2 * len(closing.finish(world.hub, batch))
    reports = world.rows("SELECT 1 FROM ops.stage_report WHERE stage = 'proof'")
    assert len(reports) == 1


def test_a_batch_is_settled_whatever_others_of_its_source_have_waiting(world: World) -> None:
    world.add(SALESFORCE, "leads", lead(1))
    flow.sync(world.hub, [SALESFORCE])
    (done,) = world.rows("SELECT id FROM ops.batch")
    other = live(world)
    land(world, other, lead(2))
    flow.begin(world.hub, SALESFORCE)  # a sync that was interrupted
    with world.db.engine.begin() as conn:
        assert proofs.is_drained(conn, done.id)
        assert not proofs.is_drained(conn, other.id)
    undo_batch(world.db.engine, acting(), done.id)
    flow.run_stages(world.hub)
    assert [row.last_name for row in world.rows("SELECT last_name FROM crm.lead")] == ["L2"]


def test_a_live_batch_is_undone_alone(world: World) -> None:
    for number, after in ((1, 0), (2, 90)):
        land(world, live(world, after_s=after), lead(number))
    flow.run_stages(world.hub)
    first, second = closing.close_live(_later(world.hub, 200))
    undo_batch(world.db.engine, acting(), first.id)
    assert [row.last_name for row in world.rows("SELECT last_name FROM crm.lead")] == ["L2"]
    undo_batch(world.db.engine, acting(), second.id)
    assert world.rows("SELECT 1 FROM crm.lead") == []


def test_a_batch_keeps_every_run_that_took_it_up(world: World) -> None:
    for run in ("one", "two", "two"):
        flow.begin(world.hub, SALESFORCE, run_id=run)
    with world.db.engine.begin() as conn:
        (first,) = proofs.of_run(conn, SALESFORCE, "one")
        assert proofs.of_run(conn, SALESFORCE, "two") == [first]
        assert proofs.of_run(conn, SALESFORCE, "three") == []
    assert world.rows("SELECT runs FROM ops.batch")[0].runs == ["one", "two"]
