"""What an inbound lead takes from the HTTP request to the mail server: idle, beside a sync, beside an undo.

`python -m bench.live [--rate 20] [--seconds 60] [--people 96200] [--beside sync,undo] [--rates 20,40,…]
[--json] [--write FILE]`. Gateway, worker and PostgreSQL run as processes over emulated vendors. Signed webhooks
of Typeform, HubSpot and Mailchimp are posted at a steady rate (`bench.live_posts`):

- while nothing else happens
- while `hub sync salesforce` reads 50,000 leads for the first time, to its end, or for `--beside-most` seconds
- while `hub undo` takes this sync back, in the same way
- at each of `--rates`, until p95 is over two seconds

For each run: acknowledgement p95; request to mail p50 and p95, by the mail server's own time; the longest
time that one transaction held the identity lock; the CPU of each part. Every person must be one lead with one owner
and one notice; otherwise the exit code is 1. The block goes to the standard output, progress to the standard error.
"""

import argparse
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
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO

import requests
from sqlalchemy import Engine, text

from bench.checkout import ROOT
from bench.emulated import first_line, vendors
from bench.idle import say
from bench.live_posts import PUBLIC_URL, TYPEFORM_SECRET, Vendors, email_of, plan, post_all
from bench.live_report import Figures, block, quantile
from bench.live_watch import Cpu, Holds, load
from hub.clock import SystemClock
from hub.db.embedded import EmbeddedServer
from hub.db.engine import open_database
from hub.sandbox.mailchimp.lists import hexed
from hub.settings import Settings

_MAIN = "from hub.cli.app import main; main()"
_START_S, _LATE_S, _END_S = 900, 180, 30
_REST_S = 20
"""Seconds that a rate takes beside its posts, and the end of all processes."""
_GOOD = (0, 3)
"""3: a sync met values for quarantine."""
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
_OUTCOME = text("""
SELECT (SELECT count(*) FROM crm.lead WHERE email LIKE :mails),
  (SELECT count(*) FROM crm.lead WHERE email LIKE :mails AND owner_id IS NOT NULL),
  (SELECT count(*) FROM ops.assignment t JOIN crm.lead l ON l.id = t.lead_id WHERE l.email LIKE :mails)
""")
_BATCH = text("SELECT max(id) FROM ops.batch WHERE source = 'salesforce' AND kind = 'sync'")
_LANDED = text("SELECT count(*) FROM landing.raw WHERE source = 'salesforce' AND stream = 'leads'")


@dataclass(frozen=True)
class Place:
    """What runs.

    Args:
        gateway: its public address.
        control: the control address of the vendors that send webhooks, which have the mail server too.
        engine: of the database.
        root: the folder of hub.yaml.
        env: of the hub's commands.
        secrets: of the webhooks.
        parts: the pid of each part whose CPU is told.
    """

    gateway: str
    control: str
    engine: Engine
    root: Path
    env: Mapping[str, str]
    secrets: dict[str, str]
    parts: Mapping[str, int]


