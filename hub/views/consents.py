"""Consent as people read it: the states of addresses, and the statements behind them.

In: an address or a person. Out: frozen models. Not here: who may see what (`hub.actions.identity.consent`).
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from hub.etl import consents as stages
from hub.frozen import dataclass
from hub.model.consent import Voice
from hub.records import consent_addresses, consent_events
from hub.records.consent_events import AddressState, Event


@dataclass(frozen=True, slots=True)
class StateLine:
    """What holds for a channel and a purpose.

    Args:
        channel: email, sms, phone, fax or post.
        purpose: marketing, or a part of it.
        state: opt_in, opt_out, unknown, and the other states of docs/consent.md.
        basis: the legal basis; null where none was given.
        at: when it was stated.
        source: vendor that states it, or `team`.
        proof: evidence of it.
    """

    channel: str
    purpose: str
    state: str
    basis: str | None
    at: datetime | None
    source: str
    proof: str | None


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement about consent.

    Args:
        at: when it was made.
        channel: email, sms, phone, fax or post.
        purpose: marketing, or a part of it.
        state: what it states.
        basis: the legal basis.
        source: vendor that states it, or `team`.
        record: the source record that states it; null of a user.
        proof: evidence of it.
        said_of: `address` or `person`.
        by_link: whether the person made it by a link.
        confirmed: whether the person confirmed it.
        correction: whether a user corrected an earlier statement with it.
        who: the user who recorded it.
        reason: the reason that the user gave.
        counts: whether it counts today.
        held: whether no mapping reads it any more; it is in force until an admin lifts it.
    """

    at: datetime
    channel: str
    purpose: str
    state: str
    basis: str | None
    source: str
    record: str | None
    proof: str | None
    said_of: str
    by_link: bool
    confirmed: bool
    correction: bool
    who: str | None
    reason: str | None
    counts: bool
    held: bool


@dataclass(frozen=True, slots=True)
class AddressErased:
    """The erasure of an address.

    Args:
        erasure: its number.
        at: when.
    """

    erasure: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AddressConsent:
    """The consent of one address, with its history.

    Args:
        address: in normal form.
        states: what holds, by channel and purpose.
        events: every statement, the oldest first.
        erased: the erasure of the address; null where there is none, or the user may not know it.
    """

    address: str
    states: tuple[StateLine, ...]
    events: tuple[Statement, ...]
    erased: AddressErased | None


@dataclass(frozen=True, slots=True)
class PersonAddress:
    """An address of a person.

    Args:
        address: in normal form; null of an opt-out that was stated of the person.
        kind: `email` or `phone`; null likewise.
        is_shared: whether other people have it too.
        states: what holds, by channel and purpose.
    """

    address: str | None
    kind: str | None
    is_shared: bool
    states: tuple[StateLine, ...]


@dataclass(frozen=True, slots=True)
class PersonConsent:
    """The consent of all addresses of a person.

    Args:
        person: as the person was named.
        addresses: each with its states.
    """

    person: str
    addresses: tuple[PersonAddress, ...]


def of_address(conn: Connection, address: str, erased: AddressErased | None) -> AddressConsent:
    """Return the states of an address and all statements about it."""
    events = consent_events.events_about(conn, [address])
    return AddressConsent(
        address,
        tuple(_state(one) for one in consent_events.states_of(conn, [address])),
        tuple(_statement(one, events) for one in events),
        erased,
    )


def of_person(conn: Connection, entity_id: int) -> tuple[PersonAddress, ...]:
    """Return the addresses of a person, each with its states; shared ones are marked.

    An opt-out that was stated of the person without an address comes last.
    """
    own = consent_addresses.addresses_of(conn, [entity_id])
    common = stages.shared(conn, own)
    addresses = sorted(own.get(entity_id, ()))
    states = consent_events.states_of(conn, {address for _, address in addresses})
    found = [
        PersonAddress(
            address,
            kind,
            (kind, address) in common,
            tuple(
                _state(one)
                for one in states
                if one.address == address and consent_addresses.kind_of(one.channel) == kind
            ),
        )
        for kind, address in addresses
    ]
    said = consent_events.events_of_people(conn, [entity_id], nowhere=True).get(entity_id, [])
    nowhere = [event for event in said if not event.address and event.state.is_no]
    if nowhere:
        told = tuple(
            StateLine(e.channel, e.purpose, e.state.value, e.basis, e.at, e.source, e.proof)
            for e in nowhere
        )
        found.append(PersonAddress(None, None, is_shared=False, states=told))
    return tuple(found)


def _state(one: AddressState) -> StateLine:
    return StateLine(one.channel, one.purpose, one.state, one.basis, one.at, one.source, one.proof)


def _statement(event: Event, heard: Sequence[Event]) -> Statement:
    return Statement(
        at=event.at,
        channel=event.channel,
        purpose=event.purpose,
        state=event.state.value,
        basis=event.basis,
        source=event.source,
        record=event.record,
        proof=event.proof,
        said_of=event.said_of,
        by_link=event.voice is Voice.PERSON,
        confirmed=event.is_confirmed,
        correction=event.is_correction,
        who=event.who,
        reason=event.reason,
        counts=consent_events.counts(event, heard),
        held=event.disputed_by is not None,
    )
