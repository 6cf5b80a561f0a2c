"""Events for subscribers: written with their cause, signed, retried, given up, replayed; never inside, delaying nothing."""

import base64
import hashlib
import hmac
import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from hub.actions.bulk.run import Asked, run
from hub.actions.identity import erase
from hub.actions.leads.convert import convert
from hub.actions.people.assign import assign, assign_many
from hub.actions.setup import subscriptions
from hub.cli.checking_subscriptions import subscription_findings
from hub.clock import FixedClock, SystemClock
from hub.etl import flow
from hub.live import hook_turns
from hub.live.hook_turns import deliver_due
from hub.live.worker import Worker, run_until_empty
from hub.model.hook_events import HookEventKind
from hub.model.open_addresses import networks
from hub.notify.post import Poster
from hub.settings import AlertSettings, SubscriptionSettings
from tests.acting import OPERATOR, acting, by
from tests.flow.conftest import World, salesforce_lead
from tests.flow.selling import add_customers, add_deal, go
from tests.lives import HandVendors, answered, put
from tests.mailbox import mail_server, mailing_to
from tests.receivers import LOCAL, Got, Receiver, receiver

LOOPBACK = networks([LOCAL])
EVERY = tuple(HookEventKind)


@dataclass
class Desk:
    """A hub that may call the loopback network, at a time that a test sets."""

    world: World
    clock: FixedClock
    hub: Any
    secrets: dict[int, str] = field(default_factory=dict)

    def subscribe(self, url: str, event: str = "lead.created") -> int:
        with self.hub.engine.begin() as conn:
            made = subscriptions.add(
                by(conn, OPERATOR, self.clock),
                url,
                event,
                home=self.hub.settings.home,
                allowed=LOOPBACK,
            )
        self.secrets[made.id] = made.secret
        return made.id

    def lead(self, name: str) -> None:
        """A lead comes by a webhook."""
        values = {"email": f"{name}@{name}.example.com", "last_name": name.title()}
        put(self.hub.engine, answered(name, at=len(name), **values))
        run_until_empty(self.hub, HandVendors(self.world.vendors))

    def send(self, timeout_s: float = 1.0) -> dict[str, int]:
        return deliver_due(self.hub, Poster(LOOPBACK, timeout_s))

    def later(self, **span: float) -> None:
        self.clock.at += timedelta(**span)

    def rows(self, number: int) -> list[Any]:
        with self.hub.engine.begin() as conn:
            return subscriptions.deliveries(by(conn), number)

    def state(self, number: int) -> Any:
        with self.hub.engine.begin() as conn:
            return next(one for one in subscriptions.listed(by(conn)) if one.id == number)

    def replay(self, number: int, event_id: str | None = None) -> int:
        with self.hub.engine.begin() as conn:
            return subscriptions.replay(by(conn, OPERATOR, self.clock), number, event_id).events


@pytest.fixture
def desk(world: World) -> Desk:
    flow.sync(world.hub, ["typeform"])  # the initial load had nothing
    clock = FixedClock(SystemClock().now() + timedelta(seconds=5))
    own = SubscriptionSettings(allowed_networks=[LOCAL])
    told = [AlertSettings(to=["ops@acme.example.com"])]
    settings = world.hub.settings.model_copy(update={"subscriptions": own, "alerts": told})
    hub = replace(world.hub, clock=clock, settings=settings)
    return Desk(world, clock, hub)


