"""A batch that does not add up makes a Dagster run fail, with the missing records and no name."""

import json
import re
import sys
from collections.abc import Iterable
from typing import Any

from sqlalchemy import text

from hub.cli.dagster_home import write_dagster_home
from hub.clock import SystemClock
from hub.db.engine import Database, open_database
from hub.settings import load
from tests.processes import Done, House, SandboxProcess, fits_demo_schema, house

LOSE = (
    (
        "CREATE FUNCTION ops.lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.stage = 'match' AND NEW.ref = (SELECT min(id) FROM ops.source_record "
        "WHERE source = 'salesforce' AND target = 'person') THEN RETURN NULL; END IF; RETURN NEW; END $$"
    ),
    "CREATE TRIGGER lose BEFORE INSERT ON ops.pending FOR EACH ROW EXECUTE FUNCTION ops.lose()",
)
_CHECKS = text("SELECT evaluation_event FROM dagster.asset_check_executions ORDER BY id")
_PEOPLE = text(
    "SELECT canonical ->> 'email' AS email, canonical ->> 'phone' AS phone, "
    "(canonical ->> 'first_name') || ' ' || (canonical ->> 'last_name') AS name "
    "FROM ops.source_record"
)


def _checks(database: Database) -> dict[str, dict[str, Any]]:
    """Failed checks by name, with their metadata as plain values."""
    failed = {}
    with database.engine.begin() as conn:
        for (event,) in conn.execute(_CHECKS):
            told = json.loads(event)["dagster_event"]["event_specific_data"]
            values = {
                name: next(v for k, v in entry.items() if k != "__class__")
                for name, entry in told["metadata"].items()
            }
            if not told["success"] and told["severity"] == {"__enum__": "AssetCheckSeverity.ERROR"}:
                failed[told["check_name"]] = values
    return failed


def _assert_nobody_is_named(database: Database) -> None:
    with database.engine.begin() as conn:
        people = conn.execute(_PEOPLE).all()
        kept = "".join(
            row.event for row in conn.execute(text("SELECT event::text FROM dagster.event_logs"))
        ) + "".join(row[0] for row in conn.execute(_CHECKS))
    assert len(kept) > 10_000, "the run's events are here"
    planted = [v for row in people for v in row if v and len(v) > 5]
    assert len(planted) > 30
    assert not [value for value in planted if value in kept]


def _assert_no_secret_is_kept(made: House, secrets: Iterable[str]) -> None:
    """Neither the database's files nor a log nor a setting holds a secret."""
    known = [secret.encode() for secret in secrets]
    assert len(known) >= 2
    files = [path for path in made.root.rglob("*") if path.is_file()]
    assert len(files) > 1000, "the whole database is looked through"
    for path in files:
        content = path.read_bytes()
        assert not [secret for secret in known if secret in content], path


def _run_job(made: House, database: Database) -> Done:
    env = write_dagster_home(load(made.config, {"HUB_HOME": str(made.home)}), database)
    made.env.update(env | {"HUB_CONFIG": str(made.config)})
    return made.run(entry=(sys.executable, "-m", "hub.assets.run", "sync"))


def test_a_row_lost_between_two_stages_makes_the_run_red_and_is_named(
    vendors: SandboxProcess,
) -> None:
    with house(migrated=True) as made:
        vendors.furnish(made)
        settings = load(made.config, {"HUB_HOME": str(made.home)})
        with open_database(settings, SystemClock()) as database:
            with database.owner_engine().begin() as conn:
                for statement in LOSE:
                    conn.exec_driver_sql(statement)
            done = _run_job(made, database)
            assert done.returncode == 1, done.stderr[-2000:]
            summary = json.loads(done.stdout)
            assert not summary["success"]
            with database.engine.begin() as conn:
                lost = conn.execute(
                    text("SELECT source_id FROM ops.verdict WHERE verdict IS NULL")
                ).scalar_one()
            failed = _checks(database)
            assert set(failed) == {"ledger"}
            assert failed["ledger"] == {"salesforce/leads lost": f"1: {lost}"}
            _assert_nobody_is_named(database)
        (made.root / "sandbox.json").unlink()
        _assert_no_secret_is_kept(made, vendors.said["env"].values())


def test_the_demo_is_red_by_a_hidden_record_and_tells_count_and_range() -> None:
    arguments = ("--people", "12", "--faults", "hide_one:salesforce/leads")
    with house() as made:
        _assert_red(made, made.run("demo", "--once", "--json", *arguments, timeout=250))


def _assert_red(made: House, done: Done) -> None:
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    fits_demo_schema(report)
    assert report["dagster"]["runs"] == report["dagster"]["failed"] == 3
    assert report["unassigned"] == 0, "the leads that are there have owners all the same"
    assert made.processes() == []
    settings = load(made.home / "hub.yaml", {"HUB_HOME": str(made.home)})
    with open_database(settings, SystemClock()) as database:
        failed = _checks(database)
        assert set(failed) == {"ledger", "complete"}
        assert failed["complete"]["missing"] == 1
        told = failed["ledger"]["salesforce/leads hidden"]
        assert told.startswith("1 counted by the source and never handed out")
        assert re.search(r"\S+ \.\. \S+", failed["complete"]["narrowest_range"])
        assert failed["complete"]["narrowest_range"] in told
        _assert_nobody_is_named(database)
