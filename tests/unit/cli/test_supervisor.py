"""The supervisor over real child processes, with a clock that the test moves."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.cli.children import stop
from hub.cli.ending import SAY_S, Ending, ending
from hub.cli.restarts import MOST
from hub.cli.supervisor import ChildPart, Supervisor, bound_log
from hub.errors import HubError

_STAYS = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
_ENDS = [sys.executable, "-S", "-c", "raise SystemExit(3)"]
# a leader that ends at once, and leaves a child in its group
_LEAVES = [
    sys.executable,
    "-S",
    "-c",
    "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, flush=True)",
]
_DEAF = [
    sys.executable,
    "-S",
    "-c",
    "from signal import *; signal(SIGTERM, SIG_IGN); print(1, flush=True); import time; time.sleep(60)",
]
_PR_SET_CHILD_SUBREAPER = 36
_SOON_S = 3.0


class _Hands:
    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def hands() -> _Hands:
    return _Hands()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "part.log"


@contextmanager
def _supervised(part: ChildPart, hands: _Hands) -> Iterator[Supervisor]:
    supervisor = Supervisor({"the part": part}, now=hands)
    try:
        yield supervisor
    finally:
        supervisor.stop(Ending())


def _ended(part: ChildPart) -> None:
    deadline = time.monotonic() + 20
    while part.is_alive():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _look_on(supervisor: Supervisor, part: ChildPart, hands: _Hands) -> None:
    """Look once a second, for some minutes."""
    for look in range(200):
        hands.at = float(look)
        _ended(part)
        supervisor.check()


def test_a_killed_child_is_told_and_started_again_after_a_second(
    hands: _Hands, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = ChildPart(_STAYS, {}, log)
    part.start()
    with _supervised(part, hands) as supervisor:
        supervisor.check()
        assert part.process is not None
        first = part.process.pid
        os.kill(first, signal.SIGKILL)
        _ended(part)
        for hands.at in (1.0, 1.5):
            supervisor.check()
        assert not part.is_alive()
        hands.at = 2.0
        supervisor.check()
        assert part.is_alive()
        assert part.process.pid != first
    assert not part.is_alive()
    told = " ".join(capsys.readouterr().err.split())
    assert "the part has ended (signal SIGKILL); it is started again in 1 s" in told
    assert str(log) in told.replace(" ", "")


def test_what_ends_again_and_again_stops_the_hub_with_a_sentence(hands: _Hands, log: Path) -> None:
    part = ChildPart(_ENDS, {}, log)
    part.start()
    with _supervised(part, hands) as supervisor, pytest.raises(HubError) as told:
        _look_on(supervisor, part, hands)
    assert told.value.message == (
        f"the part has ended again, after {MOST} restarts within 10 minutes; the hub stops"
    )
    assert str(log) in str(told.value.hint)


def test_what_a_child_left_in_its_group_does_not_outlive_its_restart(
    hands: _Hands, log: Path
) -> None:
    part = ChildPart(_LEAVES, {}, log)
    part.start()
    with _supervised(part, hands):
        _ended(part)
        left = int(log.read_text())
        os.kill(left, 0)
        part.start()
        assert _is_gone(left)


def _is_gone(pid: int) -> bool:
    """Whether a process has ended; it may wait for its parent to ask."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_a_log_is_moved_aside_when_it_is_too_large_and_its_writer_goes_on(log: Path) -> None:
    with log.open("a") as writer:
        writer.write("x" * 100)
        writer.flush()
        bound_log(log, most=100)
        assert log.stat().st_size == 100
        bound_log(log, most=99)
        writer.write("y")
    assert log.read_text() == "y"
    assert log.with_name("part.log.1").read_text() == "x" * 100
    bound_log(log.with_name("missing"))


def _ready(log: Path) -> None:
    deadline = time.monotonic() + 20
    while not (log.exists() and log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_zombie_that_its_new_parent_leaves_holds_up_no_stop(log: Path) -> None:
    """In a container `hub up` may be the first process: what its children left becomes its own, unasked for."""
    prctl = ctypes.CDLL(None).prctl
    part = ChildPart(_LEAVES, {}, log)
    prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        part.start()
        _ended(part)
        left = int(log.read_text())
        began = time.monotonic()
        assert part.process is not None
        stop({"the part": part.process}, Ending())
        assert time.monotonic() - began < _SOON_S
        assert os.waitpid(left, os.WNOHANG)[0] == left, "it was a zombie all the time"
    finally:
        prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def test_a_second_ctrl_c_kills_what_does_not_end_and_leaves_no_step_out(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = ChildPart(_DEAF, {}, log)
    part.start()
    _ready(log)
    assert part.process is not None
    began = time.monotonic()
    presses = threading.Timer(SAY_S + 0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    with ending() as end:
        presses.start()
        stop({"the part": part.process}, end)
        after = time.monotonic() - began
        end.wait("nothing more is waited for", lambda: ["the rest"], 60)
    presses.join()
    assert part.process.returncode == -signal.SIGKILL
    assert SAY_S < after < SAY_S + _SOON_S
    assert time.monotonic() - began < after + 1
    told = " ".join(capsys.readouterr().err.split())
    assert f"waits for the part (process {part.process.pid}), 8 s at most" in told
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_child_takes_ctrl_c_where_a_script_has_started_its_parent_in_the_background(
    log: Path,
) -> None:
    """Dagster takes SIGTERM for SIGINT: what ignores the one ignores the other."""
    asks = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    part = ChildPart([sys.executable, "-S", "-c", asks], {}, log)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        part.start()
        _ended(part)
    finally:
        signal.signal(signal.SIGINT, before)
    assert log.read_text().strip() == "True"