def signed_right(got: Got, secret: str) -> bool:
    """Check a signature by the words of the standard, with no code of the hub."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    said = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
    made = base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
    return got.headers["webhook-signature"] == f"v1,{made}"


def test_a_new_lead_is_told_with_its_owner_and_signed(desk: Desk) -> None:
    with receiver() as mine:
        made, given_ = desk.subscribe(mine.url), desk.subscribe(mine.url + "/a", "lead.assigned")
        desk.lead("lea")
        assert desk.send() == {"delivered": 2}
    created, assigned = mine.got
    assert signed_right(created, desk.secrets[made])
    assert signed_right(assigned, desk.secrets[given_])
    assert not signed_right(created, desk.secrets[given_])
    assert created.said["type"] == "lead.created"
    assert created.said["id"] == created.event_id != assigned.event_id
    lead = created.said["data"]["lead"]
    assert (lead["email"], lead["last_name"]) == ("lea@lea.example.com", "Lea")
    assert lead["url"].endswith(f"/leads/{lead['id']}")
    assert assigned.said["data"]["owner"] == lead["owner"] is not None
    assert assigned.said["data"]["previous_owner"] is None


def test_users_who_assign_convert_and_move_are_told_of(desk: Desk) -> None:
    with receiver() as mine:
        for event in EVERY:
            desk.subscribe(mine.url, event)
        desk.lead("lea")
        (owner,) = {row.email for row in desk.world.rows(
            'SELECT u.email FROM crm.lead l JOIN crm."user" u ON u.id = l.owner_id')}  # fmt: skip
        other = next(
            row.email
            for row in desk.world.rows('SELECT email FROM crm."user" ORDER BY id')
            if row.email != owner
        )
        with desk.hub.engine.begin() as conn:
            assign(by(conn), "lead", ["lead/1"], other)
        with desk.hub.engine.begin() as conn:
            done = convert(by(conn), "lead/1")
        go(desk.world, str(done.deal_id), "Quote")
        desk.send()
    said = [(one.said["type"], one.said["data"]) for one in mine.got]
    assert [kind for kind, _ in said].count("lead.assigned") == 2
    by_kind = dict(said)
    assert by_kind["lead.assigned"]["previous_owner"] == owner
    assert by_kind["lead.assigned"]["owner"] == other
    assert by_kind["lead.converted"]["contact_id"] == done.person_id
    assert by_kind["lead.converted"]["deal_id"] == done.deal_id
    moved = by_kind["deal.stage_changed"]
    assert (moved["from_stage"], moved["to_stage"]) == ("Incoming", "Quote")
    assert moved["deal"]["stage"] == "Quote"
    assert len(set(mine.ids())) == len(mine.got) == 5


def test_loads_bulk_work_and_lists_are_quiet(desk: Desk) -> None:
    world = desk.world
    for event in EVERY:
        desk.subscribe("http://127.0.0.1:9/", event)
    world.add("salesforce", "leads", *(
        salesforce_lead(n, LastName=f"L{n}", Email=f"p{n}@firm{n}.example.com") for n in range(1, 4)
    ))  # fmt: skip
    flow.sync(desk.hub, ["salesforce"])
    ids = [row.id for row in world.rows("SELECT id FROM crm.lead ORDER BY id")]
    names = [f"lead/{i}" for i in ids]
    engine, who = desk.hub.engine, acting(OPERATOR)
    run(engine, who, Asked("set-owner", {"to": "bob@owners.example.com"}, names=names))
    run(engine, who, Asked("convert", {"currency": "EUR", "has_deal": True}, names=names))
    with engine.begin() as conn:
        assign_many(by(conn), "lead", ids, "ann@owners.example.com", is_bulk=True)
    assert world.rows("SELECT * FROM ops.hook_delivery") == []


def test_a_change_that_is_rolled_back_tells_nobody_and_no_subscription_costs_no_row(
    desk: Desk,
) -> None:
    desk.lead("lea")
    assert desk.world.rows("SELECT 1 FROM ops.hook_delivery") == []
    desk.subscribe("http://127.0.0.1:9/", "lead.converted")
    with desk.hub.engine.connect() as conn:
        convert(by(conn), "lead/1")
        conn.rollback()
    assert desk.world.rows("SELECT 1 FROM ops.hook_delivery") == []


def test_a_lead_that_its_source_converts_is_told_of_once(desk: Desk) -> None:
    """By a sync after the initial load: its records are of the live lane."""
    world = desk.world
    flow.sync(desk.hub, ["salesforce"])
    who = {"LastName": "Moreau", "Email": "lea@moreau.example.com"}
    world.add("salesforce", "leads", salesforce_lead(1, at=100, **who))
    flow.sync(desk.hub, ["salesforce"])
    desk.subscribe("http://127.0.0.1:9/", "lead.converted")
    world.add("salesforce", "leads", salesforce_lead(
        1, at=200, IsConverted=True, ConvertedDate="2026-01-01", Status="Closed - Converted", **who))  # fmt: skip
    flow.sync(desk.hub, ["salesforce"])
    flow.sync(desk.hub, ["salesforce"])
    (lead,) = world.rows("SELECT id, converted_at FROM crm.lead")
    assert lead.converted_at
    (told,) = world.rows("SELECT lead_id, event FROM ops.hook_delivery")
    assert (told.lead_id, told.event) == (lead.id, "lead.converted")


def test_a_deal_that_its_source_moves_is_told_of(desk: Desk) -> None:
    """A live record of a source, not a load and not a command."""
    lea = add_customers(desk.world, "Moreau")[0]
    deal = add_deal(desk.world, lea)
    desk.subscribe("http://127.0.0.1:9/", "deal.stage_changed")
    from hub.etl import load_deals

    (stages,) = desk.world.rows("SELECT array_agg(id ORDER BY position) AS ids FROM crm.stage")
    with desk.hub.engine.begin() as conn:
        before = {
            1: {"id": int(deal), "stage_id": stages.ids[2]},
            2: {"id": int(deal), "stage_id": stages.ids[0]},
        }
        load_deals._tell_moves(conn, {2: before[2]})  # it is there: nothing moved
        load_deals._tell_moves(conn, {1: before[1]})
    (row,) = desk.world.rows("SELECT deal_id, facts FROM ops.hook_delivery")
    assert row.deal_id == int(deal)
    assert row.facts == {"from_stage_id": stages.ids[2], "to_stage_id": stages.ids[0]}


HANG = threading.Event()


def hangs(_got: Got) -> int:
    HANG.wait(3)
    return 200


FAULTS = {
    "500": (500, "the receiver answered 500"),
    "redirects": (
        (302, {"Location": "http://127.0.0.1:9/"}),
        "the receiver answered 302; redirects are not followed",
    ),
    "slow": (hangs, "no answer within 0.3 seconds"),
    "down": (None, "no connection: ConnectionRefusedError"),
    "private": (None, "the name leads to an address inside a private network"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_receiver_that_fails_is_tried_again_given_up_and_replayed_under_the_same_id(
    desk: Desk, fault: str
) -> None:
    """An hour of failures, another receiver beside it; the hour is the clock's."""
    answer, why = FAULTS[fault]
    HANG.clear()
    own = SubscriptionSettings(allowed_networks=[LOCAL], give_up_hours=1)
    desk.hub = replace(
        desk.hub, settings=desk.hub.settings.model_copy(update={"subscriptions": own})
    )
    poster = Poster(LOOPBACK, 0.3, lambda h, _p: ["10.0.0.7" if h == "localhost" else "127.0.0.1"])
    with receiver(200 if answer is None else answer) as bad, receiver() as good:
        url = bad.url.replace("127.0.0.1", "localhost") if fault == "private" else bad.url
        if fault == "down":
            url = "http://127.0.0.1:9/hook"
        number, fine = desk.subscribe(url), desk.subscribe(good.url)
        desk.lead("lea")
        attempts = 0
        for minute in range(75):
            done = deliver_due(desk.hub, poster)
            attempts += sum(done.get(word, 0) for word in ("failed", "given_up"))
            if minute == 0:
                assert len(good.got) == 1, "another receiver has its event at once"
                (row,) = desk.rows(number)
                assert (row.state, row.attempts, row.error) == ("pending", 1, why)
            desk.later(minutes=1)
        (row,) = desk.rows(number)
        assert (row.state, row.error) == ("dead", why)
        assert 4 <= attempts == row.attempts <= 9
        assert desk.state(number).given_up == 1
        assert desk.state(fine).failures == 0
        HANG.set()
        told = desk.world.rows("SELECT payload FROM ops.outbox WHERE event = 'source_failed'")
        assert len(told) == 1
        assert "hub subscription replay" in told[0].payload["sentences"][0]
        (told,) = subscription_findings(desk.hub)
        assert (told.subject, told.ok) == (f"subscription {number}", False)
        assert "events given up: 1; its receiver fails" in told.message
        assert "/hook" not in told.message
        replayed(desk, number, bad)
        assert len(good.got) == 1


