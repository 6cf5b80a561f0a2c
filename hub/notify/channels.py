"""Sending. The only module of this room that does I/O.

In: a mail, ready to go. Out: it was taken, or an error that says what to do next. What does not
belong here: retries, the outbox, words, and who wants mail. A web alert is a row and has no
channel here.
"""

import hashlib
import re
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses
from types import TracebackType
from typing import Literal, NoReturn, Protocol, Self

from hub.clock import Clock, SystemClock
from hub.errors import ConfigError, CredentialError, HubError, RecordError, TransientError
from hub.notify.templates import Rendered

Tls = Literal["none", "starttls", "implicit"]

_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f]+@[^\s@<>()\[\],;:\\\"\x00-\x1f]+")
_HEADER_NAME = re.compile(r"(?i)x-[a-z0-9-]+|list-[a-z-]+|reply-to|in-reply-to|references")
_MESSAGE_ID = re.compile(r"<[a-zA-Z0-9.+-]+@[a-zA-Z0-9.-]+>")
_OK, _TEMPORARY, _PERMANENT = 250, range(400, 500), range(500, 600)
_NOT_LET_IN = frozenset({530, 534, 535, 538})  # RFC 4954 § 6: authentication is wanted or failed
_TOO_BIG = 552
_HUNG_UP = (ssl.SSLEOFError, ssl.SSLZeroReturnError)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person. `headers` may add X-…, List-…, Reply-To and threading only.

    With `html` the mail has two forms, and the reader's program chooses.
    """

    message_id: str
    to: str
    subject: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)
    html: str = ""


class Channel(Protocol):
    """Takes a mail and answers for it.

    At-least-once: the caller repeats what was not confirmed, so a mail may arrive twice (killed
    between the server's 250 and the caller's commit). `mail.message_id` is the idempotency key:
    the same event has the same id in every attempt; a channel never makes up or changes one.

    Returning means the other side has taken the mail. Else:
        TransientError: nothing is wrong with the mail; send it again later.
        RecordError: this mail will never be taken (its recipient, its content); continue with
            others.
        ConfigError: no mail will be taken until the operator acts; stop the batch.
    After any of them the channel can be used again.
    """

    def send(self, mail: Mail) -> None:
        """Hand over one mail."""
        ...


def message_id(dedupe_key: str, domain: str) -> str:
    """Return the Message-ID of an event: the same key and domain give the same id, for ever.

    Raises:
        ConfigError: `domain` are invalid in a Message-ID.
    """
    host = _idna(domain.strip().rstrip("."))
    made = f"<{hashlib.sha256(dedupe_key.encode('utf-8', 'surrogatepass')).hexdigest()}@{host}>"
    if not _MESSAGE_ID.fullmatch(made):
        raise ConfigError(f"mail domain {domain!r} is not a domain", hint="e.g. hub.example.com")
    return made


CORRELATION = "X-Correlation-Id"
"""The header that names the request which caused a mail."""


def compose(
    event: str, message_id: str, to: str, rendered: Rendered, correlation_id: str | None = None
) -> Mail:
    """Return the mail for a rendered event, marked with X-Hub-Event, and with its request if it has one."""
    headers = {"X-Hub-Event": event} | ({CORRELATION: correlation_id} if correlation_id else {})
    return Mail(message_id, to, rendered.subject, rendered.text, headers, rendered.html)


class SmtpChannel:
    """E-mail through one SMTP server (RFC 5321).

    Inside `with` one connection serves the batch (opened at the first mail, reopened when the
    server has closed it); outside, every mail has its own. Not for use by two threads at once.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        tls: Tls = "starttls",
        username: str = "",
        password: str = "",
        timeout_s: float = 20.0,
        clock: Clock | None = None,
    ) -> None:
        self._host, self._port, self._timeout_s = host, port, timeout_s
        self._sender, self._tls = sender, tls
        self._username, self._password = username, password
        self._clock = clock or SystemClock()
        self._connection: smtplib.SMTP | None = None
        self._is_batch = False
        addresses = [address for _, address in getaddresses([sender])]
        self._address = addresses[0] if len(addresses) == 1 else ""
        if not _ADDRESS.fullmatch(self._address) or re.search(r"[\r\n]", sender):
            raise ConfigError(
                f"mail sender {sender!r} is not one address",
                hint="write name@example.com or Name <name@example.com>",
            )

    def __repr__(self) -> str:
        return f"SmtpChannel({self._host}:{self._port}, tls={self._tls})"

    def __enter__(self) -> Self:
        self._is_batch = True
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._is_batch = False
        self._hang_up()

    def send(self, mail: Mail) -> None:
        """Hand over one mail.

        Raises:
            TransientError: the server is away, busy, or said 4xx.
            RecordError: the recipient or the mail is refused permanently (5xx).
            ConfigError: credentials, TLS or sender are refused.
        """
        message = self._message(mail)
        is_done = False
        try:
            self._dial().send_message(message, self._address, [str(message["To"])])
            is_done = True
        except (OSError, ValueError) as exc:  # SMTPException is an OSError; ValueError: odd bytes
            self._refuse(exc)
        finally:
            if not (is_done and self._is_batch):
                self._hang_up()

    def _message(self, mail: Mail) -> EmailMessage:
        if not _ADDRESS.fullmatch(mail.to):
            raise RecordError("the recipient is not one e-mail address")
        if not _MESSAGE_ID.fullmatch(mail.message_id):
            raise RecordError("the Message-ID is malformed", hint="make it with message_id()")
        message = EmailMessage()
        local, _, domain = mail.to.rpartition("@")
        try:
            message["Message-ID"] = mail.message_id
            message["Date"] = format_datetime(self._clock.now())
            message["From"] = self._sender
            message["To"] = f"{local}@{_idna(domain)}"
            message["Subject"] = mail.subject
            message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
            for name, value in mail.headers.items():
                if not _HEADER_NAME.fullmatch(name):
                    raise RecordError(f"header {name!r} is not the caller's to set")
                message[name] = value
            message.set_content(mail.text)
            if mail.html:
                message.add_alternative(mail.html, subtype="html")
        except (ValueError, ConfigError, MessageError) as exc:  # a line break in a header, …
            raise RecordError("the mail cannot be written down: a header is malformed") from exc
        return message

    def _dial(self) -> smtplib.SMTP:
        if self._connection is not None:
            if self._is_alive(self._connection):
                return self._connection
            self._hang_up()
        greeting_name = _idna(self._address.rpartition("@")[2])
        if self._tls == "implicit":
            self._connection = smtplib.SMTP_SSL(
                self._host,
                self._port,
                greeting_name,
                timeout=self._timeout_s,
                context=ssl.create_default_context(),
            )
        else:
            self._connection = smtplib.SMTP(
                self._host, self._port, greeting_name, timeout=self._timeout_s
            )
        if self._tls == "starttls":
            self._connection.starttls(context=ssl.create_default_context())
        if self._username:
            self._connection.login(self._username, self._password)
        return self._connection

    def _is_alive(self, connection: smtplib.SMTP) -> bool:
        try:
            return connection.noop()[0] == _OK
        except OSError:
            return False

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.quit()
        except OSError:
            connection.close()

    def _refuse(self, exc: Exception) -> NoReturn:
        raise _judge(exc, f"{self._host}:{self._port}") from exc


