"""Run one job in this process, recorded in Dagster's own storage: `python -m hub.assets.run sync`.

The run carries the code location of `hub up`, so that the job's timeline there shows it. Prints one JSON line: run_id, success, materializations, checks_passed, checks_failed, failures; a
check that only warns (drift) is neither passed nor failed. `failures` are sentences for an operator.
"""

import json
import sys
from functools import partial
from pathlib import Path

import dagster as dg
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.remote_origin import RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.workspace.load_target import WorkspaceFileTarget

from hub.assets.definitions import defs


def main(job: str) -> int:
    """Execute the job; exit code 0 if the run is green, 1 if it is red, 2 if the operator must act."""
    with dg.DagsterInstance.get() as instance:
        origin = _origin(Path(instance.root_directory), job)
        # `execute_in_process` gives its runs no place in a code location
        named = partial(instance.create_run_for_job, remote_job_origin=origin)
        instance.create_run_for_job = named  # type: ignore[method-assign]
        result = defs.resolve_job_def(job).execute_in_process(
            instance=instance, raise_on_error=False, tags=_tags(origin)
        )
        failures = [_failure(event) for event in result.filter_events(lambda e: e.is_step_failure)]
        checks = result.get_asset_check_evaluations()
        summary = {
            "run_id": result.run_id,
            "success": result.success,
            "materializations": len(result.get_asset_materialization_events()),
            "checks_passed": sum(1 for check in checks if check.passed),
            "checks_failed": sum(
                1
                for check in checks
                if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
            ),
            "failures": [sentence for sentence, _ in failures],
        }
    sys.stdout.write(json.dumps(summary) + "\n")
    return 0 if result.success else max((code for _, code in failures), default=1)


def _origin(home: Path, job: str) -> RemoteJobOrigin | None:
    """Return the job's place in the code location of the workspace file; None without a file."""
    file = home / "workspace.yaml"
    if not file.exists():
        return None
    (location,) = WorkspaceFileTarget(paths=[str(file)]).create_origins()
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME), job)


def _tags(origin: RemoteJobOrigin | None) -> dict[str, str]:
    """Return the tag by which Dagster's pages find the runs of a job."""
    if origin is None:
        return {}
    return {".dagster/repository": f"{SINGLETON_REPOSITORY_NAME}@{origin.location_name}"}


def _failure(event: dg.DagsterEvent) -> tuple[str, int]:
    """Return why a step failed, and the exit code for it."""
    data = event.step_failure_data
    told = data.user_failure_data
    if told is None:
        return (data.error.message if data.error else "").strip(), 1
    code = told.metadata.get("exit_code")
    return told.description or "", int(code.value or 1) if isinstance(
        code, dg.IntMetadataValue
    ) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
