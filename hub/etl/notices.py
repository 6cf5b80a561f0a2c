"""One event of the outbox as its receiver gets it: on which channels, when, and in which words.

In: a row of the outbox, in an open transaction. Out: web alerts, parts that are sent later or on another
channel, and the message to send now. What a message says is read when it is written, so a digest of the
morning shows the night's leads as they are in the morning. Not here: sending (`hub.etl.notify`).
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection

from hub.crm import alerts, notice_facts, notice_settings
from hub.crm.alerts import Facts, Subject
from hub.crm.notice_facts import Background
from hub.crm.notice_settings import Choice, Profile, Wishes
from hub.db import outbox
from hub.errors import ConfigError
from hub.etl.context import Core
from hub.etl.erased import Gate
from hub.logs import get_logger
from hub.model.alert_states import News
from hub.model.chats import CHATS
from hub.model.confirm_links import LANGUAGES, LIFETIME, ConfirmLink, written
from hub.model.events import EventKind, Letter, Wrapped
from hub.model.moments import zone_named
from hub.notify.channels import Mail, compose, message_id
from hub.notify.confirmation import confirmation_mail
from hub.notify.preferences import Channel, Mode, Preference, modes_for
from hub.notify.templates import Notice, Rendered, render, render_collected, words
from hub.notify.timing import Quiet, send_at
from hub.records.link_key import link_key

_NO_KEY_S = 300.0
_WAITS = timedelta(hours=1)
_CAN_WAIT = frozenset({EventKind.LEAD_ASSIGNED, EventKind.INQUIRY_RECEIVED})
log = get_logger()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message of an event that is to be sent now; through Apprise, `mail.to` is the name of a target."""

    row: Any
    mail: Mail
    channel: Channel = Channel.EMAIL


@dataclass(frozen=True, slots=True)
class Written:
    """What an event became: counts of web alerts and parts, and a message to send, if one is wanted."""

    counts: Counter[str]
    mail: Outgoing | None = None


def write(hub: Core, conn: Connection, row: Any) -> Written:
    """Write the web alert and the parts of an event; one without a message is done."""
    if row.event == Wrapped.COLLECTED:
        return _write_collected(hub, conn, row)
    event = _whole(conn, row)
    if event is None or (event.user_id is None and event.address is None):  # undone, or erased
        return _done(conn, row)
    if event.event == Letter.CONSENT_CONFIRMATION:
        return _letter(hub, conn, row)
    if event.address:
        rendered = _rendered(hub, conn, event, Profile())
        return Written(Counter(), _outgoing(hub, row, event, rendered, event.address))
    return _Telling(
        hub, conn, row, event, notice_settings.wishes(conn, event.user_id, event.event)
    ).write()


def _whole(conn: Connection, row: Any) -> Any:
    """Return the event that a part is of, the row itself if it is none; None if it is not sent any more."""
    if row.event != Wrapped.PART:
        return row
    found = outbox.read(conn, [row.of_id])
    return found[0] if found and not outbox.is_withdrawn(found[0]) else None


