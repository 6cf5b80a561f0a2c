"""A lead of a webhook reaches its owner at once; a repeated, late or broken event changes nothing."""

import asyncio
import hashlib
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from sqlalchemy import text

from hub.clock import SystemClock
from hub.connectors.webhooks import Delivery
from hub.errors import ConfigError, RecordError, TransientError
from hub.etl import flow
from hub.etl.closing import close_live
from hub.etl.notify import deliver_pending
from hub.landing import inbox
from hub.live.lane import MOST_TRIES
from hub.live.worker import Worker, run_until_empty
from hub.model.records import RawRecord
from hub.records import batch_history
from hub.sandbox.smtp import Mailbox
from hub.settings.blocks import AlertSettings
from hub.settings.sources import HubspotSettings
from tests.flow.conftest import World, hubspot_contact, mailchimp_member, typeform_answer
from tests.flow.test_live_first import WAITING, adopt
from tests.gateways import PUBLIC, SECRETS, Running, running, settings_of
from tests.lives import HandVendors, answered, hint, put, state_of
from tests.mailbox import mail_server, mailing_to
from tests.unit.connectors import hook_requests

OPS = "ops@acme.example.com"
PEOPLE_N = 100
AT_ONCE = 8
"""People whose requests are under way at one moment."""


def lea(n: int = 1, *, at: int = 0, **more: str) -> RawRecord:
    values = {"firstname": "Lea", "lastname": "Moreau", "email": "lea@moreau.example.com"}
    return hubspot_contact(n, at=at, lifecyclestage="lead", **{**values, **more})


@pytest.fixture
def read(world: World) -> World:
    """The sources have been read once, and had nothing."""
    flow.sync(world.hub, ["hubspot", "typeform", "mailchimp"])
    return world


def sooner(world: World, seconds: float = 3600) -> None:
    """Let rows of the inbox be due that much sooner."""
    with world.db.engine.begin() as conn:
        conn.execute(
            text("UPDATE landing.inbox SET next_at = next_at - make_interval(secs => :s)"),
            {"s": seconds},
        )


def waiting(world: World) -> inbox.Depth:
    with world.db.engine.begin() as conn:
        return inbox.depth(conn)


def test_an_event_is_a_lead_with_an_owner_whatever_comes_after_it(read: World) -> None:
    vendors = HandVendors(read.vendors)
    read.add("hubspot", "contacts", lea(at=100))
    sent = answered("t1", at=200, email="bo@bo.example.com", last_name="Bo")
    put(read.hub.engine, hint("hubspot", "contacts", "1"), sent)
    with mail_server() as (box, port):
        hub = mailing_to(read.hub, port)
        done = run_until_empty(hub, vendors)
        assert (done["landed"], done["emails"]) == (2, 2)
        before = state_of(read)
        assert {row[3] for row in before["leads"]} == {
            "lea@moreau.example.com",
            "bo@bo.example.com",
        }
        assert all(row[5] for row in before["leads"]), "each has an owner"
        assert waiting(read).waiting == 0

        # the polls that follow
        report = flow.sync(hub, ["hubspot"])
        assert report.stages["land"]["landed"] == 0, "the payload is the same"
        read.add("typeform", "responses", typeform_answer(
            "t1", at=200, email="bo@bo.example.com", last_name="Bo",
        ))  # fmt: skip
        flow.sync(hub, ["typeform"])
        assert state_of(read) == before

        # twice, late, swapped; of an object that is gone; from a replica that is behind
        assert put(hub.engine, sent) == [False]
        put(
            hub.engine,
            hint("hubspot", "contacts", "1", "again"),
            replace(answered("t1", at=150, last_name="Old"), key="late"),
            replace(sent, key="another delivery"),
            hint("hubspot", "contacts", "404"),
        )
        read.vendors["hubspot"].objects["contacts"] = [lea(at=50, firstname="Old")]
        run_until_empty(hub, vendors)
        assert waiting(read).waiting == 0
        assert state_of(read) == before
        assert len(box.mail()) == 2

        # a change is a change
        read.vendors["hubspot"].objects["contacts"] = [lea(at=300, firstname="Léa")]
        put(hub.engine, hint("hubspot", "contacts", "1", "changed"))
        run_until_empty(hub, vendors)
        assert {row[1] for row in state_of(read)["leads"]} >= {"Léa"}
        assert state_of(read)["notices"] == before["notices"], "a change tells nobody"
    with read.db.engine.begin() as conn:
        conn.execute(text("UPDATE ops.batch SET started_at = started_at - interval '2 minutes'"))
    assert {batch.source for batch in close_live(read.hub)} == {"hubspot", "typeform"}
    assert {row.state for row in read.rows("SELECT state FROM ops.batch")} == {"done"}


