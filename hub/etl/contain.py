"""A fault stops only the part that has it: from an error to its extent and its message.

In: the error that a connector raised while one stream was read. Out: a `Fault`, stored with the
batch, and whether the other streams of the source can still be read. Not here: the order of streams and
sources (`flow`), and how a connector contains the parts of one stream (`hub.connectors.parts`).
"""

import traceback

from hub.connectors.parts import skip_hint
from hub.errors import BudgetError, ConfigError, CredentialError, ForbiddenError, HubError
from hub.model.faults import Fault, FaultKind

_CALLS = 4  # the innermost ones, for the message
_REPORT = "the other sources went on; please report this with the log (HUB_LOG=INFO)"


def fault_of(source: str, part: str, error: Exception) -> Fault:
    """Return the fault of an error; the hint for a forbidden part names the setting `skip`.

    Args:
        source: the source.
        part: the stream, form or list; "" for the whole source.
        error: a `HubError`, or a fault of the hub's own.
    """
    if not isinstance(error, HubError):
        kind = type(error).__name__
        return Fault(source, part, FaultKind.FAILED, f"the hub failed: {kind}", _REPORT)
    hint = error.hint or ""
    if isinstance(error, ForbiddenError) and part:
        hint = "; ".join(filter(None, (hint, skip_hint(source, part))))
    return Fault(source, part, _kind(error), error.message, hint)


def _kind(error: HubError) -> FaultKind:
    if isinstance(error, ConfigError):
        return FaultKind.OPERATOR
    return FaultKind.BUDGET if isinstance(error, BudgetError) else FaultKind.FAILED


def where(error: Exception) -> str:
    """Return where in the code an error was raised; its text and values may be personal."""
    calls = traceback.extract_tb(error.__traceback__)[-_CALLS:]
    places = " < ".join(f"{call.filename}:{call.lineno}" for call in reversed(calls))
    return f"{type(error).__name__} at {places}"


def ends_source(error: Exception) -> bool:
    """Tell whether no other stream of the source can be read either.

    Refused credentials and a used-up quota concern the account. A missing permission, a setting or an
    impossible answer concerns the stream. A vendor can be unavailable for one stream only.
    """
    if isinstance(error, ForbiddenError):
        return False
    return isinstance(error, (CredentialError, BudgetError))