def _judge(exc: Exception, server: str) -> HubError:
    """Say what an SMTP failure means for the caller. The server's own text may name a person."""
    code = _code(exc)
    if code in _TEMPORARY:
        return TransientError(f"mail server {server} said {code}, not now")
    if (mended := _judge_settings(exc, code, server)) is not None:
        return mended
    if code in _PERMANENT and not isinstance(exc, smtplib.SMTPConnectError):
        return RecordError(f"mail server {server} refused this mail for good ({code})")
    if isinstance(exc, ValueError):
        return RecordError("the mail cannot be written down")
    return TransientError(f"mail server {server} cannot be reached: {type(exc).__name__}")


def _judge_settings(exc: Exception, code: int, server: str) -> HubError | None:
    """Return what only the operator can mend, if it is that."""
    if code in _NOT_LET_IN or isinstance(exc, smtplib.SMTPAuthenticationError):
        return CredentialError(
            f"mail server {server} refused the credentials ({code})",
            hint="check user name and password of the mail settings",
        )
    if isinstance(exc, smtplib.SMTPNotSupportedError):
        return _judge_unsupported(exc, server)
    if isinstance(exc, ssl.SSLError) and not isinstance(exc, _HUNG_UP):
        return ConfigError(
            f"no trusted TLS with mail server {server}", hint="check tls, host and certificate"
        )
    if isinstance(exc, smtplib.SMTPSenderRefused | smtplib.SMTPHeloError) and code != _TOO_BIG:
        return ConfigError(
            f"mail server {server} refused the sender ({code})",
            hint="the sender of the mail settings must be one this server sends for",
        )
    return None


def _judge_unsupported(exc: smtplib.SMTPNotSupportedError, server: str) -> HubError:
    if "SMTPUTF8" in str(exc):
        return RecordError(f"mail server {server} cannot take this non-ASCII address")
    return ConfigError(
        f"mail server {server} does not offer what the settings ask for (STARTTLS or AUTH)",
        hint="check tls, port and user name of the mail settings",
    )


def _code(exc: Exception) -> int:
    """Return the server's reply code; 0 when there was none."""
    if isinstance(exc, smtplib.SMTPRecipientsRefused):
        return max((int(code) for code, _ in exc.recipients.values()), default=0)
    return int(exc.smtp_code) if isinstance(exc, smtplib.SMTPResponseException) else 0


def _idna(domain: str) -> str:
    try:
        return domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError as exc:
        raise ConfigError(f"{domain!r} is not a domain") from exc
