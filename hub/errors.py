"""The tree of errors, ordered by what happens next, not by where the error was raised.

    HubError
    ├── ConfigError       the operator must act; never retried; exit code 2
    │   └── CredentialError   the vendor refused our credentials
    │       └── ForbiddenError    valid credentials without a permission for a part of the account
    ├── TransientError    the hub acts: it retries with a delay
    │   └── BudgetError       the vendor's daily quota is used up; stop, and resume later
    ├── ActionError       a user's request cannot be done; shown to the user, never retried
    ├── RecordError       one record is unusable: quarantine it, continue with the next
    ├── ProtocolError     a vendor's answer broke its own contract (a loop, a vanished page)
    └── ProofError        the ledger does not add up: the run fails

Any other exception is a bug and stops the run. Not here: how an error is printed (`hub.cli`), and
HTTP status codes (`hub.connectors.http`).
"""

from collections.abc import Sequence


class HubError(Exception):
    """Base of all errors that the hub raises on purpose.

    Args:
        message: what happened, where.
        hint: what to do next; shown on a line of its own.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(HubError):
    """A mistake in configuration, option, permission or environment; only the operator can correct it."""


class CredentialError(ConfigError):
    """The vendor refused the credentials."""


class ForbiddenError(CredentialError):
    """The credentials are valid, but lack the permission for a part; other parts can be read."""


class TransientError(HubError):
    """A fault that may be gone at the next attempt.

    Args:
        message: what happened.
        retry_after_s: seconds that the vendor asks to wait; None if it does not say.
        hint: what to do next.
    """

    def __init__(
        self, message: str, *, retry_after_s: float | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class BudgetError(TransientError):
    """The vendor's own quota is used up; the cursor stays, and a later run continues there."""


class ActionError(HubError):
    """The request of a user cannot be done.

    Args:
        message: what cannot be done, and to what.
        resource: the kind of record: lead, person, review, …
        field: the wrong field, if there is one.
        code: a word for programs: not_found, required, invalid, conflict, duplicate, forbidden.
        hint: what to do next.
        others: names of the records that prevent it.
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


def invalid(resource: str, field: str, message: str, hint: str | None = None) -> ActionError:
    """Return the error for a value that a field of a record cannot have."""
    return ActionError(message, resource=resource, code="invalid", field=field, hint=hint)


class RecordError(HubError):
    """One value or one record cannot be used; the batch goes on without it.

    Args:
        message: the mistake.
        found_type: the found JSON type, if another was expected: a list, an object, true/false.
        hint: what to do next.
    """

    def __init__(self, message: str, *, found_type: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.found_type = found_type


class ProtocolError(HubError):
    """A vendor's answer contradicts its own contract: reading on would lose records."""


class ProofError(HubError):
    """The ledger does not add up: the source's count differs from the sum of the verdicts."""