def test_a_row_that_cannot_be_landed_stops_no_other_and_is_told_once(read: World) -> None:
    alerts = [AlertSettings(to=[OPS])]
    read.hub = replace(read.hub, settings=read.hub.settings.model_copy(update={"alerts": alerts}))
    vendors = HandVendors(read.vendors, {"13": RecordError("hubspot: unreadable")})
    read.add("hubspot", "contacts", *(lea(n, email=f"p{n}@p{n}.example.com") for n in (12, 13, 14)))
    # an index entry of PostgreSQL has 2,704 bytes at most: a fault of the landing itself
    bad = replace(answered("t1"), stream=secrets.token_hex(5000))
    put(
        read.hub.engine,
        *(hint("hubspot", "contacts", str(n)) for n in (12, 13, 14)),
        bad,
        answered("t2", email="bo@bo.example.com", last_name="Bo"),
    )
    with mail_server() as (box, port):
        hub = mailing_to(read.hub, port)
        run_until_empty(hub, vendors)
        assert len(read.rows("SELECT FROM crm.lead WHERE owner_id IS NOT NULL")) == 3
        assert waiting(read).waiting == 2
        assert run_until_empty(hub, vendors)["landed"] == 0, "they are not due at once"
        for _ in range(MOST_TRIES):
            sooner(read)
            run_until_empty(hub, vendors)
        assert (waiting(read).waiting, waiting(read).dead) == (0, 2)
        rows = read.rows("SELECT source, last_error, attempts FROM landing.inbox ORDER BY id")
        assert [(r.source, r.attempts) for r in rows] == [
            ("hubspot", MOST_TRIES), ("typeform", MOST_TRIES),
        ]  # fmt: skip
        assert rows[0].last_error == "hubspot: unreadable"
        assert " at " in rows[1].last_error, "where in the code, and no value"
        told = [m for m in box.mail() if m["to"] == [OPS]]
        assert [m["headers"]["X-Hub-Event"] for m in told] == ["source_failed"] * 2
        assert "hub worker --retry" in told[0]["text"]

        vendors.faults.clear()
        with hub.engine.begin() as conn:
            assert inbox.revive(conn) == 2
        run_until_empty(hub, vendors)
        assert len(read.rows("SELECT FROM crm.lead WHERE owner_id IS NOT NULL")) == 4


@pytest.mark.parametrize("error", [TransientError("away", retry_after_s=30), ConfigError("no key")])
def test_hints_wait_for_a_vendor_that_does_not_answer(read: World, error: Any) -> None:
    vendors = HandVendors(read.vendors, {"1": error})
    read.add("hubspot", "contacts", lea(1))
    read.add("mailchimp", "members", mailchimp_member("m1", email_address="bo@bo.example.com"))
    put(read.hub.engine, hint("hubspot", "contacts", "1"), hint("mailchimp", "members", "m1"))
    for _ in range(MOST_TRIES + 2):
        run_until_empty(read.hub, vendors)
        sooner(read)
    assert (waiting(read).waiting, waiting(read).dead) == (1, 0), "for a day"
    vendors.faults.clear()
    run_until_empty(read.hub, vendors)
    assert waiting(read).waiting == 0
    assert len(read.rows("SELECT FROM crm.lead WHERE email = 'lea@moreau.example.com'")) == 1


