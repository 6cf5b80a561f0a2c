"""Owners of new leads, decided while load writes them: each lead is inserted complete.

Turns are due by the dates of leads, over all leads without an owner (`hub.crm.leads.take_unowned`). Load
takes new people in this order. It gives turns while no earlier lead can still come. The other leads are
written without an owner, and route gives them one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy import Connection

from hub.clock import Clock
from hub.crm import contacts, groups, leads
from hub.crm.groups import GroupRow
from hub.crm.leads import UnownedLead
from hub.errors import ConfigError
from hub.etl.owner_decision import Rules, Turns
from hub.etl.survivorship import rules_in_force
from hub.golden.fate import Fate, Person
from hub.model.entities import LEAD_FIELDS, ColumnClass
from hub.model.folding import FoldRecord, GoldenRecord, StaleEntity
from hub.records import folding, queue
from hub.routing.rules import ACCOUNT_OWNER, COMPANY

_DERIVED = {f.name for f in LEAD_FIELDS if f.column_class is ColumnClass.DERIVED}
_LATER = {*_DERIVED, COMPANY}  # what is known only when all is loaded
_MOMENTS = {f.name for f in LEAD_FIELDS if f.kind == "datetime"}


def in_order(conn: Connection, rules: Rules) -> Sequence[int]:
    """Return new people in the order in which their leads are due a turn; none where it is uncertain.

    The order is uncertain while records of an initial load wait to be mapped or matched, or while a lead
    waits for an owner. It is also uncertain where a later fold can change a turn: with a capacity, or a
    rule for derived columns or for the account. A missing group is an error of route.
    """
    if (
        rules.fields & _LATER
        or "created_at" not in rules_in_force(conn).earliest
        or leads.any_unowned(conn)
        or not _are_plain(rules, groups.of_leads(conn))
    ):
        return ()
    people, has_bulk = folding.new_in_order(conn)
    return () if has_bulk and queue.has_bulk_people(conn) else people


def _are_plain(rules: Rules, known: Mapping[str, GroupRow]) -> bool:
    """Tell whether the groups exist, and no member has a capacity."""
    members = (member for group in known.values() for member in group.members)
    return rules.groups <= known.keys() and all(m.capacity is None for m in members)


@dataclass(frozen=True, slots=True)
class NewLead:
    """A lead to write that has no owner; turns are ordered by `created_at`."""

    golden: GoldenRecord
    anchor: FoldRecord
    account_id: int | None

    @property
    def created_at(self) -> datetime | None:
        """Return the date of the lead, as its row will have it."""
        return _moment(self.golden.values.get("created_at"))


@dataclass(frozen=True, slots=True)
class Waiting:
    """New leads of a chunk without an owner, in order; not `is_whole` if later ones may lack one too."""

    leads: Sequence[NewLead]
    is_whole: bool


def waiting(
    stale: Sequence[StaleEntity],
    people: Mapping[int, Person],
    fates: Mapping[int, Fate],
    records: Mapping[int, Sequence[FoldRecord]],
    accounts: Mapping[int, tuple[int | None, str | None]],
) -> Waiting:
    """Return new leads without an owner, up to the first that may take over an owner from another row."""
    found: list[NewLead] = []
    for entity in stale:
        one = fates.get(entity.id)
        if one is None or not _is_unowned(people[entity.id], one.lead):
            continue
        anchor = next((r for r in records[entity.id] if r.id == entity.anchor_id), None)
        if one.lead is None or anchor is None or _may_inherit(people[entity.id], one):
            return Waiting(found, is_whole=False)
        found.append(NewLead(one.lead, anchor, accounts[entity.id][0]))
    return Waiting(found, is_whole=True)


def _is_unowned(person: Person, lead: GoldenRecord | None) -> bool:
    return (
        lead is not None
        and person.rows.lead is None
        and lead.owner_id is None
        and lead.archived_at is None
    )


def _may_inherit(person: Person, one: Fate) -> bool:
    """Tell whether the lead may get an owner when rows are linked: of an absorbed row, or a contact."""
    rows = person.rows
    has_owner = one.contact is not None and one.contact.owner_id is not None
    return bool(rows.leads or rows.contacts) or has_owner


@dataclass(slots=True)
class NewOwners:
    """Turns that a load gives, chunk by chunk.

    Args:
        rules: of routing.
        is_sure: whether the next chunk may be given turns.
        clock: the present time; members can be away.
        last: the date of the last lead that had one; None before the first.
        is_undated: whether the last one had no date; these come last.
    """

    rules: Rules
    is_sure: bool
    clock: Clock
    last: datetime | None = None
    is_undated: bool = False

    def copy(self) -> Self:
        """Return a copy that a transaction may change; it is dropped if the transaction is repeated."""
        return replace(self)

    def decide(self, conn: Connection, waiting: Waiting) -> Turns | None:
        """Give leads turns in their order; None if it is uncertain that they are due now.

        The groups are locked until the transaction ends.
        """
        chunk = waiting.leads
        self.is_sure = self.is_sure and self._follow([lead.created_at for lead in chunk])
        if not self.is_sure:
            return None
        self.is_sure = waiting.is_whole
        return self._give(conn, chunk) if chunk else None

    def _give(self, conn: Connection, chunk: Sequence[NewLead]) -> Turns | None:
        turns = Turns.begin(conn, self.rules, self.clock.now())
        try:
            if leads.any_unowned(conn):
                self.is_sure = False
                return None
            for lead in self._unowned(conn, chunk):
                turns.decide(lead)
        except ConfigError:
            self.is_sure = False  # route raises the error, when all is loaded
            return None
        self.is_sure = self.is_sure and len(turns.taken) == len(chunk)
        return turns

    def _follow(self, dates: Sequence[datetime | None]) -> bool:
        """Tell whether dates go on in order from the last one; remember the new last one."""
        for at in dates:
            if at is None:
                self.is_undated = True
            elif self.is_undated or (self.last is not None and at < self.last):
                return False
            else:
                self.last = at
        return True

    def _unowned(self, conn: Connection, chunk: Sequence[NewLead]) -> list[UnownedLead]:
        account_owners: Mapping[int, int] = {}
        if self.rules.ask_for_account:
            asked = {lead.account_id for lead in chunk if lead.account_id is not None}
            account_owners = contacts.owners_of(conn, asked)
        return [
            UnownedLead(
                entity_id=lead.golden.entity_id,
                stable_key=f"{lead.anchor.source}/{lead.anchor.stream}/{lead.anchor.source_id}",
                values=_values(lead, self.rules, account_owners),
                legacy_owner=lead.golden.legacy_owner,
                is_converted=lead.golden.converted_at is not None,
                is_left=lead.golden.converted_at is not None,
                lane=lead.golden.lane,
            )
            for lead in chunk
        ]


def _values(lead: NewLead, rules: Rules, account_owners: Mapping[int, int]) -> dict[str, Any]:
    """Return the fields of rules, as the lead's row will have them."""
    golden = lead.golden
    held = {
        "source": lead.anchor.source,
        "status": golden.status,
        "unqualified_reason": golden.unqualified_reason,
        "converted_at": golden.converted_at,
    }
    asked: dict[str, Any] = {name: held.get(name, golden.values.get(name)) for name in rules.fields}
    for name in asked.keys() & _MOMENTS:
        asked[name] = _moment(asked[name])
    owner = None if lead.account_id is None else account_owners.get(lead.account_id)
    return {**asked, ACCOUNT_OWNER: owner}


def _moment(said: object) -> datetime | None:
    if not isinstance(said, str) or not said:
        return None
    at = datetime.fromisoformat(said)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
