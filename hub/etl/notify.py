"""Notify: outbox rows become web alerts and e-mails, as each person prefers.

A web alert is a row in the same transaction: exactly once. E-mail is at least once with a
Message-ID that is a function of the event: a kill between SMTP's 250 and the commit repeats the
same message, which a reader's mail program shows once.
"""

from collections import Counter
from contextlib import ExitStack
from typing import Any

from sqlalchemy import Connection

from hub.crm import alerts, owners
from hub.crm.alerts import Subject
from hub.db import outbox
from hub.errors import HubError, RecordError, TransientError
from hub.etl.context import Hub
from hub.logs import get_logger
from hub.notify.channels import SmtpChannel, compose, message_id
from hub.notify.preferences import Preference, channels_for
from hub.notify.templates import Notice, render, words

_GIVE_UP_AFTER = 12
log = get_logger()


def deliver_pending(hub: Hub) -> dict[str, int]:
    """Deliver all due events, one transaction each; returns counts."""
    totals: Counter[str] = Counter()
    with ExitStack() as stack:
        channel = stack.enter_context(_smtp(hub))
        while True:
            with hub.engine.begin() as conn:
                rows = outbox.take(conn, 1)
                if not rows:
                    break
                totals.update(_deliver(hub, conn, rows[0], channel))
    if totals:
        log.info("events_delivered", **totals)
    return dict(totals)


def _smtp(hub: Hub) -> SmtpChannel:
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


def _deliver(hub: Hub, conn: Connection, row: Any, channel: SmtpChannel) -> Counter[str]:
    subject = Subject(row.lead_id, row.contact_id, row.deal_id)
    facts = alerts.facts(conn, subject, row.user_id)
    wanted = owners.preferences(conn, [row.user_id]).get((row.user_id, row.event))
    choice = [Preference(row.event, *wanted)] if wanted else []
    channels = channels_for(row.event, choice) if facts.owner_is_active else ()
    notice = Notice(
        event=row.event,
        lead_id=row.lead_id,
        public_url=hub.settings.public_url,
        first_name=facts.first_name,
        last_name=facts.last_name,
        company=facts.company,
        email=facts.email,
        phone=facts.phone,
        source=facts.source,
        rule=row.payload.get("rule"),
        group=row.payload.get("group"),
        topic=row.payload.get("subject"),
        question=row.payload.get("message"),
        counts=row.payload.get("counts") or {},
        record=row.payload.get("kind") or "lead",
        record_id=row.contact_id or row.deal_id,
        given_by=row.payload.get("given_by"),
        records=_named(conn, row.payload),
    )
    rendered = render(notice, words())
    done: Counter[str] = Counter()
    if "web" in channels:
        alerts.add_alert(
            conn,
            dedupe_key=row.dedupe_key,
            user_id=row.user_id,
            subject=subject,
            event=row.event,
            words=rendered.subject,
        )
        done["alerts"] += 1
    if "email" not in channels or not facts.owner_email:
        outbox.finish(conn, row.id, state="done")
        return done
    domain = hub.settings.smtp.sender.rpartition("@")[2].strip("> ")
    mail_id = message_id(row.dedupe_key, domain)
    mail = compose(row.event, mail_id, facts.owner_email, rendered)
    done[_send(conn, row, mail, channel)] += 1
    return done


def _named(conn: Connection, payload: Any) -> list[str]:
    """Return the records of an event of many, by their names of today."""
    numbers = payload.get("records") or []
    return alerts.names_of(conn, payload["kind"], numbers) if numbers else []


def _send(conn: Connection, row: Any, mail: Any, channel: SmtpChannel) -> str:
    """Send one mail and store the result; an error of the server postpones the event."""
    state, error = "sent", None
    try:
        channel.send(mail)
    except TransientError as exc:
        delay = exc.retry_after_s or min(3600.0, 5.0 * 2.0**row.attempts)
        if row.attempts + 1 < _GIVE_UP_AFTER:
            outbox.postpone(conn, row.id, seconds=delay, error=exc.message)
            _note(conn, row, mail, "deferred", exc)
            return "deferred"
        state, error = "failed", exc.message
    except RecordError as exc:
        state, error = "failed", exc.message
    outbox.finish(conn, row.id, state="done" if state == "sent" else "dead", error=error)
    _note(conn, row, mail, state, None if error is None else RecordError(error))
    return "emails" if state == "sent" else "failed"


def _note(conn: Connection, row: Any, mail: Any, state: str, exc: HubError | None) -> None:
    outbox.record_delivery(
        conn,
        message_id=mail.message_id,
        outbox_id=row.id,
        channel="email",
        user_id=row.user_id,
        recipient=mail.to,
        state=state,
        error=exc.message if exc else None,
    )
