"""What may be sent to an address: show it, correct it, and store a no that a person gave a user.

Marketing consent is shown and kept here. It blocks nothing: a rep may always answer a person.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from hub.actions import lookup, targets, typed
from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.errors import ActionError
from hub.etl import consents as stages
from hub.model.consent import ConsentState, Voice
from hub.records import consent_addresses, consent_events, consents
from hub.records.consent_events import Event
from hub.records.consents import TeamWord

CHANNELS = ("email", "sms", "phone", "fax", "post")
MARKETING = "marketing"
_RESOURCE = "consent"


def address_of(said: str, region: str) -> str:
    """Return the normal form of an e-mail address or a phone number.

    Raises:
        ActionError: it is neither.
    """
    kind = "email" if "@" in said else "phone"
    read = typed.canonical("lead", {kind: said}, region=region).get(kind)
    if not isinstance(read, str):
        raise _invalid(f"{said!r} is neither an e-mail address nor a phone number")
    return consent_addresses.normal_address(read)


def show(ctx: Context, said: str, *, region: str, home: Path) -> dict[str, Any]:
    """Return the state of an address and all its events, or the card of a person.

    Args:
        ctx: who asks.
        said: an address, or a person's name: lead/12, contact/5, source/stream/id.
        region: ISO country of a number without one.
        home: HUB_HOME, where the key of erasures is.

    Returns:
        `address`, `states`, `events` and `erased`; of a person `person` and `addresses`. `erased` has
        the number and the moment of an erasure. Only a user who may erase gets it: for all others an
        erased address is like one that was never known.

    Raises:
        ActionError: it is neither an address nor a person's name.
    """
    require(ctx, Right.READ)
    if "/" in said and "@" not in said:
        entity = lookup.find(ctx.conn, said).root_id
        return {"person": said, "addresses": card(ctx.conn, entity)}
    address = address_of(said, region)
    events = consent_events.events_about(ctx.conn, [address])
    return {
        "address": address,
        "states": [_json(state) for state in consent_events.states_of(ctx.conn, [address])],
        "events": [_event(event, events) for event in events],
        "erased": _erased(ctx, said, region, home),
    }


def _erased(ctx: Context, said: str, region: str, home: Path) -> dict[str, Any] | None:
    from hub.actions.identity.erase import (  # noqa: PLC0415 erasing needs every stage, a card none
        erasure_of,
        form_of,
    )

    try:
        require(ctx, Right.SET_UP)
    except ActionError:
        return None
    found = erasure_of(ctx.conn, form_of(said, region), home)
    return None if found is None else {"erasure": found.id, "at": _iso(found.at)}


def card(conn: Connection, entity_id: int) -> list[dict[str, Any]]:
    """Return the addresses of a person, each with its states; shared ones are marked.

    A no about the person without an address comes last, with `address` null.
    """
    own = consent_addresses.addresses_of(conn, [entity_id])
    common = stages.shared(conn, own)
    addresses = sorted(own.get(entity_id, ()))
    states = consent_events.states_of(conn, {address for _, address in addresses})
    found = [
        {
            "address": address,
            "kind": kind,
            "is_shared": (kind, address) in common,
            "states": [
                _json(state)
                for state in states
                if state.address == address and consent_addresses.kind_of(state.channel) == kind
            ],
        }
        for kind, address in addresses
    ]
    said = consent_events.events_of_people(conn, [entity_id], nowhere=True).get(entity_id, [])
    nowhere = [event for event in said if not event.address and event.state.is_no]
    if nowhere:
        told = [{**_event(event, nowhere), "address": None} for event in nowhere]
        found.append({"address": None, "kind": None, "is_shared": False, "states": told})
    return found


def _json(state: consent_events.AddressState) -> dict[str, Any]:
    return {**asdict(state), "at": _iso(state.at)}


def _event(event: Event, heard: Sequence[Event]) -> dict[str, Any]:
    return {
        "at": _iso(event.at),
        "channel": event.channel,
        "purpose": event.purpose,
        "state": event.state.value,
        "basis": event.basis,
        "source": event.source,
        "record": event.record,
        "proof": event.proof,
        "said_of": event.said_of,
        "by_link": event.voice is Voice.PERSON,
        "confirmed": event.is_confirmed,
        "correction": event.is_correction,
        "who": event.who,
        "reason": event.reason,
        "counts": consent_events.counts(event, heard),
        "held": event.disputed_by is not None,
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


@dataclass(frozen=True, slots=True)
class About:
    """What a consent is about."""

    address: str
    channel: str
    purpose: str


@dataclass(slots=True)
class Corrected:
    """What became of a correction.

    Args:
        corrected: addresses whose no was corrected.
        refused: those that stay as they are, each with the reason.
    """

    corrected: list[About] = field(default_factory=list)
    refused: list[tuple[About, str]] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Return it as `--json` shows it."""
        return {
            "corrected": [asdict(one) for one in self.corrected],
            "refused": [{**asdict(one), "why": why} for one, why in self.refused],
        }


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why a no is corrected: the reason, the proof, and what the state is to be."""

    reason: str
    proof: str
    to: ConsentState = ConsentState.OPT_IN


def about(said: str, *, channel: str | None, purpose: str, region: str) -> About:
    """Return the named address or person; without a channel, e-mail for an e-mail address, else phone.

    Raises:
        ActionError: the address or the channel is none.
    """
    address = address_of(said, region)
    chosen = channel or ("email" if "@" in address else "phone")
    if chosen not in CHANNELS:
        raise _invalid(f"there is no channel {chosen!r}", hint=f"channels: {', '.join(CHANNELS)}")
    return About(address, chosen, purpose)


def correct(ctx: Context, wanted: Sequence[About], grounds: Grounds) -> Corrected:
    """Correct a no that was kept by mistake. Who did it, when and why is kept for ever.

    Args:
        ctx: an admin, in an open transaction.
        wanted: what to correct.
        grounds: why.

    Raises:
        ActionError: the actor lacks the right, or the reason or the proof is missing. Of a single
            address also: nothing says no, or the person said it by a link.
    """
    require(ctx, Right.SET_UP)
    done = _correct_all(ctx, wanted, grounds)
    if len(wanted) == 1 and done.refused:
        ((one, why),) = done.refused
        raise ActionError(
            f"{one.address} ({one.channel}, {one.purpose}): {why}",
            resource=_RESOURCE,
            code="conflict",
            hint=f"hub consent show {one.address} shows its history",
        )
    return done


def _correct_all(ctx: Context, wanted: Sequence[About], grounds: Grounds) -> Corrected:
    for name, said in (("reason", grounds.reason), ("proof", grounds.proof)):
        if not said.strip():
            raise _invalid(f"a correction needs a {name}", hint=f"add --{name} TEXT")
    heard = consent_events.events_about(ctx.conn, {one.address for one in wanted})
    done = Corrected()
    for one in wanted:
        noes = _standing(one, heard)
        if not noes:
            done.refused.append((one, "it has no opt-out"))
        elif any(no.voice is Voice.PERSON for no in noes):
            done.refused.append(
                (one, "the person opted out through a link; only the person can undo that")
            )
        else:
            _keep(ctx, one, grounds, noes)
            done.corrected.append(one)
    return done


def correct_batch(ctx: Context, batch_id: int, grounds: Grounds) -> Corrected:
    """Correct every no that the versions of a batch say."""
    require(ctx, Right.SET_UP)
    return _correct_all(
        ctx, [About(*one) for one in consent_events.refused_in(ctx.conn, batch_id)], grounds
    )


def _standing(one: About, heard: Sequence[Event]) -> list[Event]:
    key = one.address, one.channel, one.purpose
    noes = [e for e in heard if e.state.is_no and (e.address, e.channel, e.purpose) == key]
    return [no for no in noes if consent_events.counts(no, heard)]


def _keep(ctx: Context, one: About, grounds: Grounds, noes: Sequence[Event]) -> None:
    now = max([ctx.clock.now(), *(no.at for no in noes)])
    consents.add(
        ctx.conn,
        TeamWord(
            one.address, one.channel, one.purpose, grounds.to, now, ctx.who,
            grounds.reason, grounds.proof, is_correction=True,
        ),
    )  # fmt: skip


def refuse(ctx: Context, name: str, *, channel: str, purpose: str = MARKETING, reason: str) -> str:
    """Store that a person refuses messages or calls, for all addresses.

    Args:
        ctx: the user who was told.
        name: the person: lead/12, contact/5.
        channel: email, sms, phone, fax or post.
        purpose: marketing, or a part of it.
        reason: what the person said.

    Returns:
        The name of the record.

    Raises:
        ActionError: there is no such person or channel, or the actor lacks the right.
    """
    target = targets.resolve(ctx.conn, name)
    require(ctx, Right.WORK, target.owner_id, entities=[target.entity_id])
    if channel not in CHANNELS or target.entity_id is None:
        raise _invalid(f"there is no channel {channel!r}", hint=f"channels: {', '.join(CHANNELS)}")
    consents.add(
        ctx.conn,
        TeamWord(
            "", channel, purpose, ConsentState.OPT_OUT, ctx.clock.now(), ctx.who, reason,
            proof=reason, entity_id=target.entity_id,
        ),
    )  # fmt: skip
    stages.pass_on(ctx.conn, [target.entity_id])
    return target.name


def _invalid(said: str, hint: str | None = None) -> ActionError:
    return ActionError(said, resource=_RESOURCE, code="invalid", hint=hint)