def _hub(
    root: Path, env: Mapping[str, str], *words: str, out: int | TextIO = subprocess.PIPE
) -> "subprocess.Popen[str]":
    """Start a command of the hub; PostgreSQL knows its connections by the command's name."""
    more = {"PYTHONPATH": str(ROOT), "PGAPPNAME": words[0]}
    return subprocess.Popen(
        [sys.executable, "-c", _MAIN, *words], cwd=root, env={**os.environ, **env, **more},
        stdout=out, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def mails_of(place: Place, run: str) -> dict[str, list[float]]:
    """Return when the mail server had each notice, by the address that it names."""
    found: dict[str, list[float]] = {}
    for mail in requests.get(f"{place.control}/mail", timeout=60).json()["mail"]:
        named = re.search(rf"p\d+@[a-z]+-{run}\.example", mail["text"])
        if named:
            at = datetime.fromisoformat(mail["received_at"]).timestamp()
            found.setdefault(named[0], []).append(at)
    return found


def measure(
    place: Place, run: str, rate: float, seconds: float, *,
    seed: int, beside: "subprocess.Popen[str] | None" = None, most_s: float = 0.0,
) -> Figures:  # fmt: skip
    """Post the webhooks of one run, wait for their mails, and return the figures.

    With a process beside it goes on until that process has ended, for `seconds` at least and `most_s` at most.
    """
    requests.delete(f"{place.control}/mail", timeout=60).raise_for_status()
    posts = plan(rate, max(seconds, most_s), random.Random(seed))
    sender = Vendors(run, place.control, place.secrets)
    until, own_s = time.monotonic() + seconds, time.process_time()
    goes_on: Callable[[], bool] = lambda: True  # noqa: E731
    if beside is not None:
        goes_on = lambda: beside.poll() is None or time.monotonic() < until  # noqa: E731
    cpu = Cpu({**place.parts, **({"command": beside.pid} if beside else {})})
    with _watched(place.engine) as holds:
        sent = post_all(place.gateway, sender, posts, goes_on)
        cores = {**cpu.shares(), "bench": (time.process_time() - own_s) / sent.seconds}
        mails = _waited(place, run, len(sent.began))
    took = [
        min(mails[email]) - at
        for person, at in sent.began.items()
        if (email := email_of(run, person)) in mails
    ]
    with place.engine.connect() as conn:
        outcome = conn.execute(_OUTCOME, {"mails": f"p%-{run}.example"}).one()
    held = {name: s / holds.seconds for name, s in holds.held_s.items()}
    return Figures(
        run, rate, len(sent.began), sent.requests_n, sent.refused, sent.seconds,
        quantile(sent.acks, 0.5), quantile(sent.acks, 0.95),
        quantile(took, 0.5), quantile(took, 0.95), max(took, default=math.nan),
        outcome[0], outcome[1], outcome[2], sum(Counter(map(len, mails.values())).elements()),
        sent.late_s, dict(holds.longest_s), held, cores, load(),
    )  # fmt: skip


@contextmanager
def _watched(engine: Engine) -> Iterator[Holds]:
    holds = Holds(engine)
    watching = threading.Thread(target=holds.run, daemon=True)
    watching.start()
    try:
        yield holds
    finally:
        holds.stop()
        watching.join(5)


def _waited(place: Place, run: str, people: int) -> dict[str, list[float]]:
    """Wait until each person has a mail; a second one would come a second later at most."""
    until = time.monotonic() + _LATE_S
    while len(mails_of(place, run)) < people and time.monotonic() < until:
        _CLOCK.sleep(0.5)
    _CLOCK.sleep(1)
    return mails_of(place, run)


@contextmanager
def running(people: int) -> Iterator[Place]:
    """Run the vendors, PostgreSQL, the gateway and a worker; all ends with the block.

    Salesforce is emulated by a process of its own: a page of leads holds up neither mail nor hints.
    """
    with ExitStack() as stack:
        say(f"the emulated vendors start, with {people:,} people")
        salesforce = stack.enter_context(vendors(people, _START_S))
        said = stack.enter_context(vendors(1, _START_S))
        said["vendors"]["salesforce"] = salesforce["vendors"]["salesforce"]
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="live")))
        root.chmod(0o755)
        (root / "sandbox.json").write_text(json.dumps(said))
        secrets = {
            "hubspot": said["vendors"]["hubspot"]["webhook_secret"],
            "mailchimp": said["vendors"]["mailchimp"]["webhook_secret"],
            "list_id": hexed("mailchimp/list/1", 10),
        }
        env = {
            **said["env"], "HUB_HOME": str(root / "h"), "HUB_LOG": "WARNING",
            "HUB_SOURCES__TYPEFORM__WEBHOOK_SECRET": TYPEFORM_SECRET,
            "HUB_SOURCES__HUBSPOT__WEBHOOK_SECRET": secrets["hubspot"],
            "HUB_SOURCES__MAILCHIMP__WEBHOOK_SECRET": secrets["mailchimp"],
            "HUB_GATEWAY__PUBLIC_URL": PUBLIC_URL,
            "HUB_GATEWAY__PORT": "0", "HUB_GATEWAY__PRIVATE_PORT": "0",
        }  # fmt: skip
        _done(_hub(root, env, "init", "--sandbox", "sandbox.json"))
        with (root / "hub.yaml").open("a") as file:
            file.write(_TEAM)
        server = EmbeddedServer(root / "h", _CLOCK)
        server.attach()
        stack.callback(server.detach)
        settings = Settings.model_validate({"home": str(root / "h")})
        database = stack.enter_context(open_database(settings, _CLOCK))
        gateway = stack.enter_context(_kept(_hub(root, env, "gateway", "--json")))
        address = json.loads(first_line(gateway, _START_S))["public"]
        worker = stack.enter_context(_kept(_hub(root, env, "worker", "--json")))
        first_line(worker, _START_S)
        postmaster = int((root / "h/pg/data/postmaster.pid").read_text().splitlines()[0])
        parts = {"gateway": gateway.pid, "worker": worker.pid, "PostgreSQL": postmaster}
        yield Place(address, said["control"], database.engine, root, env, secrets, parts)


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


def _done(process: "subprocess.Popen[str]") -> None:
    out, _ = process.communicate(timeout=_START_S)
    if process.returncode:
        raise SystemExit(f"{process.args!r} ended with {process.returncode}: {out[-2000:]}")


