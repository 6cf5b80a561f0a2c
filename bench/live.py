"""What an inbound lead takes from the HTTP request to the mail server, idle and beside a first load.

`python -m bench.live [--rate 20] [--seconds 60] [--people 70000] [--json]`. Gateway, worker and PostgreSQL
run as processes over emulated vendors. Signed Typeform webhooks are posted at a steady rate: 10 % come twice,
10 % out of order. It runs once while nothing else happens, and once while `hub sync salesforce` reads
its leads for the first time. For each run: acknowledgement p95; request to mail p50 and p95, by the mail
server's own time; the longest time that one transaction held the identity lock. Every person must be one
lead with one owner and one notice; otherwise the exit code is 1.
"""

import argparse
import base64
import hashlib
import hmac
import json
import math
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import requests
from sqlalchemy import Engine, text

from bench.checkout import ROOT
from bench.emulated import first_line, vendors
from hub.clock import SystemClock
from hub.db.embedded import EmbeddedServer
from hub.db.engine import open_database
from hub.db.locks import LOCK_SPACE, lock_number
from hub.settings import Settings

_MAIN = "from hub.cli.app import main; main()"
_SECRET = "bench-secret"  # noqa: S105 of the emulated vendor
_START_S, _LATE_S, _END_S = 900, 180, 30
_SAMPLE_S = 0.004
_TWICE, _SWAPPED, _FAR = 0.1, 0.1, 20
_CLOCK = SystemClock()
_TEAM = """
people:
  - {email: ann@acme.example.com, name: Ann Lee, role: admin}
  - {email: bob@acme.example.com, name: Bob Ray}
groups:
  - {name: sales, members: [ann@acme.example.com, bob@acme.example.com]}
routing:
  fallback: group:sales
"""
_HOLDERS = text("""
SELECT l.pid, a.xact_start FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = :space AND l.objid = :number
""")
_OUTCOME = text("""
SELECT (SELECT count(*) FROM crm.lead WHERE email LIKE :mails),
  (SELECT count(*) FROM crm.lead WHERE email LIKE :mails AND owner_id IS NOT NULL),
  (SELECT count(*) FROM ops.assignment t JOIN crm.lead l ON l.id = t.lead_id WHERE l.email LIKE :mails)
""")


@dataclass
class Figures:
    """One run. Times are in seconds, of requests that were not repeated."""

    name: str
    people: int
    requests: int
    refused: int
    ack_p50: float
    ack_p95: float
    mail_p50: float
    mail_p95: float
    mail_max: float
    identity_longest: float
    leads: int
    owners: int
    assignments: int
    notices: int
    seconds: float
    beside: str = ""

    @property
    def is_right(self) -> bool:
        """Whether each person is one lead with one owner and one notice."""
        counts = {self.leads, self.owners, self.assignments, self.notices}
        return counts == {self.people} and not self.refused


