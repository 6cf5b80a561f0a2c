"""Records that need no matching: the owners of a source, and its tickets. Part of load."""

from collections.abc import Sequence

from sqlalchemy import Connection

from hub.crm import derived, owners, tickets
from hub.etl.context import Hub
from hub.model.entities import PERSON_REFS
from hub.model.records import JsonValue
from hub.model.verdicts import Verdict
from hub.records import folding
from hub.records.folding import OpenRecord
from hub.records.verdicts import set_verdicts

REQUESTER = "requester"


def load_owners(hub: Hub) -> dict[str, int]:
    """Connect the sources' owners with people, before their leads need them."""
    with hub.engine.begin() as conn:
        verdicts = []
        for record in folding.open_records(conn, "user"):
            kept = Verdict.MERGED if record.is_new else Verdict.UPDATED
            verdict = Verdict.CREATED if adopt(conn, record) else kept
            verdicts.append(
                (record.batch_id, record.source, record.stream, record.source_id, verdict)
            )
        set_verdicts(conn, verdicts)
    return {"owners": len(verdicts)}


def adopt(conn: Connection, record: OpenRecord) -> bool:
    """Connect one owner of a source with a person; returns whether the person is new."""
    return owners.adopt_legacy_owner(
        conn,
        source=record.source,
        source_id=record.source_id,
        email=_text(record.values.get("email")),
        name=_text(record.values.get("name")) or record.source_id,
        is_queue=bool(record.values.get("is_queue")),
    )


def load_tickets(hub: Hub) -> dict[str, int]:
    """Write the tickets that came; each hangs on whoever asked."""
    with hub.engine.begin() as conn:
        records = folding.open_records(conn, "ticket")
        is_new = write_tickets(conn, records)
        set_verdicts(
            conn,
            [
                (r.batch_id, r.source, r.stream, r.source_id,
                 Verdict.CREATED if is_new[r.id] else Verdict.UPDATED)
                for r in records
            ],
        )  # fmt: skip
    return {"tickets": len(records)}


def write_tickets(conn: Connection, records: Sequence[OpenRecord]) -> dict[int, bool]:
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
