"""`hub upgrade` and what other commands do of it, over a home of version 0.1.0."""

import time
from collections.abc import Iterator

import pytest

from hub.cli import upgrading
from hub.cli.session import opened
from hub.db.embedded import SUPERUSER
from hub.db.locks import only_one
from hub.db.place import create_roles
from hub.etl import derivations, rederive
from tests.cli.test_backup import server_of
from tests.old_homes import pour
from tests.processes import House, house, is_calm


@pytest.fixture
def old() -> Iterator[House]:
    """A home of version 0.1.0 with one user who takes leads; no command has opened it yet."""
    with house() as made:
        made.config.write_text(
            "people: [{email: ann@owners.example.com, name: Ann}]\n"
            "groups: [{name: sales, members: [ann@owners.example.com]}]\n"
            "routing: {fallback: 'group:sales'}\n"
        )
        made.home.mkdir()
        with made.served():
            create_roles(server_of(made).url(SUPERUSER))
            pour(server_of(made), "hub")
            yield made


def behind(made: House) -> int:
    return sum(one["behind"] for one in made.document("status")["derivations"])


def test_an_upgrade_derives_all_of_it_again_and_status_says_how_much_is_left(old: House) -> None:
    assert behind(old) > 100
    shown = old.run("status").stdout
    assert "Derived by older rules" in shown
    assert "hub upgrade" in shown
    done = old.document("upgrade")
    assert done["left"] == 0
    assert done["done"].keys() >= {"mapping", "keys", "model", "links"}
    assert done["opt_outs_held"] == [], "today's mappings read every no of the old ones"
    assert behind(old) == 0
    assert old.document("status")["opt_outs_held"] == 0
    assert "Derived by older rules" not in old.run("status").stdout
    assert old.document("upgrade")["done"] == {}
    assert len(list((old.home / "backups").glob("before-upgrade-*.dump"))) == 1


def test_two_do_not_derive_again_at_once(old: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_HOME", str(old.home))
    with opened(old.config) as (hub, _database, _settings):  # as another process would
        with only_one(hub.engine, rederive.KIND):
            refused = old.run("upgrade")
            assert refused.returncode == 2
            assert is_calm(refused)
            assert "another process derives" in refused.stderr
        assert behind(old) > 100


def test_a_thread_of_hub_up_does_it_in_the_background(
    old: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_HOME", str(old.home))
    with opened(old.config) as (hub, database, _settings):
        with upgrading.in_background(hub):
            deadline = time.monotonic() + 60
            while rederive.left(hub) and time.monotonic() < deadline:
                time.sleep(0.2)
        with database.engine.begin() as conn:
            assert {one.behind for one in derivations.stale(conn, hub.mappings)} == {0}


def test_some_seconds_of_a_sync_leave_the_rest_for_the_next(
    old: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_HOME", str(old.home))
    monkeypatch.setattr(upgrading, "SYNC_S", 0.0)
    with opened(old.config) as (hub, _database, _settings):
        first = upgrading.some_seconds(hub)
        assert len(first.done) == 1
        assert first.left > 0
        monkeypatch.setattr(upgrading, "SYNC_S", 60.0)
        assert upgrading.some_seconds(hub).left == 0
