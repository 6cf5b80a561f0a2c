"""The fate of the rows of a person: written, created, converted by a source, kept, removed.

In: the person's records, folded values and existing rows. If no record asks for a row any more, also
the earlier versions of the records, and whether a user has touched the person. Out: a `Fate`.

An existing row is folded, whichever sources are left. When no living record asks for it any more, the
cause decides. If the vendor's data changed, the row stays. If the hub's own derivation changed (a
mapping, a model, an undo, an unmerge), the row is removed, unless a user has touched it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from datetime import datetime
from typing import Any

from hub.frozen import dataclass
from hub.golden.fold import is_reachable, last_gone
from hub.model.folding import (
    ContactRow,
    EarlierVersion,
    FoldRecord,
    GoldenRecord,
    LeadRow,
    LeftRecord,
)
from hub.model.verdicts import Cause

LEAD, CONTACT = "lead", "contact"
_BY_ITS_SOURCE = frozenset({Cause.DELETED, Cause.MERGED})


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a person, and those of the people merged into it.

    A contact that people no longer keep, and that only references need, is not among them.
    """

    lead: LeadRow | None = None
    contact: ContactRow | None = None
    absorbed_leads: tuple[LeadRow, ...] = ()
    absorbed_contacts: tuple[ContactRow, ...] = ()

    @property
    def leads(self) -> tuple[LeadRow, ...]:
        """Return all leads, the person's own first."""
        return (*((self.lead,) if self.lead else ()), *self.absorbed_leads)

    @property
    def contacts(self) -> tuple[ContactRow, ...]:
        """Return all contacts, the person's own first."""
        return (*((self.contact,) if self.contact else ()), *self.absorbed_contacts)

    @property
    def is_kept(self) -> bool:
        """Tell whether people made, or keep, a contact of the person."""
        return any(row.is_kept for row in self.contacts)


_NO_ROWS = Rows()


@dataclass(frozen=True, slots=True)
class Past:
    """The past of a person; read only if a row may have no record that asks for it.

    Args:
        versions: earlier versions of the present records.
        left: records that belonged to the person before.
        is_worked_on: a user has touched the person (`hub.crm.touched`).
        is_parted: a user decided that two records are two people. Such a decision prevents that a row
            is archived, but not that it is removed because of this decision.
        is_converted_here: a conversion by a user is in force.
        now: the moment of the transaction.
    """

    now: datetime
    versions: Sequence[EarlierVersion] = ()
    left: Sequence[LeftRecord] = ()
    is_worked_on: bool = False
    is_parted: bool = False
    is_converted_here: bool = False

    @property
    def is_touched(self) -> bool:
        """Tell whether a user has touched the person in any way."""
        return self.is_worked_on or self.is_parted


