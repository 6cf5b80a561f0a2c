"""A hook of any sender: what its signature proves becomes a lead by the mapping that its name has."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from hub.cli.checking_gateway import gateway_findings
from hub.clock import SystemClock
from hub.errors import ConfigError
from hub.live.worker import run_until_empty
from hub.mappings.loader import load_all
from hub.settings import Settings, load
from tests.flow.conftest import World
from tests.gateways import HOOK_SECRET, PUBLIC, running, settings_of
from tests.mailbox import mail_server, mailing_to
from tests.unit.connectors import hook_requests

DOCS = Path(__file__).parents[2] / "docs/webhooks.md"


def mapping_of_the_docs(folder: Path) -> Path:
    """Write the example of the documentation where a user would."""
    text = (
        DOCS.read_text(encoding="utf-8").split("```yaml\n# shop/orders.yaml\n")[1].split("```")[0]
    )
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "orders.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_signed_record_is_a_lead_with_an_owner_and_all_else_leaves_no_row(
    world: World, tmp_path: Path
) -> None:
    now = SystemClock().now()
    body = json.dumps({
        "type": "order.created",
        "data": {"id": 77, "customer": {"name": "Zoé Martin", "email": "zoe@corp.example"}, "note": "Call me"},
    }).encode()  # fmt: skip
    good = hook_requests.generic(body, now, "", HOOK_SECRET)
    other = hook_requests.generic(body, now, "", "whsec_" + "A" * 32)
    table = {
        "tampered": replace(good, body=body.replace(b"77", b"78")),
        "unsigned": replace(good, headers={}),
        "another id": replace(good, headers={**good.headers, "webhook-id": "msg_other"}),
        "another secret": other,
        "stale": hook_requests.generic(body, now - timedelta(seconds=330), "", HOOK_SECRET),
        "of the future": hook_requests.generic(body, now + timedelta(seconds=330), "", HOOK_SECRET),
    }
    settings = settings_of(tmp_path, {})
    with running(settings, world.db) as gateway:

        def post(delivery: Any, path: str = "shop") -> requests.Response:
            return requests.post(
                f"{gateway.public}/hooks/{path}", data=delivery.body, timeout=10,
                headers=dict(delivery.headers),
            )  # fmt: skip

        for name, bad in table.items():
            assert post(bad).status_code == 401, name
        assert requests.get(f"{gateway.public}/hooks/shop", timeout=10).status_code == 405
        no_id = hook_requests.generic(b'{"data": {}}', now, "", HOOK_SECRET)
        assert post(no_id).status_code == 400
        assert post(good, "shops").status_code == 404
        assert gateway.rows() == []
        later = hook_requests.generic(body, now + timedelta(seconds=60), "", HOOK_SECRET)
        assert [post(one).status_code for one in (good, good, later)] == [200] * 3
        assert len(gateway.rows()) == 1, "a delivery that comes again is stored once"
    mappings = load_all(mapping_of_the_docs(tmp_path / "mappings"))
    with mail_server() as (box, port):
        hub = mailing_to(replace(world.hub, mappings=mappings), port)
        run_until_empty(hub)
        (lead,) = world.rows("SELECT first_name, last_name, email, owner_id FROM crm.lead")
        assert (lead.first_name, lead.last_name, lead.email) == (
            "Zoé",
            "Martin",
            "zoe@corp.example",
        )
        assert lead.owner_id is not None
        assert "Zoé Martin is now your lead" in box.mail()[0]["text"]
        assert [row.message for row in world.rows("SELECT message FROM crm.inquiry")] == ["Call me"]


def settings_with(tmp_path: Path, text: str, **environ: str) -> Settings:
    file = tmp_path / "hub.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file, {"HUB_HOME": str(tmp_path), **environ})


HOOK = "hooks:\n  shop: {id: data.id, stream: orders}\n"


def test_a_secret_of_a_hook_is_a_variable_and_its_name_no_source(tmp_path: Path) -> None:
    given = settings_with(tmp_path, HOOK, HUB_HOOKS__SHOP__SECRET=HOOK_SECRET).hooks["shop"]
    assert given.secret is not None
    assert given.secret.get_secret_value() == HOOK_SECRET
    for text, says in (
        (f"hooks:\n  shop: {{id: a, secret: {HOOK_SECRET}}}\n", "set HUB_HOOKS__SHOP__SECRET"),
        ("hooks:\n  hubspot: {id: a}\n", "is a source already"),
        ("hooks:\n  My-Shop: {id: a}\n", "small letters"),
        ("hooks:\n  shop: {}\n", "hooks.shop.id"),
    ):
        with pytest.raises(ConfigError) as refused:
            settings_with(tmp_path, text)
        assert says in f"{refused.value.message} {refused.value.hint}"


HUBSPOT = "sources: {hubspot: {}, zendesk: {subdomain: a, email: a@b.example}}\n"
WITH_SECRET = {"HUB_SOURCES__HUBSPOT__WEBHOOK_SECRET": "x", "HUB_SOURCES__HUBSPOT__TOKEN": "x"}


@pytest.mark.parametrize(
    ("text", "environ", "says", "is_ok"),
    [
        ("{}\n", {}, None, True),
        (HUBSPOT, WITH_SECRET, "gateway.public_url is not set: HubSpot signs", False),
        (HUBSPOT + "gateway: {public_url: 'http://hub.example.com'}\n", {}, "without TLS", False),
        (HUBSPOT + f"gateway: {{public_url: '{PUBLIC}'}}\n", WITH_SECRET, f"called at {PUBLIC}", True),
        ("gateway: {public_url: 'http://127.0.0.1:81'}\n", {}, "called at http://127.0.0.1:81", True),
        (HUBSPOT + f"gateway: {{public_url: '{PUBLIC}'}}\n", WITH_SECRET, "HUB_SOURCES__ZENDESK__WEBHOOK_SECRET", True),
        ("forms: {contact: {}}\n", {}, "never confirmed", True),
        (HOOK, {}, "there is no secret", False),
        (HOOK, {"HUB_HOOKS__SHOP__SECRET": "whsec_short"}, "is no secret of Standard Webhooks", False),
        (HOOK, {"HUB_HOOKS__SHOP__SECRET": HOOK_SECRET}, "there is no mapping shop/orders", False),
    ],
)  # fmt: skip
def test_the_check_names_what_is_missing(
    tmp_path: Path, text: str, environ: dict[str, str], says: str | None, is_ok: bool
) -> None:
    settings = settings_with(tmp_path, text, **environ)
    found = list(gateway_findings(settings, load_all()))
    if says is None:
        assert found == []
        return
    (one,) = [f for f in found if says in f"{f.message} {f.hint}"]
    assert one.ok is is_ok
    assert one.ok or one.hint


def test_the_check_says_how_a_hook_is_mapped(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, HOOK, HUB_HOOKS__SHOP__SECRET=HOOK_SECRET)
    folder = mapping_of_the_docs(tmp_path / "mappings")
    assert [(f.ok, f.message) for f in gateway_findings(settings, load_all(folder))] == [
        (True, "mapped by shop/orders")
    ]
    file = folder / "shop" / "orders.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("trust: open\n", ""), encoding="utf-8")
    (found,) = gateway_findings(settings, load_all(folder))
    assert "is trusted" in found.message
