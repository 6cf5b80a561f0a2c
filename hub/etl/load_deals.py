"""A chunk of deals from a source: read, decided, written, with their moves and contacts. Part of load."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from hub.crm import (
    customer_status,
    deals,
    from_source,
    pick_lists,
    pipelines,
    related,
    source_deals,
)
from hub.crm.from_source import Row
from hub.etl import relations
from hub.etl.deal_rows import DealRow, Vocabulary, deal_row, owners_of, people_of, reasons_of
from hub.etl.plain_load import Outcome, finish, verdict_of
from hub.mappings.currencies import codes
from hub.model.hook_events import deal_stage_changed
from hub.model.verdicts import Lane
from hub.records import hook_deliveries, plain_records
from hub.records.plain_records import PlainRecord

KIND = "deal"
_OF_CONTACTS = ("contact_id", "organization_id")


def load_deals(conn: Connection, ids: Sequence[int], currency: str) -> dict[str, int]:
    """Write the deals of records; returns counts.

    Args:
        conn: an open transaction.
        ids: records of deals.
        currency: of deals without one.
    """
    records = plain_records.read(conn, ids)
    written = write(conn, [r for r in records if not r.is_gone], currency, tells=True)
    written += _archive(conn, [r for r in records if r.is_gone and not r.is_refused])
    finish(conn, written)
    return {"deals": sum(one.verdict is not None for one in written)}


def restore(conn: Connection, ids: Sequence[int]) -> None:
    """Write deals again as their records say them now; a deal keeps its currency if the record has none."""
    records = plain_records.read(conn, ids)
    rows = from_source.rows_of(conn, KIND, ids)
    with_currency = [
        replace(r, values={**r.values, "currency": rows[r.id]["currency"]})
        if r.id in rows and not r.values.get("currency")
        else r
        for r in records
    ]
    write(conn, [r for r in with_currency if not r.is_gone], "")
    _archive(conn, [r for r in records if r.is_gone and not r.is_refused])


def write(
    conn: Connection, records: Sequence[PlainRecord], currency: str, *, tells: bool = False
) -> list[Outcome]:
    """Write deals, with what is here of the objects that they name.

    Args:
        conn: an open transaction.
        records: of deals.
        currency: of deals without one.
        tells: tell subscribers of the deals that a live record moves to another stage.
    """
    if not records:
        return []
    here = related.find(
        conn,
        people=(key for r in records for key in people_of(r)),
        owners=(one for r in records for one in owners_of(r)),
        with_contacts=True,
    )
    known = _vocabulary(conn, records, currency)
    made = {r.id: deal_row(r, here, known) for r in records}
    rows = [one.row for one in made.values() if one.row is not None and not one.is_refused]
    done = from_source.write(conn, KIND, rows)
    changed = _parts(conn, {done.ids[i]: one for i, one in made.items() if i in done.ids})
    moved = {i for i in done.ids if done.ids[i] in changed}
    fresh = done.created | done.updated.keys() | moved
    customers = _customers([row for row in rows if row["record_id"] in fresh])
    customer_status.recompute(conn, customers | _customers(list(done.updated.values())))
    relations.came_records(conn, sorted(done.created))
    if tells:
        live = {r.id for r in records if r.lane == Lane.LIVE}
        _tell_moves(conn, {i: was for i, was in done.updated.items() if i in live})
    return [
        Outcome(
            r,
            verdict_of(
                is_refused=made[r.id].is_refused,
                is_written=r.id in done.ids,
                is_new=r.id in done.created,
                is_changed=r.id in done.updated or r.id in moved,
            ),
            frozenset(made[r.id].wanted),
            tuple(made[r.id].problems),
        )
        for r in records
    ]


def _vocabulary(conn: Connection, records: Sequence[PlainRecord], currency: str) -> Vocabulary:
    reasons = {one: r.batch_id for r in records for one in reasons_of(r)}
    standing = [p for p in pipelines.read(conn) if not p.is_archived]
    return Vocabulary(
        standing, pick_lists.numbers(conn, pick_lists.REASONS, reasons), codes(), currency
    )


def _parts(conn: Connection, made: Mapping[int, DealRow]) -> set[int]:
    """Write the moves and contacts of deals; returns the deals of which something differs."""
    whole = {deal: one for deal, one in made.items() if one.row is not None}
    changed = source_deals.replace_moves(conn, {deal: one.moves for deal, one in whole.items()})
    return changed | source_deals.replace_contacts(
        conn, {deal: one.roles for deal, one in whole.items()}
    )


def _archive(conn: Connection, records: Sequence[PlainRecord]) -> list[Outcome]:
    """Archive the deals that their source has deleted."""
    for at in sorted({r.said_at for r in records}):
        ids = [r.id for r in records if r.said_at == at]
        customer_status.recompute(conn, _customers(from_source.archive(conn, KIND, ids, at)))
    return [Outcome(r, None) for r in records]


def _tell_moves(conn: Connection, before: Mapping[int, Row]) -> None:
    """Tell subscribers of the deals (record → the row before) that are in another stage now."""
    was = {row["id"]: row["stage_id"] for row in before.values()}
    now = deals.stages_of(conn, was)
    moved = [(deal, was[deal], stage) for deal, stage in now.items() if stage != was[deal]]
    hook_deliveries.put(conn, [deal_stage_changed(*one) for one in sorted(moved)])


def _customers(rows: Sequence[Row]) -> set[int]:
    return {row[name] for row in rows for name in _OF_CONTACTS if row[name] is not None}