@dataclass(frozen=True, slots=True)
class Person:
    """The input of a decision about one person; `has_edits` counts edits that are in force."""

    golden: GoldenRecord
    records: Sequence[FoldRecord]
    rows: Rows
    has_edits: bool = False
    only_asks: bool = False
    past: Past | None = None

    def asks(self, role: str) -> bool:
        """Tell whether a living record asks for such a row."""
        return is_reachable(self.golden) and any(
            r.role == role for r in self.records if not r.is_gone
        )

    def asked_last(self, role: str) -> bool:
        """Tell whether a living record asks for such a row; without living records, whether one did."""
        if any(not r.is_gone for r in self.records):
            return self.asks(role)
        return is_reachable(self.golden) and any(r.role == role for r in self.records)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a person's rows.

    Args:
        lead: the lead to write, new or not; None where none is written.
        contact: the contact to write.
        taken_back: rows to delete: (kind, number).
        converted_from: the record by which its source has converted the lead, or would have.
        is_converted: the source converts the lead now.
        is_marked: the source has converted a lead on which a user works; new with this fold.
    """

    lead: GoldenRecord | None = None
    contact: GoldenRecord | None = None
    taken_back: tuple[tuple[str, int], ...] = field(default=())
    converted_from: FoldRecord | None = None
    is_converted: bool = False
    is_marked: bool = False


def needs_past(person: Person) -> bool:
    """Tell whether the decision depends on the past: a person without rows and living records."""
    leads, contacts = person.rows.leads, person.rows.contacts
    if not leads and not contacts:
        return not person.has_edits and all(r.is_gone for r in person.records)
    if leads and not person.asks(LEAD):
        return True
    if contacts and not (person.asks(CONTACT) or person.rows.is_kept):
        return True
    return any(
        row.converted_at is not None or any(r.values.get("converted_at") for r in person.records)
        for row in leads
    )


def needs_touch(person: Person) -> bool:
    """Tell whether the decision depends on a touch by a user; the other past is known."""
    leads, contacts = person.rows.leads, person.rows.contacts
    if contacts and not (person.asks(CONTACT) or person.rows.is_kept):
        return True
    if not leads and not contacts:
        return True
    if not leads or _is_frozen(person):
        return False
    return not person.asks(LEAD) or _conversion(person) is not None


def fate(person: Person) -> Fate:
    """Decide what becomes of the rows of a person."""
    if person.rows == _NO_ROWS and person.past is None:
        return _fate_of_new(person)
    return fate_with_rows(person)


def _fate_of_new(person: Person) -> Fate:
    """Return what `fate_with_rows` gives for a person without rows, as all of a first load are."""
    records = person.records
    living = [r for r in records if not r.is_gone]
    asking = {r.role for r in living or records} if is_reachable(person.golden) else ()
    return Fate(
        lead=_new_lead(person) if LEAD in asking and not person.only_asks else None,
        contact=_new(person) if CONTACT in asking else None,
        converted_from=_converting(records),
    )


def fate_with_rows(person: Person) -> Fate:
    """Return the same as `fate`, for any person."""
    conversion = _conversion(person)
    lead = _lead(person, conversion)
    contact = _contact(person, conversion)
    taken_back = (
        *((LEAD, row.id) for row in person.rows.leads if lead is _TAKEN_BACK),
        *((CONTACT, row.id) for row in person.rows.contacts if contact is _TAKEN_BACK),
    )
    written = lead if isinstance(lead, GoldenRecord) else None
    own = person.rows.lead
    is_open = own is not None and own.converted_at is None and written is not None
    return Fate(
        lead=written,
        contact=contact if isinstance(contact, GoldenRecord) else None,
        taken_back=taken_back,
        converted_from=conversion.record if conversion else None,
        is_converted=is_open and written is not None and written.converted_at is not None,
        is_marked=is_open
        and own is not None
        and own.source_converted_at is None
        and written is not None
        and written.source_converted_at is not None,
    )


class _TakenBack:
    """Marks a row that is removed."""


_TAKEN_BACK = _TakenBack()
_Decided = GoldenRecord | _TakenBack | None


@dataclass(frozen=True, slots=True)
class _Conversion:
    """The source's conversion of a lead: the record that says so, and its time."""

    record: FoldRecord
    at: str


def _converting(records: Sequence[FoldRecord]) -> FoldRecord | None:
    """Return the first record that says that its source has converted the lead."""
    return next((r for r in records if r.values.get("converted_at")), None)


def _conversion(person: Person) -> _Conversion | None:
    """Return the conversion that the sources have made of the person's lead, if they have."""
    said = _converting(person.records)
    if said is not None:
        return _Conversion(said, str(said.values["converted_at"]))
    if person.asks(LEAD) or person.past is None:
        return None
    for record in person.records:
        if record.role == CONTACT and not record.is_gone:
            was = [v for v in person.past.versions if v.record_id == record.id and v.role == LEAD]
            if was:
                at = was[-1].until or person.past.now
                return _Conversion(record, at.isoformat())
    return None


def _was_converted(person: Person) -> bool:
    """Tell whether a version in force, present or earlier, has converted the lead."""
    if person.past is None or any(r.values.get("converted_at") for r in person.records):
        return True
    versions = person.past.versions
    if any(v.is_converted for v in versions):
        return True
    began = {v.record_id: v.number for v in reversed(versions) if v.role == LEAD}
    return any(
        v.role == CONTACT and v.number > began[v.record_id]
        for v in versions
        if v.record_id in began
    ) or any(r.role == CONTACT and r.id in began for r in person.records)


def _is_frozen(person: Person) -> bool:
    """Tell whether the lead is converted, by a user or by a version of its source in force."""
    own, past = person.rows.lead, person.past
    if own is None or own.converted_at is None:
        return False
    is_by_people = past is None or past.is_converted_here or person.rows.is_kept
    return is_by_people or _was_converted(person)


