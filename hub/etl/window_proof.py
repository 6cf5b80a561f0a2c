"""Prove a window of a stream: compare the source's count with what was handed out, and search gaps.

In: a window that was read. Out: notes for the batch: bounds, counts, a shortage. Not here: the proof of
a whole source (`hub.etl.proof`).
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from hub.connectors.base import Stream, Window
from hub.etl.context import Hub
from hub.etl.extract import Land, Range, reread, short_ranges
from hub.model.records import JsonValue
from hub.records import verdicts
from hub.records.batches import Batch


def prove_window(
    hub: Hub, batch: Batch, stream: Stream, window: Window, land: Land
) -> dict[str, JsonValue]:
    """Return the notes of a window; ranges with missing records are read again first."""
    connector = hub.connector(batch.source)

    def seen(since: datetime | None, until: datetime) -> int:
        with hub.engine.begin() as conn:
            return verdicts.seen(conn, batch.id, stream.name, since, until)

    counted = connector.count(stream, window.since, window.until)
    shortage: dict[str, JsonValue] = {}
    if counted is not None and counted > seen(window.since, window.until):
        earliest = _earliest(hub, batch, stream)
        ranges = short_ranges(connector, stream, seen, window, earliest=earliest)
        reread(connector, stream, ranges, land)
        still = short_ranges(connector, stream, seen, window, earliest=earliest) if ranges else []
        shortage = _shortage(still)
        counted = connector.count(stream, window.since, window.until)
    return {
        "since": window.since.isoformat() if window.since else None,
        "until": window.until.isoformat(),
        "counted": counted,
        "seen": seen(window.since, window.until),
        "shortage": shortage,
    }


def _earliest(hub: Hub, batch: Batch, stream: Stream) -> datetime:
    with hub.engine.begin() as conn:
        return verdicts.earliest_seen(conn, batch.id, stream.name) or datetime(
            1999, 1, 1, tzinfo=UTC
        )


def _shortage(ranges: Sequence[Range]) -> dict[str, JsonValue]:
    if not ranges:
        return {}
    narrowest = ranges[0]
    return {
        "missing": sum(r.counted - r.seen for r in ranges),
        "ranges": [
            {
                "since": r.since.isoformat() if r.since else None,
                "until": r.until.isoformat(),
                "counted": r.counted,
                "seen": r.seen,
            }
            for r in ranges
        ],
        "narrowest": f"{narrowest.since.isoformat() if narrowest.since else 'the beginning'}"
        f" .. {narrowest.until.isoformat()}",
    }
