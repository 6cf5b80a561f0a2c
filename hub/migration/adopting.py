"""Hand a migration's records to the stages: the same landing as a sync's, from what was read before.

Each page lands in the transaction that deletes it from `landing.planned`, so an interrupted call
continues. An object that a sync has brought in a later version meanwhile keeps that version.
"""

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection

from hub.connectors.base import Stream
from hub.etl.context import Hub
from hub.landing import planned, store, versions
from hub.landing.planned import Planned
from hub.migration.parts import Parts
from hub.migration.planning import streams_of
from hub.model.records import JsonValue, RawRecord
from hub.model.verdicts import Op
from hub.records import batches, erased_objects, migrations
from hub.records.migrations import Migration, RangeState

CHUNK = 500


def adopt(hub: Hub, found: Migration, on_page: Callable[[int], None] = lambda _: None) -> None:
    """Land all records of a migration in its batch, and note the proof of each stream there.

    Args:
        hub: the hub whose database takes them.
        found: the migration; all it could read was read.
        on_page: told how many records were landed.
    """
    parts = Parts(hub.connector(found.batch.source))
    streams = {one.name: one for one in streams_of(parts, found)}
    with hub.engine.begin() as conn:
        batches.begin_planned(conn, found.batch.id)
        if found.applied_at is None:
            _note_windows(conn, hub, found)
            migrations.mark(conn, found.batch.id, "applied_at")
    while True:
        with hub.engine.begin() as conn:
            page = planned.next_page(conn, found.batch.id, CHUNK)
            if not page:
                return
            _land(conn, hub, found, page, streams.get(page[0].stream))
            planned.drop(conn, [one.id for one in page])
        on_page(len(page))


def _land(
    conn: Connection, hub: Hub, found: Migration, page: Sequence[Planned], stream: Stream | None
) -> None:
    source, name, number = found.batch.source, page[0].stream, found.batch.id
    mapped = f"{source}/{name}" in hub.mappings
    if mapped and (blocked := [one.record for one in page if one.is_blocked]):
        rows = {r.source_id: (r.source_id, r.op is Op.UPSERT, r.at) for r in blocked}
        erased_objects.enter_blocked(conn, rows.values(), batch=number, source=source, stream=name)
    records = list(_last_of_each(page).values())
    newer = versions.newer_ids(conn, source, name, records)
    if mapped and newer:
        known = [r for r in records if r.source_id in newer]
        store.enter_known(conn, known, batch=number, source=source, stream=name)
    store.land_page(
        conn,
        [r for r in records if r.source_id not in newer],
        batch=number,
        source=source,
        stream=name,
        lane=found.batch.lane,
        mapped=mapped,
        volatile=stream.volatile if stream else frozenset(),
    )


def _last_of_each(page: Sequence[Planned]) -> Mapping[str, RawRecord]:
    return {one.record.source_id or f"#{one.id}": one.record for one in page if not one.is_blocked}


def _note_windows(conn: Connection, hub: Hub, found: Migration) -> None:
    """Store the proof of each stream with the batch: its span, the vendor's count, what is missing.

    A stream that only other mappings read has no verdicts, so no count is compared with them.
    """
    number = found.batch.id
    by_stream: dict[str, list[RangeState]] = {}
    for one in migrations.ranges(conn, number):
        by_stream.setdefault(one.stream, []).append(one)
    for stream, (since, until) in found.windows.items():
        own = by_stream.get(stream, [])
        is_mapped = f"{found.batch.source}/{stream}" in hub.mappings
        note: dict[str, JsonValue] = {
            "since": since.isoformat() if since else None,
            "until": until.isoformat(),
            "counted": _counted(conn, number, stream, own) if is_mapped else None,
            "shortage": _shortage(own),
        }
        batches.note_window(conn, number, stream, note)


def _counted(conn: Connection, batch_id: int, stream: str, own: Sequence[RangeState]) -> int | None:
    """Return how many living objects the vendor counts; None if it cannot count."""
    counts = [one.counted for one in own if one.counted is not None]
    if len(counts) < len(own):
        return None
    kept = planned.count(conn, batch_id, stream)
    read_n = sum(one.read_n for one in own)
    return sum(counts) - (kept.gone if read_n >= kept.objects else 0)


def _shortage(own: Sequence[RangeState]) -> dict[str, JsonValue]:
    left = [one for one in own if one.state != "proven"]
    if not left:
        return {}
    missing = sum(max((one.counted or 0) - one.read_n, 0) for one in left)
    return {
        "missing": missing,
        "ranges": [
            {"key": one.key, "counted": one.counted, "seen": one.read_n, "reason": one.reason}
            for one in left
        ],
        "narrowest": f"range {left[0].key}",
    }
