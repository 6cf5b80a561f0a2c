"""`hub check` compares the webhooks that a vendor has with the one that hub.yaml wants."""

import pytest
import requests

from hub.clock import SystemClock
from hub.connectors.findings import registrations
from hub.connectors.own_webhooks import KeepsWebhooks, Registered, Wanted
from hub.connectors.registrations import State, compare
from hub.connectors.typeform.client import TypeformConfig
from hub.connectors.typeform.streams import TypeformConnector
from hub.sandbox.server import Sandbox, SandboxOptions

BASE = "http://127.0.0.1:9/hooks/typeform"
WANTED = Wanted(BASE)
ON, OFF, OTHER = (
    Registered(BASE, True),
    Registered(BASE, False),
    Registered("https://x.example", True),
)
MOVED = Registered("https://old.example/hooks/typeform?key=geheim", True, is_marked=True)
FAILING = Registered(BASE, True, failed="its last delivery was answered 500")
ALIEN = Registered(BASE, True, has_secret=False)


@pytest.mark.parametrize(
    ("has", "told"),
    [
        ({"a": [ON], "b": [OTHER, ON]}, [(True, "webhooks", "2 of 2 call")]),
        ({"a": [ON], "b": [OTHER]}, [(True, "webhooks", "without a webhook: b"), (True, "webhooks", "1 of 2 call")]),
        ({"a": [OTHER], "b": []}, [(False, "webhooks", "no webhook with the address")]),
        ({"a": [ON, OFF]}, [(True, "webhooks", "1 of 1 call")]),
        ({"a": [OFF], "b": [ON]}, [(False, "a", "is switched off"), (True, "webhooks", "1 of 2 call")]),
        ({"a": [MOVED], "b": [ON]}, [(False, "a", "it calls https://old.example/…"), (True, "webhooks", "1 of 2 call")]),
        ({"a": [FAILING]}, [(False, "a", "answered 500")]),
        ({"a": [ALIEN]}, [(False, "a", "another secret")]),
        ({f"f{n}": [] for n in range(9)} | {"a": [ON]}, [(True, "webhooks", "f4 and more"), (True, "webhooks", "1 of 10")]),
        ({}, []),
    ],
)  # fmt: skip
def test_what_differs_is_told_with_the_next_step(
    has: dict[str, list[Registered]], told: list[tuple[bool, str, str]]
) -> None:
    found = list(registrations("typeform", has, WANTED))
    assert [(one.ok, one.subject) for one in found] == [(ok, subject) for ok, subject, _ in told]
    for one, (ok, _, words) in zip(found, told, strict=True):
        assert words in one.message
        assert ok or "hub webhooks" in one.hint or BASE in one.hint


def test_an_address_is_compared_with_its_secret_and_shown_without() -> None:
    wanted = Wanted("https://hub.example/hooks/mailchimp", "geheim")
    old = Registered("https://hub.example/hooks/mailchimp/verraten", True, is_marked=True)
    (one,) = compare({"lists/a": [OTHER, old]}, wanted)
    assert (one.state, one.mine) == (State.DIFFERS, old)
    (right,) = compare({"lists/a": [old, Registered(wanted.url, True)]}, wanted)
    assert right.state is State.RIGHT
    assert "geheim" not in f"{wanted} {wanted.shown(wanted.url)}"
    assert "verraten" not in f"{one} {old} {wanted.shown(old.url)}"
    assert wanted.shown("https://me:geheim@other.example/x") == "https://other.example/…"
    assert wanted.shown("https://other.example?key=geheim") == "https://other.example"


def test_typeform_tells_the_webhooks_of_each_form() -> None:
    with Sandbox(SandboxOptions(people=30, time_scale=5000)) as sandbox:
        token = sandbox.announcement["vendors"]["typeform"]["credentials"]["token"]
        url = sandbox.url("typeform")
        connector = TypeformConnector(
            TypeformConfig(base_url=url, token=token, time_scale=5000), SystemClock()
        )
        assert isinstance(connector, KeepsWebhooks)
        before = connector.registered(WANTED)
        assert before
        assert not any(before.values())
        part = next(iter(before))
        for enabled in (True, False):
            requests.put(
                f"{url}/{part}/webhooks/mine", json={"url": BASE, "enabled": enabled},
                headers={"Authorization": f"Bearer {token}"}, timeout=10,
            ).raise_for_status()  # fmt: skip
            has = [Registered(BASE, enabled, id="mine")]
            assert connector.registered(WANTED) == {**before, part: has}
