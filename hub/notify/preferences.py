"""Which channels a person wants for an event, and how: at once, in a digest, or not at all.

In: the user's own choices and the hub's defaults. Out: a mode for each channel. Pure. What does not belong
here: digest times and quiet hours (`timing`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from hub.errors import ConfigError
from hub.model.events import EventKind


class Mode(StrEnum):
    """How a person is notified on a channel."""

    INSTANT = "instant"
    DIGEST = "digest"
    OFF = "off"


class Channel(StrEnum):
    """The channels, in the order in which a notice is written to them."""

    WEB = "web"
    EMAIL = "email"
    APPRISE = "apprise"


@dataclass(frozen=True, slots=True)
class Preference:
    """One choice: the mode of each channel for an event."""

    event: str
    web: Mode
    email: Mode
    apprise: Mode = Mode.OFF

    def modes(self) -> dict[Channel, Mode]:
        """Return the mode of each channel."""
        return {Channel.WEB: self.web, Channel.EMAIL: self.email, Channel.APPRISE: self.apprise}


_BOTH = (
    EventKind.LEAD_ASSIGNED,
    EventKind.INQUIRY_RECEIVED,
    EventKind.LEAD_CONVERTED_IN_SOURCE,
    EventKind.LEADS_DIGEST,
    EventKind.CONTACT_ASSIGNED,
    EventKind.DEAL_ASSIGNED,
    EventKind.BULK_ASSIGNED,
    EventKind.SOURCE_FAILED,
    EventKind.SOURCE_RECOVERED,
)
DEFAULTS: tuple[Preference, ...] = tuple(
    Preference(event, Mode.INSTANT, Mode.INSTANT if event in _BOTH else Mode.OFF)
    for event in EventKind
)


def modes_for(
    event: str, preferences: Iterable[Preference], defaults: Iterable[Preference] = DEFAULTS
) -> Mapping[Channel, Mode]:
    """Return the mode of each channel for an event; the person's choice beats the default.

    Raises:
        ConfigError: there is no such event.
    """
    if event not in set(EventKind):
        raise ConfigError(f"unknown event {event!r}", hint=f"known: {', '.join(EventKind)}")
    for choice in (*preferences, *defaults, *DEFAULTS):
        if choice.event == event:
            return choice.modes()
    raise AssertionError(event)  # every event has a built-in default
