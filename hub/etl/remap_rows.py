"""Rows of the CRM that a remap would remove, and rows that it would keep without a record.

In: the roles that the mapping of today gives to records with other roles now. Nothing is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from hub.crm.contacts import CONTACTS
from hub.crm.leads import LEADS
from hub.db.pace import slices
from hub.etl.context import Hub
from hub.etl.load_people import rows_of, with_past
from hub.etl.normalize import by_age, mapped
from hub.etl.survivorship import fold_context
from hub.golden.fate import Person, fate, needs_past
from hub.golden.fold import fold
from hub.model.entities import PEOPLE
from hub.model.folding import EarlierVersion, FoldRecord, StaleEntity
from hub.model.verdicts import Cause
from hub.records import folding, requeue

CHUNK = 500
Roles = Mapping[int, str | None]  # record → the role it gives the person then; None: no person


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Rows that no record would ask for any more.

    Args:
        taken_back: leads and contacts that would be removed.
        kept_unasked: leads and contacts that would stay, with `unasked_since`.
    """

    taken_back: int = 0
    kept_unasked: int = 0

    def __add__(self, other: "Foreseen") -> "Foreseen":
        """Return both together."""
        return Foreseen(self.taken_back + other.taken_back, self.kept_unasked + other.kept_unasked)


def foresee(hub: Hub, conn: Connection, entities: Sequence[int], roles: Roles) -> Foreseen:
    """Decide as load does, with the roles of today's mapping, for people whose records change."""
    total, ids = Foreseen(), sorted(set(entities))
    for some in slices(ids, CHUNK):
        people = _people(conn, some, roles)
        asking = {i: p for i, p in people.items() if needs_past(p)}
        versions = _versions(hub, conn, list(asking), roles)
        for person in with_past(conn, asking, versions).values():
            total += _counted(person)
    return total


def _counted(person: Person) -> Foreseen:
    found, own = fate(person), person.rows
    kept = [
        row
        for row, before in ((found.lead, own.lead), (found.contact, own.contact))
        if row is not None and before is not None
        and row.unasked_since is not None and before.unasked_since is None
    ]  # fmt: skip
    return Foreseen(len(found.taken_back), len(kept))


def _people(conn: Connection, ids: Sequence[int], roles: Roles) -> dict[int, Person]:
    records = folding.records_of(conn, ids)
    edits = folding.edits_of(conn, ids)
    rows = rows_of(conn, ids, LEADS.read(conn, ids), CONTACTS.read(conn, ids))
    context = fold_context(conn, "person")
    found: dict[int, Person] = {}
    for i, before in records.items():
        own = [_then(record, roles) for record in before]
        entity = StaleEntity(i, 0, own[0].id, 0, "bulk", None, is_new=False)
        golden = fold(entity, own, edits.get(i, ()), context)
        found[i] = Person(golden, own, rows[i], bool(edits.get(i)))
    return found


def _then(record: FoldRecord, roles: Roles) -> FoldRecord:
    if record.id not in roles:
        return record
    role = roles[record.id]
    if role is not None:
        return replace(record, role=role)
    return replace(record, is_gone=True, gone_why=Cause.EXCLUDED)


def _versions(
    hub: Hub, conn: Connection, ids: Sequence[int], roles: Roles
) -> dict[int, list[EarlierVersion]]:
    """Return earlier versions of records, those of the stream as today's mapping reads them."""
    known = folding.versions_of(conn, ids) if ids else {}
    raws = {v.raw_id for own in known.values() for v in own if v.record_id in roles}
    contexts: dict[str, Mapping[str, Any]] = {}
    said: dict[int, str] = {}
    for some in by_age(requeue.versions(conn, sorted(raws))):
        for record in mapped(hub, conn, list(some.values()), contexts).records:
            if record.entity in PEOPLE:
                said[some[record.source_id].raw_id] = record.entity
    return {
        i: [
            replace(v, role=said[v.raw_id]) if v.raw_id in raws else v
            for v in own
            if v.raw_id not in raws or v.raw_id in said
        ]
        for i, own in known.items()
    }
