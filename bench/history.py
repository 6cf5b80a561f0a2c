"""What the nightly prune leaves: rows of many runs, copied by SQL with shifted times, then pruned.

    python -m bench.history [--runs 1440] [--nights 3]

One real run of a sync over the sandbox is the pattern. Each night it is copied so many times, every copy
older than 30 days, and then pruned. Printed: rows and size of Dagster's tables, seconds, and whether the
newest state of each asset stayed. The size after a night is what the next night fills again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from sqlalchemy import Connection, text

from hub.assets.prune import limits, prune_history
from hub.cli.dagster_home import write_dagster_home
from hub.clock import SystemClock
from hub.db.engine import Database, open_database
from hub.settings import Settings, load

_TABLES = ("runs", "run_tags", "event_logs", "asset_check_executions")
_COLUMNS = text("""
SELECT column_name, data_type FROM information_schema.columns
WHERE table_schema = 'dagster' AND table_name = :name AND column_name <> 'id'
ORDER BY ordinal_position
""")
_COPIES = """
CREATE TEMPORARY TABLE copies ON COMMIT DROP AS
SELECT gen_random_uuid()::text AS run_id, g * interval '1 minute' + interval '31 days' AS age
FROM generate_series(1, {runs}) g
"""
_SIZES = text("""
SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'dagster' AND c.relkind = 'r'
""")


def copy_run(conn: Connection, run_id: str, runs: int) -> None:
    """Copy all rows of a run so many times, each copy a minute older than the one before."""
    conn.exec_driver_sql(_COPIES.format(runs=runs))
    for table in _TABLES:
        names, values = [], []
        for name, kind in conn.execute(_COLUMNS, {"name": table}):
            names.append(f'"{name}"')
            if kind.startswith("timestamp"):
                values.append(f'"{name}" - age')
            elif kind in {"text", "character varying"}:
                values.append(f"replace(old.\"{name}\", '{run_id}', copies.run_id)")
            else:
                values.append(f'old."{name}"')
        conn.exec_driver_sql(
            f"INSERT INTO dagster.{table} ({', '.join(names)}) "  # noqa: S608 names of the catalogue
            f"SELECT {', '.join(values)} FROM dagster.{table} old, copies "
            f"WHERE old.run_id = '{run_id}' ORDER BY age DESC, old.id"
        )


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _figures(conn: Connection) -> str:
    rows = {
        name: conn.execute(text(f"SELECT count(*) FROM dagster.{name}")).scalar_one()  # noqa: S608
        for name in _TABLES
    }
    size = float(conn.execute(_SIZES).scalar_one()) / 1e6
    return f"{size:7.1f} MB  " + "  ".join(f"{name} {n:,}" for name, n in rows.items())


@contextmanager
def _hub(root: Path) -> Iterator[tuple[Database, dict[str, str], Path]]:
    """A hub over a small sandbox, and the environment of its Dagster."""
    sandbox = subprocess.Popen(
        [sys.executable, "-m", "hub.sandbox", "--json", "--people", "40", "--time-scale", "600"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        said = json.loads(sandbox.stdout.readline() if sandbox.stdout else "")
        (root / "sandbox.json").write_text(json.dumps(said))
        os.environ.update(said["env"], HUB_HOME=str(root / "h"))
        os.chdir(root)
        command = [str(Path(sys.executable).with_name("hub")), "init", "--sandbox", "sandbox.json"]
        subprocess.run(command, check=True, capture_output=True)
        settings = load(root / "hub.yaml")
        with open_database(settings, SystemClock()) as database:
            yield database, write_dagster_home(settings, database, config=root / "hub.yaml"), root
    finally:
        sandbox.terminate()
        sandbox.wait()


def main() -> None:
    """Print the figures of each night."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=1440)
    parser.add_argument("--nights", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hub") as folder:
        Path(folder).chmod(0o755)
        with _hub(Path(folder)) as (database, env, root):
            os.environ.update(env)
            done = subprocess.run(
                [sys.executable, "-m", "hub.assets.run", "sync_salesforce"],
                check=False, capture_output=True, text=True,
            )  # fmt: skip
            run_id = json.loads(done.stdout)["run_id"]
            with dg.DagsterInstance.get() as instance:
                _nights(database, instance, run_id, options, load(root / "hub.yaml"))


def _nights(
    database: Database,
    instance: dg.DagsterInstance,
    run_id: str,
    options: argparse.Namespace,
    settings: Settings,
) -> None:
    old = limits(settings.dagster, SystemClock().now())
    newest = _newest(instance)
    with database.engine.connect() as conn:
        _say(f"one run            {_figures(conn)}")
    for night in range(1, options.nights + 1):
        with database.engine.begin() as conn:
            copy_run(conn, run_id, options.runs)
        with database.engine.connect() as conn:
            _say(f"night {night}, before    {_figures(conn)}")
        started, cpu = time.monotonic(), time.process_time()
        deleted = prune_history(instance, database.engine, old, in_time=lambda: True)
        seconds, cpu = time.monotonic() - started, time.process_time() - cpu
        with database.engine.connect() as conn:
            _say(f"night {night}, after     {_figures(conn)}")
        _say(f"         deleted {deleted} in {seconds:.1f} s, {cpu:.1f} CPU s of Python")
    if _newest(instance) != newest:
        sys.exit("the newest state of an asset is gone")
    _say("the newest state of every asset is as before")


def _newest(instance: dg.DagsterInstance) -> dict[str, object]:
    """Return the run of the newest materialization of each asset."""
    found: dict[str, object] = {}
    for key in instance.get_asset_keys():
        event = instance.get_latest_materialization_event(key)
        found[key.to_user_string()] = event.run_id if event else None
    return found


if __name__ == "__main__":
    main()