def _lead(person: Person, conversion: _Conversion | None) -> _Decided:
    rows = person.rows
    if not rows.leads:
        return _new_lead(person) if person.asked_last(LEAD) and not person.only_asks else None
    if _is_frozen(person):
        return None
    own = rows.lead
    golden = _standing(person, LEAD, own.unasked_since if own else None, asked=person.asks(LEAD))
    if golden is None:
        return _TAKEN_BACK
    if own is None:
        return _in_place_of(golden, rows.absorbed_leads)
    return golden if conversion is None else _as_its_source_says(person, golden, own, conversion)


def _as_its_source_says(
    person: Person, golden: GoldenRecord, own: LeadRow, conversion: _Conversion
) -> GoldenRecord:
    """Return a lead that its source has converted: converted here as well, or marked for its owner."""
    if person.past is not None and not person.past.is_touched:
        return replace(golden, converted_at=conversion.at, unasked_since=None, archived_at=None)
    since = own.source_converted_at
    return replace(golden, source_converted_at=since.isoformat() if since else conversion.at)


def _new_lead(person: Person) -> GoldenRecord:
    """Return a lead that is made: converted from the start where its source has converted it."""
    said = _converting(person.records)
    at = str(said.values["converted_at"]) if said else None
    return _changed(_new(person), converted_at=at)


def _new(person: Person) -> GoldenRecord:
    gone = last_gone(person.records)
    is_touched = person.past is not None and person.past.is_touched
    return _changed(
        person.golden,
        unasked_since=gone,
        archived_at=None if person.has_edits or is_touched else gone,
    )


def _changed(golden: GoldenRecord, **changes: Any) -> GoldenRecord:
    """Return a record with other values in some fields; the same one if it has these values."""
    if all(getattr(golden, name) == value for name, value in changes.items()):
        return golden
    return replace(golden, **changes)


def _in_place_of(golden: GoldenRecord, absorbed: Sequence[LeadRow]) -> GoldenRecord:
    """Return the lead of a person who had none, and absorbed one who has."""
    first = min(absorbed, key=lambda row: (row.converted_at is not None, row.id))
    if first.status_set_by is not None:
        golden = replace(
            golden,
            status=first.status,
            unqualified_reason=first.unqualified_reason,
            status_set_by=first.status_set_by,
        )
    at = first.converted_at
    return replace(golden, converted_at=at.isoformat() if at else golden.converted_at)


def _contact(person: Person, conversion: _Conversion | None) -> _Decided:
    rows = person.rows
    asked = person.asks(CONTACT) or rows.is_kept
    if not rows.contacts:
        if not person.asked_last(CONTACT):
            return None
        return _changed(_new(person), owner_id=_owner(person, conversion))
    own = rows.contact
    golden = _standing(person, CONTACT, own.unasked_since if own else None, asked=asked)
    if golden is None:
        return _TAKEN_BACK
    golden = replace(golden, owner_id=_owner(person, conversion))
    if not rows.is_kept:
        return golden
    is_theirs = own is not None and own.is_kept
    return replace(golden, archived_at=own.archived_at if own is not None and is_theirs else None)


def _owner(person: Person, conversion: _Conversion | None) -> int | None:
    """Return the owner of a new contact: the owner of the lead that it was."""
    lead = person.rows.lead
    is_the_same = conversion is not None and conversion.record.role == CONTACT
    if is_the_same and lead is not None and lead.owner_id is not None:
        return lead.owner_id
    return person.golden.owner_id


def _standing(
    person: Person, role: str, unasked_since: datetime | None, *, asked: bool
) -> GoldenRecord | None:
    """Return a row that exists as it is written now; None where it is undone."""
    past = person.past
    if asked or past is None:
        return person.golden
    is_kept = unasked_since is not None or past.is_worked_on or _is_vendors_doing(person, role)
    if not is_kept:
        return None
    return replace(
        person.golden,
        unasked_since=unasked_since or _ceased(past, role),
        archived_at=None if past.is_touched else last_gone(person.records),
    )


def _is_vendors_doing(person: Person, role: str) -> bool:
    """Tell whether a change of the vendor's data, not of our mapping, left the row without a record."""
    past = person.past
    if past is None:
        return True
    return (
        any(v.role == role for v in past.versions)
        or any(
            r.role == role and (not r.is_gone or r.gone_why in _BY_ITS_SOURCE)
            for r in person.records
        )
        or any(o.role == role and o.is_arriving and not o.is_parted for o in past.left)
    )


def _ceased(past: Past, role: str) -> datetime:
    """Return the time since which no record asks for a row, as exactly as the sources show it."""
    ends: Iterable[datetime] = (v.until for v in past.versions if v.role == role and v.until)
    return max(ends, default=past.now)
