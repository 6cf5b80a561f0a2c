"""The product as its users run it: real `hub` processes over a folder, real emulated vendors."""

import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import requests

from hub.clock import SystemClock
from hub.db.embedded import EmbeddedServer
from hub.views.schema import schema_of
from tests.clusters import copy_cluster
from tests.folders import new_folder
from tests.warm import Warm

HUB = Path(sys.executable).with_name("hub")
_START_S = 40
FREE_PORTS = {"HUB_GATEWAY__PORT": "0", "HUB_GATEWAY__PRIVATE_PORT": "0"}
"""Variables for a hub that runs beside others."""
_DEMO_SCHEMA = Path(__file__).parents[1] / "docs/reference/demo.schema.json"
Done = subprocess.CompletedProcess[str]


_until_the_end = ExitStack()


def close() -> None:
    """End what commands and houses of this process came from."""
    _until_the_end.close()


@cache
def warm() -> Warm:
    """This process's reader of modules."""
    reader = Warm()
    _until_the_end.callback(reader.close)
    return reader


def fits_demo_schema(document: Any) -> None:
    """Hold what `hub demo --json` printed against its published schema."""
    jsonschema.validate(document, json.loads(_DEMO_SCHEMA.read_text()))


def fits(document: Any, model: type) -> Any:
    """Hold a document that a command printed against its read model; returns the document."""
    jsonschema.validate(document, schema_of(model))
    return document


def clean_environment() -> dict[str, str]:
    """This process's environment without the hub's own variables."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}


def _read_already(entry: Sequence[str]) -> Path | None:
    """Return the program of an entry, if `Warm` has read what it needs: `hub`, or a script of the tests."""
    program = Path(entry[-1])
    is_script = len(entry) == len((sys.executable, program)) and program.suffix == ".py"
    return program if is_script or tuple(entry) == (str(HUB),) else None


@dataclass
class House:
    """A working directory with its own HUB_HOME, and the commands that run in it."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    started: list["subprocess.Popen[str]"] = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.root / "h"

    @property
    def config(self) -> Path:
        return self.root / "hub.yaml"

    def _environment(self) -> dict[str, str]:
        return {**clean_environment(), "HUB_HOME": str(self.home), **self.env}

    def run(
        self, *arguments: str, entry: Sequence[str] = (str(HUB),), timeout: float = 120
    ) -> Done:
        """Run a command to its end."""
        program = _read_already(entry)
        own = {name for name in self.env if not name.startswith("HUB_")}
        # Python's variables are for an interpreter; only Linux tells of a process by a descriptor
        if program and not own and sys.platform == "linux":
            return warm().run(
                program, arguments, cwd=self.root, env=self._environment(), timeout=timeout
            )
        return subprocess.run(
            [*entry, *arguments],
            cwd=self.root,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *arguments: str, entry: Sequence[str] = (str(HUB),)) -> "subprocess.Popen[str]":
        """Start a command in a process group of its own; Ctrl-C reaches it, also where it does not reach us."""
        if (
            signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        ):  # started in the background by a script
            signal.signal(
                signal.SIGINT, signal.default_int_handler
            )  # the child has the default then
        process = subprocess.Popen(
            [*entry, *arguments],
            cwd=self.root,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def document(self, *arguments: str, code: int = 0) -> Any:
        """Run a command with --json and return its document."""
        done = self.run(*arguments, "--json")
        assert done.returncode == code, done.stdout + done.stderr
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    @contextmanager
    def served(self) -> Iterator["House"]:
        """Hold the server, so that not every command starts it and stops it again."""
        server = EmbeddedServer(self.home, SystemClock())
        server.attach()
        try:
            yield self
        finally:
            server.detach()

    def copy_to(self, root: Path) -> "House":
        """Copy folder and database, whose server must not run."""
        subprocess.run(["cp", "-a", str(self.root), str(root)], check=True)
        return House(root, dict(self.env))

    def with_database(self) -> "House":
        """Give it the migrated database without a row that its first command would make."""
        copy_cluster(self.home)
        return self

    def processes(self) -> list[int]:
        """Pids that belong to this house: its servers, and whatever was started with its home."""
        return processes_at(self.home)

    def postmaster(self) -> int | None:
        """The pid of the running server, if it runs."""
        try:
            pid = int((self.home / "pg/data/postmaster.pid").read_text().splitlines()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            return None
        return pid if b"postgres" in command else None


def processes_at(folder: Path) -> list[int]:
    """Pids whose command line or environment names the folder or something in it."""
    found = []
    name = re.compile(re.escape(str(folder).encode()) + rb"[/\0]")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            said = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if int(process.name) != os.getpid() and name.search(said + b"\0"):
            found.append(int(process.name))
    return found


@contextmanager
def house(env: Mapping[str, str] | None = None, *, migrated: bool = False) -> Iterator[House]:
    """A new, empty house, swept at the end: whatever of it still runs is killed.

    Args:
        env: its variables.
        migrated: it has a database without a row, as its first command would make one in seconds.
    """
    with new_folder() as root:
        made = House(root / "a", dict(env or {}))
        made.root.mkdir()
        if migrated:
            made.with_database()
        try:
            yield made
        finally:
            _sweep(root, made.started)


def _sweep(root: Path, started: Sequence["subprocess.Popen[str]"]) -> None:
    for pid in processes_at(root):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for process in started:  # one that a failed test left behind, too
        process.kill()
        process.wait(10)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


@dataclass(frozen=True)
class SandboxProcess:
    """A running sandbox, by what it announced."""

    said: Mapping[str, Any]
    pid: int

    def ask(self, method: str, path: str, body: object = None) -> Any:
        answer = requests.request(method, self.said["control"] + path, json=body, timeout=20)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def mails(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self.ask("GET", "/mail")["mail"]
        return found

    def furnish(self, made: House, *, sources: Collection[str] | None = None) -> House:
        """Give a house the hub.yaml and the secrets for this sandbox, or for some sources of it."""
        said = dict(self.said)
        if sources is not None:
            said["vendors"] = {name: said["vendors"][name] for name in sources}
        document = made.root / "sandbox.json"
        document.write_text(json.dumps(said))
        made.env.update(self.said["env"])
        done = made.run("init", "--sandbox", str(document), "--force")
        assert done.returncode == 0, done.stderr
        return made


@contextmanager
def sandbox_process(*arguments: str) -> Iterator[SandboxProcess]:
    """Run `python -m hub.sandbox` until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hub.sandbox", "--json", *arguments],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], _START_S)
        line = process.stdout.readline() if ready else ""
        assert line, f"the sandbox did not start within {_START_S} s"
        yield SandboxProcess(json.loads(line), process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def is_calm(done: Done) -> bool:
    """Whether a failed command spoke like one: no traceback, something said on stderr."""
    return "Traceback" not in done.stdout + done.stderr and bool(done.stderr.strip())
