"""A ticked box of the web form is a consent once the link in the mail was followed, and not before."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests

from hub.actions.identity import consent
from hub.actions.identity.erase import erase
from hub.clock import SystemClock
from hub.etl.context import Hub
from hub.live.worker import run_until_empty
from hub.model.confirm_links import ConfirmLink, read, written
from hub.records.link_key import key_file, link_key
from hub.sandbox.smtp import Mailbox
from hub.settings.gateway import FormSettings, GatewaySettings
from tests.acting import acting, by
from tests.flow.conftest import World
from tests.gateways import PUBLIC, Running, running
from tests.mailbox import mail_server, mailing_to

ZOE = "zoe@corp.example"
LINK = re.compile(rf"{re.escape(PUBLIC)}/confirm/(\S+)")


class LaterClock(SystemClock):
    """The present time, moved by what a test says."""

    def __init__(self) -> None:
        self.moved = timedelta()

    def now(self) -> datetime:
        return super().now() + self.moved


@dataclass
class Desk:
    """A form, the worker behind it, and the mail server."""

    world: World
    hub: Hub
    gateway: Running
    box: Mailbox
    clock: LaterClock

    def send(self, email: str, client: str = "192.0.2.1", lang: str = "en", **values: str) -> Any:
        given = {"last_name": "Martin", "email": email, "consent": "yes", **values}
        return requests.post(
            f"{self.gateway.public}/forms/contact?lang={lang}", data=given, timeout=10,
            headers={"X-Forwarded-For": client},
        )  # fmt: skip

    def work(self) -> None:
        run_until_empty(self.hub)

    def letters(self, to: str | None = None) -> list[Any]:
        sent = [m for m in self.box.mail() if m["headers"]["X-Hub-Event"] == "consent_confirmation"]
        return [m for m in sent if to in (None, m["to"][0])]

    def token(self, email: str) -> str:
        (letter,) = self.letters(email)
        found = LINK.search(letter["text"])
        assert found is not None
        return found[1]

    def asked(self, email: str, **values: str) -> str:
        """Send the form, deliver the mail, and return the token of its link."""
        assert self.send(email, **values).status_code == 200
        self.work()
        return self.token(email)

    def get(self, token: str) -> Any:
        return requests.get(f"{self.gateway.public}/confirm/{token}", timeout=10)

    def post(self, token: str) -> Any:
        return requests.post(f"{self.gateway.public}/confirm/{token}", timeout=10)

    def refuse(self, email: str) -> None:
        lead = self.world.rows("SELECT id FROM crm.lead WHERE email = :a", a=email)[0].id
        with self.world.db.engine.begin() as conn:
            consent.refuse(by(conn), f"lead/{lead}", channel="email", reason="asked on the phone")

    def state(self, email: str) -> Any:
        rows = self.world.rows(
            "SELECT state, source, proof, at FROM reporting.consents "
            "WHERE address = :a AND purpose = 'marketing'",
            a=email,
        )
        return rows[0] if rows else None


@pytest.fixture
def desk(world: World) -> Iterator[Desk]:
    clock = LaterClock()
    settings = world.hub.settings.model_copy(
        update={
            "forms": {"contact": FormSettings(per_minute=1000, mails_per_hour=3)},
            "gateway": GatewaySettings(public_url=PUBLIC),
        }
    )
    with mail_server() as (box, port), running(settings, world.db, clock) as gateway:
        hub = mailing_to(replace(world.hub, settings=settings, clock=clock), port)
        yield Desk(world, hub, gateway, box, clock)


def test_a_button_behind_a_link_makes_a_ticked_box_a_consent(desk: Desk) -> None:
    thanks = desk.send(ZOE, lang="fr", first_name="<b>Zoé", message="Un devis")
    assert "Pour confirmer" in thanks.text
    assert desk.send("plain@corp.example", consent="").status_code == 200
    desk.work()
    (letter,) = desk.letters()
    assert (letter["to"], letter["subject"]) == ([ZOE], "Confirmez votre adresse e-mail")
    assert "Je souhaite recevoir des actualités" in letter["text"]
    token = desk.token(ZOE)
    assert f'href="{PUBLIC}/confirm/{token}"' in letter["html"]
    assert 'lang="fr"' in letter["html"]
    assert "Zoé" not in letter["text"] + letter["html"], "a stranger may have typed it"
    kept = desk.world.rows("SELECT payload::text AS said FROM ops.outbox")
    assert not any(token in row.said for row in kept), "no link is in the database"
    assert desk.state(ZOE).state == "unconfirmed"

    page = desk.get(token)
    assert (page.status_code, 'lang="fr"' in page.text, "Je confirme" in page.text) == (200,) + (
        True,
    ) * 2
    desk.work()
    assert desk.state(ZOE).state == "unconfirmed", "a program that follows links confirms nothing"

    before = desk.world.rows("SELECT count(*) AS n FROM ops.outbox")
    done = desk.post(token)
    assert (done.status_code, "confirmation nous est parvenue" in done.text) == (200, True)
    desk.work()
    granted = desk.state(ZOE)
    assert (granted.state, granted.source) == ("opt_in", "form")
    said = re.fullmatch(
        r"Je souhaite .* \(form contact, ticked (\S+) by client [0-9a-f]{16}; "
        r"link in the mail followed (\S+) by client [0-9a-f]{16}\)",
        granted.proof,
    )
    assert said is not None, granted.proof
    assert datetime.fromisoformat(said[1]) == granted.at < datetime.fromisoformat(said[2])
    assert desk.world.rows("SELECT count(*) AS n FROM ops.outbox") == before, "nobody is told again"
    assert len(desk.world.rows("SELECT FROM crm.inquiry WHERE message = 'Un devis'")) == 1

    again = desk.post(token)
    assert (again.status_code, again.text) == (200, done.text)
    desk.work()
    assert desk.state(ZOE) == granted
    key = link_key(desk.hub.settings.home).hex()
    assert key_file(desk.hub.settings.home).stat().st_mode & 0o077 == 0
    dumped = desk.world.rows("SELECT payload::text AS said FROM landing.raw")
    assert not any(key in row.said or "192.0.2.1" in row.said for row in dumped)


def test_a_link_that_the_hub_did_not_make_or_that_is_old_changes_nothing(desk: Desk) -> None:
    token = desk.asked(ZOE)
    other = desk.asked("bo@corp.example")
    reference, language, expires, signature = token.split(".")
    foreign = written(
        ConfirmLink(reference, "en", datetime.fromtimestamp(int(expires)).astimezone()), b"k" * 32
    )
    table = {
        "other reference": f"{other.split('.', maxsplit=1)[0]}.{language}.{expires}.{signature}",
        "later": f"{reference}.{language}.{int(expires) + 9}.{signature}",
        "other language": f"{reference}.fr.{expires}.{signature}",
        "other signature": f"{reference}.{language}.{expires}.{other.rsplit('.', maxsplit=1)[-1]}",
        "no signature": f"{reference}.{language}.{expires}.",
        "cut": token[:-1],
        "more": token + "A",
        "other key": foreign,
        "odd bytes": "%00%ff",
        "long": "a" * 4000,
    }
    texts = set()
    for name, bad in table.items():
        for answer in (desk.get(bad), desk.post(bad)):
            assert answer.status_code == 404, name
            texts.add(answer.text)
    assert len(texts) == 1, "each says the same"
    assert "This link is not complete" in texts.pop()
    desk.clock.moved = timedelta(days=7)
    for answer in (desk.get(token), desk.post(token)):
        assert (answer.status_code, "has expired" in answer.text) == (410, True)
    desk.work()
    assert desk.gateway.rows() == []
    assert [desk.state(one).state for one in (ZOE, "bo@corp.example")] == ["unconfirmed"] * 2


def test_a_mailbox_gets_one_mail_an_hour_and_a_client_causes_few(desk: Desk) -> None:
    for email in (ZOE, "ZOE@corp.example", "zoe+news@corp.example"):
        assert desk.send(email, client="192.0.2.9").status_code == 200
        desk.work()
    assert [m["to"] for m in desk.letters()] == [[ZOE]], "one mailbox"
    answers = [desk.send(f"p{n}@corp.example", client=f"2001:db8::{n}") for n in range(5)]
    assert {a.text for a in answers} == {answers[0].text}
    desk.work()
    assert len(desk.letters()) == 1 + 3, "one network of IPv6 is one client"
    assert desk.send("p9@corp.example", client="192.0.2.8").status_code == 200
    with desk.world.db.engine.begin() as conn:
        conn.exec_driver_sql(
            "UPDATE ops.outbox SET created_at = created_at - interval '61 minutes'"
        )
    assert desk.send(ZOE, client="192.0.2.9").status_code == 200
    desk.work()
    assert len(desk.letters(ZOE)) == 2, "an hour later"
    assert len(desk.world.rows("SELECT FROM landing.head WHERE source = 'form'")) == 10, (
        "all are kept"
    )


def test_the_answer_tells_nothing_of_who_is_known(desk: Desk) -> None:
    token = desk.asked(ZOE)
    desk.post(token)
    desk.work()
    desk.refuse(ZOE)
    gone = desk.asked("gone@corp.example")
    home = desk.hub.settings.home
    with desk.world.db.engine.begin() as conn:  # the mail of an earlier hour was not sent yet
        conn.exec_driver_sql(
            "INSERT INTO ops.outbox (event, dedupe_key, address, payload, created_at)"
            " SELECT event, 'late', address, payload, created_at - interval '2 hours' FROM ops.outbox"
            " WHERE address = 'gone@corp.example'"
        )
    erase(desk.hub.engine, acting(), "gone@corp.example", home=home, region="FR")
    desk.work()

    def shown(answer: Any) -> tuple[Any, ...]:
        own = {"date": "", "x-request-id": ""}
        headers = {name: own.get(name, said) for name, said in answer.headers.lower_items()}
        return (answer.status_code, answer.text, sorted(headers.items()))

    said = {
        email: [shown(one) for one in (desk.send(email), desk.send(email))]
        for email in (ZOE, "gone@corp.example", "new@corp.example")
    }
    assert len({json.dumps(one) for pair in said.values() for one in pair}) == 1
    desk.work()
    assert len(desk.letters("gone@corp.example")) == 1, "nothing after the erasure"
    assert desk.letters("new@corp.example")
    left = desk.post(gone)
    assert left.text == desk.post(token).text
    desk.work()
    assert desk.state("gone@corp.example") is None
    for table in (
        "landing.raw",
        "landing.inbox",
        "ops.outbox",
        "ops.delivery",
        "ops.consent_event",
    ):
        whole = desk.world.rows(f"SELECT t::text AS said FROM {table} t")
        assert not any("gone@" in row.said for row in whole), table


@pytest.mark.parametrize("refused", ["before the submission", "after the submission"])
def test_an_old_link_lifts_no_refusal_that_is_younger_than_its_form(
    desk: Desk, refused: str
) -> None:
    assert desk.send(ZOE, consent="").status_code == 200
    desk.work()
    if refused.startswith("before"):
        desk.refuse(ZOE)
    token = desk.asked(ZOE)
    if refused.startswith("after"):
        desk.refuse(ZOE)
    assert desk.post(token).status_code == 200
    desk.work()
    desk.work()
    wanted = "opt_in" if refused.startswith("before") else "opt_out"
    assert desk.state(ZOE).state == wanted


def test_without_a_public_address_no_mail_is_promised_or_sent(desk: Desk) -> None:
    settings = desk.hub.settings.model_copy(update={"gateway": GatewaySettings()})
    with running(settings, desk.world.db) as gateway:
        answer = replace(desk, gateway=gateway).send(ZOE)
        assert (answer.status_code, "confirm" in answer.text) == (200, False)
    run_until_empty(replace(desk.hub, settings=settings))
    assert desk.letters() == []
    assert desk.state(ZOE).state == "unconfirmed"


def test_a_link_holds_what_was_written(desk: Desk) -> None:
    key = link_key(desk.hub.settings.home)
    link = ConfirmLink("0" * 16, "fr", datetime.fromtimestamp(1_900_000_000).astimezone())
    assert read(written(link, key), key) == link
    assert read(written(link, key), b"x" * 32) is None


def test_a_key_that_cannot_be_read_loses_no_lead_and_holds_up_no_other_mail(desk: Desk) -> None:
    token = desk.asked(ZOE)
    file = key_file(desk.hub.settings.home)
    good = file.read_text(encoding="ascii")
    try:
        for bad in ("no key\n", "00\n"):
            file.write_text(bad, encoding="ascii")
            link_key.cache_clear()
            email = f"p{len(bad)}@corp.example"
            assert desk.send(email).status_code == 200
            assert desk.post(token).status_code == 503
            desk.work()
            assert desk.letters(email) == []
            told = [m for m in desk.box.mail() if m["headers"]["X-Hub-Event"] == "lead_assigned"]
            assert any(email in m["text"] for m in told)
    finally:
        file.write_text(good, encoding="ascii")
        link_key.cache_clear()
    assert desk.post(token).status_code == 200
    desk.work()
    assert desk.state(ZOE).state == "opt_in"
