"""A mail server that keeps the mail it receives and delivers none.

Not here: the listening socket (`server.py`), the HTTP view of the mail (`control.py`).
"""

import threading
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


class Mailbox:
    """Keeps the mail, oldest first. The SMTP server calls it as its handler."""

    def __init__(self) -> None:
        self._mail: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    async def handle_DATA(  # noqa: N802 - aiosmtpd gives the name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Store one message."""
        with self._lock:
            self._mail.append(_shown(envelope))
        return "250 2.0.0 Ok: kept"

    def mail(self) -> list[dict[str, Any]]:
        """Return all messages."""
        with self._lock:
            return list(self._mail)

    def clear(self) -> None:
        """Delete all messages."""
        with self._lock:
            self._mail.clear()

    def protocol(self) -> SMTP:
        """Return the protocol object of a new connection."""
        return SMTP(self, hostname="sandbox.example.com", ident="Lead Hub sandbox")


def _shown(envelope: Envelope) -> dict[str, Any]:
    content = envelope.original_content or b""
    message = message_from_bytes(content, policy=policy.default)
    text, html = (message.get_body(preferencelist=(kind,)) for kind in ("plain", "html"))
    return {
        "message_id": _header(message, "Message-ID"),
        "from": envelope.mail_from,
        "to": list(envelope.rcpt_tos),
        "subject": _header(message, "Subject"),
        "text": text.get_content() if text is not None else "",
        "html": html.get_content() if html is not None else None,
        "headers": {name: str(value) for name, value in message.items()},
        "received_at": datetime.now(UTC).isoformat(),
    }


def _header(message: EmailMessage, name: str) -> str:
    return str(message.get(name) or "").strip()
