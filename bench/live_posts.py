"""The requests of `bench.live`: who comes when, by which vendor, and the signed delivery of that vendor.

Six people of ten come by Typeform, whose delivery has the record. Three come by HubSpot and one by Mailchimp:
they are made at the emulated vendor first, and the worker reads them again there. Some requests are
repeated, and some are sent out of the order in which the vendor made them.
"""

import base64
import hashlib
import hmac
import http.client
import json
import math
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests

from hub.clock import SystemClock

TYPEFORM_SECRET = "bench-secret"  # noqa: S105 of the emulated vendor
PUBLIC_URL = "https://hub.bench.example"
_TURNS = ("typeform", "hubspot", "typeform", "mailchimp", "typeform", "hubspot", "typeform", "typeform",
          "hubspot", "typeform")  # fmt: skip
_TWICE, _SWAPPED, _FAR = 0.1, 0.1, 20
_SENDERS = 16
_CLOCK = SystemClock()
Json = dict[str, Any]


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


def email_of(run: str, person: int) -> str:
    """Return the address of a person of a run."""
    return f"p{person}@{_word(person)}-{run}.example".lower()


def source_of(person: int) -> str:
    """Return the vendor by which a person comes."""
    return _TURNS[person % len(_TURNS)]


def _word(n: int) -> str:
    """Return a name of letters alone, another one for each number."""
    letters = "bcdfghklmnprstvz"
    said = ""
    for _ in range(4):
        n, place = divmod(n * 31 + 7, 16)
        said += letters[place] + "aeiou"[place % 5]
    return said.title() + ("x" * (n % 3))


def _names(run: str, person: int) -> tuple[str, str]:
    return _word(person), f"{run.title()}{_word(person * 7919 + 13)}"


@dataclass(frozen=True)
class Delivery:
    """What is posted: the path, the headers and the body."""

    path: str
    headers: dict[str, str]
    body: bytes


class Vendors:
    """Makes the deliveries of the people of one run; a repeated one has the same body.

    Args:
        run: its name, in every address.
        control: the control address of the emulated vendors.
        secrets: of the vendors' webhooks, by source.
    """

    def __init__(self, run: str, control: str, secrets: dict[str, str]) -> None:
        self._run, self._control, self._secrets = run, control, secrets
        self._began = _CLOCK.now()
        self._local = threading.local()
        self._locks = [threading.Lock() for _ in range(_SENDERS * 4)]
        self._made: dict[int, Json] = {}

    def delivery(self, person: int) -> Delivery:
        """Return the delivery about a person; the person is made at the vendor the first time."""
        source = source_of(person)
        made: Json = {}
        if source != "typeform":
            with self._locks[person % len(self._locks)]:
                made = self._made.get(person) or self._create(source, person)
                self._made[person] = made
        at = self._began + timedelta(milliseconds=person)
        return _DELIVERIES[source](self, person, made, at)

    def _create(self, source: str, person: int) -> Json:
        first, last = _names(self._run, person)
        email = email_of(self._run, person)
        stream, values = (
            ("contacts", {"firstname": first, "lastname": last, "email": email, "lifecyclestage": "lead"})
            if source == "hubspot"
            else ("members", {
                "email_address": email, "status": "subscribed", "member_rating": 5,
                "merge_fields": {"FNAME": first, "LNAME": last},
            })
        )  # fmt: skip
        session = getattr(self._local, "session", None) or requests.Session()
        self._local.session = session
        event = {"op": "create", "source": source, "stream": stream, "values": values}
        answer = session.post(f"{self._control}/events", json=event, timeout=30)
        answer.raise_for_status()
        return dict(answer.json())

    def typeform(self, person: int, _made: Json, at: datetime) -> Delivery:
        """Return a signed response."""
        first, last = _names(self._run, person)
        answers = [
            {"type": kind, kind: said, "field": {"id": ref, "ref": ref, "type": type_}}
            for ref, kind, type_, said in (
                ("first_name", "text", "short_text", first),
                ("last_name", "text", "short_text", last),
                ("email", "email", "email", email_of(self._run, person)),
            )
        ]
        moment = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        response = {
            "form_id": "bench", "token": f"{self._run}{person}", "landed_at": moment, "submitted_at": moment,
            "definition": {"id": "bench", "fields": []}, "answers": answers,
        }  # fmt: skip
        body = json.dumps({
            "event_id": f"{self._run}-{person}", "event_type": "form_response", "form_response": response,
        }).encode()  # fmt: skip
        digest = base64.b64encode(hmac.digest(TYPEFORM_SECRET.encode(), body, hashlib.sha256))
        headers = {"Typeform-Signature": f"sha256={digest.decode()}"}
        return Delivery("/hooks/typeform", headers, body)

    def hubspot(self, _person: int, made: Json, at: datetime) -> Delivery:
        """Return a hint at a contact, signed now."""
        millis, now = round(at.timestamp() * 1000), str(round(time.time() * 1000))
        body = json.dumps([{
            "eventId": 1, "subscriptionId": 1, "portalId": 1, "appId": 1, "occurredAt": millis,
            "subscriptionType": "contact.creation", "attemptNumber": 0, "objectId": int(made["id"]),
            "changeSource": "CRM", "changeFlag": "NEW",
        }]).encode()  # fmt: skip
        path = "/hooks/hubspot"
        signed = b"POST" + f"{PUBLIC_URL}{path}".encode() + body + now.encode()
        digest = hmac.digest(self._secrets["hubspot"].encode(), signed, hashlib.sha256)
        headers = {
            "X-HubSpot-Signature-v3": base64.b64encode(digest).decode(),
            "X-HubSpot-Request-Timestamp": now,
        }
        return Delivery(path, headers, body)

    def mailchimp(self, person: int, made: Json, at: datetime) -> Delivery:
        """Return a hint at a member; the secret is part of the address."""
        body = urlencode({
            "type": "subscribe", "fired_at": at.strftime("%Y-%m-%d %H:%M:%S"), "data[id]": made["id"],
            "data[list_id]": self._secrets["list_id"], "data[email]": email_of(self._run, person),
        }).encode()  # fmt: skip
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return Delivery(f"/hooks/mailchimp/{self._secrets['mailchimp']}", headers, body)


