"""Several deliverers share one outbox by claims: no message is sent twice, and none waits for another deliverer."""

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import text

from hub.db import outbox
from hub.etl import notify
from hub.etl.context import Hub
from hub.etl.notify import deliver_pending
from hub.live.post import SENDERS
from hub.live.worker import Worker
from hub.model.events import InquiryReceived, LeadAssigned, LeadsDigest
from hub.notify.channels import Mail, SmtpChannel
from hub.sandbox.smtp import Mailbox
from tests.db.conftest import WORKERS, at_once, seed_leads
from tests.lives import HandVendors
from tests.mailbox import mail_server, mailing_to

EVENTS = 80
_OPEN = text("""
SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
          AND state LIKE 'idle in transaction%'), (SELECT count(*) FROM crm.alert)
""")


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    """A mail server on loopback that keeps what it is given."""
    with mail_server() as made:
        yield made


@pytest.fixture
def ringing(hub: Hub, mailbox: tuple[Mailbox, int]) -> Hub:
    """A hub with events that wait to be delivered, and a mail server that answers."""
    with hub.engine.begin() as conn:
        seed_leads(conn, EVENTS, owned=True)
        rows = conn.execute(text("SELECT id, owner_id FROM crm.lead")).all()
        outbox.put(
            conn, [LeadAssigned(str(row.id), row.owner_id, row.id, rule=None) for row in rows]
        )
    return mailing_to(hub, mailbox[1])


def test_each_event_is_delivered_once_by_eight_deliverers(
    ringing: Hub, mailbox: tuple[Mailbox, int]
) -> None:
    counts = at_once([lambda: deliver_pending(ringing)] * WORKERS)
    arrived = Counter(mail["message_id"] for mail in mailbox[0].mail())
    assert len(arrived) == EVENTS
    assert set(arrived.values()) == {1}
    assert sum(c.get("emails", 0) for c in counts) == EVENTS
    assert sum(1 for c in counts if c) > 1, "the work was shared"
    with ringing.engine.begin() as conn:
        alerts = conn.execute(text("SELECT count(*), count(DISTINCT lead_id) FROM crm.alert")).one()
        states = conn.execute(text("SELECT DISTINCT state, attempts FROM ops.outbox")).all()
        sent = conn.execute(text("SELECT count(*) FROM ops.delivery WHERE state = 'sent'"))
        assert sent.scalar_one() == EVENTS
    assert tuple(alerts) == (EVENTS, EVENTS)
    assert [tuple(s) for s in states] == [("done", 1)]


def test_an_event_in_the_hands_of_a_slow_deliverer_holds_nobody_up(
    ringing: Hub, mailbox: tuple[Mailbox, int]
) -> None:
    with ringing.engine.connect() as conn:
        (held,) = outbox.due(conn, 1, until=outbox.newest(conn))
    with outbox.Claims(ringing.engine) as slow:
        assert slow.take([held], 1) == [held]
        worker = threading.Thread(target=deliver_pending, args=(ringing,))
        worker.start()
        worker.join(20)
        assert not worker.is_alive()
        assert len(mailbox[0].mail()) == EVENTS - 1
    deliver_pending(ringing)
    assert len({mail["message_id"] for mail in mailbox[0].mail()}) == EVENTS


def test_events_of_several_kinds_keep_all_their_columns(ringing: Hub) -> None:
    with ringing.engine.begin() as conn:
        conn.execute(text("DELETE FROM ops.outbox"))
        lead, user = conn.execute(text("SELECT id, owner_id FROM crm.lead LIMIT 1")).one()
        events = [
            LeadsDigest(user, [(1, "salesforce", 2)]),
            LeadAssigned("a/b/1", user, lead, "France"),
            InquiryReceived("a/b/2", user, lead, None, "A demo", None),
        ]
        outbox.put(conn, events)
        outbox.put(conn, events)
        rows = conn.execute(
            text("SELECT event, lead_id, payload FROM ops.outbox ORDER BY id")
        ).all()
    assert [(row.event, row.lead_id) for row in rows] == [
        ("leads_digest", None), ("lead_assigned", lead), ("inquiry_received", lead),
    ]  # fmt: skip
    assert rows[0].payload == {"batches": [1], "counts": {"salesforce": 2}}


def test_no_transaction_is_open_while_a_mail_is_sent(ringing: Hub) -> None:
    """Nor is an alert kept back by a mail server that is slow."""
    seen: list[tuple[int, int]] = []

    class Slow(SmtpChannel):
        def send(self, mail: Mail) -> None:
            with ringing.engine.connect() as conn:
                open_n, alerts_n = conn.execute(_OPEN).one()
                seen.append((open_n, alerts_n))
            super().send(mail)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notify, "SmtpChannel", Slow)
        deliver_pending(ringing)
    assert len(seen) == EVENTS
    assert {open_n for open_n, _ in seen} == {0}
    assert seen[0][1] == 10, "the alerts of the first chunk"


class _SlowBox(Mailbox):
    """A mailbox that takes 50 ms for each mail, and counts how many it takes at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.now_n, self.most_n = 0, 0

    async def handle_DATA(  # noqa: N802 aiosmtpd gives the name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        self.now_n += 1
        self.most_n = max(self.most_n, self.now_n)
        await asyncio.sleep(0.05)
        said = await super().handle_DATA(server, session, envelope)
        self.now_n -= 1
        return said


def test_a_worker_sends_many_notices_with_several_threads_and_each_once(ringing: Hub) -> None:
    box = _SlowBox()
    ended = threading.Event()

    def is_left() -> bool:
        with ringing.engine.connect() as conn:
            left = conn.execute(text("SELECT count(*) FROM ops.outbox WHERE state = 'pending'"))
            if not left.scalar_one():
                ended.set()
        return not ended.is_set()

    with mail_server(box) as (_, port):
        worker = Worker(mailing_to(ringing, port), HandVendors({}))
        thread = threading.Thread(target=worker.run)
        thread.start()
        while is_left():
            ended.wait(0.05)
        worker.stop()
        thread.join(20)
        assert not thread.is_alive()
    arrived = Counter(mail["message_id"] for mail in box.mail())
    assert (len(arrived), set(arrived.values())) == (EVENTS, {1})
    assert box.most_n == SENDERS
