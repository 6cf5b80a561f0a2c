"""Parts of a stream that are refused one by one: a form of Typeform, an audience of Mailchimp.

A stream over many forms or lists reads each on its own: what is refused of one is told with the
page (`Page.faults`), keeps its place in the cursor, and the others come in. Not here: whole streams
that are refused (`hub.pipeline.contain`).
"""

from collections.abc import Mapping
from datetime import datetime

from hub.connectors.base import PartFault
from hub.connectors.windows import iso, parse_time
from hub.errors import BudgetError, CredentialError, ForbiddenError, HubError, TransientError
from hub.model.records import JsonValue


def skip_hint(source: str, part: str) -> str:
    """Return how to leave a part out on purpose."""
    return f"or leave it out: sources.{source}.skip: [{part}]"


def kept_behind(behind: Mapping[str, datetime | None]) -> Mapping[str, JsonValue]:
    """Return the part of a cursor that says where refused parts go on; None: from the beginning."""
    return {"behind": {name: iso(at) for name, at in behind.items()}} if behind else {}


def read_behind(position: Mapping[str, JsonValue]) -> Mapping[str, datetime | None]:
    """Return where refused parts go on, from a cursor."""
    kept = position.get("behind")
    return {name: parse_time(at) for name, at in kept.items()} if isinstance(kept, dict) else {}


class Containment:
    """What one walk over the parts of a stream can bear.

    A refusal is the part's own. A vendor that does not answer for two parts in a row is taken to be
    away, and so is one that answers for none: then the error ends the stream. So it does inside a
    part that pages have come of, which goes on from the last one.
    """

    def __init__(self) -> None:
        self._is_away: HubError | None = None
        self._has_read = False

    def passed(self) -> None:
        """Note that a part was read."""
        self._is_away, self._has_read = None, True

    def fault(self, part: str, error: HubError, *, is_begun: bool = False) -> PartFault:
        """Return the fault of a part; raises the error if it is more than this part's.

        Args:
            part: its name.
            error: why it could not be read.
            is_begun: whether the cursor stands inside the part, so that going on costs least.
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
        """Raise what ended the parts if the vendor answered for none of them."""
        if self._is_away is not None and not self._has_read:
            raise self._is_away
