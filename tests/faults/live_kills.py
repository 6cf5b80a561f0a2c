"""kill -9 of worker, gateway and PostgreSQL at random moments while leads come by webhooks.

`python -m tests.faults.live_kills [--kills 20] [--rate 10] [--seed 20]`. A gateway, two workers and PostgreSQL
run under the supervisor of `hub up`, whose clock runs twenty times as fast: what was killed is back within a
second. Signed webhooks come at a steady rate; each is sent until it is acknowledged, one of ten comes twice.
The mail server is a real one. At the end each person must be one lead with one assignment and one notice, by
its Message-ID. Otherwise the exit code is 1.
"""

import argparse
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import yaml
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from hub.cli.beside import GATEWAY, WORKER, GatewayPorts, gateway_part, worker_part
from hub.cli.dagster import POSTGRES, free_port
from hub.cli.ending import Ending
from hub.cli.supervisor import ChildPart, Part, PostgresPart, Supervisor
from hub.clock import SystemClock
from hub.db.embedded import EmbeddedServer
from hub.db.engine import open_database
from hub.sandbox.smtp import Mailbox
from hub.settings import Settings
from tests.faults import web_leads
from tests.faults.running_hub import is_ready, within
from tests.faults.web_leads import Lead
from tests.mailbox import mail_server
from tests.processes import House, house

VICTIMS = (WORKER, GATEWAY, POSTGRES)
_FASTER, _LOOK_S = 20, 0.02
_TWICE = 0.1
_START_S, _DRAIN_S = 60.0, 120.0
_SENDERS_N = 8
_OWNERS = tuple(f"{name}@owners.example.com" for name in ("ann", "bob", "cid"))
_LEFT = text("""
SELECT (SELECT count(*) FROM landing.inbox) + (SELECT count(*) FROM ops.pending)
  + (SELECT count(*) FROM ops.outbox WHERE state = 'pending')
  + abs(:people - (SELECT count(*) FROM crm.lead WHERE owner_id IS NOT NULL))
""")
_LEADS = text("""
SELECT l.email, count(DISTINCT l.id), count(DISTINCT l.owner_id), count(a.id)
FROM crm.lead l LEFT JOIN ops.assignment a ON a.lead_id = l.id GROUP BY 1
""")


@dataclass(frozen=True)
class Outcome:
    """The result for the people, and its cost.

    Args:
        people: how many wrote in.
        requests: how many requests it took until all were acknowledged.
        killed: how often each process was killed.
        leads, owned, assigned: people with one lead, an owner, one assignment.
        notified: people who are named in the notices of one Message-ID.
        mails: mails that the server took; a kill may repeat one under the same Message-ID.
        strays: leads and notices beyond these people.
        p50_s, longest_s: from the first request of a person to the first notice: the median, the longest.
    """

    people: int
    requests: int
    killed: Mapping[str, int]
    leads: int
    owned: int
    assigned: int
    notified: int
    mails: int
    strays: int
    p50_s: float
    longest_s: float

    @property
    def is_right(self) -> bool:
        """Whether nothing was lost, doubled, assigned twice or notified twice."""
        counts = {self.leads, self.owned, self.assigned, self.notified}
        return counts == {self.people} and not self.strays


@dataclass
class Load:
    """Leads that come at a steady rate, each until it is acknowledged."""

    address: str
    leads: Sequence[Lead]
    rate: float
    began: dict[str, float] = field(default_factory=dict)
    sent: "list[Future[int]]" = field(default_factory=list)

    def run(self, pool: ThreadPoolExecutor, twice: random.Random) -> None:
        """Send all; returns when the last one is given to the senders."""
        started = time.monotonic()
        for n, lead in enumerate(self.leads):
            time.sleep(max(0.0, started + n / self.rate - time.monotonic()))
            for _ in range(2 if twice.random() < _TWICE else 1):
                self.sent.append(pool.submit(self._send, lead))

    def _send(self, lead: Lead) -> int:
        self.began.setdefault(lead.name, time.time())
        return web_leads.post_until_acknowledged(self.address, lead)

    def requests(self) -> int:
        """Wait until all are acknowledged; returns how many requests it took."""
        return sum(one.result() for one in self.sent)


