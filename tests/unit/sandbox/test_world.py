"""Rows and how they change."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.errors import ConfigError
from hub.sandbox.clock import VendorClock
from hub.sandbox.faults import Faults
from hub.sandbox.world import UnknownRowError, World

START = datetime(2026, 11, 23, 21, tzinfo=UTC)


class HandClock(VendorClock):
    def __init__(self):
        super().__init__(1, START)
        self.at = START

    def now(self):
        return self.at

    def pass_s(self, seconds):
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def world():
    return World(HandClock())


def test_ids_are_the_same_for_the_same_seed():
    ids = [[World(seed=seed).create("salesforce", "leads", {}).id for _ in "ab"] for seed in (1, 1, 2)]  # fmt: skip
    assert ids[0] == ids[1] != ids[2]
    assert len(ids[0][0]) == 18
    assert ids[0][0].startswith("00Q")


def test_rows_read_earlier_do_not_change(world):
    row = world.create("s", "x", {"a": 1})
    world.clock.pass_s(2)
    world.update("s", "x", row.id, {"b": 2})
    assert row.values == {"a": 1}
    assert world.get("s", "x", row.id).values == {"a": 1, "b": 2}
    assert world.get("s", "x", row.id).modified_at == START + timedelta(seconds=2)


def test_deleted_rows_are_shown_on_demand(world):
    a, b, c = (world.create("s", "x", {}).id for _ in range(3))
    world.delete("s", "x", a)
    world.clock.pass_s(3)
    world.merge("s", "x", b, c)
    assert [row.id for row in world.rows("s", "x")] == [c]
    assert [row.id for row in world.rows("s", "x", include_deleted=True)] == [a, b, c]
    assert world.get("s", "x", b).merged_into == c
    assert world.get("s", "x", c).modified_at == START + timedelta(seconds=3)


def test_unknown_rows_are_named(world):
    with pytest.raises(UnknownRowError, match="s/x has no record no"):
        world.update("s", "x", "no", {})
    with pytest.raises(UnknownRowError):
        world.merge("s", "x", world.create("s", "x", {}).id, "no")


def test_late_commits_become_visible_later(world):
    old = world.create("s", "x", {"n": 1})
    world.faults.set("late_commits")
    world.update("s", "x", old.id, {"n": 2})
    new = world.create("s", "x", {"n": 3})
    assert [row.values["n"] for row in world.rows("s", "x")] == [1]
    assert {one["id"] for one in world.truth()} == {old.id, new.id}
    world.clock.pass_s(40)
    assert [row.values["n"] for row in world.rows("s", "x")] == [2, 3]
    assert world.get("s", "x", new.id).modified_at == START


def test_hide_one_hides_the_same_row_always(world):
    ids = {world.create("s", "x", {}).id for _ in range(5)}
    assert world.hidden_ids("s", "x") == set()
    world.faults.set("hide_one:s/x")
    hidden = world.hidden_ids("s", "x")
    world.create("s", "x", {})
    assert hidden == world.hidden_ids("s", "x")
    assert len(hidden & ids) == 1
    assert world.hidden_ids("s", "other") == set()


def test_events_are_told(world):
    told = []
    world.subscribe(lambda event, row: told.append((event["op"], row.id)))
    row = world.apply({"op": "create", "source": "s", "stream": "x", "values": {}, "person": "p"})
    world.apply({"op": "update", "source": "s", "stream": "x", "id": row.id, "values": {"a": 1}})
    world.apply({"op": "delete", "source": "s", "stream": "x", "id": row.id})
    assert told == [("create", row.id), ("update", row.id), ("delete", row.id)]
    assert [event["op"] for event in world.events] == ["create", "update", "delete"]
    assert world.truth()[0]["person"] == "p"


def test_unknown_profile_is_refused():
    with pytest.raises(ConfigError, match="nope"):
        Faults("cut,nope")
    with pytest.raises(ConfigError):
        Faults("cut:x")
    assert str(Faults("cut, hide_one:salesforce/leads")) == "cut,hide_one:salesforce/leads"


def test_fast_clock_runs_fast():
    clock = VendorClock(10_000, START)
    assert clock.now() > START
    assert clock.real_s(60) == 0.006
    assert clock.http_date().endswith(" GMT")
