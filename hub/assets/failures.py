"""How a step fails in Dagster: its first line says what happened, where, and what to do next.

An error of the hub keeps its message and hint. Of any other error only the type and the place in
the code are shown, because its text can hold personal values. Not here: which proof fails
(`proofs`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dagster as dg

from hub.errors import ActionError, ConfigError, HubError
from hub.etl.contain import where

FAILED, OPERATOR = 1, 2  # as the command line ends
_REPORT = "next: run it again; if it fails again, report it with the log (HUB_LOG=INFO)"


VERDICT = "verdict"
"""Metadata of a failure that judges what was read: the hub has alerted to it where it had to."""


def failure(
    sentences: Sequence[str],
    *,
    needs_operator: bool,
    place: str | None = None,
    is_verdict: bool = False,
) -> dg.Failure:
    """Return the failure of a step; its description is the sentences, the first one first."""
    said = {str(n): sentence for n, sentence in enumerate(sentences, start=1)}
    code = {"exit_code": OPERATOR if needs_operator else FAILED}
    at = {"where": place} if place else {}
    judged = {VERDICT: "what was read is judged"} if is_verdict else {}
    return dg.Failure("\n".join(sentences), {**code, **at, **judged, **said}, allow_retries=False)


@contextmanager
def clear_failures(
    context: dg.OpExecutionContext | dg.AssetExecutionContext, name: str
) -> Iterator[None]:
    """Turn any error of a step into a failure with a sentence, and log the sentence as the first error.

    Args:
        context: of the step.
        name: of its asset or op, as the sentence names it.
    """
    try:
        yield
    except dg.Failure as exc:
        for sentence in (exc.description or "").splitlines():
            context.log.error(sentence)  # noqa: TRY400  # a traceback can hold personal values
        raise
    except dg.DagsterError:
        raise
    except Exception as exc:  # noqa: BLE001  # the edge of a step
        told = _failure_of(name, exc)
        context.log.error(told.description or "")  # noqa: TRY400  # as above
        raise told from None


def _failure_of(name: str, error: Exception) -> dg.Failure:
    if isinstance(error, HubError):
        needs_operator = isinstance(error, (ActionError, ConfigError))
        hint = f"; next: {error.hint}" if error.hint else ""
        return failure([f"{name}: {error.message}{hint}"], needs_operator=needs_operator)
    what = f"{name}: the hub failed: {type(error).__name__}; {_REPORT}"
    return failure([what], needs_operator=False, place=where(error))
