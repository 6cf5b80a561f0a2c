"""The error tree, cut by what happens next rather than by where it went wrong.

    HubError
    ├── ConfigError       the operator must act; never retried; exit code 2
    │   └── CredentialError   the vendor refused our credentials
    │       └── ForbiddenError    they are good, and lack a permission for a part of the account
    ├── TransientError    we act: retried with a delay
    │   └── BudgetError       the vendor's daily budget is spent; stop politely, resume later
    ├── ActionError       what a person asked for cannot be done; told to them, never retried
    ├── RecordError       one record is unusable: quarantine it, go on with the next
    ├── ProtocolError     a vendor's answer broke its own contract (a loop, a vanished page)
    └── ProofError        our own books do not add up: the run is red

Anything else that is raised is a bug and stops the run. Not here: what a user reads beyond the
message itself, and HTTP status codes (`hub.connectors.http` owns that table).
"""

from collections.abc import Sequence


class HubError(Exception):
    """Base of everything the hub raises on purpose.

    Args:
        message: what happened, where.
        hint: what to do next; shown on a line of its own.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(HubError):
    """Configuration, option, permission or environment that only the operator can mend."""


class CredentialError(ConfigError):
    """The vendor refused the credentials."""


class ForbiddenError(CredentialError):
    """The credentials are good, and lack the permission for a part; other parts can be read."""


class TransientError(HubError):
    """Worth another try.

    Args:
        message: what happened.
        retry_after_s: seconds the other side asked us to wait, if it did.
        hint: what to do next.
    """

    def __init__(
        self, message: str, *, retry_after_s: float | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class BudgetError(TransientError):
    """The vendor's own quota is exhausted; the cursor stands, a later run goes on from there."""


class ActionError(HubError):
    """What a person asked for cannot be done as asked.

    Args:
        message: what cannot be done, and to what.
        resource: the kind of thing it was asked of: lead, person, review, …
        field: the field at fault, if it is one.
        code: a word for programs: not_found, required, invalid, conflict, duplicate, forbidden.
        hint: what to do next.
        others: names of the records that stand against it.
    """

    def __init__(
        self,
        message: str,
        *,
        resource: str,
        code: str,
        field: str | None = None,
        hint: str | None = None,
        others: Sequence[str] = (),
    ) -> None:
        super().__init__(message, hint=hint)
        self.resource = resource
        self.others = tuple(others)
        self.field = field
        self.code = code


class RecordError(HubError):
    """One value or one record cannot be used; the batch goes on without it.

    Args:
        message: what is wrong with it.
        found_type: what came where another JSON type was expected: a list, an object, true/false.
        hint: what to do next.
    """

    def __init__(self, message: str, *, found_type: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.found_type = found_type


class ProtocolError(HubError):
    """A vendor's answer contradicts its own contract, so going on would lose records."""


class ProofError(HubError):
    """The ledger does not add up: what the source counts is not what was accounted for."""
