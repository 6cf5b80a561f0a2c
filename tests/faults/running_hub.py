"""A real `hub up` over a real sandbox: its processes by name, its runs, and kill -9 of each of them.

`python -m tests.faults.running_hub` kills each process in turn, twice, with a run under way each time. It
prints the seconds until all worked again, the seconds until a lead that a webhook brought after the kill
was told to its owner, and what became of the run.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from hub.clock import SystemClock
from hub.db.engine import Database, open_database
from hub.db.locks import source_locks
from hub.settings import load
from tests.faults import web_leads
from tests.faults.web_leads import Lead
from tests.processes import FREE_PORTS, House, SandboxProcess, house, sandbox_process

SOURCE = "salesforce"
START_S = 150
WITHIN_S = 120.0
"""Within two minutes everything goes on."""
END_S = 40.0
"""Within twenty seconds of Ctrl-C everything has ended; a busy machine takes longer."""
_GONE_S = 30.0
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
_COMMANDS = {
    "code server": b"code-server\0start",
    "web server": b"hub.assets.web_server",
    "daemon": b"hub.assets.daemon\0run",
    "run": b"spawn_main",
    "gateway": b"hub.cli.app\0gateway",
    "worker": b"hub.cli.app\0worker",
}
PROCESSES = ("run", "daemon", "web server", "code server", "PostgreSQL", "gateway", "worker")
_LAUNCH = """mutation($job: String!) { launchRun(executionParams: {mode: "default", selector: {
  repositoryLocationName: "lead_hub", repositoryName: "__repository__", jobName: $job}}) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_RUN = """query($id: ID!) { runOrError(runId: $id) { ... on Run { status
  eventConnection { events { __typename ... on MessageEvent { message }
    ... on ExecutionStepFailureEvent { error { message causes { message } } }
    ... on RunFailureEvent { error { message } } } } } } }"""
_REASONS = (
    "terminated by",
    "been gone",
    "interrupted",
    "taking longer",
    "was lost",
    "the hub failed",
)
_LIVE = """{ runsOrError(filter: {statuses: [STARTING, STARTED, CANCELING]}) {
  ... on Runs { results { runId jobName status } } } }"""
_HEALTH = """{ instance { daemonHealth { allDaemonStatuses { daemonType required healthy
  lastHeartbeatTime } } } workspaceOrError { ... on Workspace { locationEntries {
  locationOrLoadError { __typename } } } } }"""


@dataclass
class Up:
    """A hub that is up."""

    made: House
    process: "subprocess.Popen[str]"
    address: str
    gateway: str
    gateway_private: str
    told: str = ""
    interrupted_at: float = 0.0
    ended_s: float = 0.0

    def ask(self, query: str, **variables: Any) -> Any:
        """Ask Dagster's web server; None while it does not answer."""
        body = {"query": query, "variables": variables}
        try:
            answer = requests.post(f"{self.address}/graphql", json=body, timeout=20)
            return answer.json()["data"]
        except (requests.RequestException, ValueError, KeyError):
            return None

    def pids(self, name: str) -> list[int]:
        """The ids of the processes of a name; of a run, the oldest first."""
        if name == "PostgreSQL":
            pid = self.made.postmaster()
            return [pid] if pid else []
        return sorted(p for p in self.made.processes() if _COMMANDS[name] in _command(p))

    def kill(self, name: str) -> None:
        """Kill -9 the process of a name."""
        assert within(WITHIN_S, lambda: bool(self.pids(name))), f"no {name} to kill"
        os.kill(self.pids(name)[0], signal.SIGKILL)

    def interrupt(self) -> None:
        """Press Ctrl-C, once."""
        if self.process.poll() is None and not self.interrupted_at:
            self.interrupted_at = time.monotonic()
            self.process.send_signal(signal.SIGINT)

    def launch(self, job: str = f"sync_{SOURCE}") -> str:
        """Launch a run, as the button in the UI does, again until the code server answers; returns its id."""
        answer: Any = None

        def is_launched() -> bool:
            nonlocal answer
            answer = (self.ask(_LAUNCH, job=job) or {}).get("launchRun")
            return bool(answer) and answer["__typename"] == "LaunchRunSuccess"

        assert within(WITHIN_S, is_launched), answer
        run_id: str = answer["run"]["runId"]
        return run_id

    def status(self, run_id: str) -> str:
        """The state of a run; empty while it is not known."""
        return str(((self.ask(_RUN, id=run_id) or {}).get("runOrError") or {}).get("status", ""))

    def said(self, run_id: str) -> str:
        """Why a run failed, by its events."""
        events = self.ask(_RUN, id=run_id)["runOrError"]["eventConnection"]["events"]
        told = {
            " ".join(said.split()): None
            for event in events
            for said in _sentences(event)
            if any(word in said for word in _REASONS)
        }
        return " | ".join(told)

    def live_runs(self) -> set[str]:
        """Runs that Dagster takes for being under way."""
        answer = self.ask(_LIVE)
        return {one["runId"] for one in answer["runsOrError"]["results"]} if answer else {"?"}

    def started(self, job: str = f"sync_{SOURCE}") -> list[str]:
        """Runs of a job that are STARTED."""
        found = (self.ask(_LIVE) or {}).get("runsOrError", {}).get("results", [])
        return [r["runId"] for r in found if (r["jobName"], r["status"]) == (job, "STARTED")]

    def takes_leads(self) -> bool:
        """Whether the gateway says that it takes requests, and a worker runs."""
        return is_ready(self.gateway_private) and bool(self.pids("worker"))

    def is_well(self, since: float) -> bool:
        """Whether all work: the definitions are loaded, and every daemon has reported since a moment."""
        if not self.takes_leads():
            return False
        answer = self.ask(_HEALTH)
        if answer is None or "RepositoryLocation" not in json.dumps(answer["workspaceOrError"]):
            return False
        daemons = answer["instance"]["daemonHealth"]["allDaemonStatuses"]
        return all(
            one["healthy"] and (one["lastHeartbeatTime"] or 0) >= since
            for one in daemons
            if one["required"]
        )


def _sentences(event: Any) -> list[str]:
    """Return the text of an event: its message, and its error with the causes."""
    error = event.get("error") or {}
    causes = [one["message"] for one in error.get("causes") or [] if one]
    return [event["message"], error.get("message") or "", *causes]


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def is_ready(gateway: str) -> bool:
    """Whether a gateway, by its private address, says that it takes requests."""
    try:
        return requests.get(f"{gateway}/readyz", timeout=20).ok
    except requests.RequestException:
        return False


def first_held(seconds: float, claims: Mapping[str, Callable[[], bool]]) -> dict[str, float]:
    """Wait until each claim has held once; returns after how many seconds, for those that did in time."""
    began = time.monotonic()
    found: dict[str, float] = {}

    def holds() -> bool:
        for name, claim in claims.items():
            if name not in found and claim():
                found[name] = time.monotonic() - began
        return len(found) == len(claims)

    within(seconds, holds)
    return found


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@contextmanager
def hub_up(made: House) -> Iterator[Up]:
    """Run `hub up`; it is ended as Ctrl-C does, and `told` holds its warnings."""
    process = made.start("up", "--dagster-port", "0", "--json")
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_S)
    line = process.stdout.readline() if ready else ""
    if not line:
        process.send_signal(signal.SIGTERM)
        raise AssertionError(process.communicate(timeout=60)[1])
    said = json.loads(line)
    up = Up(made, process, said["dagster"], said["gateway"], said["gateway_private"])
    try:
        yield up
    finally:
        up.interrupt()
        up.told = process.communicate(timeout=END_S)[1]
        up.ended_s = time.monotonic() - up.interrupted_at


