"""What an idle hub costs: `hub up` with five sources where nothing changes, less an empty Dagster.

`python -m bench.idle [--minutes 60] [--json] [--no-latency] [--write FILE]`. Two trees run side by
side: `hub up` over five emulated vendors, and the same processes with an empty code location. The
figures are the seconds of CPU of each process tree, PostgreSQL and ended processes included. They
also hold the growth of Dagster's tables, and the requests at the vendors. The process of the
vendors does not count. Then one record is made at each vendor, and the time until it is in the CRM
is measured against the promise that `hub status` prints. It takes `--minutes` and about 15 more;
progress goes to the standard error, and `--write` keeps the block for the docs. All that it started
ends with it.
"""

import argparse
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import Connection, create_engine, text

from bench.checkout import ROOT
from bench.emulated import first_line, vendors
from bench.new_records import NEW, promised, seconds_to_crm
from hub.clock import SystemClock
from hub.db.embedded import DATABASE, EmbeddedServer
from hub.db.place import embedded_urls

_TICKS = os.sysconf("SC_CLK_TCK")
_PR_SET_CHILD_SUBREAPER = 36
_CLOCK = SystemClock()
_START_S = 600
"""A busy machine starts slowly."""
_WARM_S = 180
"""More than the half of a tick of `reconcile`: its run an hour after the first sync is then measured."""
_EVERY_S = 300
_APART_S = 60
_END_S = 120
_MAIN = "from hub.cli.app import main; main()"
_EMPTY = f"import hub.cli.dagster as d; d.MODULE = 'bench.empty_location'; {_MAIN}"
_TEAM = """
people:
  - {email: ann@acme.example.com, name: Ann Lee, role: admin}
groups:
  - {name: sales, members: [ann@acme.example.com]}
routing:
  fallback: group:sales
"""
_PORTS = "\ngateway: {port: 0, private_port: 0}\n"
_RUNS = text("""
SELECT coalesce(t.value, r.pipeline_name), count(*) FROM dagster.runs r
LEFT JOIN dagster.run_tags t ON t.run_id = r.run_id AND t.key = 'hub/reason'
GROUP BY 1
""")
_SIZE = text("""
SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'dagster' AND c.relkind = 'r'
""")


@dataclass(frozen=True)
class Process:
    """One line of /proc: seconds of CPU of its own, and of its children that ended."""

    pid: int
    parent: int
    command: str
    own_s: float
    ended_s: float


