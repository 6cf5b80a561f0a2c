"""The shapes that pass between storage, the fold and the sinks: inputs of a golden record, and its result.

Not here: how they are read (`hub.records.folding`), folded (`hub.golden`) or written (`hub.sinks`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hub.model.records import JsonValue


@dataclass(frozen=True, slots=True)
class StaleEntity:
    """An entity whose inputs changed since it was folded."""

    id: int
    version: int
    anchor_id: int
    batch_id: int
    lane: str
    merged_into: int | None
    is_new: bool
    is_quiet: bool = False  # only our own rules changed: the fold is news to nobody at once


@dataclass(frozen=True, slots=True)
class FoldRecord:
    """A source record as the fold needs it; `open_verdict` if its batch still waits for one."""

    id: int
    entity_id: int
    source: str
    stream: str
    source_id: str
    trust: str
    values: Mapping[str, JsonValue]
    refs: Mapping[str, str]
    source_at: datetime | None
    is_gone: bool
    gone_at: datetime | None
    batch_id: int
    joined_batch_id: int | None
    open_verdict: bool
    role: str | None
    lane: str


@dataclass(frozen=True, slots=True)
class StoredEdit:
    """What a person typed."""

    entity_id: int
    field: str
    value: JsonValue
    at: datetime
    who: str


@dataclass(frozen=True, slots=True)
class LegacyOwner:
    """What a source's owner id stands for; `user_id` None means a queue or nobody."""

    user_id: int | None
    is_active: bool
    is_queue: bool


@dataclass(frozen=True, slots=True)
class GoldenRecord:
    """A folded entity, with the seeds of what is held once its row exists."""

    entity_id: int
    values: Mapping[str, JsonValue]
    seeds: Mapping[str, JsonValue]
    owner_id: int | None
    legacy_owner: str | None
    archived_at: datetime | None
    lane: str
    batch_id: int
    is_organization: bool = False
