"""Records as the vendor sent them, and after mapping."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from hub.frozen import dataclass
from hub.model.verdicts import Op, Trust

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]


NO_ID_PREFIX = "?"
FAULT = "_fault"
"""Payload key under which a connector says why it could not read a record; shown when a mapping rejects it."""


def texts(value: object) -> list[str]:
    """Return the strings of a list; a string by itself counts as a list of one."""
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, str)]


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One object as the vendor sent it.

    Args:
        source_id: the vendor's id; for a form answer `<form id>:<token>`. Landing gives a record
            without a usable id the id `NO_ID_PREFIX` and a digest; every mapping rejects it.
        op: upsert, delete, or merge_into (then `into` is the survivor's source id).
        at: the vendor's modification time (aware UTC), the value the cursor runs on.
        version: the vendor's version mark as text, for display and ordering.
        payload: the JSON text of the object, bytes as received where the client gives them.
        into: survivor's source id of a vendor merge.
    """

    source_id: str
    op: Op
    at: datetime | None
    version: str
    payload: bytes
    into: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One value, or one whole record, that a rule refused.

    `severity` is "field" (the value was nulled, the record went on) or "record" (rejected).
    """

    source_id: str
    field: str
    value: str
    reason: str
    severity: str


@dataclass(frozen=True, slots=True)
class CanonicalRecord:
    """One record in the hub's own fields, made by one `emit` target of a mapping document.

    Args:
        source_id: id of the raw record it came from.
        entity: the emit target: lead, user, inquiry, note, consent.
        values: canonical field name → value (JSON types only; datetimes as ISO-8601 UTC text).
        refs: relation name → source id it points at (owner, form, …).
        primary: whether this target carries the ledger's verdict.
        trust: of the source.
    """

    source_id: str
    entity: str
    values: Mapping[str, JsonValue]
    refs: Mapping[str, str] = field(default_factory=dict)
    primary: bool = True
    trust: Trust = Trust.TRUSTED
