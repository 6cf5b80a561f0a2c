import email
import email.policy
import socket
import threading
from datetime import UTC, datetime

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from hub.clock import FixedClock
from hub.errors import ConfigError, CredentialError, RecordError, TransientError
from hub.notify.channels import Channel, Mail, SmtpChannel, compose, message_id
from hub.notify.templates import Notice, render, words

CLOCK = FixedClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
ID = message_id("lead_assigned:1", "hub.example.com")


class Mailbox:
    """An SMTP server that keeps its mail, and refuses what its `answers` say (verb → reply)."""

    def __init__(self):
        self.answers, self.kept, self.sessions, self.hellos = {}, [], set(), []

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address in self.answers or "RCPT" in self.answers:
            return self.answers.get(address) or self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.sessions.add(session.peer)
        self.kept.append(
            (
                envelope.rcpt_tos,
                email.message_from_bytes(envelope.content, policy=email.policy.SMTP),
            )
        )
        return "250 OK"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def serve():
    running = []

    def start(**options):
        box = Mailbox()
        controller = Controller(box, hostname="127.0.0.1", port=free_port(), **options)
        controller.start()
        running.append(controller)
        return box, controller

    yield start
    for controller in running:
        if controller.loop.is_running():
            controller.stop()


def channel(port, **settings):
    chosen = {"sender": "Lead Hub <hub@example.com>", "tls": "none", "timeout_s": 3, **settings}
    return SmtpChannel(host="127.0.0.1", port=port, clock=CLOCK, **chosen)


def a_mail(**facts):
    return Mail(
        **{"message_id": ID, "to": "rep@example.com", "subject": "Hi", "text": "Hello\n", **facts}
    )


def test_message_id_is_the_keys_and_nobody_elses():
    assert message_id("lead_assigned:1", "hub.example.com") == ID
    assert message_id("lead_assigned:2", "hub.example.com") != ID
    assert message_id("x", "hüb.example").endswith("@xn--hb-xka.example>")


@pytest.mark.parametrize("domain", ["", "a b", "x>\r\nBcc: y", "a@b"])
def test_odd_domain_of_a_message_id_is_refused(domain):
    with pytest.raises(ConfigError):
        message_id("x", domain)


def test_mail_arrives_as_rendered(serve):
    box, server = serve()
    notice = Notice(
        "lead_assigned", 42, "https://hub.example.com", first_name="Zoë", last_name="Łukasz 🚀"
    )
    mail = compose("lead_assigned", ID, "rep@example.com", render(notice, words()))
    sender: Channel = channel(server.port, sender="Hüb <hub@example.com>")
    sender.send(mail)
    [(recipients, got)] = box.kept
    assert recipients == ["rep@example.com"]
    assert got["Message-ID"] == ID
    assert got["Subject"] == "New lead: Zoë Łukasz 🚀"
    assert got["From"] == "Hüb <hub@example.com>"
    assert got["Date"] == "Sun, 01 Mar 2026 12:00:00 +0000"
    assert got["Auto-Submitted"] == "auto-generated"
    assert got["X-Hub-Event"] == "lead_assigned"
    assert got.get_content_type() == "multipart/alternative"
    for kind in ("plain", "html"):
        body = got.get_body((kind,))
        assert body is not None
        assert "Zoë Łukasz 🚀 is now your lead." in body.get_content()
        assert "https://hub.example.com/leads/42" in body.get_content()


def test_sending_again_keeps_the_message_id(serve):
    box, server = serve()
    for _ in range(2):
        channel(server.port).send(a_mail())
    assert {got["Message-ID"] for _, got in box.kept} == {ID}


def test_a_batch_uses_one_connection(serve):
    box, server = serve()
    with channel(server.port) as batch:
        for _ in range(3):
            batch.send(a_mail())
    assert (len(box.kept), len(box.sessions)) == (3, 1)
    for _ in range(2):
        batch.send(a_mail())
    assert len(box.sessions) == 3


def test_a_batch_goes_on_after_a_refused_recipient(serve):
    box, server = serve()
    box.answers["gone@example.com"] = "550 5.1.1 no such user"
    with channel(server.port) as batch:
        batch.send(a_mail())
        with pytest.raises(RecordError, match="550"):
            batch.send(a_mail(to="gone@example.com"))
        batch.send(a_mail())
    assert len(box.kept) == 2


def test_a_batch_survives_a_restart_of_the_server(serve):
    box, server = serve()
    with channel(server.port) as batch:
        batch.send(a_mail())
        server.stop()
        with pytest.raises(TransientError):
            batch.send(a_mail())
        again = Controller(box, hostname="127.0.0.1", port=server.port)
        again.start()
        try:
            batch.send(a_mail())
        finally:
            again.stop()
    assert len(box.kept) == 2


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("code", [421, 450, 451, 452])
def test_4xx_is_tried_again_later(serve, verb, code):
    box, server = serve()
    box.answers[verb] = f"{code} rep@example.com is busy"
    with pytest.raises(TransientError, match=str(code)) as caught:
        channel(server.port).send(a_mail())
    assert "rep@" not in str(caught.value)


