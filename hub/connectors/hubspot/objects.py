"""HubSpot's objects as raw records: living, deleted, and merged into others. Pure.

Not here: which objects are read, and in which order (`streams.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from hub.connectors.answers import Answer, decode
from hub.connectors.base import Window
from hub.connectors.hubspot.kinds import MERGED
from hub.connectors.windows import parse_time
from hub.model.records import RawRecord
from hub.model.verdicts import Op

RESULTS = "results"


class Item(msgspec.Struct):
    """The keys of a record that the connector reads; the payload itself stays bytes."""

    id: str = ""
    properties: dict[str, Any] = {}
    createdAt: str | None = None  # noqa: N815  # the vendor's spelling
    updatedAt: str | None = None  # noqa: N815
    archivedAt: str | None = None  # noqa: N815

    def text(self, name: str) -> str:
        """Return a property, "" if it has no value."""
        value = self.properties.get(name)
        return value if isinstance(value, str) else ""

    def losers(self) -> list[str]:
        """Return the ids that were merged into this record."""
        found = dict.fromkeys(part.strip() for part in self.text(MERGED).split(";"))
        return [one for one in found if one and one != self.id]


@dataclass(frozen=True, slots=True)
class Found:
    """One answer: its records, parsed and as bytes, and the total number of results."""

    items: Sequence[Item]
    raws: Sequence[bytes]
    total: int


def live_records(changed: str, found: Found) -> list[RawRecord]:
    """Return living objects, with a tombstone for each one merged into them.

    Args:
        changed: the property with the time of the last change.
        found: the objects.
    """
    records = []
    for item, raw in zip(found.items, found.raws, strict=True):
        stamp = item.text(changed) or item.updatedAt or ""
        at = parse_time(stamp)
        records.append(RawRecord(item.id, Op.UPSERT, at, stamp, raw))
        records.extend(_merged(item, at, stamp))
    return records


def gone_records(found: Found, window: Window | None = None) -> list[RawRecord]:
    """Return deleted objects, of a window if one is given."""
    records = []
    for item, raw in zip(found.items, found.raws, strict=True):
        stamp = item.archivedAt or item.updatedAt or ""
        at = parse_time(stamp)
        if window is not None and at is not None and not _is_inside(at, window):
            continue
        records.append(RawRecord(item.id, Op.DELETE, at, stamp, raw))
        records.extend(_merged(item, at, stamp))
    return records


def _is_inside(at: datetime, window: Window) -> bool:
    return (window.since is None or at >= window.since) and at < window.until


def _merged(item: Item, at: datetime | None, stamp: str) -> list[RawRecord]:
    """Return a tombstone for each record merged into this one, because HubSpot sends none."""
    records = []
    for loser in item.losers():
        payload = msgspec.json.encode({"id": loser, "merged_into": item.id})
        records.append(RawRecord(loser, Op.MERGE_INTO, at, stamp, payload, into=item.id))
    return records


def owner_record(item: Item, raw: bytes) -> RawRecord:
    """Return an owner."""
    stamp = item.updatedAt or item.createdAt or ""
    return RawRecord(item.id, Op.UPSERT, parse_time(stamp), stamp, raw)


def found_in(answer: Answer, total: int = 0) -> Found:
    """Return the objects of an answer."""
    raws = answer.items(RESULTS)
    return Found([decode(raw, Item) for raw in raws], raws, total)
