"""The web form over real sockets: what a browser gets and sends, programs kept out, values escaped."""

import json
import re
from pathlib import Path

import pytest
import requests

from hub.db.engine import Database
from hub.gateway.rates import Rates
from tests.gateways import Running, running, settings_of

FILLED = {
    "first_name": "Zoé", "last_name": "Martin", "company": "Corp", "email": "zoe@corp.example",
    "phone": "06 39 98 00 01", "message": "Please\ncall", "fax_number": "",
}  # fmt: skip


@pytest.fixture
def gateway(db: Database, tmp_path: Path):
    forms = {
        "contact": {"per_minute": 8},
        "offer": {"title": "<b>Offer</b>", "consent": "Yes & more", "thanks_url": "https://example.com/thanks"},
    }  # fmt: skip
    settings = settings_of(tmp_path).model_copy(
        update={"forms": type(settings_of(tmp_path)).model_validate({"forms": forms}).forms}
    )
    with running(settings, db) as one:
        yield one


def send(
    at: Running, path: str = "contact", client: str = "192.0.2.1", **values: str
) -> requests.Response:
    return requests.post(
        f"{at.public}/forms/{path}", data={**FILLED, **values}, timeout=10, allow_redirects=False,
        headers={"X-Forwarded-For": client},
    )  # fmt: skip


def test_a_form_is_shown_in_two_languages_and_stores_what_is_sent(gateway: Running) -> None:
    def page(path: str, accept: str = "") -> requests.Response:
        headers = {"Accept-Language": accept}
        return requests.get(f"{gateway.public}/forms/{path}", headers=headers, timeout=10)

    assert "First name" in page("contact").text
    assert "Prénom" in page("contact", "de-DE,fr;q=0.8,en;q=0.5").text
    assert "Prénom" in page("contact?lang=fr", "en").text
    assert page("none").status_code == 404
    own = page("offer?lang=fr")
    assert "&lt;b&gt;Offer&lt;/b&gt;" in own.text
    assert "Yes &amp; more" in own.text
    assert "<script" not in own.text
    assert "default-src 'none'" in own.headers["Content-Security-Policy"]
    sent = send(gateway, "contact?lang=fr", consent="yes")
    assert (sent.status_code, "Merci" in sent.text) == (200, True)
    gone = send(gateway, "offer")
    assert (gone.status_code, gone.headers["Location"]) == (303, "https://example.com/thanks")
    first, second = gateway.rows()
    assert (first.source, first.stream, first.door, first.is_record) == (
        "form",
        "submissions",
        "form",
        True,
    )
    kept = json.loads(bytes(first.body))
    assert kept.pop("id") == first.source_id == sent.headers["X-Request-Id"]
    assert kept.pop("received_at")
    assert re.fullmatch("[0-9a-f]{16}", kept.pop("client")), "no address"
    assert kept.pop("wording").startswith("Je souhaite recevoir")
    assert kept == {
        "form": "contact", "language": "fr", "consent": True,
        **{name: value.replace("\n", "\n") for name, value in FILLED.items() if value},
    }  # fmt: skip
    assert json.loads(bytes(second.body))["consent"] is False


def test_a_program_and_a_client_in_a_hurry_store_nothing(gateway: Running) -> None:
    trapped = send(gateway, fax_number="1")
    assert (trapped.status_code, gateway.rows()) == (200, [])
    assert trapped.text == send(gateway).text, "a program is not told"
    answers = [send(gateway) for _ in range(8)]
    assert [a.status_code for a in answers] == [200] * 6 + [429] * 2
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert "zoe@corp.example" in answers[-1].text, "nothing has to be typed again"
    assert send(gateway, client="192.0.2.2").status_code == 200, "another client"
    assert len(gateway.rows()) == 8


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"email": "", "phone": ""}, "Please give an e-mail address"),
        ({"email": "zoe"}, "not complete"),
        ({"email": "zoe@corp"}, "not complete"),
        ({"email": '"><script>alert(1)</script>@x'}, "&lt;script&gt;"),
    ],
)
def test_what_is_wrong_is_said_beside_what_was_typed(
    gateway: Running, values: dict[str, str], says: str
) -> None:
    answer = send(gateway, **values)
    assert answer.status_code == 422
    assert says in answer.text
    assert "<script" not in answer.text
    assert "Martin" in answer.text
    assert "<title>Error: Contact us</title>" in answer.text
    assert re.search(
        r'name="email"[^>]* aria-invalid="true" aria-describedby="wrong" autofocus>', answer.text
    )
    assert 'value="yes" checked' in send(gateway, client="192.0.2.3", consent="yes", **values).text
    assert gateway.rows() == []


def test_a_body_that_no_form_sends_is_refused(gateway: Running) -> None:
    for body in (b"\xff=1", b"a&" * 5000):
        answer = requests.post(gateway.public + "/forms/contact", data=body, timeout=10)
        assert answer.status_code == 400


def test_rates_are_of_a_client_and_old_ones_are_forgotten() -> None:
    rates = Rates()
    assert [rates.wait_s("192.0.2.1", 2, 0.0) for _ in range(3)] == [0.0, 0.0, 30.0]
    assert rates.wait_s("192.0.2.1", 2, 30.0) == 0.0
    assert rates.wait_s("192.0.2.1", 2, 30.0) == 30.0
    assert [rates.wait_s(f"2001:db8::{n}", 1, 0.0) for n in (1, 2)] == [0.0, 60.0], "one network"
    for n in range(10_100):
        assert rates.wait_s(f"client {n}", 1, 0.0) == 0.0
    assert len(rates._empty_at) == 10_000
