"""Processor time of tests: `pytest -p tests.costs tests/flow`, on Linux.

The time is that of the test's process, of the commands that it starts, and of PostgreSQL. It hardly
depends on what else the machine does, unlike the durations of `pytest --durations`.
"""

import ctypes
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER, prctl(2): PostgreSQL leaves the process that started it
_TICK = os.sysconf("SC_CLK_TCK")
_PHASES = ("setup", "call", "teardown")
_SHOWN = int(os.environ.get("COSTS", "25"))  # lines of a table


@dataclass(frozen=True, slots=True)
class _Spent:
    """Seconds of the processor until now."""

    own: float
    postgres: float
    others: float


def _children(pid: int) -> list[int]:
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for t in threads for child in (t / "children").read_text().split()]
    except OSError:  # it has ended
        return []


def _of_process(pid: int) -> tuple[str, float]:
    """The name of a process; its seconds, and those of its children that have ended."""
    try:
        said = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "", 0.0
    name, _, rest = said.partition("(")[2].rpartition(")")
    return name, sum(map(int, rest.split()[11:15])) / _TICK


def _spent() -> _Spent:
    ended = os.times()
    postgres, others = 0.0, ended.children_user + ended.children_system
    left = _children(os.getpid())
    while left:
        pid = left.pop()
        name, seconds = _of_process(pid)
        if name == "postgres":
            postgres += seconds
        else:
            others += seconds
        left += _children(pid)
    return _Spent(time.process_time(), postgres, others)


def pytest_configure() -> None:
    """Keep what detaches itself among this process's children."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Fixtures of a wider scope cost the test that asks for them first."""
    yield from _measured(item, "setup")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """The test itself."""
    yield from _measured(item, "call")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """The end of a test's fixtures."""
    yield from _measured(item, "teardown")


def _measured(item: pytest.Item, phase: str) -> Iterator[None]:
    before = _spent()
    try:
        yield
    finally:
        after = _spent()
        cost = [
            after.own - before.own,
            after.postgres - before.postgres,
            after.others - before.others,
        ]
        item.user_properties.append((f"cost {phase}", cost))


_costs: dict[str, list[tuple[float, float, float]]] = {}  # by test, one a phase


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Take what a worker has measured; the last report of a test has all of it."""
    if report.when == "teardown":
        found = dict(report.user_properties)
        _costs[report.nodeid] = [_seconds(found.get(f"cost {phase}")) for phase in _PHASES]


def _seconds(said: object) -> tuple[float, float, float]:
    own, postgres, others = said if isinstance(said, Sequence) else (0.0, 0.0, 0.0)
    return float(own), float(postgres), float(others)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the files and the tests that cost most."""
    by_file: dict[str, list[float]] = defaultdict(lambda: [0.0] * 3)
    for name, phases in _costs.items():
        total = by_file[name.partition("::")[0]]
        for phase in phases:
            total[:] = map(sum, zip(total, phase, strict=True))
    terminalreporter.section("processor time by file, seconds")
    _print(terminalreporter, ("own", "postgres", "other"), by_file)
    terminalreporter.section("processor time by test, seconds")
    _print(terminalreporter, _PHASES, {n: [sum(p) for p in ps] for n, ps in _costs.items()})


def _print(terminal: Any, columns: Sequence[str], costs: dict[str, list[float]]) -> None:
    total = [sum(column) for column in zip(*costs.values(), strict=True)]
    terminal.write_line("".join(f"{name:>10}" for name in ("all", *columns)))
    ranked = sorted(costs.items(), key=lambda one: -sum(one[1]))[:_SHOWN]
    for name, parts in [("all", total), *ranked]:
        terminal.write_line("".join(f"{s:10.2f}" for s in (sum(parts), *parts)) + f"  {name}")
