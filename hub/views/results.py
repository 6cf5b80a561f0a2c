"""What a command did, where its action gives a name or a number: one frozen form for each answer.

An action with more to say has a result of its own beside it. Not here: records (`cards`), lists of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.crm.layouts import Section
from hub.records.consent_disputes import Lifted


@dataclass(frozen=True, slots=True)
class DealAdded:
    """A new deal, by its number."""

    deal: int


@dataclass(frozen=True, slots=True)
class DealEdited:
    """A deal, and the fields that were given."""

    deal: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DealArchived:
    """A deal that was archived, or is there again."""

    deal: int
    archived: bool


@dataclass(frozen=True, slots=True)
class DealContactSet:
    """A contact of a deal; `role` is null of one who was removed."""

    contact: int
    role: str | None


@dataclass(frozen=True, slots=True)
class CriterionTicked:
    """An exit criterion of a deal's stage."""

    check: str
    ticked: bool


@dataclass(frozen=True, slots=True)
class DealsCloned:
    """The numbers of the new deals, the earliest close date first."""

    deals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CompanyEdited:
    """A company, and the fields that were given."""

    company: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatusSet:
    """How many leads got another status."""

    changed: int


@dataclass(frozen=True, slots=True)
class RecordsAssigned:
    """How many records got another owner, and how many had this owner already."""

    assigned: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class ActivityChanged:
    """An activity, by its name: call/7."""

    activity: str


@dataclass(frozen=True, slots=True)
class RecordEdited:
    """A person or company, the fields that were given, and how many edits were made or taken back."""

    record: str
    fields: tuple[str, ...]
    edits: int


@dataclass(frozen=True, slots=True)
class PairJudged:
    """Two records, and the decision about them: same or different."""

    a: str
    b: str
    judgement: str


@dataclass(frozen=True, slots=True)
class NameUses:
    """The places that use a name."""

    kind: str
    name: str
    uses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WordAdded:
    """A reason or an outcome that was added; `kind` says of what."""

    id: int
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Word:
    """A reason or an outcome; `kind` says of what: lead, call, visit."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class FieldRemoved:
    """A custom field without a definition now."""

    object: str
    key: str
    removed: bool = True


@dataclass(frozen=True, slots=True)
class LinkRemoved:
    """A smart link that is gone."""

    object: str
    name: str
    removed: bool = True


@dataclass(frozen=True, slots=True)
class LinkOpened:
    """A smart link, filled from a record."""

    name: str
    record: str
    url: str


@dataclass(frozen=True, slots=True)
class GroupRemoved:
    """A group that is gone, by its name."""

    removed: str


@dataclass(frozen=True, slots=True)
class ListCount:
    """The number of records of a list; not exact of a long one."""

    count: int
    exact: bool


@dataclass(frozen=True, slots=True)
class AlertsRead:
    """How many alerts were marked as read."""

    read: int


@dataclass(frozen=True, slots=True)
class ConsentRefused:
    """An opt-out that a person told a user."""

    record: str
    channel: str
    purpose: str
    state: str


@dataclass(frozen=True, slots=True)
class MappingFile:
    """A mapping that was written from files, and the command that uses it."""

    mapping: str
    files: tuple[str, ...]
    next: str


@dataclass(frozen=True, slots=True)
class MappingVersion:
    """A mapping in force."""

    name: str
    version: str
    trust: str


@dataclass(frozen=True, slots=True)
class MappingTest:
    """A test of a mapping; `detail` has what differs."""

    mapping: str
    test: str
    ok: bool
    detail: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BackupWritten:
    """A backup; `revision` is that of the schema."""

    file: str
    bytes: int
    revision: str


@dataclass(frozen=True, slots=True)
class BackupRestored:
    """A restored backup; `replaced` is the backup of the database before it."""

    file: str
    revision: str
    replaced: str | None
    erased_again: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HubReady:
    """A hub that runs: the addresses of Dagster's pages, of the gateway, and of its private side."""

    ready: bool
    dagster: str
    sources: tuple[str, ...]
    gateway: str
    gateway_private: str


@dataclass(frozen=True, slots=True)
class OptOutsHeld:
    """Opt-outs that no mapping reads any more, and whether they were lifted now."""

    accepted: bool
    opt_outs: tuple[Lifted, ...]


@dataclass(frozen=True, slots=True)
class MappedAgain:
    """Records that were mapped again: how many, their verdicts, and new rows of the quarantine."""

    queued: int
    verdicts: Mapping[str, int]
    quarantined: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of a kind of record; `missing` names fields that are not defined any more."""

    object: str
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True)
class ErasureLine:
    """An erasure: how many digests keep the person out, how many records they blocked, and the last time."""

    erasure: str
    at: datetime
    tombstones: int
    blocked: int
    blocked_at: datetime | None


@dataclass(frozen=True, slots=True)
class DerivedAgain:
    """Results of older rules: how many were derived again, how many are left.

    `busy` is true where another process derives at the moment; then this one did nothing.
    """

    done: Mapping[str, int]
    left: int
    busy: bool


@dataclass(frozen=True, slots=True)
class Upgraded(DerivedAgain):
    """An upgrade, with the opt-outs that no mapping reads, and the erasures that were done again."""

    opt_outs_held: tuple[Lifted, ...]
    erased_again: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GatewayReady:
    """A gateway that runs: its public address, and that of its health checks and metrics."""

    ready: bool
    public: str
    private: str


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """A worker that runs, and the sources that are configured."""

    ready: bool
    sources: Sequence[str]


@dataclass(frozen=True, slots=True)
class EventsRetried:
    """How many events, given up before, the worker tries again."""

    retried: int
