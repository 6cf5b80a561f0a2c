"""Land records that users create in the hub, because every source record needs a raw row."""

from collections.abc import Mapping

from sqlalchemy import Connection, text

from hub.db.json_text import write_json
from hub.landing import store
from hub.model.records import JsonValue, RawRecord
from hub.model.verdicts import Op

OURS = "hub"


def keep(
    conn: Connection,
    stream: str,
    source_id: str,
    values: Mapping[str, JsonValue],
    *,
    batch_id: int,
    lane: str,
) -> int:
    """Land a record of the source `hub`, which needs no mapping; return its raw row's id."""
    record = RawRecord(source_id, Op.UPSERT, None, "1", write_json(values).encode())
    store.land_page(
        conn, [record], batch=batch_id, source=OURS, stream=stream, lane=lane, mapped=False
    )
    return int(
        conn.execute(
            text(
                "SELECT raw_id FROM landing.head "
                "WHERE source = :source AND stream = :stream AND source_id = :id"
            ),
            {"source": OURS, "stream": stream, "id": source_id},
        ).scalar_one()
    )