def _beside(place: Place, args: argparse.Namespace, until: float) -> Iterator[Figures]:
    """Yield the runs beside a sync and beside its undo; the undo only if time is left."""
    for name in args.beside:
        if name != args.beside[0] and time.monotonic() + args.beside_seconds + _REST_S > until:
            say(f"no time is left for hub {name}")
            return
        words = ("sync", "salesforce", "--json") if name == "sync" else _undo(place)
        say(f"{args.rate:g} a second beside: hub {' '.join(words)}")
        began = time.monotonic()
        with (place.root / f"{name}.out").open("w") as out:  # a pipe that is not read would stop it
            process = _hub(place.root, place.env, *words, out=out)
            one = measure(
                place, name, args.rate, args.beside_seconds, seed=args.seed, beside=process,
                most_s=args.beside_most,
            )  # fmt: skip
            code = process.wait()
        if code not in _GOOD:
            raise SystemExit(f"hub {' '.join(words)} ended with {code}")
        took_s = time.monotonic() - began
        one.beside = f"`hub {name}` ({took_s:.0f} s)"
        say(f"hub {name} has ended; {took_s:.0f} s; {_brief(one)}")
        yield one


def _undo(place: Place) -> tuple[str, ...]:
    with place.engine.connect() as conn:
        return (
            "undo",
            str(conn.execute(_BATCH).scalar_one()),
            "--as",
            "ann@acme.example.com",
            "--json",
        )


def _brief(one: Figures) -> str:
    right = "right" if one.is_right else "WRONG COUNTS"
    return (
        f"{one.people} people, {right}; mail p50 {one.mail_p50:.2f} s, p95 {one.mail_p95:.2f} s; "
        f"acknowledged p95 {one.ack_p95 * 1000:.0f} ms; lock {one.longest * 1000:.0f} ms"
    )


def _rates(place: Place, args: argparse.Namespace, until: float) -> Iterator[Figures]:
    """Yield a run for each rate, until one does not hold, or until the time is over."""
    for rate in args.rates:
        if time.monotonic() + args.rate_seconds + _REST_S > until and rate != args.rates[0]:
            say(f"no time is left for {rate:g} a second")
            return
        say(f"{rate:g} a second, for {args.rate_seconds:g} s")
        one = measure(
            place, f"r{rate:g}".replace(".", "x"), rate, args.rate_seconds, seed=args.seed
        )
        say(_brief(one))
        yield one
        if not one.holds:
            return


def _words(said: str) -> list[str]:
    return [one for one in said.split(",") if one]


def _numbers(said: str) -> list[float]:
    return [float(one) for one in _words(said)]


def _chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rate", type=float, default=20.0, help="new people a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the idle run takes")
    parser.add_argument(
        "--beside", type=_words, default=["sync", "undo"], help="sync, sync,undo, or nothing"
    )
    parser.add_argument("--beside-seconds", type=float, default=60.0, help="how long at least")
    parser.add_argument("--beside-most", type=float, default=180.0, help="how long at most")
    parser.add_argument(
        "--rates", type=_numbers, default=[], help="people a second, such as 20,40,60"
    )
    parser.add_argument(
        "--minutes", type=float, default=11.5, help="after so many no further run begins"
    )
    parser.add_argument("--rate-seconds", type=float, default=20.0, help="how long each rate")
    parser.add_argument(
        "--people",
        type=int,
        default=96_200,
        help="of the emulated vendors; half have a lead in Salesforce",
    )
    parser.add_argument("--seed", type=int, default=20, help="of the plan")
    parser.add_argument(
        "--json", action="store_true", help="one JSON document instead of the block"
    )
    parser.add_argument("--write", type=Path, help="a file for the block, as Markdown")
    return parser.parse_args()


def main() -> int:
    """Measure, and print the block."""
    args = _chosen()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is ended
    until = time.monotonic() + args.minutes * 60
    with running(args.people) as place:
        say("the first leads warm the processes up")
        measure(place, "warm", args.rate, 2, seed=args.seed)
        say(f"{args.rate:g} a second, idle, for {args.seconds:g} s")
        found = [measure(place, "idle", args.rate, args.seconds, seed=args.seed)]
        say(_brief(found[0]))
        found += _beside(place, args, until)
        with place.engine.connect() as conn:
            sizes = {"leads": int(conn.execute(_LANDED).scalar_one())}
        rates = list(_rates(place, args, until))
    shown = "\n".join(block(found, rates, sizes)) + "\n"
    if args.write:
        args.write.write_text(shown)
    document = {"runs": [asdict(one) for one in found], "rates": [asdict(one) for one in rates]}
    sys.stdout.write(json.dumps(document) + "\n" if args.json else shown)
    # a rate that is too high may leave mails for later; the other runs may not
    return 0 if all(one.is_right for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
