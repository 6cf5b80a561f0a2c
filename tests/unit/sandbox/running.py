"""A running sandbox and a client for it."""

import time
from contextlib import contextmanager
from typing import Any

import requests

from hub.sandbox.server import Sandbox, SandboxOptions

FAST = 5_000.0  # so fast that nobody meets the limit of two requests a second


class Client:
    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.base = sandbox.url("typeform")
        self.control = sandbox.url("control")
        self.session = requests.Session()
        token = sandbox.announcement["vendors"]["typeform"]["credentials"]["token"]
        self.session.headers["Authorization"] = f"bearer {token}"

    def call(self, path: str, method: str = "GET", **options: Any) -> requests.Response:
        return self.session.request(method, self.base + path, timeout=5, **options)

    def page(self, form: str = "contact", **params: Any) -> dict[str, Any]:
        answer = self.call(f"/forms/{form}/responses", params=params)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def set_faults(self, text: str) -> None:
        answer = requests.put(f"{self.control}/faults", json={"faults": text}, timeout=5)
        assert answer.status_code == 200, answer.text

    def event(self, **event: Any) -> requests.Response:
        return requests.post(f"{self.control}/events", json=event, timeout=5)

    def read(self, path: str) -> Any:
        return requests.get(self.control + path, timeout=5).json()


def empty(sandbox: Sandbox, source: str) -> None:
    """Let a vendor begin without the universe's records: the test brings its own."""
    for one, stream in sandbox.world.streams():
        if one == source:
            sandbox.world._rows[one, stream].clear()


@contextmanager
def running(**options: Any):
    with Sandbox(SandboxOptions(**{"people": 60, "time_scale": FAST, **options})) as sandbox:
        client = Client(sandbox)
        try:
            yield client
        finally:
            client.session.close()


def wait_for(claim, within_s: float = 5.0):
    end = time.monotonic() + within_s
    while not (found := claim()):
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)
    return found
