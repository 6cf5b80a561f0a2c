"""How long a change at a vendor takes to be in the CRM, if all five sources change at one instant.

`python -m bench.latency [--rounds 3] [--json]`. A real `hub up` over five emulated vendors has synced them
all. Then one record is made at each vendor at the same instant, and each must be in the CRM within what
`hub status` promises for its source. The exit code is 1 if one was not.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping

from bench.idle import end_with_this_process, hub_up, say
from bench.new_records import promised, seconds_to_crm
from hub.clock import SystemClock

_CLOCK = SystemClock()
_SETTLED_S = 90
"""So long the first questions take, and what Dagster does once."""


def lines(rounds: list[dict[str, float | None]], promises: Mapping[str, float]) -> Iterator[str]:
    """Yield the table for docs/performance.md."""
    yield "| all five sources change at one instant | seconds until it is in the CRM | promised |"
    yield "|---|---:|---:|"
    for source, promise in promises.items():
        took = ", ".join(_said(one[source]) for one in rounds)
        yield f"| {source} | {took} | {promise:.0f} |"


def _said(took: float | None) -> str:
    return "not in time" if took is None else f"{took:.0f}"


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    end_with_this_process()
    with hub_up() as (tree, control), tree.connected() as conn:
        _CLOCK.sleep(_SETTLED_S)
        rounds = [
            seconds_to_crm(conn, control, apart_s=0, tell=say, round_n=n)
            for n in range(1, chosen.rounds + 1)
        ]
        promises = promised(tree.run("status", "--json"))
    if chosen.json:
        sys.stdout.write(json.dumps({"latency_s": rounds, "promised_s": promises}) + "\n")
    else:
        sys.stdout.write("\n".join(lines(rounds, promises)) + "\n")
    is_kept = all(
        took is not None and took <= promises[source]
        for one in rounds
        for source, took in one.items()
    )
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
