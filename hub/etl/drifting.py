"""Drift of a stream: unknown fields and values, missing fields, and what to do about them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from hub.frozen import dataclass
from hub.landing import silent
from hub.mappings import drifting
from hub.records import drift

PLACEHOLDER = "placeholder"


@dataclass(frozen=True, slots=True)
class Drift:
    """The differences between a stream's records and its mapping.

    Args:
        unknown: drift as counted (`kind`, `field`, `value`, `n`, `first_seen`, `last_seen`), each
            with a `suggestion`. Silent values that change too often have the kind `often`.
        placeholders: texts without a meaning, counted the same way; the field stayed empty.
        vanished: canonical fields that earlier records filled and the newest never fill, with the reason.
        fill: share of the newest records that fill each canonical field, 0 to 1.
    """

    unknown: list[dict[str, Any]]
    placeholders: list[dict[str, Any]]
    vanished: Mapping[str, str]
    fill: Mapping[str, float]


def drift_of(conn: Connection, name: str, known: Sequence[str]) -> Drift:
    """Return the drift of a mapped stream.

    Args:
        conn: an open connection.
        name: of the mapping: `source/stream`.
        known: the canonical fields that the mapping fills, sorted.
    """
    source, _, stream = name.partition("/")
    fills = drift.fill(conn, source, stream)
    counted = drift.of_stream(conn, source, stream)
    found = [
        {**d, "suggestion": drifting.suggestion(name, d["kind"], d["field"], d["value"], known)}
        for d in counted
        if d["kind"] != PLACEHOLDER
    ]
    found += _often(conn, source, stream)
    new = [d["field"] for d in found if d["kind"] == "field"]
    return Drift(
        found,
        [d for d in counted if d["kind"] == PLACEHOLDER],
        drifting.vanished(fills, new),
        {fill.field: round(fill.newest, 3) for fill in fills},
    )


def _often(conn: Connection, source: str, stream: str) -> list[dict[str, Any]]:
    """Return the silent fields of which more than a fifth change in a day."""
    name = f"{source}/{stream}"
    return [
        {
            "source": source,
            "stream": stream,
            "kind": "often",
            "field": key,
            "value": "",
            "n": one.changed,
            "first_seen": one.at,
            "last_seen": one.at,
            "suggestion": drifting.frequent_change(name, key, one.changed, one.compared),
        }
        for key, one in silent.read(conn, source, stream).often().items()
    ]