_DELIVERIES: dict[str, Callable[[Vendors, int, Json, datetime], Delivery]] = {
    "typeform": Vendors.typeform,
    "hubspot": Vendors.hubspot,
    "mailchimp": Vendors.mailchimp,
}


@dataclass
class Sent:
    """What was sent: when each person's first request began, and how long acknowledgements took.

    `late_s` is how much later than planned the last request began, at most: a sender that is too slow
    measures itself.
    """

    began: dict[int, float] = field(default_factory=dict)
    acks: list[float] = field(default_factory=list)
    requests_n: int = 0
    refused: int = 0
    late_s: float = 0.0
    seconds: float = 0.0


def post_all(
    gateway: str,
    vendors: Vendors,
    posts: Sequence[Post],
    goes_on: Callable[[], bool] = lambda: True,
) -> Sent:
    """Send the requests when they are due, as long as `goes_on` says so."""
    sender = _Sender(gateway, vendors)
    pool = ThreadPoolExecutor(_SENDERS)
    sent: list[Future[tuple[Post, float, float, int]]] = []
    started = time.monotonic()
    seen: set[int] = set()
    for one in posts:
        _CLOCK.sleep(max(0.0, started + one.due_s - time.monotonic()))
        if not one.is_repeat and not goes_on():
            break
        if one.is_repeat and one.person not in seen:
            continue
        seen.add(one.person)
        sent.append(pool.submit(sender.send, one, started))
    pool.shutdown(wait=True)
    done = Sent(seconds=time.monotonic() - started, late_s=sender.late_s)
    _add_up(done, (one.result() for one in sent))
    return done


def _add_up(done: Sent, results: Iterable[tuple[Post, float, float, int]]) -> None:
    for one, begun, took, status in results:
        done.requests_n += 1
        done.refused += status != requests.codes.ok
        done.began[one.person] = min(begun, done.began.get(one.person, math.inf))
        if not one.is_repeat:
            done.acks.append(took)


class _Sender:
    """Posts one request after the other, each thread on a connection of its own."""

    def __init__(self, gateway: str, vendors: Vendors) -> None:
        place = urlsplit(gateway)
        self._host, self._port = str(place.hostname), place.port
        self._vendors = vendors
        self._local = threading.local()
        self.late_s = 0.0

    def send(self, one: Post, started: float) -> tuple[Post, float, float, int]:
        """Return the request, when it began, how long it took, and the status."""
        what = self._vendors.delivery(one.person)
        line: http.client.HTTPConnection | None = getattr(self._local, "line", None)
        if line is None:
            line = http.client.HTTPConnection(self._host, self._port, timeout=30)
            self._local.line = line
        self.late_s = max(self.late_s, time.monotonic() - started - one.due_s)
        begun, clock = time.time(), time.monotonic()
        try:
            line.request(
                "POST", what.path, what.body, {"Content-Type": "application/json", **what.headers}
            )
            answer = line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            line.close()  # the gateway closes a connection that was silent for five seconds
            line.request(
                "POST", what.path, what.body, {"Content-Type": "application/json", **what.headers}
            )
            answer = line.getresponse()
            answer.read()
        return one, begun, time.monotonic() - clock, answer.status