def processes() -> dict[int, Process]:
    """Return all processes of the machine."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (
                (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
        except OSError:
            continue
        user, system, child_user, child_system = (float(word) / _TICKS for word in words[11:15])
        pid = int(folder.name)
        found[pid] = Process(pid, int(words[1]), command, user + system, child_user + child_system)
    return found


def spent(roots: Mapping[str, int]) -> dict[str, float]:
    """Return the seconds of CPU of some trees so far, by part.

    Args:
        roots: pids by what they are: `up` and `PostgreSQL`.
    """
    seen = processes()
    children: dict[int, list[int]] = {}
    for one in seen.values():
        children.setdefault(one.parent, []).append(one.pid)
    seconds: dict[str, float] = defaultdict(float)
    left = [(pid, name) for name, pid in roots.items() if pid in seen]
    while left:
        pid, part = left.pop()
        one = seen[pid]
        part = _part(one.command, part)
        seconds[part] += one.own_s
        seconds["runs" if part == "code server" else part] += one.ended_s
        left += [(child, part) for child in children.get(pid, ())]
    return seconds


def _part(command: str, parent: str) -> str:
    if parent in {"PostgreSQL", "runs"}:
        return parent
    if parent == "code server" and "spawn_main" in command:
        return "runs"
    for words, part in (
        ("code-server", "code server"),
        ("api grpc", "code server"),
        ("hub.assets.web_server", "web server"),
        ("hub.assets.daemon", "daemon"),
        ("hub.cli.app gateway", "gateway"),
        ("hub.cli.app worker", "worker"),
    ):
        if words in command:
            return part
    return parent


@dataclass
class Tree:
    """One `hub up`: its home, and its processes."""

    name: str
    root: Path
    env: Mapping[str, str]
    process: "subprocess.Popen[str] | None" = None

    @property
    def home(self) -> Path:
        """Its HUB_HOME."""
        return self.root / "h"

    def run(self, *arguments: str) -> str:
        """Run a command to its end; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-c", _MAIN, *arguments],
            cwd=self.root, env=dict(self.env), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode not in {0, 3}:  # 3: a sync met values for quarantine
            raise SystemExit(f"{self.name}: hub {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    @contextmanager
    def up(self, main: str) -> Iterator[None]:
        """Keep it up."""
        command = [sys.executable, "-c", main, "up", "--dagster-port", "0", "--json"]
        self.process = subprocess.Popen(
            command, cwd=self.root, env=dict(self.env),
            stdout=subprocess.PIPE, stderr=(self.root / "up.err").open("w"), text=True,
        )  # fmt: skip
        try:
            try:
                first_line(self.process, _START_S)
            except SystemExit as exc:
                why = (self.root / "up.err").read_text()[-2000:]
                raise SystemExit(f"{self.name}: hub up does not start: {why}") from exc
            yield
        finally:
            self.process.terminate()
            self.process.communicate(timeout=_END_S)

    def spent(self) -> dict[str, float]:
        """Return its seconds of CPU so far, by part."""
        if self.process is None:
            raise SystemExit(f"{self.name} is not up")
        postmaster = int((self.home / "pg/data/postmaster.pid").read_text().splitlines()[0])
        return spent({"hub up": self.process.pid, "PostgreSQL": postmaster})

    @contextmanager
    def connected(self, role: str = "owner") -> Iterator[Connection]:
        """Connect to its database, which runs; Dagster's tables belong to the role `app`."""
        server = EmbeddedServer(self.home, SystemClock())
        try:
            engine = create_engine(embedded_urls(server.attach(), DATABASE)[role])
            with engine.connect() as conn:
                yield conn
            engine.dispose()
        finally:
            server.detach()

    def tables(self) -> dict[str, int]:
        """Return the bytes of each of Dagster's tables."""
        with self.connected() as conn:
            return {str(name): int(size) for name, size in conn.execute(_SIZE)}

    def runs(self) -> dict[str, int]:
        """Return Dagster's runs so far, by the reason why they were started."""
        with self.connected("app") as conn:
            return {str(name): int(n) for name, n in conn.execute(_RUNS)}


@contextmanager
def furnished(name: str, said: Mapping[str, Any]) -> Iterator[Tree]:
    """Make a home with a team and five sources, all of them synced."""
    root = Path(tempfile.mkdtemp(prefix="hubidle"))
    root.chmod(0o755)
    env = {n: v for n, v in os.environ.items() if not n.startswith(("HUB_", "DAGSTER_"))}
    env |= {"HUB_HOME": str(root / "h"), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    tree = Tree(name, root, env | said["env"])
    try:
        (root / "sandbox.json").write_text(json.dumps(said))
        tree.run("init", "--sandbox", "sandbox.json", "--force")
        config = root / "hub.yaml"
        if "\npeople:" not in config.read_text():
            config.write_text(config.read_text() + _TEAM)
        config.write_text(config.read_text() + _PORTS)  # two trees on one machine
        tree.run("sync")
        yield tree
    finally:
        shutil.rmtree(root, ignore_errors=True)


def asked(said: Mapping[str, Any]) -> dict[str, int]:
    """Return the requests at each vendor so far."""
    counts = requests.get(f"{said['control']}/requests", timeout=10).json()
    return {name: int(counts[name]["total"]) for name in NEW}


def measure(full: Tree, empty: Tree, said: Mapping[str, Any], minutes: float) -> dict[str, Any]:
    """Wait while nothing happens; return what it cost."""
    say(f"both are up; the measurement begins in {_WARM_S} s")
    _CLOCK.sleep(_WARM_S)  # the first questions, and what Dagster does once
    trees = {"hub": full, "empty": empty}
    tables, runs = {name: tree.tables() for name, tree in trees.items()}, full.runs()
    requests_n = asked(said)
    began, cpu = time.monotonic(), {name: tree.spent() for name, tree in trees.items()}
    load = [os.getloadavg()[0]]
    while (left_s := minutes * 60 - (time.monotonic() - began)) > 0:
        _CLOCK.sleep(min(left_s, _EVERY_S))
        took_s = time.monotonic() - began
        ended = {name: tree.spent() for name, tree in trees.items()}
        load.append(os.getloadavg()[0])
        more = sum(ended["hub"].values()) - sum(cpu["hub"].values())
        less = sum(ended["empty"].values()) - sum(cpu["empty"].values())
        say(
            f"{took_s / 60:5.1f} of {minutes:g} minutes: hub {more:.1f} CPU s, empty {less:.1f}, "
            f"difference {(more - less) / took_s * 3600:.1f} an hour; load {load[-1]:.1f}"
        )
    later, runs_later = asked(said), full.runs()
    grown = {name: tree.tables() for name, tree in trees.items()}
    cpu_s = {
        name: {part: s - cpu[name].get(part, 0.0) for part, s in ended[name].items()}
        for name in trees
    }
    return {
        "minutes": took_s / 60,
        "load": sum(load) / len(load),
        "cpu_s": cpu_s,
        "difference_s": sum(cpu_s["hub"].values()) - sum(cpu_s["empty"].values()),
        "runs": {name: n - runs.get(name, 0) for name, n in runs_later.items()},
        "tables_bytes": {
            name: {t: n - tables[name].get(t, 0) for t, n in grown[name].items()} for name in trees
        },
        "requests": {name: later[name] - n for name, n in requests_n.items()},
    }


def say(line: str) -> None:
    """Print a line of progress."""
    print(f"{time.strftime('%H:%M:%S')}  {line}", file=sys.stderr, flush=True)


def shown(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines for docs/performance.md."""
    hours = result["minutes"] / 60
    hub, empty = result["cpu_s"]["hub"], result["cpu_s"]["empty"]
    runs = ", ".join(f"{n} {name}" for name, n in sorted(result["runs"].items()) if n) or "none"
    yield (
        f"Measured over {result['minutes']:.0f} minutes at a load of {result['load']:.1f}, extrapolated to "
        f"an hour and a day. Runs in that time, by reason: {runs}."
    )
    yield ""
    yield "| part | hub, CPU s an hour | empty Dagster, CPU s an hour | difference |"
    yield "|---|---:|---:|---:|"
    for part in sorted({*hub, *empty}):
        one, other = hub.get(part, 0.0) / hours, empty.get(part, 0.0) / hours
        yield f"| {part} | {one:.1f} | {other:.1f} | {one - other:+.1f} |"
    total, base = sum(hub.values()) / hours, sum(empty.values()) / hours
    yield f"| **all** | **{total:.1f}** | **{base:.1f}** | **{total - base:+.1f}** |"
    grown = {name: sum(of.values()) / hours for name, of in result["tables_bytes"].items()}
    yield ""
    yield "| a day of doing nothing | before | now | empty Dagster |"
    yield "|---|---:|---:|---:|"
    yield (
        f"| CPU, above the empty Dagster | 3.5 hours | {(total - base) * 24 / 60:.0f} minutes | |"
    )
    yield f"| Dagster's tables | 190 MB | {_mb(grown['hub'] * 24)} | {_mb(grown['empty'] * 24)} |"
    for source, n in result["requests"].items():
        yield f"| requests at {source} | | {n / hours * 24:.0f} | |"
    if result.get("latency_s"):
        yield ""
        yield "| from a change at the vendor to the CRM | measured | promised |"
        yield "|---|---:|---:|"
        for source, took in result["latency_s"].items():
            told = "not in time" if took is None else f"{took:.0f} s"
            yield f"| {source} | {told} | {result['promised_s'].get(source, 0):.0f} s |"


def _mb(size: float) -> str:
    return f"{size / 1e6:.1f} MB"


def end_what_is_left() -> None:
    """Kill what this process has started and what did not end with it; as a subreaper it is the parent."""
    for _ in range(5):  # children of a killed process are ours then
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        left = [one for one in processes().values() if one.parent == os.getpid()]
        if not left:
            return
        for one in left:
            say(f"still there, and killed: {one.pid} {one.command[:80]}")
            os.kill(one.pid, signal.SIGKILL)
        _CLOCK.sleep(1)


def measured(minutes: float, *, with_latency: bool) -> dict[str, Any]:
    """Start both trees, measure, and end them."""
    with ExitStack() as stack:
        stack.callback(end_what_is_left)
        said = stack.enter_context(vendors(200, _START_S))
        full = stack.enter_context(furnished("hub", said))
        empty = stack.enter_context(furnished("empty", said))
        stack.enter_context(full.up(_MAIN))
        stack.enter_context(empty.up(_EMPTY))
        result = measure(full, empty, said, minutes)
        if with_latency:
            with full.connected() as conn:
                result["latency_s"] = seconds_to_crm(
                    conn, said["control"], apart_s=_APART_S, tell=say
                )
            result["promised_s"] = promised(full.run("status", "--json"))
    return result


@contextmanager
def hub_up() -> Iterator[tuple[Tree, str]]:
    """Run a hub over five emulated vendors; yields it, and the address by which the vendors are changed."""
    with ExitStack() as stack:
        stack.callback(end_what_is_left)
        said = stack.enter_context(vendors(200, _START_S))
        tree = stack.enter_context(furnished("hub", said))
        stack.enter_context(tree.up(_MAIN))
        yield tree, said["control"]


def end_with_this_process() -> None:
    """See to it that what this process starts ends with it, also at SIGTERM."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the block."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-latency", action="store_true")
    parser.add_argument("--write", type=Path, help="a file for the block, as Markdown")
    chosen = parser.parse_args(arguments)
    end_with_this_process()
    result = measured(chosen.minutes, with_latency=not chosen.no_latency)
    block = "\n".join(shown(result)) + "\n"
    if chosen.write:
        chosen.write.write_text(block)
    sys.stdout.write(json.dumps(result) + "\n" if chosen.json else block)


if __name__ == "__main__":
    main()