@dataclass
class Holds:
    """Samples who holds the identity lock; `longest_s` is the longest hold of one transaction."""

    engine: Engine
    longest_s: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Sample until `stop`."""
        number = lock_number("identity") & 0xFFFFFFFF
        since: dict[tuple[int, datetime], float] = {}
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            while not self._stop.wait(_SAMPLE_S):
                now = time.monotonic()
                held = {
                    (row.pid, row.xact_start)
                    for row in conn.execute(_HOLDERS, {"space": LOCK_SPACE, "number": number})
                }
                since = {one: since.get(one, now) for one in held}
                self.longest_s = max([self.longest_s, *(now - at for at in since.values())])

    def stop(self) -> None:
        """End."""
        self._stop.set()


@dataclass(frozen=True)
class Place:
    """What runs: the gateway's address, the sandbox's control, the database, and the home."""

    gateway: str
    control: str
    engine: Engine
    root: Path
    env: Mapping[str, str]

    def hub(self, *words: str) -> "subprocess.Popen[str]":
        """Start a command of the hub."""
        return subprocess.Popen(
            [sys.executable, "-c", _MAIN, *words], cwd=self.root, env={**os.environ, **self.env, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip


@dataclass(frozen=True)
class Post:
    """One request: when it is due, for whom, and whether it repeats an earlier one."""

    due_s: float
    person: int
    is_repeat: bool


def plan(rate: float, seconds: float, rng: random.Random) -> list[Post]:
    """Return the requests of a run, in the order in which they are sent."""
    people_n = round(rate * seconds)
    order = list(range(people_n))
    for n in rng.sample(range(people_n), round(people_n * _SWAPPED)):
        other = min(people_n - 1, n + rng.randint(1, _FAR))
        order[n], order[other] = order[other], order[n]
    posts = [Post(at / rate, person, is_repeat=False) for at, person in enumerate(order)]
    again = [
        Post(one.due_s + rng.uniform(0.01, 2), one.person, is_repeat=True)
        for one in rng.sample(posts, round(people_n * _TWICE))
    ]
    return sorted([*posts, *again], key=lambda one: one.due_s)


def body_of(run: str, person: int, at: datetime) -> bytes:
    """Return a delivery of Typeform; a repeated one is the same."""
    answers = [
        {"type": kind, kind: said, "field": {"id": ref, "ref": ref, "type": type_}}
        for ref, kind, type_, said in (
            ("first_name", "text", "short_text", f"{_word(person)}"),
            ("last_name", "text", "short_text", f"{run.title()}{_word(person * 7919 + 13)}"),
            ("email", "email", "email", _email(run, person)),
        )
    ]
    moment = (at + timedelta(milliseconds=person)).strftime("%Y-%m-%dT%H:%M:%SZ")
    response = {
        "form_id": "bench", "token": f"{run}{person}", "landed_at": moment, "submitted_at": moment,
        "definition": {"id": "bench", "fields": []}, "answers": answers,
    }  # fmt: skip
    event = {
        "event_id": f"{run}-{person}",
        "event_type": "form_response",
        "form_response": response,
    }
    return json.dumps(event).encode()


def _email(run: str, person: int) -> str:
    return f"p{person}@{_word(person)}-{run}.example".lower()


def _word(n: int) -> str:
    """Return a name of letters alone, another one for each number."""
    letters = "bcdfghklmnprstvz"
    said = ""
    for _ in range(4):
        n, place = divmod(n * 31 + 7, 16)
        said += letters[place] + "aeiou"[place % 5]
    return said.title() + ("x" * (n % 3))


def post_all(
    place: Place, run: str, posts: Sequence[Post]
) -> tuple[dict[int, float], list[float], int]:
    """Send the requests when they are due; returns when each person's first began, acks, and refusals."""
    began: dict[int, float] = {}
    acks: list[float] = []
    refused = 0
    at, started = _CLOCK.now(), time.monotonic()
    bodies = {one.person: body_of(run, one.person, at) for one in posts}
    local = threading.local()

    def send(one: Post) -> tuple[Post, float, float, int]:
        session = getattr(local, "session", None) or requests.Session()
        local.session = session
        body = bodies[one.person]
        digest = base64.b64encode(hmac.digest(_SECRET.encode(), body, hashlib.sha256)).decode()
        headers = {"Typeform-Signature": f"sha256={digest}", "Content-Type": "application/json"}
        begun, clock = time.time(), time.monotonic()
        answer = session.post(
            f"{place.gateway}/hooks/typeform", data=body, headers=headers, timeout=30
        )
        return one, begun, time.monotonic() - clock, answer.status_code

    with ThreadPoolExecutor(16) as pool:
        sent = []
        for one in posts:
            _CLOCK.sleep(max(0.0, started + one.due_s - time.monotonic()))
            sent.append(pool.submit(send, one))
        for done in sent:
            one, begun, took, status = done.result()
            refused += status != requests.codes.ok
            began[one.person] = min(begun, began.get(one.person, math.inf))
            if not one.is_repeat:
                acks.append(took)
    return began, acks, refused


def mails_of(place: Place, run: str) -> dict[str, list[float]]:
    """Return when the mail server had each notice, by the address that it names."""
    found: dict[str, list[float]] = {}
    for mail in requests.get(f"{place.control}/mail", timeout=60).json()["mail"]:
        named = re.search(rf"p\d+@[a-z]+-{run}\.example", mail["text"])
        if named:
            at = datetime.fromisoformat(mail["received_at"]).timestamp()
            found.setdefault(named[0], []).append(at)
    return found


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share lies; not a number without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else math.nan


