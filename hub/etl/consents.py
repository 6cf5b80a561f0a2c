"""Consent in the stages: versions become events, and a person's no reaches the person's addresses.

`keep` runs in the transaction that normalises a version, so that no crash loses an event.
`pass_on` runs in load, which folds every person whose records or addresses have changed.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from hub.landing.store import PendingRaw
from hub.mappings.record_consents import RecordConsent
from hub.matching import keys, normal
from hub.matching.key_hash import hashes
from hub.model.consent import Voice, state_named
from hub.model.records import JsonValue
from hub.records import consent_addresses, consent_events, consents
from hub.records.consent_events import Event
from hub.records.consents import NewEvent

if TYPE_CHECKING:  # folding a person reads no mapping
    from hub.mappings.document import MappingDocument

OF_PERSON = "person"
Address = tuple[str, str]  # kind, address


def events(said: Sequence[RecordConsent], rows: Mapping[str, PendingRaw]) -> list[NewEvent]:
    """Return the events of raw versions.

    Args:
        said: consents that the mapping read in them.
        rows: the versions, by object.
    """
    found = (_event(one, rows[one.source_id]) for one in said if one.source_id in rows)
    return [event for event in found if event is not None]


def _event(said: RecordConsent, row: PendingRaw) -> NewEvent | None:
    """Return the event; None without a state, or for a yes without an address."""
    values = said.values
    word = _text(values, "state")
    address = consent_addresses.normal_address(said.address or "")
    if word is None:
        return None
    state = state_named(word)
    if not (address or state.is_no):
        return None
    return NewEvent(
        raw_id=row.raw_id,
        source_id=row.record.source_id,
        address=address,
        channel=_text(values, "channel") or "email",
        purpose=_text(values, "purpose") or "",
        state=state,
        basis=_text(values, "basis"),
        proof=_text(values, "proof"),
        at=_text(values, "at"),
        voice=_voice(_text(values, "voice")),
        is_confirmed=values.get("is_confirmed") is True and row.is_first,
        is_of_person=values.get("said_of") == OF_PERSON,
    )


def _text(values: Mapping[str, JsonValue], name: str) -> str | None:
    value = values.get(name)
    return value if isinstance(value, str) and value else None


def _voice(word: str | None) -> Voice:
    return Voice(word) if word in set(Voice) else Voice.SYNC


def keep(
    conn: Connection, document: "MappingDocument", rows: Sequence[PendingRaw], said: list[NewEvent]
) -> set[str]:
    """Store the events of a stream's versions; returns objects with new events about their person."""
    versions = {row.raw_id: row.record.source_id for row in rows}
    return consents.keep(
        conn, document.source, document.stream, versions, said, mapping_version=document.version
    )


def pass_on(conn: Connection, entity_ids: Sequence[int]) -> None:
    """Pass a person's no on to all addresses that only this person has.

    A later address of a person is passed through here too. A no that was passed on stays with the
    address, also when the person no longer has the address.
    """
    of_people = consent_events.events_of_people(conn, entity_ids) if entity_ids else {}
    said = {
        entity: noes
        for entity, heard in of_people.items()
        if (noes := _standing(conn, [one for one in heard if one.state.is_no]))
    }
    if not said:
        return
    own = consent_addresses.addresses_of(conn, list(said))
    common = shared(conn, own)
    consents.pass_on(
        conn,
        [
            (event.id, address)
            for entity, noes in said.items()
            for event in noes
            for kind, address in sorted(own.get(entity, ()))
            if kind == consent_addresses.kind_of(event.channel)
            and address != event.address
            and (kind, address) not in common
        ],
    )


def _standing(conn: Connection, noes: Sequence[Event]) -> list[Event]:
    """Leave out events that were corrected, or confirmed otherwise since, at the record's address."""
    addresses = {event.address for event in noes if event.address}
    about = consent_events.events_about(conn, addresses) if addresses else []
    return [event for event in noes if consent_events.counts(event, about)]


def shared(conn: Connection, own: Mapping[int, set[Address]]) -> set[Address]:
    """Return the addresses that belong to no single person: role addresses, and shared ones.

    Args:
        conn: a connection.
        own: the addresses of people, by entity.
    """
    of: dict[Address, set[int]] = {}
    for entity, addresses in own.items():
        for address in addresses:
            of.setdefault(address, set()).add(entity)
    wanted = sorted({key for address in of if (key := _key(address)) is not None})
    for holder in consent_addresses.holders(conn, hashes(wanted)):
        for address in consent_addresses.addresses_in(holder.values) & of.keys():
            of[address].add(holder.entity_id)
    return {address for address, entities in of.items() if len(entities) > 1 or is_role(address)}


def is_role(address: Address) -> bool:
    """Tell whether an address is a role address such as info@, which several people read."""
    box = normal.mailbox(address[1]) if address[0] == "email" else None
    return box is not None and box.is_role


def _key(address: Address) -> tuple[str, str] | None:
    """Return the key of matching under which the holders of an address are found."""
    kind, value = address
    if kind == "email":
        box = normal.mailbox(value)
        return None if box is None else ("email", keys.bounded(box.address))
    return ("phone", keys.bounded(normal.tail(value))) if kind == "phone" else None
