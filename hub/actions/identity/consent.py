"""What may be sent to an address: show it, correct it, and store a no that a person gave a user.

Marketing consent is shown and kept here. It blocks nothing: a rep may always answer a person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hub.actions import lookup, targets, typed
from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.errors import ActionError
from hub.etl import consents as stages
from hub.model.consent import ConsentState, Voice
from hub.records import consent_addresses, consent_events, consents
from hub.records.consent_events import Event
from hub.records.consents import TeamWord
from hub.views import consents as views
from hub.views.consents import AddressConsent, AddressErased, PersonConsent

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


def show(ctx: Context, said: str, *, region: str, home: Path) -> AddressConsent | PersonConsent:
    """Return the consent of an address with its history, or of all addresses of a person.

    Args:
        ctx: who asks. Only a user who may erase gets the erasure of an address: for all others an
            erased address is like one that was never known.
        said: an address, or a person's name: lead/12, contact/5, source/stream/id.
        region: ISO country of a number without one.
        home: HUB_HOME, where the key of erasures is.

    Raises:
        ActionError: it is neither an address nor a person's name.
    """
    require(ctx, Right.READ)
    if "/" in said and "@" not in said:
        entity = lookup.find(ctx.conn, said).root_id
        return PersonConsent(said, views.of_person(ctx.conn, entity))
    address = address_of(said, region)
    return views.of_address(ctx.conn, address, _erased(ctx, said, region, home))


def _erased(ctx: Context, said: str, region: str, home: Path) -> AddressErased | None:
    from hub.actions.identity.erase import (  # noqa: PLC0415 erasing needs every stage, a card none
        erasure_of,
        form_of,
    )

    try:
        require(ctx, Right.SET_UP)
    except ActionError:
        return None
    found = erasure_of(ctx.conn, form_of(said, region), home)
    return None if found is None else AddressErased(found.id, found.at)


@dataclass(frozen=True, slots=True)
class About:
    """What a consent is about."""

    address: str
    channel: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A correction that was refused.

    Args:
        address: the address.
        channel: email, sms, phone, fax or post.
        purpose: marketing, or a part of it.
        why: the reason.
    """

    address: str
    channel: str
    purpose: str
    why: str


@dataclass(frozen=True, slots=True)
class Corrected:
    """What became of a correction.

    Args:
        corrected: addresses whose no was corrected.
        refused: those that stay as they are.
    """

    corrected: tuple[About, ...]
    refused: tuple[Kept, ...]


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
        (one,) = done.refused
        raise ActionError(
            f"{one.address} ({one.channel}, {one.purpose}): {one.why}",
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
    corrected: list[About] = []
    refused: list[Kept] = []
    for one in wanted:
        noes = _standing(one, heard)
        why = _why_kept(noes)
        if why is not None:
            refused.append(Kept(one.address, one.channel, one.purpose, why))
        else:
            _keep(ctx, one, grounds, noes)
            corrected.append(one)
    return Corrected(tuple(corrected), tuple(refused))


def _why_kept(noes: Sequence[Event]) -> str | None:
    if not noes:
        return "it has no opt-out"
    if any(no.voice is Voice.PERSON for no in noes):
        return "the person opted out through a link; only the person can undo that"
    return None


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
