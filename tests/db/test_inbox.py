"""The inbox: nothing that was put is lost, nothing is there twice, and workers do not wait for each other."""

from datetime import UTC, datetime, timedelta

import psycopg
from sqlalchemy import text

from hub.db.engine import Database
from hub.landing import inbox
from hub.landing.inbox import Delivered
from tests.db.conftest import at_once

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def event(key: str, **changed: object) -> Delivered:
    values = {
        "source": "hubspot", "door": "hook", "kind": "contact.creation", "stream": "contacts",
        "source_id": "7", "key": key, "at": NOW, "body": b'{"objectId":7}', "version": "",
        "is_record": False, "correlation_id": "c1",
    }  # fmt: skip
    return Delivered(**{**values, **changed})  # type: ignore[arg-type]


def put(db: Database, *events: Delivered) -> list[bool]:
    with db.engine.begin() as conn:
        return inbox.put(conn, events)


def test_an_event_is_put_once_and_taken_as_it_was_put(db: Database) -> None:
    odd = event("c", body=b"\x00\xff", source_id="a\0b\udc00", version="v", is_record=True, at=None)
    assert put(db, event("a"), event("b"), event("a"), odd) == [True, True, False, True]
    assert put(db, event("a"), event("a", source="typeform")) == [False, True]
    assert put(db) == []
    with db.engine.begin() as conn:
        rows = inbox.take(conn, 10)
        assert [(r.source, r.source_id, r.body) for r in rows] == [
            ("hubspot", "7", b'{"objectId":7}'),
            ("hubspot", "7", b'{"objectId":7}'),
            ("hubspot", "ab?", b"\x00\xff"),
            ("typeform", "7", b'{"objectId":7}'),
        ]
        assert (rows[0].kind, rows[0].stream, rows[0].at) == ("contact.creation", "contacts", NOW)
        assert (rows[2].at, rows[2].version, rows[2].is_record) == (None, "v", True)
        inbox.settle(conn, [r.id for r in rows[:3]])
    with db.engine.begin() as conn:
        assert [r.source for r in inbox.take(conn, 10)] == ["typeform"]
    assert put(db, event("a")) == [False], "an event is known after it was landed"
    with db.engine.begin() as conn:
        assert inbox.delete_seen(conn, before=datetime.now(UTC) - inbox.KEPT, most=10) == 0
        assert inbox.delete_seen(conn, before=datetime.now(UTC), most=3) == 3
        assert inbox.delete_seen(conn, before=datetime.now(UTC), most=3) == 1
    assert put(db, event("a")) == [True], "forgotten"


def test_two_workers_take_different_rows_and_a_lost_worker_loses_none(db: Database) -> None:
    put(db, *(event(str(n)) for n in range(6)))
    with db.engine.begin() as one, db.engine.begin() as two:
        first = inbox.take(one, 4)
        second = inbox.take(two, 4)
        assert sorted(r.id for r in [*first, *second]) == [r.id for r in [*first, *second]]
        assert (len(first), len(second)) == (4, 2)
        inbox.settle(one, [r.id for r in first])
        one.rollback()
    with db.engine.begin() as conn:
        assert len(inbox.take(conn, 10)) == 6


def test_a_row_that_fails_waits_then_dies_and_can_be_revived(db: Database) -> None:
    put(db, event("a"), event("b"), event("c"))
    with db.engine.begin() as conn:
        a, b, c = inbox.take(conn, 3)
        inbox.fail(conn, a.id, "the vendor did not answer", datetime.now(UTC) + timedelta(hours=1))
        inbox.fail(conn, b.id, "the vendor did not answer", datetime.now(UTC) - timedelta(hours=1))
        inbox.fail(conn, c.id, "the record cannot be read", None)
    with db.engine.begin() as conn:
        assert [(r.id, r.attempts) for r in inbox.take(conn, 3)] == [(b.id, 1)]
        found = inbox.depth(conn)
        assert (found.waiting, found.dead, found.oldest_at) == (2, 1, a.received_at)
    with db.engine.begin() as conn:
        assert inbox.revive(conn) == 1
        assert inbox.revive(conn) == 0
    with db.engine.begin() as conn:
        assert {(r.id, r.attempts) for r in inbox.take(conn, 3)} == {(b.id, 1), (c.id, 0)}
        inbox.settle(conn, [a.id, b.id, c.id])
        assert inbox.depth(conn) == inbox.Depth(0, 0, None)


def test_gateways_side_by_side_put_one_row_and_wake_the_workers(db: Database) -> None:
    url = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as listener:
        listener.execute(f"LISTEN {inbox.CHANNEL}")
        keys = [str(n) for n in range(40)]
        forth = [event(key) for key in keys]
        results = at_once([
            lambda: put(db, *forth), lambda: put(db, *reversed(forth)), lambda: put(db, *forth[10:]),
        ])  # fmt: skip
        assert sum(sum(one) for one in results) == 40
        with db.engine.begin() as conn:
            assert conn.execute(text("SELECT count(*) FROM landing.inbox")).scalar_one() == 40
        assert list(listener.notifies(timeout=1, stop_after=1))
        put(db, event("1"))
        list(listener.notifies(timeout=0.1))
        assert not list(listener.notifies(timeout=0.1)), "an old event wakes no worker"
