"""A chunk of activities from a source: tasks, calls, visits, messages, notes. Part of load."""

from collections.abc import Sequence

from sqlalchemy import Connection

from hub.crm import activities, derived, from_source, related
from hub.crm.from_source import Row
from hub.etl.activity_rows import activity_row, outcome_of, owners_of, people_of
from hub.etl.plain_load import Outcome, finish, verdict_of
from hub.etl.said_values import named
from hub.model.entities import ACTIVITIES
from hub.records import plain_records
from hub.records.plain_records import PlainRecord


def load_activities(conn: Connection, ids: Sequence[int]) -> dict[str, int]:
    """Write the activities of records; returns counts."""
    records = plain_records.read(conn, ids)
    written = write(conn, [r for r in records if not r.is_gone])
    written += _archive(conn, [r for r in records if r.is_gone and not r.is_refused])
    finish(conn, written)
    return {"activities": sum(one.verdict is not None for one in written)}


def restore(conn: Connection, ids: Sequence[int]) -> None:
    """Write activities again as their records say them now."""
    records = plain_records.read(conn, ids)
    write(conn, [r for r in records if not r.is_gone])
    _archive(conn, [r for r in records if r.is_gone and not r.is_refused])


def write(conn: Connection, records: Sequence[PlainRecord]) -> list[Outcome]:
    """Write activities, with what is here of the objects that they name."""
    if not records:
        return []
    here = related.find(
        conn,
        people=(key for r in records for key in people_of(r)),
        deals=(key for r in records if (key := named(r, "deal"))),
        owners=(one for r in records for one in owners_of(r)),
    )
    wanted = {said: r.batch_id for r in records if (said := outcome_of(r))}
    outcomes = activities.outcome_ids(conn, wanted)
    made = {r.id: activity_row(r, here, outcomes) for r in records}
    created, updated, ids = set[int](), dict[int, Row](), dict[int, int]()
    touched: list[Row] = []
    for kind in ACTIVITIES:
        rows = [row for r in records if r.target == kind and (row := made[r.id].row) is not None]
        if not rows:
            continue
        done = from_source.write(conn, kind, rows)
        created |= done.created
        updated |= done.updated
        ids |= done.ids
        fresh = done.created | done.updated.keys()
        touched += [row for row in rows if row["record_id"] in fresh]
    _recompute(conn, [*touched, *updated.values()])
    return [
        Outcome(
            r,
            verdict_of(
                is_refused=made[r.id].is_refused,
                is_written=r.id in ids,
                is_new=r.id in created,
                is_changed=r.id in updated,
            ),
            frozenset(made[r.id].wanted),
            tuple(made[r.id].problems),
        )
        for r in records
    ]


def _archive(conn: Connection, records: Sequence[PlainRecord]) -> list[Outcome]:
    """Archive the activities that their source has deleted."""
    for kind, at in sorted({(r.target, r.said_at) for r in records}):
        ids = [r.id for r in records if (r.target, r.said_at) == (kind, at)]
        _recompute(conn, from_source.archive(conn, kind, ids, at))
    return [Outcome(r, None) for r in records]


def _recompute(conn: Connection, rows: Sequence[Row]) -> None:
    derived.recompute(
        conn,
        {row["entity_id"] for row in rows if row["entity_id"] is not None},
        {row["deal_id"] for row in rows if row["deal_id"] is not None},
    )
