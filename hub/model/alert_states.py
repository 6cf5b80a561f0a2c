"""When users are alerted to a source: once for each change of its state. Pure.

In: the state as users were last alerted to it, and what is wrong now. Out: the next state, and the event
that is sent, if one is. Not here: who receives it (`hub.etl.alerts`), and the words (`hub.notify`).
"""

from collections.abc import Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from hub.frozen import dataclass

AGAIN_AFTER = timedelta(days=1)
"""A source that fails for another reason is reported again, at most once in this time."""


class Standing(StrEnum):
    """The state of a source or of a nightly job."""

    OK = "ok"
    FAILED = "failed"


class News(StrEnum):
    """What changed, as an alert says it."""

    FAILED = "failed"
    OTHER_REASON = "other_reason"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is wrong with a source.

    Args:
        reason: the kind of fault and its place, without numbers and times: the same fault of a later run
            has the same reason.
        sentence: where, what happened, and what to do next.
        is_pause: whether it is a used-up quota, after which the next sync goes on.
    """

    reason: str
    sentence: str
    is_pause: bool = False


@dataclass(frozen=True, slots=True)
class AlertState:
    """The state of a subject, as users were last alerted to it.

    Args:
        subject: a source, or the job of a night.
        standing: whether it works.
        since: when this standing began.
        reasons: the reasons of the last alert.
        told_at: when the last alert was written.
        told_n: how many alerts were written; it numbers them.
        unclosed: the sentence of a run that failed before it could close a batch.
    """

    subject: str
    standing: Standing
    since: datetime
    reasons: Sequence[str] = ()
    told_at: datetime | None = None
    told_n: int = 0
    unclosed: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """The next state, what is reported, and since when the subject had failed."""

    state: AlertState
    news: News | None = None
    failed_since: datetime | None = field(default=None)


def change(
    before: AlertState, causes: Sequence[Cause], now: datetime, *, unclosed: str | None = None
) -> Change:
    """Return what follows from what is wrong with a subject now.

    Args:
        before: its state.
        causes: what is wrong; none if it works.
        now: aware.
        unclosed: the sentence, if a run failed before it could close a batch.
    """
    had_failed = before.standing is Standing.FAILED
    if not causes:
        if not had_failed:
            return Change(replace(before, unclosed=None))
        good = replace(before, standing=Standing.OK, since=now, reasons=(), unclosed=None)
        return Change(_told(good, now), News.RECOVERED, before.since)
    reasons = tuple(dict.fromkeys(cause.reason for cause in causes))
    failed = replace(before, standing=Standing.FAILED, unclosed=unclosed)
    if not had_failed:
        first = replace(failed, since=now, reasons=reasons)
        return Change(_told(first, now), News.FAILED, now)
    is_other = not {*reasons} <= {*before.reasons}
    if is_other and before.told_at is not None and now - before.told_at >= AGAIN_AFTER:
        other = replace(failed, reasons=reasons)
        return Change(_told(other, now), News.OTHER_REASON, before.since)
    return Change(failed)


def _told(state: AlertState, now: datetime) -> AlertState:
    return replace(state, told_at=now, told_n=state.told_n + 1)
