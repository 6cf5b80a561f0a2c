"""Notify: outbox rows become web alerts, e-mails and messages through Apprise, as each person prefers.

A web alert is a row: exactly once, and written before any mail of its chunk is sent. E-mail is at least once
with a Message-ID that is a function of the event: a kill between SMTP's 250 and the commit repeats the
same message, which a reader's mail program shows once. No transaction is open while a mail is sent. What an
event becomes is `hub.etl.notices`'.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from sqlalchemy import Connection

from hub.db import outbox
from hub.db.transactions import ask
from hub.errors import HubError, RecordError, TransientError
from hub.etl import alerts as source_alerts
from hub.etl.context import Core
from hub.etl.notices import Outgoing, write
from hub.logs import get_logger
from hub.model.events import ALERTS, EventKind, Letter
from hub.notify.apprise_channel import AppriseChannel
from hub.notify.channels import SmtpChannel
from hub.notify.preferences import Channel

_GIVE_UP_AFTER = 12
_CHUNK, _LOOKED_AT = 10, 200
"""Events that one deliverer claims at once; events that it looks at, because others have claimed some."""
_SHARES = 3
"""A deliverer with others beside it claims a third of what is due, so that they find some too."""
_SAID = {"sent": "mail_sent", "deferred": "mail_deferred", "failed": "mail_failed"}
log = get_logger()


def deliver_pending(
    hub: Core, channel: SmtpChannel | None = None, on_backlog: Callable[[], None] | None = None
) -> dict[str, int]:
    """Deliver the events that are due now; returns counts. Events that come meanwhile are left.

    So a sync ends, however fast leads arrive beside it.

    Args:
        hub: the working parts.
        channel: sends the mail; None opens a connection to the mail server for this call.
        on_backlog: called when more is due than this deliverer takes at once; None if nobody helps it.
    """
    totals: Counter[str] = Counter()
    with ExitStack() as stack:
        sender = channel or stack.enter_context(smtp_channel(hub))
        for done in _delivered(hub, sender, on_backlog=on_backlog):
            totals.update(done)
    if totals:
        log.info("events_delivered", **totals)
    return dict(totals)


def deliver_alerts(hub: Core) -> None:
    """Deliver the due alerts of sources, at the end of a run.

    A mail server that fails is logged and raises nothing: the verdict of the run counts more. The next
    run tries again.
    """
    try:
        with smtp_channel(hub) as sender:
            for done in _delivered(hub, sender, ALERTS):
                if "deferred" in done:
                    return  # a mail server that hangs takes 20 s for each mail
    except HubError as exc:
        log.warning("alert_not_delivered", message=exc.message)


def _delivered(
    hub: Core,
    channel: SmtpChannel,
    only: Sequence[EventKind] = (),
    on_backlog: Callable[[], None] | None = None,
) -> Iterator[Counter[str]]:
    """Deliver due events, a chunk at a time; yields the counts of each event."""
    until = _free_held(hub, only)
    with outbox.Claims(hub.engine) as claims:
        while True:
            found = ask(
                hub.engine, lambda conn: outbox.due(conn, _LOOKED_AT, until=until, only=only)
            )
            share = _CHUNK if on_backlog is None else min(_CHUNK, -(-len(found) // _SHARES))
            claimed = claims.take(found, share)
            if on_backlog is not None and len(found) > len(claimed) > 0:
                on_backlog()
            done_n = 0
            mails: list[Outgoing] = []
            for number in claimed:
                with hub.engine.begin() as conn:
                    row = outbox.read_due(conn, number)
                    written = write(hub, conn, row) if row is not None else None
                if written is not None:
                    done_n += 1
                    mails += [written.mail] if written.mail else []
                    yield written.counts
            for one in mails:
                yield Counter([_send(hub, one, channel)])
            claims.free(claimed)
            if not done_n:
                return


def _free_held(hub: Core, only: Sequence[EventKind]) -> int:
    """Free the held parts whose time has come; returns the newest row of the outbox."""
    now = hub.clock.now()
    if not only and ask(hub.engine, lambda conn: outbox.any_held(conn, now)):
        with hub.engine.begin() as conn:
            outbox.collect(conn, now)
    return ask(hub.engine, outbox.newest)


def smtp_channel(hub: Core) -> SmtpChannel:
    """Return a channel to the mail server of the settings; within `with` it keeps its connection."""
    smtp = hub.settings.smtp
    return SmtpChannel(
        host=smtp.host,
        port=smtp.port,
        sender=smtp.sender,
        tls="implicit" if smtp.tls == "tls" else smtp.tls,
        username=smtp.username,
        password=smtp.password.get_secret_value() if smtp.password else "",
        clock=hub.clock,
    )


def _send(hub: Core, one: Outgoing, channel: SmtpChannel) -> str:
    """Send one message, then store the result; an error of the server postpones the event."""
    error: HubError | None = None
    try:
        if one.channel is Channel.APPRISE:
            AppriseChannel(hub.settings.apprise).send(one.mail)
        else:
            channel.send(one.mail)
    except (TransientError, RecordError) as exc:
        error = exc
    with hub.engine.begin() as conn:
        if not outbox.still_exists(conn, one.row.id):
            return _counted(one) if error is None else "failed"
        return _keep_result(hub, conn, one, error)


def _counted(one: Outgoing) -> str:
    return "emails" if one.channel is Channel.EMAIL else "others"


def _keep_result(hub: Core, conn: Connection, one: Outgoing, error: HubError | None) -> str:
    row = one.row
    if isinstance(error, TransientError) and row.attempts + 1 < _GIVE_UP_AFTER:
        delay = error.retry_after_s or min(3600.0, 5.0 * 2.0**row.attempts)
        outbox.postpone(conn, row.id, seconds=delay, error=error.message)
        _note(conn, one, "deferred", error)
        return "deferred"
    message = error.message if error else None
    outbox.finish(conn, row.id, state="dead" if error else "done", error=message)
    _note(conn, one, "failed" if error else "sent", error)
    if one.channel is not Channel.EMAIL or row.event == Letter.CONSENT_CONFIRMATION:
        pass  # a letter goes to a stranger who may have mistyped it: nothing for an admin to do
    elif isinstance(error, RecordError):
        source_alerts.address_refused(conn, hub, row.user_id, one.mail.to, error.message)
    elif error is None:
        source_alerts.address_works(conn, hub, row.user_id)
    return "failed" if error else _counted(one)


def _note(conn: Connection, one: Outgoing, state: str, exc: HubError | None) -> None:
    row: Any = one.row
    log.info(
        _SAID[state],
        event_kind=row.event,
        outbox_id=row.id,
        correlation_id=row.correlation_id,
        attempts=row.attempts + 1,
    )
    outbox.record_delivery(
        conn,
        message_id=one.mail.message_id,
        outbox_id=row.id,
        channel=one.channel,
        user_id=row.user_id,
        recipient=one.mail.to,
        state=state,
        error=exc.message if exc else None,
    )