@contextmanager
def held_source(made: House) -> Iterator[Database]:
    """Hold the lock of the source, so that a run of it waits in the middle of its way."""
    settings = load(made.config, {**made.env, "HUB_HOME": str(made.home)})
    with (
        open_database(settings, SystemClock()) as database,
        source_locks(database.engine, [SOURCE]),
    ):
        yield database


@dataclass
class LeadAfterKill:
    """A lead that a webhook brings: it is sent until it is acknowledged, and then its notice is waited for.

    Args:
        up: the hub.
        sandbox: has the mail.
        lead: the person.
    """

    up: Up
    sandbox: SandboxProcess
    lead: Lead
    is_sent: bool = False

    def is_told(self) -> bool:
        """Whether its owner has the notice; sends it meanwhile."""
        self.is_sent = (
            self.is_sent or web_leads.post(self.up.gateway, self.lead) == requests.codes.ok
        )
        return self.is_sent and any(
            web_leads.is_told_of(mail, self.lead) for mail in self.sandbox.mails()
        )


@dataclass(frozen=True)
class Told:
    """The result of one kill.

    Args:
        killed: the name of the process.
        back_s: until all worked again.
        lead_s: until a lead that came after the kill was told to its owner; None if none was sent.
        run: how the run that was under way ended.
        said: why it failed.
    """

    killed: str
    back_s: float
    lead_s: float | None
    run: str
    said: str