@dataclass
class Live:
    """A gateway, two workers and PostgreSQL, supervised; to be used by the main thread."""

    made: House
    supervisor: Supervisor
    address: str
    killed: Counter[str] = field(default_factory=Counter)

    def kill(self, name: str, which: random.Random) -> None:
        """Kill -9 a process; a worker is one of two. What is not there at the moment is not killed."""
        pid = self.made.postmaster() if name == POSTGRES else self._child(name, which)
        if pid is not None:
            self.killed[name] += 1
            os.kill(pid, signal.SIGKILL)

    def _child(self, name: str, which: random.Random) -> int | None:
        parts = [part for known, part in self.supervisor.parts.items() if name in known]
        part = which.choice([part for part in parts if part.is_alive()] or [None])
        return part.process.pid if isinstance(part, ChildPart) and part.process else None

    def watch(self, seconds: float) -> None:
        """Start again what has ended, for some time."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.supervisor.check()
            time.sleep(min(left, _LOOK_S))


@contextmanager
def processes(made: House) -> Iterator[Live]:
    """Run the gateway, two workers and PostgreSQL for a configured house; all end with the block."""
    ports = GatewayPorts(free_port(0), free_port(0))
    env = {**made.env, "HUB_HOME": str(made.home), "HUB_CONFIG": str(made.config)}
    parts = gateway_part(ports, env, made.home)
    for name in (WORKER, f"{WORKER} beside"):
        (parts[name],) = worker_part(env, made.home).values()
    public, private = ports.addresses("127.0.0.1")
    with supervised(made, parts) as supervisor:
        for part in parts.values():
            part.start()
        assert within(_START_S, lambda: is_ready(private)), "the gateway does not start"
        yield Live(made, supervisor, public)


@contextmanager
def supervised(made: House, parts: Mapping[str, Part]) -> Iterator[Supervisor]:
    """Hold PostgreSQL, and watch it and some children; all end with the block."""
    server = EmbeddedServer(made.home, SystemClock())
    server.attach()
    postgres = {POSTGRES: PostgresPart(server, made.home / "pg/data/server.log")}
    supervisor = Supervisor(
        {**postgres, **parts}, foundation=POSTGRES, now=lambda: time.monotonic() * _FASTER
    )
    try:
        yield supervisor
    finally:
        supervisor.stop(Ending())
        server.detach()


@contextmanager
def configured_house() -> Iterator[tuple[House, Mailbox]]:
    """A house that takes leads from webhooks of Typeform, and its mail server."""
    with mail_server() as (box, port), house(migrated=True) as made:
        document = {
            "sources": {"typeform": {"base_url": "http://127.0.0.1:9"}},
            "people": [{"email": one, "name": one} for one in _OWNERS],
            "groups": [{"name": "sales", "members": list(_OWNERS)}],
            "routing": {"fallback": "group:sales"},
            "smtp": {"host": "127.0.0.1", "port": port, "sender": "hub@leadhub.example.com", "tls": "none"},
        }  # fmt: skip
        made.config.write_text(yaml.safe_dump(document))
        made.env[web_leads.VARIABLE] = web_leads.SECRET
        made.env["HUB_SOURCES__TYPEFORM__TOKEN"] = "tfp_none"
        yield made, box


def kill_under_load(
    place: Live, box: Mailbox, kills: Sequence[str], *, people_n: int, rate: float, seed: int
) -> Outcome:
    """Kill processes at random moments while people write in; returns what became of the people.

    Args:
        place: what runs.
        box: has the mail.
        kills: which processes, in this order.
        people_n: how many write in.
        rate: people a second.
        seed: of the moments.
    """
    rng = random.Random(seed)
    load = Load(place.address, [Lead(f"p{n}x{seed}", n + 1) for n in range(people_n)], rate)
    moments = sorted(rng.uniform(0, people_n / rate) for _ in kills)
    with ThreadPoolExecutor(_SENDERS_N + 1) as pool:
        began = time.monotonic()
        giving = pool.submit(load.run, pool, random.Random(seed))
        for moment, name in zip(moments, kills, strict=True):
            place.watch(moment - (time.monotonic() - began))
            place.kill(name, rng)
        while not giving.done() or not all(one.done() for one in load.sent):
            place.watch(_LOOK_S)
        giving.result()
    settings = Settings.model_validate({"home": str(place.made.home)})
    with open_database(settings, SystemClock()) as database:
        _drain(place, database.engine, people_n)
        return _outcome(place, load, database.engine, box.mail())


def _drain(place: Live, engine: Engine, people_n: int) -> None:
    """Wait until nothing is left to do."""
    until = time.monotonic() + _DRAIN_S
    while time.monotonic() < until:
        place.watch(0.1)
        try:
            with engine.connect() as conn:
                if not conn.execute(_LEFT, {"people": people_n}).scalar_one():
                    return
        except SQLAlchemyError:  # a connection from before the last kill
            continue


def _outcome(
    place: Live, load: Load, engine: Engine, mails: Sequence[Mapping[str, str]]
) -> Outcome:
    with engine.connect() as conn:
        rows = {email: tuple(counts) for email, *counts in conn.execute(_LEADS)}
    ids: dict[str, set[str]] = {lead.name: set() for lead in load.leads}
    took: list[float] = []
    for mail in mails:
        for lead in load.leads:
            if web_leads.is_told_of(mail, lead):
                at = datetime.fromisoformat(mail["received_at"]).timestamp()
                took += [] if ids[lead.name] else [at - load.began[lead.name]]
                ids[lead.name].add(mail["message_id"])
    mine = [rows.get(lead.email, (0, 0, 0)) for lead in load.leads]
    one_lead, one_owner, one_turn = (sum(of[n] == 1 for of in mine) for n in range(3))
    other_ids_n = len({mail["message_id"] for mail in mails}) - len(set().union(*ids.values()))
    return Outcome(
        people=len(load.leads),
        requests=load.requests(),
        killed=dict(place.killed),
        leads=one_lead,
        owned=one_owner,
        assigned=one_turn,
        notified=sum(len(found) == 1 for found in ids.values()),
        mails=len(mails),
        strays=len(rows) - len(load.leads) + other_ids_n,
        p50_s=sorted(took)[len(took) // 2] if took else 0.0,
        longest_s=max(took, default=0.0),
    )


def shown(one: Outcome) -> str:
    """Return an outcome as lines for people."""
    killed = ", ".join(f"{name} {n} times" for name, n in sorted(one.killed.items()))
    verdict = "each one lead, one owner, one notice" if one.is_right else "WRONG COUNTS"
    return (
        f"{one.people} people, {one.requests} requests; killed: {killed}; {verdict}\n"
        f"  leads {one.leads}, owners {one.owned}, assignments {one.assigned}, notices {one.notified}, "
        f"mails {one.mails} (repeated {one.mails - one.notified}), others {one.strays}\n"
        f"  from the first request to the mail: p50 {one.p50_s:.2f} s, longest {one.longest_s:.1f} s"
    )


def main() -> int:
    """Kill, and print what became of the people."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--rate", type=float, default=10.0, help="people a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=20)
    chosen = parser.parse_args()
    kills = [VICTIMS[n % len(VICTIMS)] for n in range(chosen.kills)]
    random.Random(chosen.seed).shuffle(kills)
    people_n = round(chosen.rate * chosen.seconds)
    with configured_house() as (made, box), processes(made) as place:
        found = kill_under_load(
            place, box, kills, people_n=people_n, rate=chosen.rate, seed=chosen.seed
        )
    sys.stdout.write(shown(found) + "\n")
    return 0 if found.is_right else 1


if __name__ == "__main__":
    sys.exit(main())
