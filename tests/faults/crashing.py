"""Run the real command line in this process, and die by SIGKILL at a named point of the way.

    python crashing.py POINT COMMAND…
    python crashing.py "server: POINT" COMMAND…     the PostgreSQL server dies instead

The product knows nothing of it: a function of one stage is wrapped before `main()` runs.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hub.cli.app import main
from hub.db import place, schema
from hub.erase import take_out
from hub.etl import flow, load, match
from hub.landing import store
from hub.notify.channels import SmtpChannel
from hub.records import (
    assignments,
    batches,
    entities,
    erased_objects,
    folding,
    queue,
    undos,
)
from hub.undo import batch as undoing
from hub.undo import chunks

_SERVER = "server: "


def die() -> None:
    if not sys.argv[0].startswith(_SERVER):
        os.kill(os.getpid(), signal.SIGKILL)
    pid = (Path(os.environ["HUB_HOME"]) / "pg/data/postmaster.pid").read_text().splitlines()[0]
    os.kill(int(pid), signal.SIGKILL)
    time.sleep(0.5)  # its children notice and leave


def before(place: Any, name: str, *, call: int = 1) -> Callable[[], None]:
    """Die instead of making the nth call."""
    return lambda: _wrap(place, name, call, is_after=False)


def after(place: Any, name: str, *, call: int = 1) -> Callable[[], None]:
    """Die as soon as the nth call has returned."""
    return lambda: _wrap(place, name, call, is_after=True)


def _wrap(place: Any, name: str, call: int, *, is_after: bool) -> None:
    inner = getattr(place, name)
    made = 0

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal made
        made += 1
        if made == call and not is_after:
            die()
        result = inner(*args, **kwargs)
        if made == call and is_after:
            die()
        return result

    setattr(place, name, wrapped)


def _small_chunks(arm: Callable[[], None]) -> Callable[[], None]:
    def armed() -> None:
        load.CHUNK = match.CHUNK = 3
        arm()

    return armed


def _small_undo(arm: Callable[[], None]) -> Callable[[], None]:
    def armed() -> None:
        chunks.MOST = 3
        arm()

    return armed


POINTS = {
    "before the database has its rights": before(place, "furnish"),
    "before the tables have their rights": before(schema, "_grant"),
    "inside the transaction of a page": before(store, "write_cursor", call=2),
    "after the last page, before its proof": before(flow, "prove_window", call=2),
    "after land, before normalize": before(flow, "run_normalize"),
    "inside normalize": before(queue, "finish"),
    "between two chunks of match": _small_chunks(after(match, "_match_some", call=2)),
    "inside the transaction of load": before(entities, "mark_folded"),
    "between two chunks of load": _small_chunks(before(folding, "claim_stale", call=2)),
    "inside the transaction of route": after(assignments, "keep", call=2),
    "between route and SMTP": before(flow, "run_notify"),
    "before the third mail": before(SmtpChannel, "send", call=3),
    "after SMTP's 250, before the commit": after(SmtpChannel, "send", call=2),
    "before the books are closed": before(flow, "finish"),
    "inside a chunk of undo": _small_undo(before(undos, "keep_part", call=3)),
    "between two chunks of undo": _small_undo(after(undoing, "_fold", call=2)),
    "inside the removal of an erase": before(erased_objects, "forget"),
    "between two tables of an erase": after(take_out, "_rewrite", call=3),
    "before the undo is closed": _small_undo(before(batches, "close_undo")),
}

if __name__ == "__main__":
    sys.argv.pop(0)
    POINTS[sys.argv[0].removeprefix(_SERVER)]()
    main()