def measure(place: Place, run: str, args: argparse.Namespace, beside: str = "") -> Figures:
    """Post the webhooks of one run, wait for their mails, and return the figures."""
    posts = plan(args.rate, args.seconds, random.Random(args.seed))
    people = {one.person for one in posts}
    holds = Holds(place.engine)
    watching = threading.Thread(target=holds.run, daemon=True)
    watching.start()
    started = time.monotonic()
    began, acks, refused = post_all(place, run, posts)
    until = time.monotonic() + _LATE_S
    mails = mails_of(place, run)
    while len(mails) < len(people) and time.monotonic() < until:
        _CLOCK.sleep(0.5)
        mails = mails_of(place, run)
    _CLOCK.sleep(1)  # a second notice would come now
    mails = mails_of(place, run)
    holds.stop()
    watching.join(5)
    took = [min(mails[_email(run, p)]) - began[p] for p in people if _email(run, p) in mails]
    with place.engine.connect() as conn:
        outcome = conn.execute(_OUTCOME, {"mails": f"p%-{run}.example"}).one()
    return Figures(
        run, len(people), len(posts), refused, quantile(acks, 0.5), quantile(acks, 0.95),
        quantile(took, 0.5), quantile(took, 0.95), max(took, default=math.nan), holds.longest_s,
        outcome[0], outcome[1], outcome[2], sum(Counter(map(len, mails.values())).elements()),
        time.monotonic() - started, beside,
    )  # fmt: skip


@contextmanager
def running(people: int) -> Iterator[Place]:
    """Run the vendors, PostgreSQL, the gateway and a worker; all ends with the block."""
    with ExitStack() as stack:
        said = stack.enter_context(vendors(people, _START_S))
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="live")))
        (root / "sandbox.json").write_text(json.dumps(said))
        env = {
            **said["env"], "HUB_HOME": str(root / "h"), "HUB_SOURCES__TYPEFORM__WEBHOOK_SECRET": _SECRET,
            "HUB_GATEWAY__PORT": "0", "HUB_GATEWAY__PRIVATE_PORT": "0", "HUB_LOG": "WARNING",
        }  # fmt: skip
        place = Place("", said["control"], None, root, env)  # type: ignore[arg-type]  # not open yet
        _done(place.hub("init", "--sandbox", "sandbox.json"))
        with (root / "hub.yaml").open("a") as file:
            file.write(_TEAM)
        server = EmbeddedServer(root / "h", _CLOCK)
        server.attach()
        stack.callback(server.detach)
        settings = Settings.model_validate({"home": str(root / "h")})
        database = stack.enter_context(open_database(settings, _CLOCK))
        gateway = stack.enter_context(_kept(place.hub("gateway", "--json")))
        address = json.loads(first_line(gateway, _START_S))["public"]
        worker = stack.enter_context(_kept(place.hub("worker", "--json")))
        first_line(worker, _START_S)
        yield Place(address, said["control"], database.engine, root, env)


@contextmanager
def _kept(process: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=_END_S)
        except subprocess.TimeoutExpired:
            process.kill()


def _done(process: "subprocess.Popen[str]") -> str:
    out, _ = process.communicate(timeout=_START_S)
    if process.returncode:
        raise SystemExit(f"{process.args!r} ended with {process.returncode}: {out}")
    return out


def shown(one: Figures) -> str:
    """Return a run as lines for people."""
    verdict = "each person one lead, one owner, one notice" if one.is_right else "WRONG COUNTS"
    return (
        f"{one.name}: {one.requests} requests for {one.people} people, {one.refused} refused; {verdict}\n"
        f"  acknowledged p50 {one.ack_p50 * 1000:.0f} ms, p95 {one.ack_p95 * 1000:.0f} ms\n"
        f"  request to mail p50 {one.mail_p50:.2f} s, p95 {one.mail_p95:.2f} s, longest {one.mail_max:.2f} s\n"
        f"  identity lock held {one.identity_longest * 1000:.0f} ms at the longest\n"
        f"  leads {one.leads}, owners {one.owners}, assignments {one.assignments}, notices {one.notices}"
        + (f"\n  beside: {one.beside}" if one.beside else "")
    )


def main() -> int:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=20.0, help="new people a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long")
    parser.add_argument("--people", type=int, default=70_000, help="of the emulated vendors")
    parser.add_argument("--seed", type=int, default=20, help="of the plan")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    args = parser.parse_args()
    with running(args.people) as place:
        found = [measure(place, "idle", args)]
        sync = place.hub("sync", "salesforce", "--json")
        _CLOCK.sleep(min(5.0, args.seconds / 4))
        found.append(measure(place, "busy", args))
        found[1].beside = "the sync still ran" if sync.poll() is None else "the sync had ended"
        sync.communicate(timeout=3600)
    if args.json:
        print(json.dumps([{**asdict(one), "is_right": one.is_right} for one in found]))
    else:
        print("\n".join(map(shown, found)))
    return 0 if all(one.is_right for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
