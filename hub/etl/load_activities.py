"""A chunk of activities from a source: tasks, calls, visits, messages, notes. Part of load."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from hub.crm import derived, from_source, pick_lists, related
from hub.crm.from_source import Row
from hub.etl.activity_rows import activity_row, outcome_of, owners_of, people_of
from hub.etl.plain_load import Outcome, finish, verdict_of
from hub.etl.said_values import named
from hub.model.entities import ACTIVITIES
from hub.records import plain_records, queue
from hub.records.plain_records import PlainRecord


def load_activities(conn: Connection, ids: Sequence[int]) -> dict[str, int]:
    """Write the activities of records; returns counts."""
    records = plain_records.read(conn, ids)
    written, touched = write(conn, [r for r in records if not r.is_gone])
    gone = [r for r in records if r.is_gone and not r.is_refused]
    touched += _archive(conn, gone)
    _derive_later(conn, touched, {r.id: r for r in records})
    finish(conn, written + [Outcome(r, None) for r in gone])
    return {"activities": sum(one.verdict is not None for one in written)}


def restore(conn: Connection, ids: Sequence[int]) -> None:
    """Write activities again as their records say them now."""
    records = plain_records.read(conn, ids)
    touched = write(conn, [r for r in records if not r.is_gone])[1]
    touched += _archive(conn, [r for r in records if r.is_gone and not r.is_refused])
    derived.recompute(conn, _ids_of(touched, "entity_id"), _ids_of(touched, "deal_id"))


def derive_people(conn: Connection, entity_ids: Sequence[int]) -> dict[str, int]:
    """Update the derived columns of people and companies whose activities were written."""
    derived.recompute(conn, entity_ids)
    return {}


def derive_deals(conn: Connection, deal_ids: Sequence[int]) -> dict[str, int]:
    """Update the derived columns of deals whose activities were written."""
    derived.recompute(conn, deal_ids=deal_ids)
    return {}


def write(conn: Connection, records: Sequence[PlainRecord]) -> tuple[list[Outcome], list[Row]]:
    """Write activities, with what is here of the objects that they name.

    Returns:
        The outcomes, and the rows that changed: as they are, and as they were before.
    """
    if not records:
        return [], []
    here = related.find(
        conn,
        people=(key for r in records for key in people_of(r)),
        deals=(key for r in records if (key := named(r, "deal"))),
        owners=(one for r in records for one in owners_of(r)),
    )
    wanted = {said: r.batch_id for r in records if (said := outcome_of(r))}
    outcomes = pick_lists.numbers(conn, pick_lists.OUTCOMES, wanted)
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
    ], [*touched, *updated.values()]


def _archive(conn: Connection, records: Sequence[PlainRecord]) -> list[Row]:
    """Archive the activities that their source has deleted; returns their rows."""
    rows: list[Row] = []
    for kind, at in sorted({(r.target, r.said_at) for r in records}):
        ids = [r.id for r in records if (r.target, r.said_at) == (kind, at)]
        rows += from_source.archive(conn, kind, ids, at)
    return rows


def _derive_later(
    conn: Connection, rows: Sequence[Row], records: Mapping[int, PlainRecord]
) -> None:
    """Queue the people and deals of activities: several chunks may have activities of one of them."""
    for stage, column in ((queue.DERIVE_PEOPLE, "entity_id"), (queue.DERIVE_DEALS, "deal_id")):
        due = {
            row[column]: (row[column], record.lane, record.batch_id)
            for row in rows
            if row[column] is not None
            for record in [records[row["record_id"]]]
        }
        queue.put(conn, stage, [due[number] for number in sorted(due)])


def _ids_of(rows: Sequence[Row], column: str) -> set[int]:
    return {row[column] for row in rows if row[column] is not None}