def test_an_event_waits_for_no_migration(read: World) -> None:
    adopt(read)
    before = read.rows(WAITING, stage="normalize")[0].n
    read.add("hubspot", "contacts", lea())
    put(read.hub.engine, hint("hubspot", "contacts", "1"))
    run_until_empty(read.hub, HandVendors(read.vendors))
    (lead,) = read.rows("SELECT owner_id FROM crm.lead")
    assert lead.owner_id is not None
    assert read.rows(WAITING, stage="normalize")[0].n == before >= 30


def until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    for _ in range(int(seconds / 0.05)):
        if is_so():
            return
        time.sleep(0.05)
    pytest.fail("not so, after all this time")


class ByAddress(HandVendors):
    """Finds a member of Mailchimp as its API does: by the digest of the address."""

    def read(self, source: str, stream: str, names: Sequence[str]) -> Sequence[RawRecord]:
        if source != "mailchimp":
            return super().read(source, stream, names)
        known = {
            f"l1:{_digest(json.loads(one.payload)['email_address'])}": one
            for one in self.vendors[source].objects[stream]
        }
        return [known[name] for name in names]


def _digest(email: str) -> str:
    return hashlib.md5(email.encode(), usedforsecurity=False).hexdigest()


def _deliveries(n: int) -> list[tuple[str, Delivery]]:
    """What three vendors send of one person."""
    email = f"ann{n}@lee{n}.example.com"
    response = json.loads(
        answered(f"t{n}", first_name=f"Ann{n}", last_name=f"Lee{n}", email=email).body
    )
    bodies = {
        "typeform": json.dumps(
            {"event_id": f"e{n}", "event_type": "form_response", "form_response": response}
        ),
        "hubspot": json.dumps(
            [{"subscriptionType": "contact.creation", "objectId": n + 1, "occurredAt": 1000 + n}]
        ),
        "mailchimp": urlencode(
            {"type": "subscribe", "fired_at": "2026-11-30 10:00:00", "data[list_id]": "l1",
             "data[email]": email}
        ),
    }  # fmt: skip
    return [
        (source, hook_requests.sent(
            source, body.encode(), SystemClock().now(), secret=SECRETS[source]["webhook_secret"],
            url=f"{PUBLIC}/hooks/{source}",
        ))
        for source, body in bodies.items()
    ]  # fmt: skip


def _post_at_once(gateway: Running) -> None:
    """Each person's three requests at one instant, over connections that are kept open."""
    with ThreadPoolExecutor(3 * AT_ONCE) as pool, requests.Session() as session:
        session.mount("http://", HTTPAdapter(pool_maxsize=3 * AT_ONCE))

        def post(source: str, one: Delivery) -> int:
            path = f"/hooks/{source}" + (f"/{one.path_secret}" if one.path_secret else "")
            return session.post(
                gateway.public + path, data=one.body, headers=dict(one.headers), timeout=30
            ).status_code

        sent = [pool.submit(post, *one) for n in range(PEOPLE_N) for one in _deliveries(n)]
        assert Counter(one.result() for one in sent) == {200: 3 * PEOPLE_N}


