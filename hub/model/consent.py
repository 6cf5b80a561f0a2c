"""The rules of consent: what may be sent to an address, from all consent events about it.

In: events about addresses. Out: one state for each channel and purpose. Pure, and the order of the
events does not matter.

A no wins: an opt-out, a bounce, a ban on calls and an erasure beat every opt-in, also newer ones.
Two events lift an older no: an opt-in that the person confirmed by following a link (a double
opt-in), and an audited correction by an admin. A correction does not lift a no that the person gave
by a link. No import, no sync and no form's tick box lifts a no. A confirmation and a correction are
about one address and no other, so merging two people takes the stricter of their states.

Purposes are `marketing`, `terms` (terms of use, a privacy notice), and narrower ones,
`marketing:<vendor>/<subscription type or permission>`. A no to `marketing` covers the narrower ones,
never the reverse; a yes to a narrower one says nothing of `marketing`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from hub.frozen import dataclass

Key = tuple[str, str]  # channel and purpose


class ConsentState(StrEnum):
    """States of consent, from the laxest to the strictest."""

    UNKNOWN = "unknown"
    UNCONFIRMED = "unconfirmed"
    ACCEPTED = "accepted"  # of terms of use, a privacy notice: permits no message
    OPT_IN = "opt_in"
    BOUNCED = (
        "bounced"  # in older events only: a bounce is a property of an address, and no consent
    )
    OPT_OUT = "opt_out"
    DO_NOT_CALL = "do_not_call"
    ERASED = "erased"

    @property
    def is_no(self) -> bool:
        """Whether the state forbids messages, and beats an opt-in."""
        return _RANK[self] > _RANK[ConsentState.OPT_IN]


_RANK = {state: rank for rank, state in enumerate(ConsentState)}


class Voice(StrEnum):
    """The author of an event."""

    PERSON = "person"  # by a signed link that was followed
    FORM = "form"
    SYNC = "sync"
    IMPORT = "import"
    TEAM = "team"  # a member of the team, by a command


@dataclass(frozen=True, slots=True)
class ConsentEvent:
    """An event about one address (`subject`: an e-mail address, a number, or a record's id).

    Args:
        channel: email, sms, phone, fax or post.
        purpose: see the module.
        subject: the address.
        state: the state that the event gives.
        at: its time; None if unknown. A no without a time counts as the newest.
        voice: the author.
        is_confirmed_double_opt_in: whether the person confirmed the opt-in by a link.
        is_correction: whether an admin corrected the state of the address.
    """

    channel: str
    purpose: str
    subject: str
    state: ConsentState
    at: datetime | None
    voice: Voice = Voice.SYNC
    is_confirmed_double_opt_in: bool = False
    is_correction: bool = False

    @property
    def confirmed_at(self) -> datetime | None:
        """The time when the person confirmed an opt-in; None for other events."""
        is_confirmation = self.is_confirmed_double_opt_in and self.voice is Voice.PERSON
        return self.at if is_confirmation and self.state is ConsentState.OPT_IN else None


NOES = tuple(state.value for state in ConsentState if state.is_no)
"""The names of the states that forbid messages."""


def state_named(word: str) -> ConsentState:
    """Return the state of that name; an unknown name gives no permission."""
    try:
        return ConsentState(word)
    except ValueError:
        return ConsentState.OPT_OUT


def resolve(events: Iterable[ConsentEvent]) -> dict[Key, ConsentState]:
    """Return the state of every channel and purpose with an event."""
    said: dict[tuple[Key, str], list[ConsentEvent]] = {}
    for event in events:
        said.setdefault(((event.channel, event.purpose), event.subject), []).append(event)
    found: dict[Key, ConsentState] = {}
    for (key, _), heard in said.items():
        found = merge(found, {key: _of_one_address(heard)})
    return {key: state_of(found, *key) for key in found}


def state_of(states: Mapping[Key, ConsentState], channel: str, purpose: str) -> ConsentState:
    """Return the state of a purpose: its own, or the no to a wider purpose."""
    own = states.get((channel, purpose), ConsentState.UNKNOWN)
    whole, colon, _ = purpose.partition(":")
    above = states.get((channel, whole), ConsentState.UNKNOWN) if colon else own
    return stricter(own, above) if above.is_no else own


def merge(
    one: Mapping[Key, ConsentState], other: Mapping[Key, ConsentState]
) -> dict[Key, ConsentState]:
    """Return the consents of two people who turn out to be one: the stricter of each."""
    keys = sorted({*one, *other})
    unknown = ConsentState.UNKNOWN
    return {key: stricter(one.get(key, unknown), other.get(key, unknown)) for key in keys}


def stricter(one: ConsentState, other: ConsentState) -> ConsentState:
    """Return the stricter of two states; a known state beats `unknown`."""
    return max(one, other, key=_RANK.__getitem__)


def stands(event: ConsentEvent, heard: Iterable[ConsentEvent]) -> bool:
    """Return whether an event about an address counts, given all events about the address.

    Args:
        event: one of them.
        heard: the events about the address, for the same channel and purpose.
    """
    if not event.state.is_no or event.at is None:
        return True
    return not any(_lifts(other, event, event.at) for other in heard)


def _lifts(other: ConsentEvent, no: ConsentEvent, at: datetime) -> bool:
    if other.confirmed_at is not None and at < other.confirmed_at:
        return True
    is_later = other.is_correction and other.at is not None and at <= other.at
    return is_later and not other.state.is_no and no.voice is not Voice.PERSON


def _of_one_address(heard: Iterable[ConsentEvent]) -> ConsentState:
    events = list(heard)
    standing = [event.state for event in events if stands(event, events)]
    return max(standing, key=_RANK.__getitem__, default=ConsentState.UNKNOWN)
