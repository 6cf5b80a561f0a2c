"""Notify: outbox rows become web alerts and e-mails, as each person prefers.

A web alert is a row: exactly once, and written before any mail of its chunk is sent. E-mail is at least once
with a Message-ID that is a function of the event: a kill between SMTP's 250 and the commit repeats the
same message, which a reader's mail program shows once. No transaction is open while a mail is sent.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hub.crm import alerts, owners
from hub.crm.alerts import Facts, Subject
from hub.db import outbox
from hub.db.transactions import ask
from hub.errors import ConfigError, HubError, RecordError, TransientError
from hub.etl import alerts as source_alerts
from hub.etl.context import Core
from hub.etl.erased import Gate
from hub.logs import get_logger
from hub.model.alert_states import News
from hub.model.confirm_links import LANGUAGES, LIFETIME, ConfirmLink, written
from hub.model.events import ALERTS, EventKind, Letter
from hub.model.moments import zone_named
from hub.notify.channels import Mail, SmtpChannel, compose, message_id
from hub.notify.confirmation import confirmation_mail
from hub.notify.preferences import Preference, channels_for
from hub.notify.templates import Notice, render, words
from hub.records.link_key import link_key

_GIVE_UP_AFTER = 12
_CHUNK, _LOOKED_AT = 10, 200
"""Events that one deliverer claims at once; events that it looks at, because others have claimed some."""
_NO_KEY_S = 300.0
_SAID = {"sent": "mail_sent", "deferred": "mail_deferred", "failed": "mail_failed"}
log = get_logger()


def deliver_pending(hub: Core) -> dict[str, int]:
    """Deliver the events that are due now; returns counts. Events that come meanwhile are left.

    So a sync ends, however fast leads arrive beside it.
    """
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
    """Deliver due events, a chunk at a time; yields the counts of each event."""
    until = ask(hub.engine, outbox.newest)
    with ExitStack() as stack:
        channel = stack.enter_context(_smtp(hub))
        claims = stack.enter_context(outbox.Claims(hub.engine))
        while True:
            found = ask(
                hub.engine, lambda conn: outbox.due(conn, _LOOKED_AT, until=until, only=only)
            )
            claimed = claims.take(found, _CHUNK)
            done_n = 0
            mails: list[_Outgoing] = []
            for number in claimed:
                with hub.engine.begin() as conn:
                    row = outbox.read_due(conn, number)
                    written = _write(hub, conn, row) if row is not None else None
                if written is not None:
                    done_n += 1
                    mails += [written.mail] if written.mail else []
                    yield written.counts
            for one in mails:
                yield Counter([_send(hub, one, channel)])
            claims.free(claimed)
            if not done_n:
                return


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """A mail of an event that is to be sent now."""

    row: Any
    mail: Mail


@dataclass(frozen=True, slots=True)
class _Written:
    """What an event became: counts of web alerts, and a mail to send, if one is wanted."""

    counts: Counter[str]
    mail: _Outgoing | None


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


def _write(hub: Core, conn: Connection, row: Any) -> _Written:
    """Write the web alert of an event; one without a mail is done."""
    if row.user_id is None and row.address is None:  # the receiver was erased
        outbox.finish(conn, row.id, state="done")
        return _Written(Counter(), None)
    if row.event == Letter.CONSENT_CONFIRMATION:
        return _letter(hub, conn, row)
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
        return _Written(done, None)
    mail_id = message_id(row.dedupe_key, _domain(hub))
    return _Written(
        done, _Outgoing(row, compose(row.event, mail_id, to, rendered, row.correlation_id))
    )


def _letter(hub: Core, conn: Connection, row: Any) -> _Written:
    """Return the mail that asks for a confirmation; none for a person who was erased meanwhile."""
    said = row.payload
    expires_at = datetime.fromisoformat(said["expires_at"])
    gate = Gate.of(conn, hub.settings.home)
    base = hub.settings.gateway.public_url
    is_erased = gate is not None and gate.is_erased(conn, {"email": row.address})
    if is_erased or not base or expires_at <= hub.clock.now():
        outbox.finish(conn, row.id, state="done")
        return _Written(Counter(), None)
    try:
        key = link_key(hub.settings.home)
    except ConfigError as exc:  # other mails go on
        log.error("mail_not_written", outbox_id=row.id, why=exc.message)  # noqa: TRY400
        outbox.postpone(conn, row.id, seconds=_NO_KEY_S, error=exc.message)
        return _Written(Counter(deferred=1), None)
    link = ConfirmLink(said["reference"], _language(said["language"]), expires_at)
    mail = confirmation_mail(
        row.event,
        message_id(row.dedupe_key, _domain(hub)),
        row.address,
        language=link.language,
        wording=said["wording"],
        link=f"{base}/confirm/{written(link, key)}",
        days=LIFETIME.days,
        correlation_id=said["reference"],
    )
    return _Written(Counter(), _Outgoing(row, mail))


def _language(said: str) -> str:
    return said if said in LANGUAGES else LANGUAGES[0]


def _domain(hub: Core) -> str:
    """Return the domain of Message-IDs: the sender's."""
    return hub.settings.smtp.sender.rpartition("@")[2].strip("> ")


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


def _send(hub: Core, one: _Outgoing, channel: SmtpChannel) -> str:
    """Send one mail, then store the result; an error of the server postpones the event."""
    error: HubError | None = None
    try:
        channel.send(one.mail)
    except (TransientError, RecordError) as exc:
        error = exc
    with hub.engine.begin() as conn:
        if not outbox.still_exists(conn, one.row.id):
            return "emails" if error is None else "failed"
        return _keep_result(hub, conn, one, error)


def _keep_result(hub: Core, conn: Connection, one: _Outgoing, error: HubError | None) -> str:
    row = one.row
    if isinstance(error, TransientError) and row.attempts + 1 < _GIVE_UP_AFTER:
        delay = error.retry_after_s or min(3600.0, 5.0 * 2.0**row.attempts)
        outbox.postpone(conn, row.id, seconds=delay, error=error.message)
        _note(conn, row, one.mail, "deferred", error)
        return "deferred"
    message = error.message if error else None
    outbox.finish(conn, row.id, state="dead" if error else "done", error=message)
    _note(conn, row, one.mail, "failed" if error else "sent", error)
    if row.event == Letter.CONSENT_CONFIRMATION:
        pass  # the address of a stranger who may have mistyped it: nothing for an admin to do
    elif isinstance(error, RecordError):
        source_alerts.address_refused(conn, hub, row.user_id, one.mail.to, error.message)
    elif error is None:
        source_alerts.address_works(conn, hub, row.user_id)
    return "failed" if error else "emails"


def _note(conn: Connection, row: Any, mail: Any, state: str, exc: HubError | None) -> None:
    log.info(
        _SAID[state],
        event_kind=row.event,
        outbox_id=row.id,
        correlation_id=row.correlation_id,
        attempts=row.attempts + 1,
    )
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
