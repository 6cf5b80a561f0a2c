"""Where plays are played: a database server, a fresh hub a play; and how a failing play gets smaller."""

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from hub.db.embedded import Server
from tests.conftest import three_people
from tests.flow.conftest import new_world
from tests.folders import new_folder
from tests.plays.moves import play_of
from tests.plays.stage import Stage, Step
from tests.prepared import fresh_database, migrated_server


@dataclass(frozen=True)
class Failure:
    """A play after whose last step the home is not what it must be."""

    steps: list[Step]
    differences: list[str]

    def __str__(self) -> str:
        lines = [f"  {n}. {step}" for n, step in enumerate(self.steps, 1)]
        return "\n".join(
            ["after these steps", *lines, "differs", *(f"  {d}" for d in self.differences)]
        )


@contextmanager
def opened() -> Iterator[tuple[Server, Path]]:
    """Start a server of its own for the plays of this process."""
    with new_folder() as folder, migrated_server(folder) as running:
        yield running, folder


def play(
    server: Server, home: Path, steps: Sequence[Step], *, kills: bool = False
) -> Failure | None:
    """Play once on a new hub; with `kills` each crash ends a real process."""
    with fresh_database(server) as db:
        try:
            found = Stage(new_world(db, three_people(home)), kills=kills).play(steps)
        except Exception as exc:  # noqa: BLE001 a bug of the hub is a finding, and makes a play smaller
            return Failure(list(steps), [f"broke: {type(exc).__name__}: {exc}"])
    if found is None:
        return None
    number, differences = found
    return Failure(list(steps[: number + 1]), differences)


def smaller(
    server: Server, home: Path, failure: Failure, *, tries: int = 150, kills: bool = False
) -> Failure:
    """Leave out steps for as long as the same kind of difference stays."""
    kind = _kind(failure.differences)
    for size in (4, 2, 1, 1):
        start = 0
        while start < len(failure.steps) and tries > 0:
            tries -= 1
            fewer = failure.steps[:start] + failure.steps[start + size :]
            again = play(server, home, fewer, kills=kills)
            if again is not None and kind & _kind(again.differences):
                failure = again
            else:
                start += size
    return failure


def _kind(differences: Sequence[str]) -> set[str]:
    """Return the subject of a difference, without the person it is of."""
    return {
        d.split(" of ")[0].split("[")[0] + d.rpartition("]")[2].split(" is ")[0]
        for d in differences
    }


def has_kills(seed: int) -> bool:
    """Whether the crashes of a seed are real: a process takes longer, so one play in five."""
    return seed % 5 == 0


def played(part: tuple[list[int], bool, int, bool]) -> list[tuple[int, str]]:
    """Play seeds in a process of its own; returns those that failed, and how."""
    seeds, with_broken, length, is_small = part
    failed = []
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)
    with opened() as (server, home):
        for seed in seeds:
            steps, kills = play_of(seed, with_broken=with_broken, length=length), has_kills(seed)
            failure = play(server, home, steps, kills=kills)
            if failure is not None:
                if is_small:
                    failure = smaller(server, home, failure, kills=kills)
                failed.append((seed, str(failure)))
                print(f"seed {seed} failed", file=sys.stderr, flush=True)
    return failed
