"""A migration at a set time: announced, shown, cancelled; and ranges that two processes read."""

from datetime import UTC, datetime
from unittest import mock

import pytest
from sqlalchemy import Connection

from hub.actions.batches import migrate
from hub.actions.context import Context, MachineOwner
from hub.cli.status_tables import migration_words
from hub.clock import SystemClock
from hub.db.locks import only_one
from hub.errors import ActionError
from hub.migration import reading
from hub.migration.parts import Parts
from hub.records import migrations
from hub.records.batch_history import latest
from hub.records.migrations import MigrationStatus
from tests.flow.conftest import World
from tests.flow.test_migrate import WHO, fill


def standings(world: World) -> list[MigrationStatus]:
    with world.db.engine.begin() as conn:
        return migrations.unfinished(conn)


def in_paris(conn: Connection) -> Context:
    return Context(conn, MachineOwner("operator", "Europe/Paris"), SystemClock())


def test_a_migration_is_announced_shown_and_cancelled(world: World) -> None:
    fill(world)
    for words in ("yesterday 6:00", "soon"):
        with pytest.raises(ActionError, match="no moment ahead"):
            migrate.schedule(world.hub, WHO, "salesforce", words)
    said = migrate.schedule(world.hub, in_paris, "salesforce", "2036-12-06 06:00")

    batch, at = said.migration.batch.id, datetime(2036, 12, 6, 5, tzinfo=UTC)
    assert said.migration.starts_at == at
    (one,) = standings(world)
    assert (one.batch, one.state, one.starts_at, one.is_planned) == (batch, "planned", at, False)
    assert not world.rows("SELECT FROM landing.planned")
    with world.db.engine.begin() as conn:
        assert latest(conn, 1)[0]["starts_at"] == at
    shown = MigrationStatus(batch, "salesforce", "planned", at, None, False, 0, 0)
    now = world.hub.clock.now()
    assert migration_words(shown, now) == f"salesforce, batch {batch}: starts 2036-12-06 05:00 UTC"
    later = migrate.schedule(world.hub, WHO, "salesforce", "2036-12-07 06:00")
    assert later.migration.batch.id == batch, "the same migration, at another time"
    migrate.discard(world.hub, WHO, batch)
    assert standings(world) == []


def test_a_migration_by_hand_is_the_announced_one(world: World) -> None:
    fill(world)
    batch = migrate.schedule(world.hub, WHO, "salesforce", "in 2 hours").migration.batch.id
    done = migrate.run(world.hub, WHO, "salesforce")
    assert (done.migration.batch.id, done.migration.state) == (batch, "done")
    assert standings(world) == [], "it does not start again"


def test_a_range_that_another_process_reads_is_read_last_and_once(world: World) -> None:
    fill(world)
    found = migrate.planning.plan(world.hub, "salesforce", "operator")
    parts = Parts(world.hub.connector("salesforce"))
    with world.db.engine.begin() as conn:
        users, leads = sorted(migrations.ranges(conn, found.batch.id), key=lambda r: r.stream)[::-1]
    with only_one(world.db.engine, f"range:{found.batch.id}:users:{users.key}"):
        assert reading.read_range(world.hub, parts, found, users, waits=False) is None
        done = reading.read_range(world.hub, parts, found, leads, waits=False)
    assert done is not None
    assert (done.state, done.counted, done.read_n) == ("proven", 23, 23)
    with mock.patch.object(Parts, "read", side_effect=AssertionError("it is proven")):
        assert reading.read_range(world.hub, parts, found, leads) == done
    assert reading.read(world.hub, found).is_complete
