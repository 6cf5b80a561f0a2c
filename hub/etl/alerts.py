"""Alerts of sources: a source failed, fails for another reason, or works again.

An alert is written in the transaction that closes a batch, so every process that closes one alerts: a
Dagster run, the command `hub sync`, a worker. It is written once for each change (`hub.model.alert_states`)
and says the sentence of the failed run and of `hub status`. `alerts:` in hub.yaml names the receivers.
Not here: what is wrong (`hub.etl.completeness`), delivery (`hub.etl.notify`).
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from hub.crm import owners
from hub.db import outbox
from hub.etl.completeness import standing
from hub.etl.context import Core
from hub.logs import get_logger
from hub.model.alert_states import Cause, Change, News, Standing, change
from hub.model.events import SourceAlert
from hub.records import alert_states
from hub.settings import ADMINS, AlertSettings

Receiver = tuple[int | None, str | None]
"""The number of a user, or an address."""
LOST_RUN = "lost run"
log = get_logger()


def after_read(conn: Connection, core: Core, source: str) -> None:
    """Alert to what the latest read of a source changed; call in the transaction that closes it."""
    causes = standing(conn, source)
    if not (causes and all(cause.is_pause for cause in causes)):
        _tell(conn, core, source, causes)


def after_fault(conn: Connection, core: Core, source: str) -> None:
    """Alert to what is wrong with a source already; a batch that proves no source ends no alert."""
    causes = standing(conn, source)
    if not all(cause.is_pause for cause in causes):
        _tell(conn, core, source, causes, keeps_said=True)


def unclosed(
    conn: Connection, core: Core, subjects: Sequence[str], reason: str, sentences: Sequence[str]
) -> None:
    """Alert to a run that failed before it could close a batch; the next read that is closed ends this.

    Args:
        conn: an open transaction.
        core: the hub.
        subjects: the sources of the run, or its job.
        reason: `lost run`, or what the run waited for.
        sentences: what the run said.
    """
    causes = [Cause(reason, sentence) for sentence in sentences]
    changed = [
        _changed(conn, core, subject, causes, said=sentences[0]) for subject in sorted(subjects)
    ]
    for news in (News.FAILED, News.OTHER_REASON):  # one message for all sources of the run
        told = [one for one in changed if one.news is news]
        if told:
            _write(conn, core, told, sentences)


def deliveries_dead(conn: Connection, core: Core, source: str, why: str) -> None:
    """Alert to events of a source that no worker tries again, once until none is left.

    Args:
        conn: an open transaction.
        core: the hub.
        source: the source.
        why: the last error, without any value of a record.
    """
    sentence = (
        f"{source}: what it sent by itself could not be landed, and is not tried again: {why}; "
        "`hub status` counts it, `hub worker --retry` tries it again"
    )
    _tell(conn, core, _deliveries_of(source), [Cause("dead deliveries", sentence)])


def deliveries_well(conn: Connection, core: Core, source: str) -> None:
    """Say that no event of a source is dead any more, if users were alerted to one."""
    _tell(conn, core, _deliveries_of(source), [])


def _deliveries_of(source: str) -> str:
    return f"{source} webhooks"


def address_refused(conn: Connection, core: Core, user_id: int | None, to: str, why: str) -> None:
    """Alert to an address that a mail server refuses, once until it takes a mail for it again.

    Args:
        conn: an open transaction.
        core: the hub.
        user_id: the user of the address; None for another receiver.
        to: the address.
        why: what the mail server said.
    """
    sentence = f"{to} gets no e-mail: {why}; correct the address, or choose alerts in the hub alone"
    _tell(conn, core, _mail_to(user_id), [Cause("refused address", sentence)])


def address_works(conn: Connection, core: Core, user_id: int | None) -> None:
    """Say that a mail server takes mails for a user again, if an admin was told that it does not."""
    known = alert_states.read(conn, _mail_to(user_id))
    if known is not None and known.standing is Standing.FAILED:
        _tell(conn, core, _mail_to(user_id), [])


def _mail_to(user_id: int | None) -> str:
    return "e-mail to other receivers" if user_id is None else f"e-mail to user/{user_id}"


def events_given_up(conn: Connection, core: Core, subscription_id: int, why: str) -> None:
    """Alert to events that a subscriber did not take, once until its receiver takes one again.

    Args:
        conn: an open transaction.
        core: the hub.
        subscription_id: the subscription.
        why: the last error, without any text of the receiver.
    """
    sentence = (
        f"subscription {subscription_id}: events were given up: {why}; `hub subscription list` counts them, "
        f"`hub subscription replay {subscription_id}` sends them again"
    )
    _tell(conn, core, _events_for(subscription_id), [Cause("events given up", sentence)])


def events_taken(conn: Connection, core: Core, subscription_id: int) -> None:
    """Say that a subscriber takes events again, if users were told that it does not."""
    known = alert_states.read(conn, _events_for(subscription_id))
    if known is not None and known.standing is Standing.FAILED:
        _tell(conn, core, _events_for(subscription_id), [])


def _events_for(subscription_id: int) -> str:
    return f"events for subscription {subscription_id}"


def works(conn: Connection, core: Core, job: str) -> None:
    """Say that a nightly job has ended well."""
    _tell(conn, core, job, [])


def _tell(
    conn: Connection,
    core: Core,
    subject: str,
    causes: Sequence[Cause],
    *,
    keeps_said: bool = False,
) -> None:
    done = _changed(conn, core, subject, causes, keeps_said=keeps_said)
    if done.news is not None:
        _write(conn, core, [done], [cause.sentence for cause in causes])


def _changed(
    conn: Connection,
    core: Core,
    subject: str,
    causes: Sequence[Cause],
    *,
    said: str | None = None,
    keeps_said: bool = False,
) -> Change:
    known = alert_states.lock(conn, subject)
    unclosed = known.unclosed if keeps_said else said
    done = change(known, causes, core.clock.now(), unclosed=unclosed)
    if done.state != known:
        alert_states.write(conn, done.state)
    return done


def _write(
    conn: Connection, core: Core, changed: Sequence[Change], sentences: Sequence[str]
) -> None:
    first = changed[0]
    subjects = [one.state.subject for one in changed]
    news, since = first.news, first.failed_since
    if news is None or since is None:
        return
    receivers = _receivers(conn, core, subjects, news)
    outbox.put(
        conn,
        [
            SourceAlert(subjects, news, first.state.told_n, sentences, since, user_id, address)
            for user_id, address in receivers
        ],
    )
    log.info("alert_written", subjects=subjects, news=news.value, receivers=len(receivers))


def _receivers(conn: Connection, core: Core, subjects: Sequence[str], news: News) -> list[Receiver]:
    """Return who is told, each once."""
    state = "recovered" if news is News.RECOVERED else "failed"
    wanted = [
        name
        for block in core.settings.alerts
        if state in block.states and _is_of(block, subjects)
        for name in block.to
    ]
    return receivers_of(conn, wanted)


def _is_of(block: AlertSettings, subjects: Iterable[str]) -> bool:
    named = {name for subject in subjects for name in (subject, subject.removesuffix(" webhooks"))}
    return not block.sources or not named.isdisjoint(block.sources)


def receivers_of(conn: Connection, names: Sequence[str]) -> list[Receiver]:
    """Return the active users and the other addresses that names of hub.yaml mean, each once."""
    users = owners.every_user(conn) if names else []
    by_email = {user.email.lower(): user for user in users}
    found: dict[Receiver, None] = {}
    for name in names:
        if name == ADMINS:
            found |= {(u.id, None): None for u in users if u.is_active and u.role == "admin"}
        elif (user := by_email.get(name.lower())) is None:
            found[None, name] = None
        elif user.is_active:
            found[user.id, None] = None
    return list(found)
