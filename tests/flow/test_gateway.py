"""The gateway over real sockets: what is acknowledged is on the disk, and what is refused leaves no row."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import structlog
from sqlalchemy import text

from hub.clock import SystemClock
from hub.connectors.webhooks import Delivery
from hub.db.engine import Database
from hub.landing import inbox
from hub.logs import configure
from tests.gateways import PUBLIC, SECRETS, Running, running, settings_of
from tests.unit.connectors import hook_requests

SOURCES = tuple(SECRETS)
URLS = {one: f"{PUBLIC}/hooks/{one}" for one in SOURCES}
NAMED = {one: values["webhook_secret"] for one, values in SECRETS.items()}


def made(source: str, body: bytes | None = None, *, late_s: float = 0) -> Delivery:
    """A delivery as the vendor sends it now."""
    at = SystemClock().now() - timedelta(seconds=late_s)
    return hook_requests.sent(source, body, at, secret=NAMED[source], url=URLS[source])


def post(at: Running, source: str, delivery: Delivery, **more: Any) -> requests.Response:
    path = f"/hooks/{source}" + (f"/{delivery.path_secret}" if delivery.path_secret else "")
    return requests.post(
        at.public + path, data=delivery.body, headers=dict(delivery.headers), timeout=10, **more
    )


def rename(db: Database, table: str, into: str) -> None:
    """Take the table away from the gateway, or give it back."""
    with db.owner_engine().begin() as conn:
        conn.execute(text(f"ALTER TABLE landing.{table} RENAME TO {into}"))


@pytest.fixture
def gateway(db: Database, tmp_path: Path):
    with running(settings_of(tmp_path), db) as one:
        yield one


def test_each_vendor_is_acknowledged_once_stored_and_refused_without_a_row(
    gateway: Running,
) -> None:
    for n, source in enumerate(SOURCES):
        good = made(source)
        for bad in (
            replace(good, body=good.body + b"\n"),
            replace(good, headers={}, path_secret="wrong" if source == "mailchimp" else ""),
            *([made(source, late_s=330), made(source, late_s=-330)]
              if source in ("hubspot", "zendesk") else []),
        ):  # fmt: skip
            if source == "mailchimp" and bad.path_secret != "wrong":
                continue  # its body is not signed: the record is read again
            refused = post(gateway, source, bad)
            assert refused.status_code == 401, source
            assert refused.json()["error"] == "refused"
        assert len(gateway.rows()) == n, "a refused delivery leaves no row"
        first = post(gateway, source, good)
        again = post(gateway, source, made(source))
        assert [(a.status_code, a.json()) for a in (first, again)] == [
            (200, {"status": "accepted"})
        ] * 2
        assert len(gateway.rows()) == n + 1, "a delivery that comes again is stored once"
        row = gateway.rows()[-1]
        assert (row.source, row.door, row.is_record) == (source, "hook", source == "typeform")
        assert row.correlation_id == first.headers["x-request-id"]
    assert bytes(gateway.rows()[0].body) in made("typeform").body
    metrics = requests.get(gateway.private + "/metrics", timeout=10).text
    for line in (
        'hub_gateway_deliveries_total{outcome="new",source="hubspot"} 1.0',
        'hub_gateway_deliveries_total{outcome="repeated",source="hubspot"} 1.0',
        'hub_gateway_deliveries_total{outcome="refused",source="hubspot"} 4.0',
        'hub_gateway_requests_total{door="hook",status="200"} 8.0',
        "hub_inbox_waiting 4.0",
        "hub_inbox_dead 0.0",
    ):
        assert line in metrics
    assert "corp.example" not in metrics


def test_hubspot_is_called_by_its_public_address_escapes_and_all(
    gateway: Running, db: Database, tmp_path: Path
) -> None:
    at = SystemClock().now()
    query = "?a=%3A%20b&c=%2F"
    signed = hook_requests.sent(
        "hubspot", None, at, secret=NAMED["hubspot"], url=URLS["hubspot"] + "?a=:%20b&c=/"
    )
    answer = requests.post(
        gateway.public + "/hooks/hubspot" + query, data=signed.body,
        headers=dict(signed.headers) | {"Host": "evil.example", "X-Forwarded-Host": "evil.example"},
        timeout=10,
    )  # fmt: skip
    assert answer.status_code == 200
    local = hook_requests.sent(
        "hubspot", None, at, secret=NAMED["hubspot"], url=gateway.public + "/hooks/hubspot"
    )
    assert post(gateway, "hubspot", local).status_code == 401, "signed for another address"
    with running(settings_of(tmp_path, public_url=None), db) as nameless:
        assert post(nameless, "hubspot", made("hubspot")).status_code == 401
        assert post(nameless, "zendesk", made("zendesk")).status_code == 200


def test_what_an_address_answers(gateway: Running, db: Database, tmp_path: Path) -> None:
    def status(method: str, path: str) -> int:
        return requests.request(method, gateway.public + path, timeout=10).status_code

    table = {
        ("GET", "/hooks/mailchimp/mc-secret-in-path"): 200,
        ("GET", "/hooks/mailchimp/another"): 200,
        ("GET", "/hooks/mailchimp"): 200,
        ("GET", "/hooks/typeform"): 405,
        ("PUT", "/hooks/typeform"): 405,
        ("GET", "/hooks/salesforce"): 404,
        ("POST", "/hooks/nonsense"): 404,
        ("POST", "/hooks/mailchimp"): 401,
        ("GET", "/openapi.json"): 404,
        ("GET", "/docs"): 404,
        ("GET", "/metrics"): 404,
        ("GET", "/"): 404,
    }
    assert {key: status(*key) for key in table} == table
    mail = made("mailchimp", b"type=odd")
    assert post(gateway, "mailchimp", mail).status_code == 400
    assert post(gateway, "typeform", made("typeform", b"[]")).status_code == 400
    nothing = post(gateway, "hubspot", made("hubspot", b"[]"))
    assert (nothing.status_code, gateway.rows()) == (200, [])
    private = {
        path: requests.get(gateway.private + path, timeout=10) for path in ("/healthz", "/readyz")
    }
    assert {p: (a.status_code, a.json()["status"]) for p, a in private.items()} == {
        "/healthz": (200, "ok"), "/readyz": (200, "ok"),
    }  # fmt: skip
    described = requests.get(gateway.private + "/openapi.json", timeout=10).json()
    assert {"/hooks/{source}", "/hooks/{source}/{secret}"} <= described["paths"].keys()
    sources = {**SECRETS, "typeform": {"role": "retired"}, "zendesk": {"role": "migrate"}}
    with running(settings_of(tmp_path, sources), db) as other:
        assert post(other, "typeform", made("typeform")).status_code == 410
        assert post(other, "zendesk", made("zendesk")).status_code == 404


def test_a_full_inbox_asks_to_wait_and_a_lost_database_too(db: Database, tmp_path: Path) -> None:
    with running(settings_of(tmp_path, max_waiting=2), db) as gateway:
        assert post(gateway, "typeform", made("typeform")).status_code == 200
        assert post(gateway, "zendesk", made("zendesk")).status_code == 200
        full = post(gateway, "hubspot", made("hubspot"))
        assert (full.status_code, full.headers["Retry-After"]) == (429, "60")
        ready = requests.get(gateway.private + "/readyz", timeout=10)
        assert (ready.status_code, ready.json()["status"]) == (503, "the inbox is full")
        with db.engine.begin() as conn:
            inbox.settle(conn, [row.id for row in inbox.take(conn, 1)])
        threading.Event().wait(0.3)
        assert post(gateway, "hubspot", made("hubspot")).status_code == 200
        assert len(gateway.rows()) == 2
        with db.engine.begin() as conn:
            inbox.settle(conn, [row.id for row in inbox.take(conn, 9)])
        threading.Event().wait(0.3)
        rename(db, "inbox", "away")
        lost = post(gateway, "hubspot", made("hubspot", hook_requests.hubspot_body(8)))
        assert (lost.status_code, lost.headers["Retry-After"]) == (503, "5")
        assert requests.get(gateway.private + "/readyz", timeout=10).status_code == 503
        assert requests.get(gateway.private + "/healthz", timeout=10).status_code == 200
        rename(db, "away", "inbox")
        again = post(gateway, "hubspot", made("hubspot", hook_requests.hubspot_body(8)))
        assert again.status_code == 200, "what was not acknowledged is new when it comes again"
        assert len(gateway.rows()) == 1


def test_many_at_once_share_commits_and_two_gateways_share_the_inbox(
    db: Database, tmp_path: Path
) -> None:
    settings = settings_of(tmp_path)
    with running(settings, db) as one, running(settings, db) as two, ThreadPoolExecutor(16) as pool:
        bodies = [hook_requests.hubspot_body(n % 40) for n in range(80)]
        jobs = [
            pool.submit(post, (one, two)[n % 2 ^ (n >= 40)], "hubspot", made("hubspot", body))
            for n, body in enumerate(bodies)
        ]
        assert {job.result().status_code for job in jobs} == {200}
        assert sorted(int(row.source_id) for row in one.rows()) == list(range(40))
        xids = db.engine.connect().execute(
            text("SELECT count(DISTINCT xmin::text) FROM landing.inbox")
        )
        assert xids.scalar_one() <= 40


def test_no_secret_and_no_personal_value_is_in_any_log(
    db: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {"mailchimp": {"webhook_secret": "Planted-1", "signing_secret": "Planted-2"},
               "typeform": {"webhook_secret": "Planted-3"}}  # fmt: skip
    monkeypatch.setattr("hub.logs._chosen", {})
    configure(json=True, level=logging.DEBUG)
    logging.getLogger().addHandler(caplog.handler)
    logging.getLogger("uvicorn").setLevel(logging.DEBUG)
    try:
        with running(settings_of(tmp_path, secrets, max_body=1000), db) as gateway:
            base = gateway.public + "/hooks/mailchimp/Planted-1"
            data = {
                "type": "subscribe",
                "data[list_id]": "l",
                "data[email]": "planted@corp.example",
            }
            for method, url in (
                ("POST", base), ("GET", base), ("PUT", base), ("POST", base + "/more"),
                ("POST", base + "?secret=Planted-1"), ("POST", base + "%0a"),
                ("POST", gateway.public + "/nowhere/Planted-1"),
            ):  # fmt: skip
                assert requests.request(method, url, data=data, timeout=10).status_code < 500
            large = {**data, "x": "planted" * 1000}
            assert requests.post(base, data=large, timeout=10).status_code == 413
            typeform = hook_requests.sent(
                "typeform", None, SystemClock().now(), secret="Planted-3", url=""
            )
            assert post(gateway, "typeform", typeform).status_code == 200
            rename(db, "inbox", "away")
            body = typeform.body.replace(b"E1", b"E9")
            typeform = hook_requests.sent(
                "typeform", body, SystemClock().now(), secret="Planted-3", url=""
            )
            assert post(gateway, "typeform", typeform).status_code == 503
            told = requests.get(gateway.private + "/metrics", timeout=10).text
    finally:
        structlog.reset_defaults()
    logged = "\n".join([told, *(record.getMessage() for record in caplog.records)])
    assert "delivery_refused" in logged
    assert "inbox_not_written" in logged
    assert "planted" not in logged.lower()


def test_a_changed_hub_yaml_is_in_force_and_a_wrong_one_is_not(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "hub.yaml"
    monkeypatch.setattr("hub.gateway.doors._LOOK_S", 0.0)
    monkeypatch.setenv("HUB_SOURCES__TYPEFORM__WEBHOOK_SECRET", NAMED["typeform"])
    monkeypatch.setenv("HUB_HOME", str(tmp_path))
    file.write_text("sources: {}\n")
    with running(settings_of(tmp_path, {}), db, file=file) as gateway:
        assert post(gateway, "typeform", made("typeform")).status_code == 404
        file.write_text("sources: {typeform: {}}\n")
        assert post(gateway, "typeform", made("typeform")).status_code == 200
        file.write_text("sources: {typefrom: {}}  # wrong\n")
        assert post(gateway, "typeform", made("typeform")).status_code == 200
