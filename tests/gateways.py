"""The gateway as it runs: both listeners on loopback, in a thread of the test."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from hub.clock import Clock, SystemClock
from hub.db.engine import Database
from hub.gateway.server import LOOPBACK, Gateway, listen
from hub.settings import Settings
from tests.unit.connectors import hook_requests

PUBLIC = "https://hub.example.com/in"
SECRETS = {
    "typeform": {"webhook_secret": "tf-secret"},
    "hubspot": {"webhook_secret": "hs-secret"},
    "mailchimp": {"webhook_secret": "mc-secret-in-path"},
    "zendesk": {"webhook_secret": "zd-secret"},
}
HOOK_SECRET = hook_requests.SECRETS["generic"]


@dataclass(frozen=True)
class Running:
    """A running gateway, and the addresses of its listeners."""

    gateway: Gateway
    public: str
    private: str
    db: Database

    def rows(self) -> list[Any]:
        """Return the inbox, the oldest first."""
        with self.db.engine.begin() as conn:
            return list(conn.execute(text("SELECT * FROM landing.inbox ORDER BY id")))


def settings_of(home: Path, sources: Mapping[str, Any] = SECRETS, **gateway: Any) -> Settings:
    """Settings with sources that send webhooks."""
    return Settings.model_validate(
        {
            "home": str(home),
            "sources": dict(sources),
            "gateway": {"public_url": PUBLIC, **gateway},
            "hooks": {"shop": {"id": "data.id", "stream": "orders", "secret": HOOK_SECRET}},
        }
    )


@contextmanager
def running(
    settings: Settings, db: Database, clock: Clock | None = None, file: Path | None = None
) -> Iterator[Running]:
    """Run a gateway until the block ends."""
    gateway = Gateway(settings, db, clock or SystemClock(), file)
    sockets = [listen(LOOPBACK, 0), listen(LOOPBACK, 0)]
    for one in sockets:
        one.listen(256)  # a client may call before the loop runs
    thread = threading.Thread(target=lambda: asyncio.run(gateway.serve(sockets)))
    thread.start()
    try:
        public, private = (f"http://{LOOPBACK}:{one.getsockname()[1]}" for one in sockets)
        yield Running(gateway, public, private, db)
    finally:
        gateway.stop()
        thread.join(20)
        for one in sockets:
            one.close()
        assert not thread.is_alive(), "the gateway did not end"
