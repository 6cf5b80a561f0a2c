"""DAGSTER_HOME inside HUB_HOME: what Dagster's processes read, and the environment they run with.

Written again at each start. The repository's `workspace.yaml` is for `dagster dev`; the one written
here names the code server that `hub up` runs.
"""

import os
from pathlib import Path
from typing import Any

import yaml

from hub.db.engine import Database
from hub.errors import ConfigError
from hub.settings import Settings

LOCATION = "lead_hub"
MODULE = "hub.assets.definitions"
_LEAST_FRESHNESS_S = 30
_OPEN_QUESTIONS_S = 1
_LONGEST = 107
"""Bytes of a socket's path, on Linux."""


def write_dagster_home(
    settings: Settings, database: Database, *, config: Path | None = None
) -> dict[str, str]:
    """Write DAGSTER_HOME; returns the environment for Dagster's processes.

    Raises:
        ConfigError: the path of the home is too long for a socket.
    """
    home = dagster_home(settings.home)
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)  # who reaches the socket of the code server can start runs
    socket = code_socket(settings.home)
    if len(os.fsencode(socket)) > _LONGEST:
        raise ConfigError(
            f"the path {settings.home} is too long for the socket of the code server",
            hint="set HUB_HOME to a shorter folder",
        )
    (home / "dagster.yaml").write_text(yaml.safe_dump(_instance()))
    workspace = {"load_from": [{"grpc_server": {"socket": str(socket), "location_name": LOCATION}}]}
    workspace_file(settings.home).write_text(yaml.safe_dump(workspace))
    return {
        "DAGSTER_HOME": str(home),
        "HUB_DAGSTER_URL": database.dagster_url,
        # A code server that ends waits for open questions, else for a minute.
        "DAGSTER_GRPC_SHUTDOWN_GRACE_PERIOD": str(_OPEN_QUESTIONS_S),
        "FRESHNESS_DAEMON_INTERVAL_SECONDS": str(_freshness_s(settings)),
        # `python -m` looks into the working directory first: a user's queue.py there would be imported.
        "PYTHONSAFEPATH": "1",
        **python_path(home),
        "HUB_HOME": str(settings.home),
        "HUB_CONFIG": str(config.absolute()) if config else os.environ.get("HUB_CONFIG", ""),
    }


def python_path(home: Path) -> dict[str, str]:
    """Return PYTHONPATH with a folder before it, if there is one.

    Dagster takes the first entry of `sys.path` for the folder of its script, and removes it
    (`dagster._core.code_pointer.load_python_module`). Without such a folder that is a user's entry.
    """
    paths = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([str(home), paths])} if paths else {}


def _freshness_s(settings: Settings) -> int:
    """Return the seconds between two looks at the freshness of all assets: a policy counts in hours."""
    return max(_LEAST_FRESHNESS_S, min(300, settings.dagster.reconcile_every_s // 12))


def dagster_home(home: Path) -> Path:
    """Return the folder of Dagster inside HUB_HOME."""
    return home.absolute() / "dagster"


def code_socket(home: Path) -> Path:
    """Return the socket of the code server."""
    return dagster_home(home) / "code.sock"


def workspace_file(home: Path) -> Path:
    """Return the workspace file of the web server and the daemon."""
    return dagster_home(home) / "workspace.yaml"


def _instance() -> dict[str, Any]:
    return {
        # The pool of the process: a connection for each statement costs more than the statement.
        "storage": {
            "custom": {
                "module": "hub.assets.storage",
                "class": "PooledStorage",
                "config": {"postgres_url": {"env": "HUB_DAGSTER_URL"}},
            }
        },
        "telemetry": {"enabled": False},
        "freshness": {"enabled": True},  # the policies of `land/*`
        "nux": {"enabled": False},
        "python_logs": {"managed_python_loggers": ["hub"], "python_log_level": "INFO"},
        # Each run is a process of its own; further runs wait in Dagster's queue. A second run of a
        # source waits there too, and so takes no place.
        "concurrency": {
            "runs": {
                # News of several sources at once must not wait for each other: the promise of `hub status`
                # has thirty seconds for the run. A run takes some 130 MB.
                "max_concurrent_runs": 4,
                "tag_concurrency_limits": [
                    {"key": "source", "value": {"applyLimitPerUniqueValue": True}, "limit": 1},
                    # A migration takes one of the places, so syncs always have three.
                    {"key": "hub/kind", "value": "migration", "limit": 1},
                ],
            },
            # A pool a source, for ranges of migrations that are launched by hand.
            "pools": {"granularity": "run", "default_limit": 1},
        },
        "run_launcher": {"module": "hub.assets.launcher", "class": "HubRunLauncher"},
        # A process that is killed leaves its run as STARTED; here such a run is failed.
        "run_monitoring": {
            "enabled": True,
            "poll_interval_seconds": 15,
            "start_timeout_seconds": 90,
            "cancel_timeout_seconds": 60,
            # The tag `dagster/max_runtime` of a run sets another; 0 is no limit.
            "max_runtime_seconds": 3600,
        },
        # A source that does not answer must not hold up the sensors of the others.
        "sensors": {"use_threads": True, "num_workers": 8},
        "retention": {
            "schedule": {"purge_after_days": 30},
            # Else each tick looks for old ones, three times. The nightly prune does (`hub.assets.prune`).
            "sensor": {"purge_after_days": -1},
        },
    }