def replayed(desk: Desk, number: int, bad: Receiver) -> None:
    """The receiver is well again, and has what was given up, under the same id."""
    (row,) = desk.rows(number)
    bad.answer = lambda _: 200
    before, poster = len(bad.got), Poster(LOOPBACK, 2.0)
    with desk.hub.engine.begin() as conn:
        moved = {"url": bad.url, "id": number}
        conn.execute(text("UPDATE ops.subscription SET url = :url WHERE id = :id"), moved)
    assert deliver_due(desk.hub, poster) == {}, "given up means given up"
    assert desk.replay(number) == 1
    assert deliver_due(desk.hub, poster) == {"delivered": 1}
    assert len(bad.got) == before + 1
    assert set(bad.ids()) == {row.event_id}, "the same id at each attempt"
    assert desk.rows(number)[0].state == "done"
    assert [one.message for one in subscription_findings(desk.hub)] == [
        "2 subscriptions, no receiver fails"
    ]
    assert len(desk.world.rows("SELECT 1 FROM ops.outbox WHERE event = 'source_recovered'")) == 1
    assert desk.replay(number, row.event_id) == 1, "one that was delivered, by its id"


def test_a_receiver_that_is_well_after_an_hour_has_everything_once(desk: Desk) -> None:
    with receiver(500) as mine:
        number = desk.subscribe(mine.url)
        for name in ("ada", "bea", "cleo"):
            desk.lead(name)
        for _ in range(60):
            desk.send()
            desk.later(minutes=1)
        assert {row.state for row in desk.rows(number)} == {"pending"}
        failed = Counter(mine.ids())
        assert len(failed) == 3, "one bad event holds up no other"
        mine.got.clear()
        mine.answer = lambda _: 200
        for _ in range(120):
            desk.send()
            desk.later(minutes=1)
        assert sorted(mine.ids()) == sorted(failed)
        assert {row.state for row in desk.rows(number)} == {"done"}
        assert desk.state(number).failures == 0


