"""Which channels a person wants for an event.

In: the person's own choices and the house's defaults. Out: channel names. Pure. What does not
belong here: quiet hours, which are about when and not about where.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from hub.errors import ConfigError


class Event(StrEnum):
    """What a person can be told."""

    LEAD_ASSIGNED = "lead_assigned"
    INQUIRY_RECEIVED = "inquiry_received"
    LEAD_REASSIGNED_AWAY = "lead_reassigned_away"
    LEADS_DIGEST = "leads_digest"
    CONTACT_ASSIGNED = "contact_assigned"
    CONTACT_REASSIGNED_AWAY = "contact_reassigned_away"
    DEAL_ASSIGNED = "deal_assigned"
    DEAL_REASSIGNED_AWAY = "deal_reassigned_away"
    BULK_ASSIGNED = "bulk_assigned"
    BULK_REASSIGNED_AWAY = "bulk_reassigned_away"


@dataclass(frozen=True, slots=True)
class Preference:
    """One choice: for this event by web alert, by e-mail, both, or neither."""

    event: str
    web: bool
    email: bool


DEFAULTS: tuple[Preference, ...] = (
    Preference(Event.LEAD_ASSIGNED, web=True, email=True),
    Preference(Event.INQUIRY_RECEIVED, web=True, email=True),
    Preference(Event.LEAD_REASSIGNED_AWAY, web=True, email=False),
    Preference(Event.LEADS_DIGEST, web=True, email=True),
    Preference(Event.CONTACT_ASSIGNED, web=True, email=True),
    Preference(Event.CONTACT_REASSIGNED_AWAY, web=True, email=False),
    Preference(Event.DEAL_ASSIGNED, web=True, email=True),
    Preference(Event.DEAL_REASSIGNED_AWAY, web=True, email=False),
    Preference(Event.BULK_ASSIGNED, web=True, email=True),
    Preference(Event.BULK_REASSIGNED_AWAY, web=True, email=False),
)


def channels_for(
    event: str, preferences: Iterable[Preference], defaults: Iterable[Preference] = DEFAULTS
) -> tuple[str, ...]:
    """Return `web` and `email` as chosen, in this order; the person's choice beats the default.

    Raises:
        ConfigError: there is no such event.
    """
    if event not in set(Event):
        raise ConfigError(f"unknown event {event!r}", hint=f"known: {', '.join(Event)}")
    for choice in (*preferences, *defaults, *DEFAULTS):
        if choice.event == event:
            chosen = (("web", choice.web), ("email", choice.email))
            return tuple(channel for channel, wanted in chosen if wanted)
    raise AssertionError(event)  # every event has a built-in default
