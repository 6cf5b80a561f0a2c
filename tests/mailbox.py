"""A mail server on loopback for tests."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from aiosmtpd.controller import Controller

from hub.etl.context import Hub
from hub.sandbox.smtp import Mailbox


@contextmanager
def mail_server(box: Mailbox | None = None) -> Iterator[tuple[Mailbox, int]]:
    """A mail server that keeps what it is given, and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    box = box or Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


def mailing_to(hub: Hub, port: int) -> Hub:
    """The hub with the mail server of this port."""
    smtp = hub.settings.smtp.model_copy(update={"host": "127.0.0.1", "port": port})
    return replace(hub, settings=hub.settings.model_copy(update={"smtp": smtp}))
