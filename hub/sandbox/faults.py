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
    "revoked": "the vendor refuses the credentials; `revoked:source` says which vendor",
    "forbidden": (
        "a permission is missing for one part of an account; `forbidden:source/part` says which"
        " (`hubspot/companies`, `typeform/forms/ID`, `mailchimp/lists/ID`)"
    ),
    "down": "the vendor answers 503 to every request; `down:source` says which vendor",
    "hostile": "the vendor answers every request with an HTML page; `hostile:source` says which",
}
_MAY_NAME = frozenset({"hide_one"})
_MUST_NAME = frozenset({"revoked", "forbidden", "down", "hostile"})
IN_MIXED = ("rate_limit", "server_errors", "cut", "truncated", "token_expiry", "duplicate_pages")


class Faults:
    """The active profiles.

    Args:
        text: names of profiles, separated by commas. Some have a source, or a part of it, after a
            colon; these may be there several times.
    """

    def __init__(self, text: str = "") -> None:
        self._lock = threading.Lock()
        self._on: dict[str, list[str]] = {}
        self.set(text)

    def set(self, text: str) -> None:
        """Activate exactly these profiles; raise ConfigError for an unknown name."""
        chosen: dict[str, list[str]] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, argument = part.partition(":")
            if name not in PROFILES or (argument and name not in _MAY_NAME | _MUST_NAME):
                raise ConfigError(
                    f"unknown fault profile {part!r}",
                    hint=f"use one of {', '.join(PROFILES)}",
                )
            if name in _MUST_NAME and not argument:
                raise ConfigError(f"fault profile {name} names no source", hint=PROFILES[name])
            chosen.setdefault(name, []).append(argument)
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
        return next(iter(self._on.get(name, ())), "")

    def names(self, profile: str, source: str) -> bool:
        """Tell whether a profile is active for a source as a whole."""
        return source in self._on.get(profile, ())

    def forbidden(self, source: str) -> list[str]:
        """Return the parts of a source that are forbidden."""
        prefix = f"{source}/"
        found = self._on.get("forbidden", ())
        return [one.removeprefix(prefix) for one in found if one.startswith(prefix)]

    def __str__(self) -> str:
        return ",".join(
            name + (f":{one}" if one else "") for name, given in self._on.items() for one in given
        )
