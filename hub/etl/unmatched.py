"""Records that need no matching: owners, tickets, deals and activities. Part of load."""

from collections import Counter
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from hub.crm import derived, owners, tickets
from hub.db.transactions import run_transaction
from hub.etl import load_activities, load_deals, relations
from hub.etl.context import Hub
from hub.model.entities import PERSON_REFS
from hub.model.records import JsonValue
from hub.model.verdicts import Verdict
from hub.records import folding, queue
from hub.records.folding import PlainRecord
from hub.records.verdicts import set_verdicts

CHUNK = 500
REQUESTER = "requester"
RELATED = (queue.DEALS, queue.ACTIVITIES, queue.DERIVE_PEOPLE, queue.DERIVE_DEALS)
"""The stages of `load_related`."""
Load = Callable[[Connection, Sequence[PlainRecord]], Sequence[Verdict]]
"""Writes a chunk of records; returns the verdict of each."""
LoadPlain = Callable[[Connection, Sequence[int]], dict[str, int]]
"""Writes a chunk of records; returns counts."""


def load_owners(hub: Hub, *, only_live: bool = False) -> dict[str, int]:
    """Connect the sources' owners with users, before their leads need them."""
    return {"owners": _load(hub, queue.OWNERS, "user", _adopt_all, only_live=only_live)}


def load_tickets(hub: Hub, *, only_live: bool = False) -> dict[str, int]:
    """Write waiting tickets, each linked to its requester."""
    return {"tickets": _load(hub, queue.TICKETS, "ticket", _write_all, only_live=only_live)}


def load_related(hub: Hub, *, only_live: bool = False) -> dict[str, int]:
    """Write waiting deals, then waiting activities; call when people and companies are loaded."""
    currency = hub.settings.crm.currency

    def of(stage: str, load: LoadPlain) -> dict[str, int]:
        return _load_plain(hub, stage, load, only_live=only_live)

    deals = of(queue.DEALS, lambda conn, ids: load_deals.load_deals(conn, ids, currency))
    activities = of(queue.ACTIVITIES, load_activities.load_activities)
    of(queue.DERIVE_PEOPLE, load_activities.derive_people)
    of(queue.DERIVE_DEALS, load_activities.derive_deals)
    return deals | activities


def _load_plain(hub: Hub, stage: str, load: LoadPlain, *, only_live: bool) -> dict[str, int]:
    totals: Counter[str] = Counter()

    def some(conn: Connection) -> tuple[int, dict[str, int]]:
        taken = queue.take(conn, stage, CHUNK, only_live=only_live).ids
        counts = load(conn, taken) if taken else {}
        queue.finish(conn, stage, taken)
        return len(taken), counts

    while (done := run_transaction(hub.engine, some))[0]:
        totals.update(done[1])
    return dict(totals)


def _load(hub: Hub, stage: str, target: str, load: Load, *, only_live: bool) -> int:
    """Load waiting records of a stage, chunk by chunk; returns their number."""

    def some(conn: Connection) -> tuple[int, int]:
        taken = queue.take(conn, stage, CHUNK, only_live=only_live).ids
        records = folding.by_id(conn, taken, target, standing=True) if taken else []
        if records:
            became = load(conn, records)
            set_verdicts(
                conn,
                [
                    (r.batch_id, r.source, r.stream, r.source_id, verdict)
                    for r, verdict in zip(records, became, strict=True)
                ],
            )
        queue.finish(conn, stage, taken)
        return len(taken), len(records)

    loaded_n = 0
    while (found := run_transaction(hub.engine, some))[0]:
        loaded_n += found[1]
    return loaded_n


def _adopt_all(conn: Connection, records: Sequence[PlainRecord]) -> list[Verdict]:
    verdicts = [adopt(conn, record) for record in records]
    relations.came_records(conn, [record.id for record in records])
    return verdicts


def adopt(conn: Connection, record: PlainRecord) -> Verdict:
    """Connect one owner of a source with a user; returns the verdict of the owner's record."""
    adopted = owners.adopt_legacy_owner(
        conn,
        source=record.source,
        source_id=record.source_id,
        email=_text(record.values.get("email")),
        name=_text(record.values.get("name")) or record.source_id,
        is_queue=bool(record.values.get("is_queue")),
    )
    if adopted.is_created:
        return Verdict.CREATED
    return Verdict.UPDATED if adopted.was_known else Verdict.MERGED


def _write_all(conn: Connection, records: Sequence[PlainRecord]) -> list[Verdict]:
    is_new = write_tickets(conn, records)
    return [Verdict.CREATED if is_new[r.id] else Verdict.UPDATED for r in records]


def write_tickets(conn: Connection, records: Sequence[PlainRecord]) -> dict[int, bool]:
    """Write tickets; returns record → whether its ticket is new."""
    rows = [
        {
            **{name: record.values.get(name) for name in tickets.FOLDED},
            "record_id": record.id,
            "source": record.source,
            "source_id": record.source_id,
            "requester": record.refs.get(REQUESTER),
        }
        for record in records
    ]
    ids = [record.id for record in records]
    before = tickets.entities_of(conn, ids)
    is_new = tickets.upsert(conn, rows, asked_in=PERSON_REFS[REQUESTER])
    derived.recompute(conn, before | tickets.entities_of(conn, ids))
    return is_new


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value else None