def test_a_thousand_events_for_a_dead_receiver_cost_one_request_at_a_time(desk: Desk) -> None:
    with receiver(503) as mine:
        number = desk.subscribe(mine.url)
        desk.lead("lea")
        with desk.hub.engine.begin() as conn:
            conn.execute(text(
                "INSERT INTO ops.hook_delivery (subscription_id, event_id, event, lead_id) "
                "SELECT :id, 'evt_' || n, 'lead.created', 1 FROM generate_series(1, 999) n"), {"id": number})  # fmt: skip
        for _ in range(60):
            desk.send()
            desk.later(seconds=60)
        assert len(mine.got) <= 61
        desk.later(hours=80)
        desk.send()
        assert {row.state for row in desk.rows(number)} == {"dead"}
        assert desk.state(number).given_up == 1000


def test_a_receiver_that_asks_to_wait_is_left_alone(desk: Desk) -> None:
    with receiver((429, {"Retry-After": "3600"})) as mine:
        desk.subscribe(mine.url)
        desk.lead("lea")
        for _ in range(59):
            desk.send()
            desk.later(minutes=1)
        assert len(mine.got) == 1
        desk.later(minutes=2)
        desk.send()
        assert len(mine.got) == 2


def test_410_ends_the_subscription_and_drops_what_waits(desk: Desk) -> None:
    with receiver(410) as mine:
        number = desk.subscribe(mine.url)
        desk.lead("lea")
        desk.lead("bo")
        assert desk.send() == {"ended": 1}
        assert len(mine.got) == 1
        assert {row.state for row in desk.rows(number)} == {"dropped"}
        desk.lead("cy")
        assert len(desk.rows(number)) == 2
        with desk.hub.engine.begin() as conn:
            assert subscriptions.listed(by(conn)) == []


def test_an_erased_person_is_not_told_of(desk: Desk) -> None:
    with receiver() as mine:
        number = desk.subscribe(mine.url)
        desk.lead("lea")
        run_erase(desk, "lead/1")
        desk.send()
        assert mine.got == []
        assert [row.state for row in desk.rows(number)] == ["dropped"]


def run_erase(desk: Desk, name: str) -> None:
    erase.erase(desk.hub.engine, acting(OPERATOR), name, home=desk.hub.settings.home, region="FR")


def test_a_worker_delivers_and_a_receiver_that_hangs_delays_nothing_else(desk: Desk) -> None:
    """The other receiver and the owner's mail have the lead while the slow request is still open."""
    HANG.clear()
    with receiver(hangs) as slow, receiver() as quick, mail_server() as (box, port):
        hub = mailing_to(replace(desk.hub, clock=SystemClock()), port)
        for _ in range(3):
            desk.subscribe(slow.url)
        desk.subscribe(quick.url)
        worker = Worker(hub, HandVendors(desk.world.vendors))
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            put(hub.engine, answered("lea", at=1, email="lea@lea.example.com", last_name="Lea"))
            assert within(lambda: quick.got and box.mail() and len(slow.got) == 3)
            assert not HANG.is_set()
            assert [desk.rows(n)[0].state for n in (1, 2, 3)] == ["pending"] * 3
            HANG.set()
            assert within(lambda: all(desk.rows(n)[0].state == "done" for n in (1, 2, 3)))
        finally:
            HANG.set()
            worker.stop()
            thread.join(20)
        assert not thread.is_alive()


def within(is_so: Any, tries: int = 100) -> bool:
    """Whether it becomes so, looked at a few times a second."""
    for _ in range(tries):
        if is_so():
            return True
        threading.Event().wait(0.05)
    return False


def test_two_workers_deliver_an_event_once(desk: Desk) -> None:
    with receiver() as mine:
        desk.subscribe(mine.url)
        desk.lead("lea")
        claims = hook_turns._claims(desk.hub)
        with claims:
            assert claims.take([1], 1) == [1]
            assert desk.send() == {}, "another worker has its turn"
        assert desk.send() == {"delivered": 1}
