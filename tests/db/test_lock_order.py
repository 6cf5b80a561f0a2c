"""Locks are taken in one order; where two transactions wait in a ring all the same, one goes again."""

import time
from threading import Barrier, Thread

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from hub.connectors.base import Page, Stream
from hub.db.transactions import run_transaction
from hub.etl import flow
from hub.etl.context import Hub
from hub.etl.land import land_page
from hub.etl.match import match_pending
from hub.etl.normalize import normalize_pending
from hub.model.verdicts import Verdict
from hub.records import folding
from hub.records.verdicts import set_verdicts
from tests.db.conftest import at_once
from tests.db.test_one_person_at_once import MAIL, PHONE, _record

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
_DEADLOCK_TIMEOUT_S = 1.0  # PostgreSQL looks for a ring after so long a wait


def test_two_that_wait_for_each_other_both_get_done(hub: Hub) -> None:
    with hub.engine.begin() as conn:
        emails = (
            conn.execute(text('SELECT email FROM crm."user" ORDER BY id LIMIT 2')).scalars().all()
        )
    both_hold_one, tries = Barrier(2), []

    def rename(first: str, second: str) -> None:
        def work(conn: Connection) -> None:
            tries.append(first)
            for name in (first, second):
                conn.execute(
                    text('UPDATE crm."user" SET name = name || :n WHERE email = :name'),
                    {"n": str(emails.index(first)), "name": name},
                )
                if name == first and len(tries) <= 2:
                    both_hold_one.wait()

        run_transaction(hub.engine, work)

    a, b = emails
    at_once([lambda: rename(a, b), lambda: rename(b, a)])
    with hub.engine.begin() as conn:
        names = conn.execute(
            text('SELECT name FROM crm."user" WHERE email = ANY(:emails)'), {"emails": list(emails)}
        ).scalars()
        assert {"".join(sorted(name[-2:])) for name in names} == {"01"}, "both wrote both, once"
    # the one that goes again may take its first row before the other one has woken: another ring
    assert len(tries) > 2, "one of them was made again"


def test_another_error_is_not_tried_again(hub: Hub) -> None:
    tries = []

    def work(conn: Connection) -> None:
        tries.append(1)
        conn.execute(text("SELECT 1/0"))

    with pytest.raises(DBAPIError):
        run_transaction(hub.engine, work)
    assert tries == [1]


def test_who_moves_records_waits_for_who_writes_them(hub: Hub) -> None:
    """A loader holds an entity and then its records; a match that merges it holds no record yet."""
    batch = flow.begin(hub, "salesforce")
    land_page(hub, batch, Stream("leads"), Page([_record(1, **MAIL), _record(2, **PHONE)], {}))
    normalize_pending(hub)
    match_pending(hub)
    land_page(hub, batch, Stream("leads"), Page([_record(3, **MAIL, **PHONE)], {}))
    normalize_pending(hub)
    with hub.engine.begin() as loader:
        held = folding.claim_stale(loader, 10)
        assert len(held) == 2
        matcher = Thread(target=match_pending, args=(hub,))
        matcher.start()
        with hub.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as onlooker:
            while not onlooker.execute(text(_WAITING)).scalar_one():
                time.sleep(0.01)
        time.sleep(_DEADLOCK_TIMEOUT_S * 1.2)  # from here on it is the loader who would be ended
        records = [
            r for found in folding.records_of(loader, [e.id for e in held]).values() for r in found
        ]
        set_verdicts(
            loader,
            [(r.batch_id, r.source, r.stream, r.source_id, Verdict.CREATED) for r in records],
        )
    matcher.join()
    with hub.engine.begin() as conn:
        homes = conn.execute(text("SELECT DISTINCT entity_id FROM ops.source_record")).all()
    assert len(homes) == 1
