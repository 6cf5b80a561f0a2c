"""A person explained: where each value came from, and why the records are of one person."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from hub.crm import explained
from hub.frozen import dataclass
from hub.records import folding
from hub.views import consents, deal_lines, provenance
from hub.views.consents import PersonAddress
from hub.views.parts import DealLine, Provenance


@dataclass(frozen=True, slots=True)
class Account:
    """The company of a person.

    Args:
        contact: number of the company.
        name: its name.
        why: what the link rests on: a name, a domain, `employee`, or the user who set it.
    """

    contact: int
    name: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class ExplainedRecord:
    """A record of a source that is of the person.

    Args:
        record: `salesforce/leads/00Q…`.
        trust: how far its names are trusted, as its mapping says.
        role: what the mapping makes of it.
        at: when the source changed it last.
        gone: whether the source has deleted it.
        mapping_version: of the mapping that read it.
        batch: the batch that brought it.
    """

    record: str
    trust: str
    role: str | None
    at: datetime | None
    gone: bool
    mapping_version: str
    batch: int


@dataclass(frozen=True, slots=True)
class Reason:
    """A part of a match weight.

    Args:
        words: what was compared, and how alike it is.
        bits: what it adds; below 0 it speaks against.
    """

    words: str
    bits: float


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """Two records, and the judgement about them.

    Args:
        a: one record.
        b: the other record.
        judgement: same, different or unsure.
        weight: match weight in bits.
        made_by: the model, the source or the user that judged.
        made_at: when.
        reasons: the parts of the weight.
    """

    a: str
    b: str
    judgement: str
    weight: float
    made_by: str
    made_at: datetime
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class ValueTyped:
    """A value that a user typed.

    Args:
        field: the field.
        value: the value.
        at: when.
        who: the user.
    """

    field: str
    value: Any
    at: datetime
    who: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A change of the person.

    Args:
        at: when.
        who: the user, or the part of the hub that made it.
        fields: what changed, as the history keeps it.
    """

    at: datetime
    who: str
    fields: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A person explained.

    Args:
        entity: number of the person.
        public_id: id that merges and moves do not change.
        lead: number of the lead; null if there is none.
        contact: number of the contact; null if there is none.
        absorbed: numbers of people who were merged into this one.
        account: the company; null if none is known.
        records: the records of sources.
        deals: the person's deals, open ones first.
        fields: where each value comes from, by field.
        links: the judged pairs of records, the heaviest first.
        consents: the addresses of the person, each with its states.
        edits: values that users typed.
        changes: the newest 50.
    """

    entity: int
    public_id: str
    lead: int | None
    contact: int | None
    absorbed: tuple[int, ...]
    account: Account | None
    records: tuple[ExplainedRecord, ...]
    deals: tuple[DealLine, ...]
    fields: Mapping[str, Provenance]
    links: tuple[JudgedPair, ...]
    consents: tuple[PersonAddress, ...]
    edits: tuple[ValueTyped, ...]
    changes: tuple[Changed, ...]


def of_entity(conn: Connection, entity_id: int) -> Explained:
    """Return who a person is, and why."""
    found = explained.entity(conn, entity_id)
    company = explained.company(conn, entity_id)
    edits = folding.edits_of(conn, [entity_id]).get(entity_id, [])
    return Explained(
        entity=entity_id,
        public_id=str(found["public_id"]),
        lead=found["lead"],
        contact=found["contact"],
        absorbed=tuple(found["absorbed"]),
        account=None if company is None else Account(**company),
        records=tuple(ExplainedRecord(**one) for one in explained.records(conn, entity_id)),
        deals=deal_lines.of_party(conn, contact_id=found["contact"], lead_id=found["lead"]),
        fields={one.field: one for one in provenance.of_entity(conn, entity_id)},
        links=tuple(_pair(one) for one in explained.links(conn, entity_id)),
        consents=consents.of_person(conn, entity_id),
        edits=tuple(ValueTyped(e.field, e.value, e.at, e.who) for e in edits),
        changes=tuple(Changed(**one) for one in explained.changes(conn, entity_id)),
    )


def _pair(row: RowMapping) -> JudgedPair:
    reasons = tuple(Reason(words, bits) for words, bits in row["reasons"])
    return JudgedPair(**{**row, "reasons": reasons})
