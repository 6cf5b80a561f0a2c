"""Contain the refusal of one part of a stream: a form of Typeform, an audience of Mailchimp.

A stream over many forms or lists reads each part separately. If the vendor refuses one part, the page
names it (`Page.faults`), the cursor keeps its position, and the other parts are read. Not here: the
refusal of a whole stream (`hub.etl.contain`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from hub.connectors.base import PartFault
from hub.connectors.windows import iso, parse_time
from hub.errors import BudgetError, CredentialError, ForbiddenError, HubError, TransientError
from hub.model.records import JsonValue


def skip_hint(source: str, part: str) -> str:
    """Return the hint that says how to leave a part out."""
    return f"or leave it out: sources.{source}.skip: [{part}]"


def dump_refused(behind: Mapping[str, datetime | None]) -> Mapping[str, JsonValue]:
    """Return the cursor key with the positions of refused parts; None: from the beginning."""
    return {"behind": {name: iso(at) for name, at in behind.items()}} if behind else {}


def load_refused(position: Mapping[str, JsonValue]) -> Mapping[str, datetime | None]:
    """Return the positions of refused parts from a cursor."""
    kept = position.get("behind")
    return {name: parse_time(at) for name, at in kept.items()} if isinstance(kept, dict) else {}


class Containment:
    """Decide whether an error ends one part of a stream, or the whole stream.

    A refusal ends its part only. A missing answer ends the stream in three cases: for two parts in a
    row, for all parts, or inside a part of which pages have been read. In the last case the next run
    continues after the last page.
    """

    def __init__(self) -> None:
        self._is_away: HubError | None = None
        self._has_read = False

    def passed(self) -> None:
        """Note that a part was read."""
        self._is_away, self._has_read = None, True

    def fault(self, part: str, error: HubError, *, is_begun: bool = False) -> PartFault:
        """Return the fault of a part; raises the error if it ends the whole stream.

        Args:
            part: the part's name.
            error: why the part could not be read.
            is_begun: whether pages of the part have been read, so the cursor is inside it.
        """
        is_account = isinstance(error, (CredentialError, BudgetError))
        if is_account and not isinstance(error, ForbiddenError):
            raise error
        if isinstance(error, TransientError):
            if self._is_away is not None or is_begun:
                raise error
            self._is_away = error
        return PartFault(part, error)

    def end(self) -> None:
        """Raise the outage if no part was read."""
        if self._is_away is not None and not self._has_read:
            raise self._is_away


def contained(part: str, error: HubError) -> PartFault:
    """Return the fault of a part; raise an error of the whole account, or of a vendor that is down."""
    is_refused = isinstance(error, ForbiddenError)
    if isinstance(error, (CredentialError, TransientError)) and not is_refused:
        raise error
    return PartFault(part, error)


class Turns:
    """Take a few parts at a time, so that a question stays small; the next takes the next parts.

    Args:
        most_n: how many parts one question takes.
    """

    def __init__(self, most_n: int) -> None:
        self._most_n = most_n
        self._at = 0

    def take(self, parts: Sequence[str]) -> Sequence[str]:
        """Return the parts whose turn it is."""
        if len(parts) <= self._most_n:
            return parts
        start = self._at % len(parts)
        self._at = start + self._most_n
        return [*parts[start:], *parts[:start]][: self._most_n]

    def needed(self, parts_n: int) -> int:
        """Return how many questions it takes to ask about so many parts."""
        return max(1, -(-parts_n // self._most_n))
