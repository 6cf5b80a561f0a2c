"""Reading at the vendor's real pace: how much of the allowed rate is used, counted from outside.

    python -m bench.api_bound                                # HubSpot: one process, then ten at once
    python -m bench.api_bound --vendor salesforce --org 1500  # ranges side by side, and one after another
    python -m bench.api_bound --vendor sell --rows 30000      # the same of Zendesk Sell's ten requests a second

HubSpot is the stub of `bench.hubspot_stub` behind `bench.proxy`, which allows 5 searches in any second and
refuses the rest. Each process reads a migration of its own of the same account, so all of them share one
budget. The vendor's time is the number of searches by that rate.

Salesforce is the sandbox's org. It has no rate, so its time is the sum of the waits for its answers, which
the proxy holds back. A migration that reads one range after another cannot be faster than that sum.

Zendesk Sell is the sandbox's account with leads. The emulator itself allows ten requests in any second, and
refuses the others without a header.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.checkout import ROOT
from bench.emulated import first_line
from bench.hubspot_stub import TOKEN
from bench.measure import memory_mb
from bench.proxy import Call
from bench.sync import database_of, server, stub
from hub import logs
from hub.clock import SystemClock
from hub.db import engine as db_engine
from hub.db.embedded import Server
from hub.etl.assemble import assemble
from hub.etl.context import Hub
from hub.migration import planning, reading
from hub.migration.parts import Parts
from hub.records import migrations
from hub.settings import Settings

RATE, SELL_RATE = 5, 10
_START_S = 120.0
_QUIET_S = 10.0  # the window of HubSpot's other rate, which the planning has used


@dataclass(frozen=True, slots=True)
class Run:
    """What one measurement found.

    Args:
        processes: how many read at once.
        seen: the requests, as the proxy saw them; those of the planning too.
        begun: when the reading began.
        wall_s: from the first process's start to the last one's end.
        records: that were stored.
        peak_mb: the peak memory of the largest process.
        base_mb: its memory before the first request.
    """

    processes: int
    seen: Sequence[Call]
    begun: float
    wall_s: float
    records: int
    peak_mb: float
    base_mb: float

    @property
    def calls(self) -> list[Call]:
        """Return the requests of the reading."""
        return [one for one in self.seen if one.arrived >= self.begun]

    @property
    def refused_n(self) -> int:
        """Return the answers 429."""
        return sum(one.status == 429 for one in self.calls)

    @property
    def searches(self) -> list[float]:
        """Return when searches arrived, in order."""
        return sorted(one.arrived for one in self.calls if one.is_search)

    @property
    def used(self) -> float:
        """Return the share of the allowed rate, over whole windows from the first search to the last."""
        at = self.searches
        windows = (len(at) - 1) // RATE
        return windows / (at[windows * RATE] - at[0]) if windows else 0.0

    def used_of(self, rate: int) -> float:
        """Return the share of a rate of all requests, over whole windows from the first to the last."""
        at = sorted(one.arrived for one in self.calls)
        windows = (len(at) - 1) // rate
        return windows / (at[windows * rate] - at[0]) if windows else 0.0

    @property
    def waited_s(self) -> float:
        """Return the sum of the times between a request and its answer."""
        return sum(one.answered - one.arrived for one in self.calls)


@contextmanager
def proxied(address: str, search_rate: int, latency_s: float) -> Iterator[tuple[str, list[Call]]]:
    """Run the proxy; yields its address, and a list that has the calls after the block."""
    command = [sys.executable, "-m", "bench.proxy", address]
    command += ["--search-rate", str(search_rate), "--latency", str(latency_s)]
    calls: list[Call] = []
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield first_line(process, _START_S).strip(), calls
        said, _ = process.communicate("end\n", timeout=60)
        calls += [Call(**one) for one in json.loads(said)]
    finally:
        process.kill()
        process.wait(10)


def plan_own(hub: Hub, source: str) -> int:
    """Plan a migration of this process alone; returns its batch."""
    parts = Parts(hub.connector(source))
    with hub.engine.begin() as conn:
        number = migrations.open_migration(conn, source, "bench")
    for stream in parts.objects():
        window = parts.window(stream)
        cuts = [(one.key, one.low, one.high, one.count_n) for one in parts.ranges(stream, window)]
        with hub.engine.begin() as conn:
            migrations.set_span(conn, number, stream.name, window.since, window.until)
            migrations.add_ranges(conn, number, stream.name, cuts)
    return number


def read_own(hub: Hub, number: int) -> int:
    """Read a migration, and return how many records it stored."""
    done = reading.read(hub, planning.of_batch(hub, number))
    if not done.is_complete:
        raise SystemExit(f"not all was read: {done}")
    with hub.engine.begin() as conn:
        return sum(one.read_n for one in migrations.ranges(conn, number))


def reader(asked: argparse.Namespace) -> None:
    """Plan in this process, say `ready`, wait for a line, read, print what it took."""
    source, block, sockets, data, name = asked.reader
    running = Server(Path(sockets), Path(data))
    with (
        tempfile.TemporaryDirectory() as home,
        db_engine.opened_embedded(running, name) as database,
    ):
        settings = Settings.model_validate({"home": home, "sources": {source: json.loads(block)}})
        hub = assemble(settings, database, SystemClock())
        number = plan_own(hub, source)
        base = memory_mb("VmRSS")
        print("ready", flush=True)
        sys.stdin.readline()
        records = read_own(hub, number)
    print(json.dumps({"records": records, "peak_mb": memory_mb(), "base_mb": base}), flush=True)


def measure(
    running: Server, processes: int, source: str, block: Mapping[str, Any], calls: list[Call]
) -> Run:
    """Let so many processes read at once; `calls` is filled when the proxy has ended."""
    with database_of(running, "bench") as name, ExitStack() as stack:
        command = [sys.executable, "-m", "bench.api_bound", "--reader", source, json.dumps(block)]
        command += [str(running.socket_dir), str(running.data_dir), name]
        readers = [
            subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(processes)
        ]
        for one in readers:
            stack.callback(one.kill)
        for one in readers:
            first_line(one, _START_S)
        SystemClock().sleep(_QUIET_S)
        begun = time.monotonic()
        for one in readers:
            if one.stdin is not None:
                one.stdin.write("go\n")
                one.stdin.flush()
        said = [json.loads(one.communicate(timeout=1800)[0]) for one in readers]
        wall_s = time.monotonic() - begun
    largest = max(said, key=lambda one: one["peak_mb"])
    records = sum(one["records"] for one in said)
    return Run(processes, calls, begun, wall_s, records, largest["peak_mb"], largest["base_mb"])


def hubspot(running: Server, asked: argparse.Namespace) -> None:
    """Measure one process, and several at once, on one account."""
    print(f"HubSpot, {RATE} searches a second, answers after {asked.latency:.2f} s")
    print("| processes | searches | wall s | by the rate s | wall / rate | of the rate | 429 | records | peak MB |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    for processes in asked.processes:
        with (
            stub(max(asked.rows // processes, 1)) as (vendor, _),
            proxied(vendor, RATE, asked.latency) as (address, calls),
        ):
            run = measure(
                running, processes, "hubspot", {"base_url": address, "token": TOKEN}, calls
            )
        n = len(run.searches)
        print(
            f"| {processes} | {n} | {run.wall_s:.1f} | {n / RATE:.1f} | {run.wall_s * RATE / n:.3f} |"
            f" {run.used:.1%} | {run.refused_n} | {run.records:,} |"
            f" {run.peak_mb:.0f} ({run.base_mb:.0f} before) |",
            flush=True,
        )


def salesforce(running: Server, asked: argparse.Namespace) -> None:
    """Measure a migration that reads one range after another, and one that reads several at once."""
    command = [sys.executable, "-m", "hub.sandbox", "--json", "--org", str(asked.org)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    print(f"Salesforce, an org of {asked.org:,} leads, answers after {asked.latency:.2f} s")
    print("| ranges at once | requests | wall s | waits for answers s | wall / waits | 429 | records | peak MB |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    try:
        said = json.loads(first_line(process, _START_S))["vendors"]["salesforce"]
        for at_once in asked.ranges:
            with proxied(said["url"], 0, asked.latency) as (address, calls):
                block = {**said["credentials"], "base_url": address, "bulk_jobs": at_once}
                run = measure(running, 1, "salesforce", block, calls)
            print(
                f"| {at_once} | {len(run.calls)} | {run.wall_s:.1f} | {run.waited_s:.1f} |"
                f" {run.wall_s / run.waited_s:.3f} | {run.refused_n} | {run.records:,} |"
                f" {run.peak_mb:.0f} ({run.base_mb:.0f} before) |",
                flush=True,
            )
    finally:
        process.terminate()
        process.communicate(timeout=20)


def sell(running: Server, asked: argparse.Namespace) -> None:
    """Measure a migration of leads that reads one range after another, and several at once."""
    rows = [
        {
            "source": "sell",
            "stream": "leads",
            "id": str(n),
            "at": "2025-01-01T00:00:00Z",
            "values": {"last_name": f"Lead {n}", "status": "New", "email": f"l{n}@leads.example"},
        }
        for n in range(1, asked.rows + 1)
    ]
    print(f"Zendesk Sell, {SELL_RATE} requests a second, answers after {asked.latency:.2f} s")
    print("| ranges at once | requests | wall s | by the rate s | of the rate | 429 | records | peak MB |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        universe = Path(folder) / "universe.json"
        universe.write_text(json.dumps({"version": 1, "records": rows}))
        command = [sys.executable, "-m", "hub.sandbox", "--json", "--universe", str(universe)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            said = json.loads(first_line(process, _START_S))["vendors"]["sell"]
            for at_once in asked.ranges:
                with proxied(said["url"], 0, asked.latency) as (address, calls):
                    block = {**said["credentials"], "base_url": address, "readers": at_once}
                    run = measure(running, 1, "sell", block, calls)
                n = len(run.calls)
                print(
                    f"| {at_once} | {n} | {run.wall_s:.1f} | {n / SELL_RATE:.1f} |"
                    f" {run.used_of(SELL_RATE):.1%} | {run.refused_n} | {run.records:,} |"
                    f" {run.peak_mb:.0f} ({run.base_mb:.0f} before) |",
                    flush=True,
                )
        finally:
            process.terminate()
            process.communicate(timeout=20)


def main() -> None:
    """Measure and print tables."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.api_bound",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--vendor", choices=("hubspot", "salesforce", "sell"), default="hubspot")
    parser.add_argument("--rows", type=int, default=120_000, help="contacts that are read in all")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--org", type=int, default=1500, help="leads of the Salesforce org")
    parser.add_argument("--ranges", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--latency", type=float, default=0.1, help="seconds of each answer")
    parser.add_argument("--reader", nargs=5, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    logs.configure(json=True, level=logging.WARNING)
    if asked.reader:
        reader(asked)
        return
    with server() as running:
        {"hubspot": hubspot, "salesforce": salesforce, "sell": sell}[asked.vendor](running, asked)


if __name__ == "__main__":
    main()
