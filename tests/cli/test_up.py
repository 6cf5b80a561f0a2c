"""`hub up` as its operator sees it: real processes, Dagster's own GraphQL, and no process left."""

import importlib
import json
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from hub.cli.dagster_home import MODULE
from tests.processes import FREE_PORTS, House, SandboxProcess, house, is_calm

_AUTOMATION = """{ workspaceOrError { ... on Workspace { locationEntries { name
  locationOrLoadError { ... on RepositoryLocation { repositories { name
    assetNodes { assetKey { path } }
    schedules { name scheduleState { status } } sensors { name sensorState { status } }
  } } } } } } }"""
_START_S = 90
ROOT = Path(__file__).parents[2]


@pytest.fixture
def made(vendors: SandboxProcess) -> Iterator[House]:
    with house() as one:
        one.env.update(FREE_PORTS)
        yield vendors.furnish(one, sources=("typeform", "salesforce"))


def _said(process: "subprocess.Popen[str]") -> Any:
    """The document that is printed once the hub is up."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], _START_S)
    line = process.stdout.readline() if ready else ""
    if not line:
        process.send_signal(signal.SIGTERM)
        raise AssertionError(process.communicate(timeout=20)[1])
    return json.loads(line)


def _location(address: str) -> Any:
    answer = requests.post(f"{address}/graphql", json={"query": _AUTOMATION}, timeout=20).json()
    (location,) = answer["data"]["workspaceOrError"]["locationEntries"]
    return location


def _repository(location: Any) -> Any:
    (repository,) = location["locationOrLoadError"]["repositories"]
    return repository


def _automation(repository: Any) -> dict[str, str]:
    return {
        one["name"]: one[state]["status"]
        for kind, state in (("schedules", "scheduleState"), ("sensors", "sensorState"))
        for one in repository[kind]
    }


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_up_runs_the_schedules_of_what_is_configured_and_ends_with_ctrl_c(made: House) -> None:
    for name in ("queue", "gql"):  # Dagster imports such modules; these are the user's
        (made.root / f"{name}.py").write_text("raise RuntimeError('a file of the user was run')")
    process = made.start("up", "--dagster-port", "0", "--json")
    said = _said(process)
    assert said["ready"]
    assert said["sources"] == ["salesforce", "typeform"]
    assert _within(_START_S, lambda: _takes_webhooks(said))
    location = _location(said["dagster"])
    _is_what_dagster_dev_shows(location, said["sources"])
    assert _automation(_repository(location)) == {
        "alert_lost_runs": "RUNNING",
        "migrations": "RUNNING",
        "nightly_prune": "RUNNING",
        "nightly_rollups": "RUNNING",
        "poll": "RUNNING",
        "reconcile": "RUNNING",
        "what_happened_outside": "RUNNING",
    }
    server = made.postmaster()
    assert server is not None
    listed = made.run("lead", "list", "--json")
    assert listed.returncode == 0, listed.stderr
    assert made.postmaster() == server, "a command uses its server and leaves it running"
    second = made.run("up", "--dagster-port", "0")
    assert second.returncode == 2
    assert is_calm(second)
    assert "runs already" in second.stderr
    _takes_up_a_changed_hub_yaml(made, said["dagster"])
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=40)
    assert process.returncode == 130, told
    assert "hub.yaml has changed and cannot be used" in told
    assert "hub.yaml has changed and is in force; sources: typeform" in " ".join(told.split())
    assert "Traceback" not in told
    assert _within(5, lambda: made.processes() == []), made.processes()


def _takes_up_a_changed_hub_yaml(made: House, address: str) -> None:
    """A mistake is told and changes nothing; then a source is gone, and its assets with it, in the daemon too."""
    right = made.config.read_text()
    made.config.write_text(right.replace("salesforce:", "salesforc:"))
    time.sleep(2)
    document = yaml.safe_load(right)
    del document["sources"]["salesforce"]
    made.config.write_text(yaml.safe_dump(document))

    def is_gone() -> bool:
        nodes = _repository(_location(address))["assetNodes"]
        return ["land", "salesforce", "leads"] not in [node["assetKey"]["path"] for node in nodes]

    assert _within(_START_S, is_gone)
    log = made.home / "logs/daemon.log"
    assert _within(_START_S, lambda: "LOCATION_UPDATED" in log.read_text()), (
        "the daemon has them too"
    )


def _is_what_dagster_dev_shows(location: Any, sources: Sequence[str]) -> None:
    """`hub up` writes a workspace of its own; both are the same location of the same definitions."""
    document = yaml.safe_load((ROOT / "workspace.yaml").read_text())
    (entry,) = [one["python_module"] for one in document["load_from"]]
    module = importlib.import_module(entry["module_name"])
    assert (module.__name__, entry["attribute"]) == (MODULE, "defs")
    shown = module.build_defs(sources).get_repository_def()
    assert location["name"] == entry["location_name"]
    assert _repository(location)["name"] == shown.name
    paths = {tuple(node["assetKey"]["path"]) for node in _repository(location)["assetNodes"]}
    assert paths == {tuple(key.path) for key in shown.asset_graph.get_all_asset_keys()}


def _takes_webhooks(said: Any) -> bool:
    """The gateway is ready, and refuses what is not signed."""
    try:
        ready = requests.get(f"{said['gateway_private']}/readyz", timeout=5)
        refused = requests.post(f"{said['gateway']}/hooks/typeform", data="{}", timeout=5)
    except requests.ConnectionError:
        return False
    return (ready.status_code, refused.status_code) == (200, 401)


def test_up_refuses_a_port_in_use_and_a_hub_without_sources(made: House) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = made.run("up", "--dagster-port", port)
    assert done.returncode == 2
    assert is_calm(done)
    assert port in done.stderr
    assert made.processes() == []
    made.config.write_text("people: []\n")
    done = made.run("up", "--dagster-port", "0")
    assert done.returncode == 2
    assert "no source is configured" in done.stderr
    assert not (made.home / "pg").exists(), "nothing was begun"
