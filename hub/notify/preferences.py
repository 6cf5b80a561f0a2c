"""Which channels a person wants for an event.

In: the user's own choices and the hub's defaults. Out: channel names. Pure. What does not belong
here: quiet hours, which are about when and not about where.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from hub.errors import ConfigError
from hub.model.events import EventKind


@dataclass(frozen=True, slots=True)
class Preference:
    """One choice: for this event by web alert, by e-mail, both, or neither."""

    event: str
    web: bool
    email: bool


DEFAULTS: tuple[Preference, ...] = (
    Preference(EventKind.LEAD_ASSIGNED, web=True, email=True),
    Preference(EventKind.INQUIRY_RECEIVED, web=True, email=True),
    Preference(EventKind.LEAD_REASSIGNED_AWAY, web=True, email=False),
    Preference(EventKind.LEAD_CONVERTED_IN_SOURCE, web=True, email=True),
    Preference(EventKind.LEADS_DIGEST, web=True, email=True),
    Preference(EventKind.CONTACT_ASSIGNED, web=True, email=True),
    Preference(EventKind.CONTACT_REASSIGNED_AWAY, web=True, email=False),
    Preference(EventKind.DEAL_ASSIGNED, web=True, email=True),
    Preference(EventKind.DEAL_REASSIGNED_AWAY, web=True, email=False),
    Preference(EventKind.BULK_ASSIGNED, web=True, email=True),
    Preference(EventKind.BULK_REASSIGNED_AWAY, web=True, email=False),
    Preference(EventKind.SOURCE_FAILED, web=True, email=True),
    Preference(EventKind.SOURCE_RECOVERED, web=True, email=True),
)


def channels_for(
    event: str, preferences: Iterable[Preference], defaults: Iterable[Preference] = DEFAULTS
) -> tuple[str, ...]:
    """Return `web` and `email` as chosen, in this order; the person's choice beats the default.

    Raises:
        ConfigError: there is no such event.
    """
    if event not in set(EventKind):
        raise ConfigError(f"unknown event {event!r}", hint=f"known: {', '.join(EventKind)}")
    for choice in (*preferences, *defaults, *DEFAULTS):
        if choice.event == event:
            chosen = (("web", choice.web), ("email", choice.email))
            return tuple(channel for channel, wanted in chosen if wanted)
    raise AssertionError(event)  # every event has a built-in default
