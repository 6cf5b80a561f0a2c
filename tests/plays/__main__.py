"""Play many plays, several processes side by side: `python -m tests.plays --plays 3000`.

`--seed N` plays one again and makes it smaller when it fails. Exit code 1 when any play failed.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests import clusters
from tests.plays.arena import played


def main() -> int:
    """Read the command line and play."""
    parser = argparse.ArgumentParser(prog="python -m tests.plays", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this seed alone, and make it smaller")
    parser.add_argument("--plays", type=int, default=3000, help="how many seeds to play")
    parser.add_argument("--first", type=int, default=0, help="the first of the seeds")
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side")
    parser.add_argument("--length", type=int, default=16, help="moves a play at most")
    parser.add_argument("--small", action="store_true", help="make each failing play smaller")
    parser.add_argument(
        "--all-moves", action="store_true", help="also moves that are known to be broken"
    )
    asked = parser.parse_args()
    if asked.seed is not None:
        return _report(played(([asked.seed], asked.all_moves, asked.length, True)))
    seeds = list(range(asked.first, asked.first + asked.plays))
    parts = [
        (seeds[n :: asked.jobs], asked.all_moves, asked.length, asked.small)
        for n in range(asked.jobs)
    ]
    started = time.monotonic()
    clusters.share()
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("spawn")) as pool:
        failed = [one for part in pool.map(played, parts) for one in part]
    print(f"{len(seeds)} plays, {len(failed)} failed, {time.monotonic() - started:.0f} s")
    return _report(failed)


def _report(failed: Sequence[tuple[int, str]]) -> int:
    for seed, what in sorted(failed):
        print(f"seed {seed}: {what}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
