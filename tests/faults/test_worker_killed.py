"""kill -9 of the worker at any moment, with another one beside it: nothing is lost, doubled or told twice."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator

import pytest
import yaml
from sqlalchemy import Engine, text

from hub.actions.setup import subscriptions
from hub.clock import SystemClock
from hub.db.engine import open_database
from hub.model.open_addresses import networks
from hub.sandbox.smtp import Mailbox
from hub.settings import Settings
from tests.acting import by
from tests.lives import answered, put
from tests.mailbox import mail_server
from tests.processes import House, house
from tests.receivers import LOCAL, receiver

PEOPLE_N, KILLS_N = 24, 5
_LEFT = text("""
SELECT (SELECT count(*) FROM landing.inbox) + (SELECT count(*) FROM ops.pending)
  + (SELECT count(*) FROM ops.outbox WHERE state = 'pending')
  + (SELECT count(*) FROM ops.hook_delivery WHERE state = 'pending')
  + (SELECT :people - count(*) FROM crm.lead WHERE owner_id IS NOT NULL)
""")


def _configured(made: House, port: int) -> None:
    mails = [f"{name}@owners.example.com" for name in ("ann", "bob", "cid")]
    (made.root / "hub.yaml").write_text(
        yaml.safe_dump(
            {
                "sources": {"typeform": {"base_url": "http://127.0.0.1:9"}},
                "people": [{"email": one, "name": one} for one in mails],
                "groups": [{"name": "sales", "members": mails}],
                "routing": {"fallback": "group:sales"},
                "subscriptions": {"allowed_networks": [LOCAL]},
                "smtp": {
                    "host": "127.0.0.1", "port": port, "sender": "hub@leadhub.example.com", "tls": "none",
                },
            }
        )
    )  # fmt: skip
    made.env["HUB_SOURCES__TYPEFORM__TOKEN"] = "tfp_none"


@pytest.fixture
def made() -> Iterator[tuple[House, Mailbox]]:
    with mail_server() as (box, port), house(migrated=True) as one, one.served():
        _configured(one, port)
        yield one, box


def _started(made: House) -> "subprocess.Popen[str]":
    process = made.start("worker", "--json")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["ready"]
    return process


def _put_all(
    engine: Engine, process: "subprocess.Popen[str]", made: House
) -> "subprocess.Popen[str]":
    """Send the events, and kill the worker between them at random moments; returns the last worker."""
    moments = sorted(random.Random(20).sample(range(PEOPLE_N), KILLS_N))
    for n in range(PEOPLE_N):
        who = {"email": f"p{n}@p{n}.example.com", "first_name": f"P{n}", "last_name": f"Q{n}"}
        put(engine, answered(f"t{n}", at=n + 1, **who))
        if n in moments:
            time.sleep(random.uniform(0, 0.15))
            os.kill(process.pid, signal.SIGKILL)
            process.wait(10)
            process = _started(made)
    return process


def test_a_killed_worker_loses_nothing_and_tells_nobody_twice(made: tuple[House, Mailbox]) -> None:
    one, box = made
    settings = Settings.model_validate({"home": str(one.home)})
    first, beside = _started(one), _started(one)
    with receiver() as program, open_database(settings, SystemClock()) as database:
        with database.engine.begin() as conn:
            subscriptions.add(
                by(conn), program.url, "lead.created", home=one.home, allowed=networks([LOCAL])
            )
        last = _put_all(database.engine, first, one)
        for _ in range(600):
            with database.engine.connect() as conn:
                if not conn.execute(_LEFT, {"people": PEOPLE_N}).scalar_one():
                    break
            time.sleep(0.05)
        with database.engine.connect() as conn:
            leads = conn.execute(text("SELECT count(*), count(owner_id) FROM crm.lead")).one()
            turns = conn.execute(text("SELECT lead_id FROM ops.assignment")).scalars().all()
            told = dict(conn.execute(text("SELECT lead_id, event_id FROM ops.hook_delivery")).all())
    assert tuple(leads) == (PEOPLE_N, PEOPLE_N)
    assert sorted(Counter(turns).values()) == [1] * PEOPLE_N
    sent = Counter(mail["message_id"] for mail in box.mail())
    assert len(sent) == PEOPLE_N
    assert len(told) == PEOPLE_N
    came = {(got.said["data"]["lead"]["id"], got.event_id) for got in program.got}
    assert came == set(told.items()), "each lead, and the same id on a repeat"
    for process in (last, beside):
        process.send_signal(signal.SIGTERM)
    assert {process.wait(20) for process in (last, beside)} == {0}, "a graceful end"
    assert one.run("worker", "--retry").returncode == 0
