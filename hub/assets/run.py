"""Run one job in this process, recorded in Dagster's own storage: `python -m hub.assets.run sync`.

Prints one JSON line: run_id, success, materializations, checks_passed, checks_failed; a
check that only warns (drift) is neither.
"""

import json
import sys

import dagster as dg

from hub.assets.definitions import defs


def main(job: str) -> int:
    """Execute the job; exit code 0 if the run is green, 1 if it is red."""
    with dg.DagsterInstance.get() as instance:
        result = defs.resolve_job_def(job).execute_in_process(
            instance=instance, raise_on_error=False
        )
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
        }
    sys.stdout.write(json.dumps(summary) + "\n")
    return 0 if result.success else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
