"""kill -9 of the worker while a request to a subscriber is open: no event is lost, and a repeated one has the same id."""

import os
import signal
import subprocess
import time
from collections import Counter

import yaml
from sqlalchemy import text

from hub.actions.setup import subscriptions
from hub.clock import SystemClock
from hub.db.engine import open_database
from hub.model.open_addresses import networks
from hub.settings import Settings
from tests.acting import by
from tests.lives import answered, put
from tests.processes import house
from tests.receivers import LOCAL, Got, receiver

PEOPLE_N = 6
KILLS = (3,)
_LEFT = text("""
SELECT (SELECT count(*) FROM ops.hook_delivery WHERE state = 'done') = :people
""")


def test_a_kill_during_a_request_repeats_the_event_under_its_id() -> None:
    with house(migrated=True) as made, made.served(), receiver() as program:
        (made.root / "hub.yaml").write_text(yaml.safe_dump({
            "sources": {"typeform": {"base_url": "http://127.0.0.1:9"}},
            "people": [{"email": "ann@owners.example.com", "name": "Ann"}],
            "groups": [{"name": "sales", "members": ["ann@owners.example.com"]}],
            "subscriptions": {"allowed_networks": [LOCAL]},
        }))  # fmt: skip
        made.env["HUB_SOURCES__TYPEFORM__TOKEN"] = "tfp_none"
        workers: list[subprocess.Popen[str]] = []

        def start() -> None:
            workers.append(made.start("worker", "--json"))

        def answer(_got: Got) -> int:
            if len(program.got) in KILLS:  # the receiver has it, the hub does not know
                os.kill(workers[-1].pid, signal.SIGKILL)
                workers[-1].wait(10)
                start()
            return 200

        program.answer = answer
        settings = Settings.model_validate({"home": str(made.home)})
        with open_database(settings, SystemClock()) as database:
            with database.engine.begin() as conn:
                subscriptions.add(
                    by(conn), program.url, "lead.created", home=made.home, allowed=networks([LOCAL])
                )
            people = [
                answered(f"t{n}", at=n + 1, email=f"p{n}@p{n}.example.com", last_name=f"Q{n}")
                for n in range(PEOPLE_N)
            ]
            put(database.engine, *people)
            start()
            for _ in range(600):
                with database.engine.connect() as conn:
                    if conn.execute(_LEFT, {"people": PEOPLE_N}).scalar_one():
                        break
                time.sleep(0.05)
            with database.engine.connect() as conn:
                rows = conn.execute(text("SELECT lead_id, event_id FROM ops.hook_delivery")).all()
        workers[-1].send_signal(signal.SIGTERM)
        assert workers[-1].wait(20) == 0
    told = dict(rows)
    came = Counter((got.said["data"]["lead"]["id"], got.event_id) for got in program.got)
    assert set(came) == set(told.items())
    assert len(told) == PEOPLE_N
    assert sorted(came.values(), reverse=True)[: len(KILLS)] == [2] * len(KILLS)
    assert sum(came.values()) == PEOPLE_N + len(KILLS)
