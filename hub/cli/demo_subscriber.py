"""The demo's subscriber: a program on this machine that is sent the hub's events, and checks each signature.

It stands for Zapier, or for any other program. It takes what the hub posts over HTTP, and knows of the hub nothing
but the secrets of its subscriptions.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from sqlalchemy import Connection

from hub.actions.context import Context
from hub.actions.setup import subscriptions
from hub.cli.acting import machine_owner
from hub.clock import Clock
from hub.db.engine import Database
from hub.db.transactions import run_transaction
from hub.etl.context import Core
from hub.live.hook_turns import deliver_due
from hub.model import open_addresses
from hub.model.hook_events import HookEventKind
from hub.model.standard_webhooks import ID, SIGNATURE, TIMESTAMP, is_signed, key_of
from hub.settings import Settings

HOST = "127.0.0.1"
NETWORK = f"{HOST}/32"
_MOST = 1 << 20


@dataclass(frozen=True, slots=True)
class Told:
    """What the subscriber has received.

    Args:
        events: how many of each kind, by their ids.
        wrong_signatures: how many were not signed with the secret of their subscription.
    """

    events: dict[str, int]
    wrong_signatures: int


class Subscriber:
    """The receiver.

    Args:
        database: open.
        settings: of the demo's hub.
        clock: of the demo.
    """

    def __init__(self, database: Database, settings: Settings, clock: Clock) -> None:
        self._core = Core(database.engine, clock, settings)
        self._keys: dict[str, bytes] = {}
        self._ids: dict[str, str] = {}
        self._wrong = 0
        self.says: Callable[[str], None] = lambda _: None

    def subscribe(self, port: int) -> None:
        """Subscribe to every event; subscriptions of an earlier demo of this home end."""
        run_transaction(self._core.engine, lambda conn: self._subscribe(conn, port))

    def _subscribe(self, conn: Connection, port: int) -> None:
        ctx = Context(conn, machine_owner(), self._core.clock)
        own = self._core.settings
        for left in subscriptions.listed(ctx):
            subscriptions.remove(ctx, left.id)
        allowed = open_addresses.networks(own.subscriptions.allowed_networks)
        for kind in HookEventKind:
            path = f"/{kind}"
            made = subscriptions.add(
                ctx, f"http://{HOST}:{port}{path}", kind, home=own.home, allowed=allowed
            )
            self._keys[path] = key_of(made.secret) or b""

    def take(self, path: str, headers: Any, body: bytes) -> int:
        """Take a request; returns the status of the answer."""
        named, at, given = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
        key = self._keys.get(path)
        if key is None or not is_signed(key, named, at, body, given):
            self._wrong += 1
            return 401
        said = msgspec.json.decode(body)
        if named not in self._ids:
            self._ids[named] = said["type"]
            record = next(iter(said["data"]))
            self.says(f"{said['type']} of {record} {said['data'][record]['id']}, signature right")
        return 204

    def deliver(self) -> Told:
        """Let the hub post what waits, as its worker does; returns what has come."""
        deliver_due(self._core)
        return Told(dict(sorted(Counter(self._ids.values()).items())), self._wrong)


@contextmanager
def listening(subscriber: Subscriber) -> Iterator[Subscriber]:
    """Take what is posted until the block ends; yields the subscriber."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = min(int(self.headers.get("Content-Length", 0)), _MOST)
            self.send_response(subscriber.take(self.path, self.headers, self.rfile.read(size)))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        subscriber.subscribe(server.server_address[1])
        yield subscriber
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
