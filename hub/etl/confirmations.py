"""Double opt-in: a ticked box of the web form asks its address to confirm, and the confirmation lands.

In: submissions as they are landed, and confirmations as the gateway stores them. Out: a mail in the outbox, and the
submission again with the moment of its confirmation. The gateway knows nothing of people: whether a mail is sent
is decided here, after the sender of the form has had its answer.

Not here: the signature of a link (`hub.model.confirm_links`), its pages (`hub.gateway.confirm`).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from hub.db import outbox
from hub.errors import ConfigError
from hub.etl.context import Hub
from hub.etl.erased import Gate
from hub.etl.erased_forms import email_form
from hub.landing import store
from hub.landing.inbox import Waiting
from hub.logs import get_logger
from hub.model.confirm_links import LIFETIME, pseudonym
from hub.model.events import ConfirmationAsked
from hub.model.forms import SOURCE, STREAM
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from hub.records.link_key import link_key

WITHIN = timedelta(hours=1)
"""The time in which a mailbox gets one mail at most."""
_MOST_OF_CLIENT = 20
log = get_logger()


def ask(conn: Connection, hub: Hub, landed: Iterable[RawRecord]) -> None:
    """Ask the addresses of submissions with a ticked box to confirm.

    Args:
        conn: the transaction that lands them, which holds the landing lock of the stream: so two
            submissions of one address are counted one after the other.
        hub: the hub.
        landed: submissions.
    """
    asking = [said for record in landed if _asks(said := _read(record.payload))]
    if not asking:
        return
    if not hub.settings.gateway.public_url:
        log.warning("confirmation_not_asked", why="gateway.public_url is not set", n=len(asking))
        return
    gate = Gate.of(conn, hub.settings.home)
    try:
        key = link_key(hub.settings.home)
    except ConfigError as exc:  # the leads matter more: they are landed without a mail
        log.error("confirmation_not_asked", why=exc.message, n=len(asking))  # noqa: TRY400
        return
    for said in asking:
        why = _refusal(conn, hub, gate, said, key)
        if why:
            log.info("confirmation_not_asked", why=why, correlation_id=said["id"])
            continue
        outbox.put(conn, [_event(said, key)])
        log.info("confirmation_asked", correlation_id=said["id"])


def _asks(said: Mapping[str, Any]) -> bool:
    return bool(said.get("consent") and said.get("email") and not said.get("confirmed_at"))


def _refusal(
    conn: Connection, hub: Hub, gate: Gate | None, said: Mapping[str, Any], key: bytes
) -> str:
    """Return why no mail is sent; "" if one is."""
    if gate is not None and gate.is_erased(conn, said):
        return "erased"
    if datetime.fromisoformat(said["received_at"]) + LIFETIME <= hub.clock.now():
        return "old"
    form = hub.settings.forms.get(str(said.get("form", "")))
    most = form.mails_per_hour if form else _MOST_OF_CLIENT
    to_mailbox, by_client = outbox.letters_since(conn, _mailbox(said, key), _client(said), WITHIN)
    if to_mailbox:
        return "asked within the hour"
    return "too many of one client" if _client(said) and by_client >= most else ""


def _event(said: Mapping[str, Any], key: bytes) -> ConfirmationAsked:
    return ConfirmationAsked(
        reference=str(said["id"]),
        address=str(said["email"]),
        language=str(said.get("language", "")),
        wording=str(said.get("wording", "")),
        expires_at=datetime.fromisoformat(said["received_at"]) + LIFETIME,
        mailbox=_mailbox(said, key),
        client=_client(said),
    )


def _mailbox(said: Mapping[str, Any], key: bytes) -> str:
    """Return the word for a mailbox; `a+1@x` and `a+2@x` are one."""
    return pseudonym("mailbox", email_form(str(said["email"])), key)


def _client(said: Mapping[str, Any]) -> str:
    return str(said.get("client", ""))


def confirmed(conn: Connection, rows: Sequence[Waiting]) -> list[RawRecord]:
    """Return the submissions that rows confirm, each with the moment and the client of its confirmation.

    A submission that is gone, because its person was erased, is left out; so is one that was confirmed before.
    """
    bodies = store.context_payloads(conn, SOURCE, STREAM, sorted({row.source_id for row in rows}))
    found: list[RawRecord] = []
    for row in rows:
        said = _read(bodies.get(row.source_id, b""))
        if not _asks(said):
            log.info("confirmation_left_out", correlation_id=row.correlation_id)
            continue
        body = msgspec.json.encode({**said, **_read(row.body)})
        at = row.at or row.received_at
        found.append(RawRecord(row.source_id, Op.UPSERT, at, at.isoformat(), body))
    return found


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        said = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return said if isinstance(said, dict) else {}