def test_one_person_by_three_sources_at_one_moment_is_one_lead_of_one_owner(
    read: World, tmp_path: Path
) -> None:
    """A hundred people, the gateway, and two workers side by side, which stop when told."""
    for n in range(PEOPLE_N):
        who = {"firstname": f"Ann{n}", "lastname": f"Lee{n}", "email": f"ann{n}@lee{n}.example.com"}
        read.add("hubspot", "contacts", lea(n + 1, **who))
        read.add("mailchimp", "members", mailchimp_member(
            f"m{n}", at=n + 1, email_address=who["email"],
            merge_fields={"FNAME": who["firstname"], "LNAME": who["lastname"]},
        ))  # fmt: skip
    with mail_server() as (box, port), running(settings_of(tmp_path), read.db) as gateway:
        hub = mailing_to(read.hub, port)
        workers = [Worker(hub, ByAddress(read.vendors)) for _ in range(2)]
        threads = [threading.Thread(target=one.run) for one in workers]
        for one in threads:
            one.start()
        try:
            _post_at_once(gateway)
            pending = (
                "SELECT FROM ops.pending UNION ALL SELECT FROM ops.outbox WHERE state = 'pending'"
            )
            assigned = "SELECT FROM ops.outbox WHERE event = 'lead_assigned' AND state = 'done'"
            until(
                lambda: (
                    waiting(read).waiting == 0
                    and not read.rows(pending)
                    and len(read.rows(assigned)) >= PEOPLE_N
                ),
                seconds=120,
            )
        finally:
            for worker in workers:
                worker.stop()
            for one in threads:
                one.join(15)
        assert not any(one.is_alive() for one in threads)
    leads = read.rows("SELECT id, owner_id FROM crm.lead")
    assert len(leads) == PEOPLE_N
    assert all(one.owner_id for one in leads)
    assert Counter(row.lead_id for row in read.rows("SELECT lead_id FROM ops.assignment")) == {
        one.id: 1 for one in leads
    }
    done = read.rows("SELECT stage, source, sum(CAST(counts ->> 'landed' AS int)) AS n FROM ops.stage_report "
                     "WHERE stage IN ('land', 'notify') AND NOT in_dagster GROUP BY 1, 2 ORDER BY 1, 2")  # fmt: skip
    assert [(r.stage, r.source, r.n) for r in done if r.n] == [
        ("land", source, PEOPLE_N) for source in ("hubspot", "mailchimp", "typeform")
    ], "Dagster's sensor has what the workers did"
    assert any(r.stage == "notify" for r in done)
    mails = Counter(m["headers"]["X-Hub-Event"] for m in box.mail())
    assert mails == {"lead_assigned": PEOPLE_N}, "one notice a person"
    assert len(read.rows("SELECT FROM crm.inquiry")) == PEOPLE_N
    assert len(read.rows("SELECT FROM crm.alert")) == PEOPLE_N


def test_a_question_joins_the_notice_of_the_assignment_for_ten_minutes(read: World) -> None:
    def ask(token: str, at: int) -> list[str]:
        who = {"email": "lea@moreau.example.com", "last_name": "Moreau", "message": f"ask {token}"}
        put(read.hub.engine, answered(token, at=at, **who))
        run_until_empty(hub, vendors)
        sent = [f"{m['headers']['X-Hub-Event']}: {m['text']}" for m in box.mail()]
        box.clear()
        return sent

    vendors = HandVendors(read.vendors)
    read.add("hubspot", "contacts", lea())
    with mail_server() as (box, port):
        hub = mailing_to(read.hub, port)
        put(hub.engine, hint("hubspot", "contacts", "1"))
        # the lead has its owner, and the notice waits: a mail server that is away
        run_until_empty(read.hub, vendors)
        with hub.engine.begin() as conn:
            conn.execute(text("UPDATE ops.outbox SET not_before = now()"))
        (first,) = ask("t1", 10)
        assert first.startswith("lead_assigned: ")
        assert "ask t1" in first
        assert ask("t2", 20) == [], "it was sent, and its ten minutes are not over"
        with hub.engine.begin() as conn:
            conn.execute(text("UPDATE ops.outbox SET created_at = now() - interval '11 minutes'"))
        (later,) = ask("t3", 30)
        assert later.startswith("inquiry_received: ")


