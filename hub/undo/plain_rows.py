"""Deals and activities of a batch that is undone: which stay, and the rows that go.

A row that people have changed since stays, and so does a deal on which they have built. Not here: people
and companies (`hub.undo.piles`, `hub.crm.removal`).
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection

from hub.crm import conversions, customer_status, derived, from_source, source_deals
from hub.etl import load_activities, load_deals
from hub.model.entities import ACTIVITIES
from hub.records import entities, wanted
from hub.undo.inputs import Brought

DEAL = "deal"
TARGETS = (DEAL, *ACTIVITIES)
EDITED = "a user has edited it since"
LATER = "a later batch brought it again"


def staying(
    conn: Connection, brought: Sequence[Brought], gone: Collection[int] = ()
) -> dict[int, str]:
    """Return the records of deals and activities that stay, and why.

    Args:
        conn: an open transaction.
        brought: records of the batch.
        gone: records of activities that go before these.
    """
    stays = {r.id: LATER for r in brought if r.target in TARGETS and not r.is_latest}
    for kind in TARGETS:
        ids = [r.id for r in brought if r.target == kind and r.id not in stays]
        stays |= dict.fromkeys(from_source.edited(conn, kind, ids), EDITED)
    going = {r.id for r in brought if r.target in ACTIVITIES and r.id not in stays} | {*gone}
    made = (r for r in brought if r.target == DEAL and not r.was_known)
    deals = [r.id for r in made if r.id not in stays]
    built = source_deals.worked_on(conn, deals, sorted(going))
    return stays | {record: f"it has a {what}" for record, what in built.items()}


def remove(conn: Connection, lost: Sequence[Brought]) -> tuple[Counter[str], list[int]]:
    """Delete the rows of records that are taken out.

    Returns:
        How many, by kind; and people to fold again: their leads were converted to a deal that goes.
    """
    done: Counter[str] = Counter()
    touched: list[Mapping[str, int | None]] = []
    for kind in ACTIVITIES:
        ids = [r.id for r in lost if r.target == kind]
        touched += from_source.rows_of(conn, kind, ids).values()
        done["notes" if kind == "note" else "activities"] += len(
            from_source.delete(conn, kind, ids)
        )
    deals = [r.id for r in lost if r.target == DEAL]
    rows = from_source.rows_of(conn, DEAL, deals)
    customers = {row[name] for row in rows.values() for name in ("contact_id", "organization_id")}
    people = conversions.lose(conn, deals=[row["id"] for row in rows.values()])
    entities.bump(conn, people, quietly=True)
    source_deals.delete_parts(conn, [row["id"] for row in rows.values()])
    done["deals"] = len(from_source.delete(conn, DEAL, deals))
    wanted.replace(conn, [r.id for r in lost], ())
    derived.recompute(
        conn,
        {entity for row in touched if (entity := row["entity_id"]) is not None},
        {deal for row in touched if (deal := row["deal_id"]) is not None},
    )
    customer_status.recompute(conn, customers)
    return done, people


def restore(conn: Connection, restored: Sequence[Brought]) -> None:
    """Write rows as the versions of before the batch said them."""
    load_deals.restore(conn, [r.id for r in restored if r.target == DEAL])
    load_activities.restore(conn, [r.id for r in restored if r.target in ACTIVITIES])


def count(conn: Connection, lost: Sequence[Brought]) -> Counter[str]:
    """Return what `remove` would delete, but for notes: these are counted as children of records."""
    done: Counter[str] = Counter()
    for kind in TARGETS:
        if kind != "note":
            ids = [r.id for r in lost if r.target == kind]
            name = "deals" if kind == DEAL else "activities"
            done[name] += len(from_source.rows_of(conn, kind, ids))
    return done
