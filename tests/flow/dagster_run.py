"""A run of Dagster's own that says a text in each place where a text can get into its tables and files."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.scheduler.instigation import TickData, TickStatus
from dagster._daemon.types import DaemonHeartbeat
from dagster_shared.error import SerializableErrorInfo

from hub.cli.dagster_home import write_dagster_home
from hub.db.engine import Database
from hub.settings import Settings


@contextmanager
def instance_of(settings: Settings, database: Database) -> Iterator[dg.DagsterInstance]:
    """Dagster's storage as `hub up` sets it up: on the same PostgreSQL, its files in HUB_HOME."""
    env = write_dagster_home(settings, database)
    with (
        mock.patch.dict(os.environ, env),
        dg.DagsterInstance.from_config(env["DAGSTER_HOME"]) as instance,
    ):
        yield instance


def run_that_says(instance: dg.DagsterInstance, texts: list[str], number: int) -> str:
    """Run a job that says texts wherever its code can, and fails with them; returns the run's id."""
    said = "\n".join(texts)

    @dg.op(config_schema={"who": str})
    def tell(context: dg.OpExecutionContext) -> str:
        context.log.error("refused:\n%s", said)
        sys.stdout.write(f"{said}\n")
        os.write(2, f"{said.upper()}\n".encode())
        context.log_event(_materialization(said, texts, number))
        context.log_event(dg.AssetObservation("lead", metadata={"said": dg.MetadataValue.md(said)}))
        context.add_output_metadata({"said": said, "pairs": {"who": texts}})
        return said

    @dg.op
    def fail(_context: dg.OpExecutionContext, said: str) -> None:
        raise dg.Failure(f"no such person\t{said}", metadata={"said": said})

    @dg.job(tags={"of": "test"}, executor_def=dg.in_process_executor)
    def telling() -> None:
        fail(tell())

    result = telling.execute_in_process(
        instance=instance,
        run_config={"ops": {"tell": {"config": {"who": said}}}},
        tags={"who": texts[0], "text": said},
        raise_on_error=False,
    )
    assert not result.success
    return result.run_id


def _materialization(said: str, texts: list[str], number: int) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(
        ["lead", texts[0]],
        description=said,
        partition=texts[0],
        metadata={
            "said": said,
            "number": number,
            "json": dg.MetadataValue.json({"people": [{"said": said}]}),
            "link": dg.MetadataValue.url(f"https://crm.example.com/?q={texts[0]}"),
            "rows": dg.MetadataValue.table([dg.TableRecord({"who": said})]),
        },
    )


def beside_runs(instance: dg.DagsterInstance, texts: list[str]) -> None:
    """Say texts in what Dagster keeps beside its runs: ticks, partitions, cursors, backfills, heartbeats."""
    said, now = "\n".join(texts), time.time()
    error = SerializableErrorInfo(said, [said], "ValueError")
    instance.add_dynamic_partitions("people", texts)
    instance.run_storage.set_cursor_values({"lead": said})
    tick = TickData("o1", "sensor", InstigatorType.SENSOR, TickStatus.FAILURE, now,
                    cursor=said, error=error, selector_id="s1")  # fmt: skip
    instance.create_tick(tick)
    instance.create_tick(
        tick._replace(status=TickStatus.SKIPPED, error=None, skip_reason=said, timestamp=now + 1)
    )
    instance.add_daemon_heartbeat(DaemonHeartbeat(now, "SENSOR", "d1", errors=[error]))
    instance.add_backfill(
        PartitionBackfill(
            "b1", BulkActionStatus.FAILED, from_failure=False, tags={"who": texts[0]}, title=texts[0],
            backfill_timestamp=now, description=said, error=error, partition_names=texts,
        )
    )  # fmt: skip


def readable(instance: dg.DagsterInstance, run_id: str) -> int:
    """Read all of it back, as Dagster's pages do; returns how many events the run has."""
    run = instance.get_run_by_id(run_id)
    assert run is not None
    assert run.is_failure
    assert len(instance.get_ticks("o1", "s1")) == 2
    assert len(instance.get_backfills()) == 1
    assert instance.get_daemon_heartbeats()["SENSOR"].errors
    for key in instance.all_asset_keys():
        instance.fetch_materializations(key, limit=10)
        instance.fetch_observations(key, limit=10)
    return len(instance.all_logs(run_id))


def files_of(home: Path) -> set[str]:
    """The kinds of files that Dagster wrote: of a run's output and errors, of its values."""
    return {file.suffix for file in (home / "dagster").rglob("*") if file.is_file()}