def test_what_webhooks_have_missed_comes_by_the_next_poll_and_is_counted(read: World) -> None:
    """The gateway was down: its vendor's events are lost, and the poll finds all leads."""
    hub = read.hub
    sources = hub.settings.sources.model_copy(
        update={"hubspot": HubspotSettings(webhook_secret=SecretStr("s"))}
    )
    hub = read.hub = replace(hub, settings=hub.settings.model_copy(update={"sources": sources}))
    vendors = HandVendors(read.vendors)

    def recovered() -> list[tuple[str, str, int]]:
        with hub.engine.begin() as conn:
            return [(o.source, o.stream, o.objects) for o in batch_history.recovered(conn)]

    read.add("hubspot", "contacts", lea(90, at=90, email="m@m.example.com"))
    flow.sync(hub, ["hubspot"])
    assert recovered() == [], "no webhook has ever sent a new contact"
    read.add("hubspot", "contacts", lea(1, at=100))
    put(hub.engine, hint("hubspot", "contacts", "1"))
    run_until_empty(hub, vendors)
    read.add("hubspot", "contacts", *(
        lea(n, at=100 + n, email=f"p{n}@p{n}.example.com") for n in range(2, 9)
    ))  # fmt: skip
    flow.sync(hub, ["hubspot"])
    assert recovered() == [("hubspot", "contacts", 7)]
    assert len(read.rows("SELECT FROM crm.lead WHERE owner_id IS NOT NULL")) == 9
    flow.sync(hub, ["hubspot"])
    assert recovered() == [], "the latest sync has found nothing"

    # a poll whose index is behind the webhook
    read.vendors["hubspot"].objects["contacts"] = [lea(1, at=300, firstname="Léa")]
    put(hub.engine, hint("hubspot", "contacts", "1", "changed"))
    run_until_empty(hub, vendors)
    read.vendors["hubspot"].objects["contacts"] = [lea(1, at=299, firstname="Old")]
    flow.sync(hub, ["hubspot"])
    assert read.rows("SELECT FROM crm.lead WHERE first_name = 'Léa'")


class Prolific(Mailbox):
    """A mail server at which a new lead comes with each mail."""

    def __init__(self, arrive: Callable[[int], None]) -> None:
        super().__init__()
        self.arrive, self.n = arrive, 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.n += 1
        await asyncio.to_thread(self.arrive, self.n)
        return await super().handle_DATA(server, session, envelope)


def test_a_delivery_ends_though_leads_keep_arriving(read: World) -> None:
    """Else a sync beside a worker would send mail for as long as leads come."""

    def arrive(n: int) -> None:
        if n < 30:  # so that a fault ends too
            put(
                read.hub.engine,
                answered(f"t{n}", at=n, email=f"p{n}@p{n}.example.com", last_name="N"),
            )
            run_until_empty(away, HandVendors(read.vendors))

    away = mailing_to(read.hub, 1)  # no mail server is there
    for n in (101, 102):
        arrive(n - 100)
    with read.hub.engine.begin() as conn:
        conn.execute(text("UPDATE ops.outbox SET not_before = now()"))
    with mail_server(Prolific(arrive)) as (box, port):
        assert deliver_pending(mailing_to(read.hub, port))["emails"] == 2
        assert len(box.mail()) == 2


class Refusing(Mailbox):
    """A mail server that knows no user of some addresses."""

    refused: frozenset[str] = frozenset()

    async def handle_RCPT(  # noqa: N802  # aiosmtpd gives the name
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address in self.refused:
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"


def test_an_admin_is_told_once_of_an_address_that_is_refused(read: World) -> None:
    alerts = [AlertSettings(to=[OPS])]
    hub = replace(read.hub, settings=read.hub.settings.model_copy(update={"alerts": alerts}))
    box = Refusing()
    box.refused = frozenset({"ann@owners.example.com"})
    vendors = HandVendors(read.vendors)

    def arrive(*numbers: int) -> list[tuple[str, str]]:
        for n in numbers:
            put(
                hub.engine,
                answered(f"t{n}", at=n, email=f"p{n}@p{n}.example.com", last_name=f"N{n}"),
            )
            run_until_empty(mailing_to(hub, port), vendors)
        run_until_empty(mailing_to(hub, port), vendors)
        told = [(m["headers"]["X-Hub-Event"], m["text"]) for m in box.mail() if m["to"] == [OPS]]
        box.clear()
        return told

    with mail_server(box) as (_, port):
        ((event, words),) = arrive(1, 2, 3, 4)  # the first and the fourth turn are hers
        assert event == "source_failed"
        assert "ann@owners.example.com gets no e-mail" in words
        states = read.rows("SELECT state, count(*) AS n FROM ops.delivery GROUP BY 1 ORDER BY 1")
        assert [(r.state, r.n) for r in states] == [("failed", 2), ("sent", 3)], "the delivery log"
        box.refused = frozenset()
        ((event, _),) = arrive(5, 6, 7)
        assert event == "source_recovered"
