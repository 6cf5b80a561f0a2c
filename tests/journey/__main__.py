"""Make the journey with a whole org: `python -m tests.journey --source salesforce --leads 10000`; prints what it cost.

Exit code 1 when anything was wrong. Linux only.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from hub.sandbox.orgs.sizes import WHOLE
from tests.journey.drive import Journey
from tests.journey.ways import SOURCES, way_of
from tests.processes import close, house, sandbox_process


def main() -> int:
    """Read the command line, make the journey, print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.journey", description=__doc__)
    parser.add_argument("--source", choices=SOURCES, default=SOURCES[0], help="which vendor")
    parser.add_argument(
        "--leads", type=int, default=WHOLE, help="leads of the org; the rest follows"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the org")
    parser.add_argument("--time-scale", type=int, default=60, help="vendor seconds in a second")
    asked = parser.parse_args()
    way = way_of(asked.source)
    began, load = time.monotonic(), os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory() as folder,
        sandbox_process(
            *way.sandbox(asked.leads, asked.seed, Path(folder)),
            "--time-scale",
            str(asked.time_scale),
        ) as sandbox,
        house(migrated=True) as made,
        made.served(),
    ):
        journey = Journey(way, made, sandbox, {}, _say)
        faults = journey.go()
    close()
    waits = sorted(journey.waits_s)
    print(f"\n{journey.meter.table()}\n")
    print(f"killed: {'; '.join(journey.kills)}")
    print(f"live leads meanwhile: {len(waits)}, longest wait {waits[-1]:.2f} s, median "
          f"{waits[len(waits) // 2]:.2f} s; without a migration {journey.calm_s:.2f} s")  # fmt: skip
    print(f"{time.monotonic() - began:.0f} s in all; load at the start {load:.1f}, "
          f"at the end {os.getloadavg()[0]:.1f}")  # fmt: skip
    for one in faults:
        print(f"WRONG  {one}")
    print(f"{len(faults)} wrong")
    return 1 if faults else 0


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
