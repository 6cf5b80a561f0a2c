"""The fault profiles, and which of them are active.

The world (`world.py`) applies `ties`, `late_commits` and `hide_one`, because they change rows.
`fault_middleware.py` applies the others, because they change answers. Not here: the vendors' own
limits.
"""

import threading

from hub.errors import ConfigError

PROFILES = {
    "rate_limit": "the vendor's own answer to too many requests; some vendors add a time to wait",
    "server_errors": "500, 502 and 503",
    "cut": "the connection ends in the middle of an answer",
    "truncated": "an answer ends early, but its length is declared as complete",
    "token_expiry": "a session or token is refused until the next login",
    "ties": "many records share one second of modification",
    "late_commits": "a record becomes visible some seconds after its modification time",
    "duplicate_pages": "a later page starts with the records of the previous page",
    "hide_one": "one record is counted but never returned; `hide_one:source/stream` sets the stream",
    "mixed": "several of these profiles in turn",
}
IN_MIXED = ("rate_limit", "server_errors", "cut", "truncated", "token_expiry", "duplicate_pages")


class Faults:
    """The active profiles.

    Args:
        text: names of profiles, separated by commas. `hide_one` may have a stream after a colon.
    """

    def __init__(self, text: str = "") -> None:
        self._lock = threading.Lock()
        self._on: dict[str, str] = {}
        self.set(text)

    def set(self, text: str) -> None:
        """Activate exactly these profiles; raise ConfigError for an unknown name."""
        chosen = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, argument = part.partition(":")
            if name not in PROFILES or (argument and name != "hide_one"):
                raise ConfigError(
                    f"unknown fault profile {part!r}",
                    hint=f"use one of {', '.join(PROFILES)}",
                )
            chosen[name] = argument
        with self._lock:
            self._on = chosen

    def is_on(self, name: str) -> bool:
        """Tell whether a profile is active, by its own name or as part of `mixed`."""
        return name in self._on or ("mixed" in self._on and name in (*IN_MIXED, "late_commits"))

    def is_on_alone(self, name: str) -> bool:
        """Tell whether a profile is active by its own name."""
        return name in self._on

    def argument(self, name: str) -> str:
        """Return the text after the profile's colon."""
        return self._on.get(name, "")

    def __str__(self) -> str:
        return ",".join(name + (f":{arg}" if arg else "") for name, arg in self._on.items())
