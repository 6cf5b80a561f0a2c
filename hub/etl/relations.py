"""Relations in any order of arrival: what waits for an object is loaded again when the object comes.

In: people, companies, deals and users that were loaded. Out: records that named them in vain, queued
again; people and companies that named them, stale again. At the end of a batch, a record that still
waits is rejected; it comes back when the object does.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from hub.crm import related
from hub.landing import load_problems
from hub.landing.load_problems import LoadProblem
from hub.model.entities import ACTIVITIES
from hub.model.verdicts import Verdict
from hub.records import entities, plain_records, queue, verdicts, wanted

TARGETS = ("deal", *ACTIVITIES)
"""What load takes without matching, and what may wait for a relation."""


def came(conn: Connection, entity_ids: Sequence[int]) -> None:
    """Wake what waits for the objects of people and companies; call when these have their rows.

    What names a record that has left one of them follows this record.
    """
    _wake(conn, wanted.take_of_entities(conn, entity_ids))
    queue.put_again(conn, related.depending(conn, entity_ids))


def came_records(conn: Connection, record_ids: Sequence[int]) -> None:
    """Wake what waits for the objects of these records: deals, users."""
    _wake(conn, wanted.take_of_records(conn, record_ids))


def wake_all(conn: Connection) -> None:
    """Wake what waits for any object of which there is a record."""
    _wake(conn, wanted.take_there(conn))


def _wake(conn: Connection, record_ids: Sequence[int]) -> None:
    if not record_ids:
        return
    verdicts.reopen(conn, plain_records.take_up(conn, record_ids, TARGETS))
    queue.put_again(conn, record_ids)
    entities.bump(conn, entities.of_records(conn, record_ids), quietly=True)


def waits(conn: Connection, batch_id: int) -> bool:
    """Tell whether records of a batch wait for objects and have no verdict."""
    return bool(wanted.without_verdict(conn, batch_id, TARGETS))


def reject(conn: Connection, batch_id: int) -> int:
    """Reject the records of a batch that still wait for what they name; returns how many."""
    left = wanted.without_verdict(conn, batch_id, TARGETS)
    if not left:
        return 0
    plain_records.refuse(conn, [one.record_id for one in left])
    load_problems.replace(
        conn,
        [one.raw_id for one in left],
        [
            LoadProblem(
                one.batch_id, one.raw_id, *one.key, one.target, one.names,
                _reason(one.names),
                "record",
            )
            for one in left
        ],
    )  # fmt: skip
    verdicts.set_verdicts(conn, [(one.batch_id, *one.key, Verdict.REJECTED) for one in left])
    return len(left)


def _reason(names: str) -> str:
    """Say what is missing without its ids, so that the records of one reason can be counted."""
    streams = sorted({one.partition("/")[0] for one in names.split(", ")})
    what = " and ".join(streams)
    return (
        f"it names a record of {what} that was refused or has not arrived; it is loaded by itself "
        "when that record arrives"
    )
