"""Notify: outbox rows become web alerts and e-mails, as each person prefers.

A web alert is a row in the same transaction: exactly once. E-mail is at least once with a
Message-ID that is a function of the event: a kill between SMTP's 250 and the commit repeats the
same message, which a reader's mail program shows once.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub.crm import alerts, owners
from hub.crm.alerts import Facts, Subject
from hub.db import outbox
from hub.errors import HubError, RecordError, TransientError
from hub.etl.context import Core
from hub.logs import get_logger
from hub.model.alert_states import News
from hub.model.events import ALERTS, EventKind
from hub.model.moments import zone_named
from hub.notify.channels import SmtpChannel, compose, message_id
from hub.notify.preferences import Preference, channels_for
from hub.notify.templates import Notice, render, words

_GIVE_UP_AFTER = 12
log = get_logger()


def deliver_pending(hub: Core) -> dict[str, int]:
    """Deliver all due events, one transaction each; returns counts."""
    totals: Counter[str] = Counter()
    for done in _delivered(hub):
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
        for done in _delivered(hub, ALERTS):
            if "deferred" in done:
                return  # a mail server that hangs takes 20 s for each mail
    except HubError as exc:
        log.warning("alert_not_delivered", message=exc.message)


def _delivered(hub: Core, only: Sequence[EventKind] = ()) -> Iterator[Counter[str]]:
    """Deliver due events, one transaction each; yields the counts of each."""
    with ExitStack() as stack:
        channel = stack.enter_context(_smtp(hub))
        while True:
            with hub.engine.begin() as conn:
                rows = outbox.take(conn, 1, only=only)
                if not rows:
                    return
                done = _deliver(hub, conn, rows[0], channel)
            yield done


def _smtp(hub: Core) -> SmtpChannel:
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


def _deliver(hub: Core, conn: Connection, row: Any, channel: SmtpChannel) -> Counter[str]:
    subject = Subject(row.lead_id, row.contact_id, row.deal_id)
    facts = alerts.facts(conn, subject, row.user_id)
    channels = _channels(conn, row, facts)
    rendered = render(_notice(hub, conn, row, facts), words())
    done: Counter[str] = Counter()
    if "web" in channels:
        alerts.add_alert(
            conn,
            dedupe_key=row.dedupe_key,
            user_id=row.user_id,
            subject=subject,
            event=row.event,
            words=rendered.alert,
        )
        done["alerts"] += 1
    to = row.address or facts.owner_email
    if "email" not in channels or not to:
        outbox.finish(conn, row.id, state="done")
        return done
    domain = hub.settings.smtp.sender.rpartition("@")[2].strip("> ")
    mail_id = message_id(row.dedupe_key, domain)
    mail = compose(row.event, mail_id, to, rendered)
    done[_send(conn, row, mail, channel)] += 1
    return done


def _channels(conn: Connection, row: Any, facts: Facts) -> tuple[str, ...]:
    if row.address:
        return ("email",)
    wanted = owners.preferences(conn, [row.user_id]).get((row.user_id, row.event))
    choice = [Preference(row.event, *wanted)] if wanted else []
    return channels_for(row.event, choice) if facts.owner_is_active else ()


def _notice(hub: Core, conn: Connection, row: Any, facts: Facts) -> Notice:
    payload = row.payload
    return Notice(
        event=row.event,
        lead_id=row.lead_id,
        public_url=hub.settings.public_url,
        first_name=facts.first_name,
        last_name=facts.last_name,
        company=facts.company,
        email=facts.email,
        phone=facts.phone,
        source=facts.source,
        rule=payload.get("rule"),
        group=payload.get("group"),
        topic=payload.get("subject"),
        question=payload.get("message"),
        counts=payload.get("counts") or {},
        record=payload.get("kind") or "lead",
        record_id=row.contact_id or row.deal_id,
        given_by=payload.get("given_by"),
        records=_named(conn, payload),
        subjects=payload.get("subjects") or (),
        sentences=payload.get("sentences") or (),
        is_other=payload.get("news") == News.OTHER_REASON,
        failed_since=_moment(payload.get("failed_since"), facts.timezone),
        at=_moment(row.created_at.isoformat(), facts.timezone),
    )


def _moment(said: str | None, zone: str) -> str:
    """Return a moment as its reader's clock shows it, with the name of the time zone."""
    if said is None:
        return ""
    there = datetime.fromisoformat(said).astimezone(zone_named(zone))
    return f"{there:%Y-%m-%d %H:%M} ({zone})"


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