@dataclass(frozen=True, slots=True)
class _Telling:
    """An event that a user is told of.

    Args:
        hub: the working parts.
        conn: the open transaction.
        row: what is delivered: the event, or a part of it.
        event: the event.
        wishes: how the user wants to be notified of it.
    """

    hub: Core
    conn: Connection
    row: Any
    event: Any
    wishes: Wishes

    def write(self) -> Written:
        """Write an event to all its channels, or a part to its own."""
        if not self.wishes.is_active:
            return _done(self.conn, self.row)
        return self._all() if self.row.channel is None else self._one(Channel(self.row.channel))

    def _all(self) -> Written:
        """Write an event to the channels that its receiver wants, each at its time."""
        counts: Counter[str] = Counter()
        now_by_mail = False
        for channel, mode in _modes(self.event.event, self.wishes).items():
            is_unset = channel is Channel.APPRISE and not self.wishes.profile.apprise
            if mode is Mode.OFF or is_unset:
                continue
            later = _later(self.hub, self.wishes, channel, mode)
            if later is not None or channel is Channel.APPRISE:
                outbox.add_part(self.conn, self.row, channel, later)
                counts["held"] += later is not None
            elif channel is Channel.EMAIL:
                now_by_mail = True
            else:
                counts["alerts"] += self._by_alert()
        return self._by_mail(counts) if now_by_mail else _done(self.conn, self.row, counts)

    def _one(self, channel: Channel) -> Written:
        """Write a part, whose time has come, to its channel."""
        if channel is Channel.WEB:
            return _done(self.conn, self.row, Counter(alerts=self._by_alert()))
        if channel is Channel.EMAIL:
            return self._by_mail(Counter())
        rendered = _rendered(self.hub, self.conn, self.event, self.wishes.profile)
        name = self.event.event
        return _by_apprise(
            self.hub, self.row, rendered, self.wishes.profile.apprise, name
        ) or _done(self.conn, self.row)

    def _by_alert(self) -> int:
        facts = _facts(self.conn, self.event)
        notice = _notice(self.hub, self.conn, self.event, facts, Background())
        said = render(notice, words(self.wishes.profile.language)).alert
        _add_alert(self.conn, self.event, _subject(self.event), said)
        return 1

    def _by_mail(self, counts: Counter[str]) -> Written:
        facts = _facts(self.conn, self.event)
        if not facts.owner_email:
            return _done(self.conn, self.row, counts)
        rendered = _rendered(self.hub, self.conn, self.event, self.wishes.profile, facts)
        to = facts.owner_email
        return Written(counts, _outgoing(self.hub, self.row, self.event, rendered, to))


def _outgoing(hub: Core, row: Any, event: Any, rendered: Rendered, to: str) -> Outgoing:
    """Return a mail; its Message-ID is of the event, so a part that repeats a mail has the same one."""
    mail_id = message_id(event.dedupe_key, domain(hub))
    return Outgoing(row, compose(event.event, mail_id, to, rendered, event.correlation_id))


def _by_apprise(
    hub: Core, row: Any, rendered: Rendered, target: str | None, event: str
) -> Written | None:
    if not target:
        return None
    mail_id = message_id(row.dedupe_key, domain(hub))
    mail = compose(event, mail_id, target, rendered, row.correlation_id)
    return Written(Counter(), Outgoing(row, mail, Channel.APPRISE))


def _write_collected(hub: Core, conn: Connection, row: Any) -> Written:
    """Write several parts as one message; parts that were undone or erased meanwhile are left out."""
    parts = [one for one in outbox.read(conn, row.payload["parts"]) if one.state == "done"]
    events = [event for one in parts if (event := _whole(conn, one)) is not None]
    wishes = notice_settings.wishes(conn, row.user_id, row.event)
    if not events or not wishes.is_active:
        return _done(conn, row)
    language = words(wishes.profile.language)
    items = [_rendered(hub, conn, event, wishes.profile) for event in events]
    link = f"{hub.settings.public_url.rstrip('/')}/leads"
    rendered = items[0] if len(items) == 1 else render_collected(items, language, link)
    if row.channel == Channel.WEB:
        _add_alert(conn, row, Subject(), rendered.alert)
        return _done(conn, row, Counter(alerts=1))
    if row.channel == Channel.APPRISE:
        target = wishes.profile.apprise
        return _by_apprise(hub, row, rendered, target, row.event) or _done(conn, row)
    to = _facts(conn, row).owner_email
    return Written(Counter(), _outgoing(hub, row, row, rendered, to)) if to else _done(conn, row)


def _done(conn: Connection, row: Any, counts: Counter[str] | None = None) -> Written:
    outbox.finish(conn, row.id, state="done")
    return Written(+counts if counts else Counter())


def _modes(event: str, wishes: Wishes) -> dict[Channel, Mode]:
    own = [_preference(event, wishes.choice)] if wishes.choice else []
    return dict(modes_for(event, own))


def _preference(event: str, choice: Choice) -> Preference:
    return Preference(event, Mode(choice.web), Mode(choice.email), Mode(choice.apprise))


