"""Parts of a stream that are refused one by one: a form of Typeform, an audience of Mailchimp.

A stream over many forms or lists reads each on its own: what is refused of one is told with the
page (`Page.faults`), keeps its place in the cursor, and the others come in. Not here: whole streams
that are refused (`hub.pipeline.contain`).
"""

from hub.connectors.base import PartFault
from hub.errors import BudgetError, CredentialError, ForbiddenError, HubError, TransientError


def skip_hint(source: str, part: str) -> str:
    """Return how to leave a part out on purpose."""
    return f"or leave it out: sources.{source}.skip: [{part}]"


class Containment:
    """What one walk over the parts of a stream can bear.

    A refusal is the part's own. A vendor that does not answer for two parts in a row is taken to be
    away, and so is one that answers for none: then the error ends the stream.
    """

    def __init__(self) -> None:
        self._is_away: HubError | None = None
        self._has_read = False

    def passed(self) -> None:
        """Note that a part was read."""
        self._is_away, self._has_read = None, True

    def fault(self, part: str, error: HubError) -> PartFault:
        """Return the fault of a part; raises the error if it is more than this part's."""
        is_account = isinstance(error, (CredentialError, BudgetError))
        if is_account and not isinstance(error, ForbiddenError):
            raise error
        if isinstance(error, TransientError):
            if self._is_away is not None:
                raise error
            self._is_away = error
        return PartFault(part, error)

    def end(self) -> None:
        """Raise what ended the parts if the vendor answered for none of them."""
        if self._is_away is not None and not self._has_read:
            raise self._is_away
