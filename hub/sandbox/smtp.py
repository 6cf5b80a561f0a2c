"""A mail server that keeps what it is given and delivers nothing.

Not here: who listens where (`server.py`), how mail is shown (`control.py`).
"""

import threading
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


class Mailbox:
    """The mail, oldest first; the handler that the SMTP server calls."""

    def __init__(self) -> None:
        self._mail: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    async def handle_DATA(  # noqa: N802 - the server's own name for it
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep one message."""
        with self._lock:
            self._mail.append(_shown(envelope))
        return "250 2.0.0 Ok: kept"

    def mail(self) -> list[dict[str, Any]]:
        """Return all messages."""
        with self._lock:
            return list(self._mail)

    def clear(self) -> None:
        """Forget all messages."""
        with self._lock:
            self._mail.clear()

    def protocol(self) -> SMTP:
        """Return a new connection's protocol."""
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