def kill_once(up: Up, name: str, sandbox: SandboxProcess | None = None) -> Told:
    """Kill a process while a run is under way; returns once all goes on and the run has ended.

    Args:
        up: the hub.
        name: the process.
        sandbox: where there is one, a lead comes by a webhook after the kill.

    Raises:
        AssertionError: it took longer than two minutes.
    """
    try:
        with held_source(up.made):
            up.launch()
            # A run of the source that a schedule launched goes first: then it is the one.
            assert within(WITHIN_S, lambda: bool(up.started())), "no run of the source has started"
            run_id = up.started()[0]
            time.sleep(3)  # it has taken its lock, and waits for the one of its source
            began, at = time.monotonic(), time.time()
            runs = set(up.pids("run"))
            up.kill(name)
            if name == "code server":  # it takes its runs with it; one that waits cannot end before
                within(_GONE_S, lambda: not runs & set(up.pids("run")))
            # The session that holds the source ends here; with PostgreSQL it was killed as well.
    except Exception as exc:
        if name != "PostgreSQL" or isinstance(exc, AssertionError):
            raise
    before_s = time.monotonic() - began
    claims: dict[str, Callable[[], bool]] = {"all work": lambda: up.is_well(at)}
    if sandbox:
        lead = Lead(f"k{name.replace(' ', '').lower()}{at:.0f}")
        claims["a lead is told"] = LeadAfterKill(up, sandbox, lead).is_told
    found = first_held(WITHIN_S - before_s, claims)
    assert found.keys() == claims.keys(), f"{name}: only {found}"
    left = WITHIN_S - (time.monotonic() - began)
    assert within(left, lambda: up.status(run_id) in ENDED), f"{name}: {up.status(run_id)}"
    status = up.status(run_id)
    said = up.said(run_id)
    assert status == "SUCCESS" or said, "what was red is said"
    back_s, lead_s = before_s + found["all work"], found.get("a lead is told")
    return Told(name, back_s, None if lead_s is None else before_s + lead_s, status, said)


@contextmanager
def furnished(*sources: str) -> Iterator[tuple[House, SandboxProcess]]:
    """A house with a small world, that has not synced yet."""
    arguments = ("--people", "20", "--seed", "5", "--time-scale", "600")
    with sandbox_process(*arguments) as sandbox, house(migrated=True) as made:
        made.env.update({**FREE_PORTS, web_leads.VARIABLE: web_leads.SECRET})
        yield sandbox.furnish(made, sources=sources), sandbox


def main() -> int:
    """Kill each process in turn, twice; print a table."""
    with furnished(SOURCE, "typeform") as (made, sandbox), hub_up(made) as up:
        for turn in (1, 2):
            for name in PROCESSES:
                told = kill_once(up, name, sandbox)
                sys.stdout.write(
                    f"{turn}  {name:<12} all work after {told.back_s:5.1f} s  "
                    f"lead told after {told.lead_s:5.1f} s  run {told.run:<8} {told.said}\n"
                )
                sys.stdout.flush()
        run_id = up.launch()
        assert within(WITHIN_S, lambda: up.status(run_id) == "SUCCESS"), up.said(run_id)
        assert within(WITHIN_S, lambda: not up.live_runs()), "no run stays STARTED"
        assert up.process.poll() is None
        # The end in the worst state: a run under way, PostgreSQL about to start, no web server.
        with suppress(Exception), held_source(made):
            up.launch()
            assert within(WITHIN_S, lambda: bool(up.started()))
            up.kill("web server")
            up.kill("PostgreSQL")
            time.sleep(1)
            up.interrupt()
    assert within(5, lambda: made.processes() == []), made.processes()
    sys.stdout.write(f"ended after {up.ended_s:.1f} s, with exit code {up.process.returncode}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
