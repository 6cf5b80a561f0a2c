"""Leads that their source has converted: pointers to the person, the company and the deal, in any order.

In: people who were just written, with their records. Out: `crm.conversion`, and the lead from which a
deal of the source comes. What is not here yet is noted, and the person is folded again when it comes.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from hub.crm import conversions, deals, related
from hub.crm.conversions import SourceConversion
from hub.model.entities import REF_STREAMS
from hub.model.folding import FoldRecord
from hub.records import wanted
from hub.records.wanted import ObjectKey

_POINTERS = {
    "contact": "converted_contact",
    "company": "converted_account",
    "deal": "converted_opportunity",
}
"""What a lead was converted to → the relation of the lead's record that names it."""


def update(conn: Connection, records: Mapping[int, Sequence[FoldRecord]]) -> None:
    """Write the conversions of people as their records say them now; call when their rows are written.

    Args:
        conn: an open transaction.
        records: of the people.
    """
    said = {i: one for i, own in records.items() if (one := _converted(own)) is not None}
    keys = {i: _keys(record) for i, record in said.items()}
    named = [named for own in keys.values() for named in own.items()]
    here = related.find(
        conn,
        people=[key for what, key in named if what != "deal"],
        deals=[key for what, key in named if what == "deal"],
        with_contacts=True,
    )
    found = [_conversion(i, record, keys[i], here) for i, record in said.items()]
    if not found and not _may_have(records):
        return
    gone, changed = conversions.say(conn, list(records), found)
    deals.come_from(conn, changed, gone)
    missing = [
        (said[i].id, key)
        for i, own in keys.items()
        for what, key in own.items()
        if (key not in here.deals if what == "deal" else here.contact(key) is None)
    ]
    wanted.replace(conn, [record.id for record in said.values()], missing)


def _converted(records: Sequence[FoldRecord]) -> FoldRecord | None:
    """Return the first record that says that its source has converted the lead, and to what."""
    return next(
        (r for r in records if not r.is_gone and r.values.get("converted_at") and _keys(r)), None
    )


def _may_have(records: Mapping[int, Sequence[FoldRecord]]) -> bool:
    """Tell whether a record of these names what a lead was converted to; no other has a conversion."""
    return any(
        relation in r.refs
        for own in records.values()
        for r in own
        for relation in _POINTERS.values()
    )


def _keys(record: FoldRecord) -> dict[str, ObjectKey]:
    streams = REF_STREAMS.get(record.source, {})
    return {
        what: (record.source, streams[what], ref)
        for what, relation in _POINTERS.items()
        if what in streams and (ref := record.refs.get(relation))
    }


def _conversion(
    entity: int, record: FoldRecord, keys: Mapping[str, ObjectKey], here: related.Related
) -> SourceConversion:
    person, company = here.contact(keys.get("contact")), here.contact(keys.get("company"))
    deal = keys.get("deal")
    return SourceConversion(
        record.id,
        entity,
        person.id if person else None,
        company.id if company and company.is_company else None,
        here.deals.get(deal) if deal else None,
        record.source,
    )
