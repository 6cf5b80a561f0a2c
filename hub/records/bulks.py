"""Bulk actions: a user's changes of many records, kept so that they can be resumed and undone.

Owns `ops.bulk` and `ops.bulk_item`. Not here: the action on a record (`hub.actions.bulk`).
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from hub.model.records import JsonValue

CHANGED, UNCHANGED, REFUSED = "changed", "unchanged", "refused"


@dataclass(frozen=True, slots=True)
class Bulk:
    """A bulk action.

    Args:
        batch_id: its batch.
        verb: what is done: set-owner, set-status, tag, untag, set, convert or archive.
        kind: lead, contact or deal.
        wanted: what the verb takes.
    """

    batch_id: int
    verb: str
    kind: str
    wanted: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One record of a bulk action; `before` and `after` are what the verb needs to take it back."""

    n: int
    record_id: int
    before: JsonValue = None
    after: JsonValue = None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a record: changed, unchanged or refused, and why."""

    outcome: str
    why: str = ""
    before: JsonValue = None
    after: JsonValue = None


def keep(conn: Connection, bulk: Bulk, ids: Sequence[int]) -> None:
    """Write a bulk action and the records that it is about, in their order."""
    conn.execute(
        text(
            "INSERT INTO ops.bulk (batch_id, verb, kind, wanted) "
            "VALUES (:batch, :verb, :kind, CAST(:wanted AS jsonb))"
        ),
        {
            "batch": bulk.batch_id,
            "verb": bulk.verb,
            "kind": bulk.kind,
            "wanted": json.dumps(bulk.wanted),
        },
    )
    conn.execute(
        text(
            "INSERT INTO ops.bulk_item (batch_id, n, record_id) "
            "SELECT :batch, i.n, i.id FROM unnest(CAST(:ids AS bigint[])) "
            "WITH ORDINALITY AS i(id, n)"
        ),
        {"batch": bulk.batch_id, "ids": list(ids)},
    )


def find(conn: Connection, batch_id: int, *, lock: bool = False) -> Bulk | None:
    """Return the bulk action of a batch; None where the batch is none."""
    asked = "SELECT batch_id, verb, kind, wanted FROM ops.bulk WHERE batch_id = :batch"
    row = conn.execute(
        text(f"{asked} FOR UPDATE" if lock else asked), {"batch": batch_id}
    ).one_or_none()
    return None if row is None else Bulk(*row)


def pending(conn: Connection, batch_id: int, limit: int) -> list[Item]:
    """Return the next records that nothing was done to yet."""
    rows = conn.execute(
        text(
            "SELECT n, record_id FROM ops.bulk_item WHERE batch_id = :batch AND outcome IS NULL "
            "ORDER BY n LIMIT :limit"
        ),
        {"batch": batch_id, "limit": limit},
    )
    return [Item(row.n, row.record_id) for row in rows]


_DONE = text("""
UPDATE ops.bulk_item b SET outcome = d.outcome, why = d.why, before = d.before, after = d.after
FROM unnest(CAST(:ns AS integer[]), CAST(:outcomes AS text[]), CAST(:whys AS text[]),
            CAST(:befores AS jsonb[]), CAST(:afters AS jsonb[]))
  AS d(n, outcome, why, before, after)
WHERE b.batch_id = :batch AND b.n = d.n
""")


def keep_done(conn: Connection, batch_id: int, done: Mapping[int, Done]) -> None:
    """Write what became of records, by their place in the bulk."""
    rows = list(done.items())
    conn.execute(
        _DONE,
        {
            "batch": batch_id,
            "ns": [n for n, _ in rows],
            "outcomes": [d.outcome for _, d in rows],
            "whys": [d.why or None for _, d in rows],
            "befores": [json.dumps(d.before) for _, d in rows],
            "afters": [json.dumps(d.after) for _, d in rows],
        },
    )


@dataclass(frozen=True, slots=True)
class Counts:
    """How a bulk action ended: records by outcome, and those that were refused with their reasons."""

    outcomes: Counter[str]
    refused: Sequence[tuple[int, str]]


def counts(conn: Connection, batch_id: int) -> Counts:
    """Return how many records were changed, unchanged and refused, and each that was refused."""
    rows = conn.execute(
        text(
            "SELECT outcome, count(*) AS n FROM ops.bulk_item "
            "WHERE batch_id = :batch AND outcome IS NOT NULL GROUP BY outcome"
        ),
        {"batch": batch_id},
    )
    outcomes = Counter({row.outcome: row.n for row in rows})
    refused = conn.execute(
        text(
            "SELECT record_id, why FROM ops.bulk_item "
            "WHERE batch_id = :batch AND outcome = 'refused' ORDER BY n"
        ),
        {"batch": batch_id},
    )
    return Counts(outcomes, [(row.record_id, row.why) for row in refused])


def changed(conn: Connection, batch_id: int) -> list[Item]:
    """Return the records that were changed, in their order."""
    rows = conn.execute(
        text(
            "SELECT n, record_id, before, after FROM ops.bulk_item "
            "WHERE batch_id = :batch AND outcome = 'changed' ORDER BY n"
        ),
        {"batch": batch_id},
    )
    return [Item(*row) for row in rows]


def to_undo(conn: Connection, batch_id: int, limit: int) -> list[Item]:
    """Return the next changed records that are not undone yet, the last changed first."""
    rows = conn.execute(
        text(
            "SELECT n, record_id, before, after FROM ops.bulk_item WHERE batch_id = :batch "
            "AND outcome = 'changed' AND undone IS NULL ORDER BY n DESC LIMIT :limit"
        ),
        {"batch": batch_id, "limit": limit},
    )
    return [Item(*row) for row in rows]


def keep_undone(conn: Connection, batch_id: int, undone: Mapping[int, str]) -> None:
    """Write what became of records that were to be undone: '' or why the record stays as it is."""
    conn.execute(
        text(
            "UPDATE ops.bulk_item b SET undone = u.why FROM unnest(CAST(:ns AS integer[]), "
            "CAST(:whys AS text[])) AS u(n, why) WHERE b.batch_id = :batch AND b.n = u.n"
        ),
        {"batch": batch_id, "ns": list(undone), "whys": list(undone.values())},
    )


def undone(conn: Connection, batch_id: int) -> list[tuple[int, str]]:
    """Return the records that were to be undone: (record, '' or why it stays)."""
    rows = conn.execute(
        text(
            "SELECT record_id, undone FROM ops.bulk_item "
            "WHERE batch_id = :batch AND undone IS NOT NULL ORDER BY n"
        ),
        {"batch": batch_id},
    )
    return [(row.record_id, row.undone) for row in rows]