@pytest.mark.parametrize(
    ("verb", "reply", "error"),
    [
        ("RCPT", "550 no such user", RecordError),
        ("RCPT", "553 bad name", RecordError),
        ("DATA", "554 spam", RecordError),
        ("MAIL", "552 too big", RecordError),
        ("MAIL", "550 not your domain", ConfigError),
        ("MAIL", "530 authentication required", CredentialError),
        ("RCPT", "530 authentication required", CredentialError),
    ],
)
def test_5xx_says_who_must_act(serve, verb, reply, error):
    box, server = serve()
    box.answers[verb] = reply
    with pytest.raises(error, match=reply[:3]):
        channel(server.port).send(a_mail())
    assert box.kept == []


def test_connection_refused_is_transient():
    with pytest.raises(TransientError, match="ConnectionRefusedError"):
        channel(free_port()).send(a_mail())


def test_server_that_says_nothing_is_transient():
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TransientError):
        channel(silent.getsockname()[1], timeout_s=0.2).send(a_mail())


@pytest.mark.parametrize("greeting", [b"", b"421 later\r\n", b"554 no service\r\n", b"what?\r\n"])
def test_server_that_hangs_up_is_transient(greeting):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            peer, _ = listener.accept()
            with peer:
                peer.sendall(greeting)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(TransientError):
            channel(listener.getsockname()[1]).send(a_mail())
        thread.join()


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")
@pytest.mark.parametrize("password", ["right", "wrong"])
def test_credentials_are_shown_and_judged(serve, password):
    def authenticate(server, session, envelope, mechanism, given):
        return AuthResult(success=given.password == b"right", handled=False)

    box, server = serve(authenticator=authenticate, auth_require_tls=False, auth_required=True)
    sender = channel(server.port, username="hub", password=password)
    if password == "right":
        sender.send(a_mail())
        assert len(box.kept) == 1
    else:
        with pytest.raises(CredentialError, match="535") as caught:
            sender.send(a_mail())
        assert "wrong" not in str(caught.value)
    assert password not in repr(sender)


@pytest.mark.parametrize("settings", [{"tls": "starttls"}, {"username": "u", "password": "p"}])
def test_what_the_server_does_not_offer_is_the_operators(serve, settings):
    _, server = serve()
    with pytest.raises(ConfigError, match="does not offer"):
        channel(server.port, **settings).send(a_mail())


def test_tls_with_a_plain_server_is_the_operators(serve):
    _, server = serve()
    with pytest.raises(ConfigError, match="TLS"):
        channel(server.port, tls="implicit").send(a_mail())


@pytest.mark.parametrize(
    "facts",
    [
        {"to": ""},
        {"to": "a@b.c, d@e.f"},
        {"to": "a@b.c\r\nBcc: d@e.f"},
        {"to": "Name <a@b.c>"},
        {"to": "a@" + "ü" * 80},
        {"message_id": "x"},
        {"message_id": f"{ID}\r\nBcc: d@e.f"},
        {"subject": "Hi\r\nBcc: d@e.f"},
        {"headers": {"Bcc": "d@e.f"}},
        {"headers": {"X-A\r\nBcc": "d@e.f"}},
        {"headers": {"X-A": "x\nBcc: d@e.f"}},
        {"headers": {"Auto-Submitted": "no"}},
        {"text": "\ud800"},
        {"subject": "\ud800"},
    ],
)
def test_mail_that_cannot_be_written_down_goes_nowhere(serve, facts):
    box, server = serve()
    with pytest.raises(RecordError):
        channel(server.port).send(a_mail(**facts))
    assert box.kept == []


@pytest.mark.parametrize("sender", ["", "hub", "a@b.c, d@e.f", "Hub <a@b.c>\r\nBcc: d@e.f"])
def test_odd_sender_is_the_operators(sender):
    with pytest.raises(ConfigError):
        channel(25, sender=sender)


def test_non_ascii_domain_of_a_recipient_is_encoded(serve):
    box, server = serve()
    channel(server.port).send(a_mail(to="rep@müller.example"))
    assert box.kept[0][0] == ["rep@xn--mller-kva.example"]


def test_non_ascii_recipient_needs_a_server_that_can(serve):
    box, server = serve(enable_SMTPUTF8=True)
    channel(server.port).send(a_mail(to="zoë@example.com"))
    assert box.kept[0][0] == ["zoë@example.com"]
    _, old = serve(enable_SMTPUTF8=False)
    with pytest.raises(RecordError, match="non-ASCII"):
        channel(old.port).send(a_mail(to="zoë@example.com"))