def _later(hub: Core, wishes: Wishes, channel: Channel, mode: Mode) -> datetime | None:
    """Return when a part is sent; None is now. An alert in the hub rings nowhere, so it may come at night."""
    said = wishes.profile
    quiet = Quiet(_time(said.quiet_from), _time(said.quiet_until), said.quiet_weekends)
    return send_at(
        mode,
        hub.clock.now().astimezone(UTC),
        zone_named(wishes.timezone),
        quiet=quiet,
        times=[time.fromisoformat(one) for one in said.digest_at.split(",")],
        is_silent=channel is Channel.WEB,
    )


def _time(said: str | None) -> time | None:
    return None if said is None else time.fromisoformat(said)


def _add_alert(conn: Connection, row: Any, subject: Subject, said: str) -> None:
    alerts.add_alert(
        conn,
        dedupe_key=row.dedupe_key,
        user_id=row.user_id,
        subject=subject,
        event=row.event,
        words=said,
    )


def _subject(event: Any) -> Subject:
    return Subject(event.lead_id, event.contact_id, event.deal_id)


def _facts(conn: Connection, event: Any) -> Facts:
    return alerts.facts(conn, _subject(event), event.user_id)


def _rendered(
    hub: Core, conn: Connection, event: Any, profile: Profile, facts: Facts | None = None
) -> Rendered:
    around = notice_facts.background(conn, _subject(event))
    notice = _notice(hub, conn, event, facts or _facts(conn, event), around)
    return render(notice, words(profile.language))


def _notice(hub: Core, conn: Connection, row: Any, facts: Facts, around: Background) -> Notice:
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
        tickets=[_ticket(one) for one in around.tickets],
        relatives=[_relative(one) for one in around.relatives],
        waiting=_waiting(hub, around) if row.event in _CAN_WAIT else None,
    )


def _ticket(one: notice_facts.OpenTicket) -> str:
    """Return a ticket in one line: `#12 Where is my parcel? (open, email)`."""
    state = ", ".join(filter(None, (one.status, one.channel)))
    return " ".join(filter(None, (f"#{one.source_id}", one.subject, f"({state})" if state else "")))


def _relative(one: notice_facts.Relative) -> str:
    """Return a record in one line: `lead/12 Ann Lee, Acme (bob@acme.example.com)`."""
    said = f"{one.record} {', '.join(filter(None, (one.who, one.company)))}".strip()
    return f"{said} ({one.owner})" if one.owner else said


def _waiting(hub: Core, around: Background) -> str | None:
    """Return the ticket of a chat in which the visitor waits: open, and begun within the last hour."""
    since = hub.clock.now() - _WAITS
    for one in around.tickets:
        is_new = one.created_at is not None and one.created_at > since
        if one.channel in CHATS and one.status in {"new", "open"} and is_new:
            return one.source_id
    return None


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


def _letter(hub: Core, conn: Connection, row: Any) -> Written:
    """Return the mail that asks for a confirmation; none for a person who was erased meanwhile."""
    said = row.payload
    expires_at = datetime.fromisoformat(said["expires_at"])
    gate = Gate.of(conn, hub.settings.home)
    base = hub.settings.gateway.public_url
    is_erased = gate is not None and gate.is_erased(conn, {"email": row.address})
    if is_erased or not base or expires_at <= hub.clock.now():
        return _done(conn, row)
    try:
        key = link_key(hub.settings.home)
    except ConfigError as exc:  # other mails go on
        log.error("mail_not_written", outbox_id=row.id, why=exc.message)  # noqa: TRY400
        outbox.postpone(conn, row.id, seconds=_NO_KEY_S, error=exc.message)
        return Written(Counter(deferred=1))
    link = ConfirmLink(said["reference"], _language(said["language"]), expires_at)
    mail = confirmation_mail(
        row.event,
        message_id(row.dedupe_key, domain(hub)),
        row.address,
        language=link.language,
        wording=said["wording"],
        link=f"{base}/confirm/{written(link, key)}",
        days=LIFETIME.days,
        correlation_id=said["reference"],
    )
    return Written(Counter(), Outgoing(row, mail))


def _language(said: str) -> str:
    return said if said in LANGUAGES else LANGUAGES[0]


def domain(hub: Core) -> str:
    """Return the domain of Message-IDs: the sender's."""
    return hub.settings.smtp.sender.rpartition("@")[2].strip("> ")
