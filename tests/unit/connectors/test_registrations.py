"""`hub check` compares the webhooks that a vendor has with the one that hub.yaml wants."""

import pytest
import requests

from hub.clock import SystemClock
from hub.connectors.base import Registered, TellsWebhooks
from hub.connectors.findings import registrations
from hub.connectors.typeform.client import TypeformConfig
from hub.connectors.typeform.streams import TypeformConnector
from hub.sandbox.server import Sandbox, SandboxOptions

WANTED = "http://127.0.0.1:9/hooks/typeform"
ON, OFF, OTHER = (
    Registered(WANTED, True),
    Registered(WANTED, False),
    Registered("https://x.example", True),
)


@pytest.mark.parametrize(
    ("has", "told"),
    [
        ({"a": [ON], "b": [OTHER, ON]}, [(True, "webhooks", "2 of 2 call")]),
        ({"a": [ON], "b": [OTHER]}, [(True, "webhooks", "without a webhook: b"), (True, "webhooks", "1 of 2 call")]),
        ({"a": [OTHER], "b": []}, [(False, "webhooks", "no webhook with the address")]),
        ({"a": [ON, OFF]}, [(True, "webhooks", "1 of 1 call")]),
        ({"a": [OFF], "b": [ON]}, [(False, "a", "is switched off"), (True, "webhooks", "1 of 2 call")]),
        ({f"f{n}": [] for n in range(9)} | {"a": [ON]}, [(True, "webhooks", "f4 and more"), (True, "webhooks", "1 of 10")]),
        ({}, []),
    ],
)  # fmt: skip
def test_what_differs_is_told_with_the_next_step(
    has: dict[str, list[Registered]], told: list[tuple[bool, str, str]]
) -> None:
    found = list(registrations(has, WANTED))
    assert [(one.ok, one.subject) for one in found] == [(ok, subject) for ok, subject, _ in told]
    for one, (ok, _, words) in zip(found, told, strict=True):
        assert words in one.message
        assert ok or WANTED in one.hint


def test_typeform_tells_the_webhooks_of_each_form() -> None:
    with Sandbox(SandboxOptions(people=30, time_scale=200)) as sandbox:
        token = sandbox.announcement["vendors"]["typeform"]["credentials"]["token"]
        url = sandbox.url("typeform")
        connector = TypeformConnector(
            TypeformConfig(base_url=url, token=token, time_scale=200), SystemClock()
        )
        assert isinstance(connector, TellsWebhooks)
        before = connector.registered()
        assert before
        assert not any(before.values())
        part = next(iter(before))
        for enabled in (True, False):
            requests.put(
                f"{url}/{part}/webhooks/hub", json={"url": WANTED, "enabled": enabled},
                headers={"Authorization": f"Bearer {token}"}, timeout=10,
            ).raise_for_status()  # fmt: skip
            assert connector.registered() == {**before, part: [Registered(WANTED, enabled)]}
