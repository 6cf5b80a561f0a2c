"""The emulated vendors as a process of their own, and what the suite needs to know of each."""

import json
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from hub.clock import SystemClock
from hub.connectors.base import Connector, Page, Stream, Window
from hub.connectors.governor import Budget
from hub.connectors.http import RetryPolicy
from hub.connectors.registry import connect
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from hub.sandbox.vendor import Vendor as Emulated
from hub.sandbox.vendors import VENDORS
from tests.conformance.wire import Answer, Tamper, Wire

TIME_SCALE = 200
LAG_S = 60
START_S = 40
PAGE_SIZE = 7
NO_SECRETS = frozenset({"domain", "subdomain", "email", "username", "client_id"})
_PEOPLE = 100
FORMULA = "Account_Tier__c"
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """The suite's view of one stream: how to make a record and how to change one.

    The word "Person" stands in a text that the vendor keeps as it is. `wide` gives a new record as
    many fields of the customer's own as the vendor allows, each with a value of `wide_values`.
    `silent` changes values that leave the vendor's modification time as it is.
    """

    new: Callable[[int], Values]
    change: Callable[[int], Values]
    wide: Callable[[], Values] | None = None
    silent: Callable[[int], Values] | None = None
    has_staff: bool = False  # the universe's own users are in the stream
    part: Callable[[RawRecord], str] | None = None  # what of the stream can be forbidden alone


def wide_values(most: int, ending: str = "") -> dict[str, str]:
    """Return a value for each of many fields, their names 40 letters long."""
    return {f"field_{n:04d}".ljust(40, "x") + ending: f"value {n} of {most}" for n in range(most)}


CASES: Mapping[str, Case] = {
    "salesforce/leads": Case(
        new=lambda n: {"LastName": f"Person {n}", "Company": f"Company {n}"},
        change=lambda n: {"City": f"Moved {n}"},
        # https://help.salesforce.com/s/articleView?id=sf.custom_field_allocations.htm
        wide=lambda: {"LastName": "Person", "Company": "C", **wide_values(800, "__c")},
        silent=lambda n: {FORMULA: f"Tier {n}"},
    ),
    "hubspot/contacts": Case(
        new=lambda n: {"firstname": "Person", "lastname": str(n), "email": f"p{n}@b.example"},
        change=lambda n: {"city": f"Moved {n}"},
        # https://knowledge.hubspot.com/properties/create-and-edit-properties
        wide=lambda: {"lastname": "Person", "email": "w@b.example", **wide_values(1000)},
    ),
    "typeform/responses": Case(
        new=lambda n: {"first_name": "Person", "last_name": str(n), "email": f"p{n}@b.example"},
        change=lambda n: {"message": f"again {n}"},
        part=lambda record: f"forms/{record.source_id.partition(':')[0]}",
    ),
    "mailchimp/members": Case(
        new=lambda n: {
            "email_address": f"p{n}@b.example",
            "status": ("subscribed", "unsubscribed", "archived", "pending")[n % 4],
            "merge_fields": {"FNAME": "Person", "LNAME": str(n)},
        },
        change=lambda n: {"merge_fields": {"FNAME": "Again", "LNAME": str(n)}},
        silent=lambda n: {"tags": [f"tag {n}"]},
        part=lambda record: f"lists/{json.loads(record.payload)['list_id']}",
    ),
    "zendesk/users": Case(
        new=lambda n: {"name": f"Person {n}", "email": f"p{n}@d.example"},
        change=lambda n: {"notes": f"again {n}"},
        has_staff=True,
    ),
    "zendesk/tickets": Case(
        new=lambda n: {"subject": f"Person {n} asks", "description": f"What about {n}?"},
        change=lambda n: {"priority": "urgent", "tags": [f"again_{n}"]},
    ),
}


@dataclass(frozen=True, slots=True)
class Vendor:
    """One stream in the sandbox, as the suite sees it: truth, and how to change it.

    `make` is what makes a connector; a broken one is put here to see a promise fail.
    """

    source: str
    name: str
    url: str
    credentials: Mapping[str, str]
    control: str
    wire: Wire
    make: Callable[..., Connector] = connect

    def connect(
        self,
        *,
        budget: Budget | None = None,
        retry_policy: RetryPolicy | None = None,
        **settings: Any,
    ) -> Connector:
        """Return a new connector, as a new process would have it."""
        block = {
            "base_url": self.url,
            "time_scale": TIME_SCALE,
            "lag_s": LAG_S,
            "page_size": PAGE_SIZE,
        }
        settings = {**self.credentials, **block, **settings}
        return self.make(
            self.source,
            SimpleNamespace(**settings),
            SystemClock(),
            budget=budget,
            retry_policy=retry_policy,
        )

    def connect_over(self, tamper: Tamper | None = None, **rest: Any) -> Connector:
        """Return a new connector whose calls pass the wire, which breaks the answers if told so."""
        self.wire.lead(self.url, tamper)
        return self.connect(base_url=self.wire.url, **rest)

    def stream(self, connector: Connector) -> Stream:
        """Return the stream under test."""
        return next(one for one in connector.streams() if one.name == self.name)

    def secrets(self) -> list[str]:
        """Return the credentials that must never be said, names of accounts left out."""
        return [text for key, text in self.credentials.items() if key not in NO_SECRETS]

    def truth(self) -> set[str]:
        """Return the ids of all records that ever were, by the sandbox's own account."""
        records = self.ask("GET", "/truth")["records"]
        return {one["id"] for one in records if self._is_ours(one)} | self._staff()

    def _staff(self) -> set[str]:
        if not self.case.has_staff:
            return set()
        users = self.ask("GET", "/users")["users"]
        return {str(one["ids"].get(self.source, one["id"])) for one in users}

    def deleted(self) -> set[str]:
        """Return the ids of the records that were deleted or merged away."""
        events = self.ask("GET", "/events")["events"]
        gone = [one for one in events if one["op"] in {"delete", "merge"}]
        return {one["id"] for one in gone if self._is_ours(one)}

    def _is_ours(self, one: Mapping[str, Any]) -> bool:
        return (one["source"], one["stream"]) == (self.source, self.name)

    def expected(self, stream: Stream) -> set[str]:
        """Return the ids that a read from the beginning must bring."""
        return self.truth() if stream.reports_deletes else self.truth() - self.deleted()

    def create(self, n: int = 1) -> str:
        """Let a new record appear; return its id."""
        return self.event("create", values=self.case.new(n))

    @property
    def case(self) -> Case:
        """How records of the stream are made."""
        return CASES[f"{self.source}/{self.name}"]

    def part(self, record: RawRecord) -> str:
        """Return the part that a record is of: the stream, or what can be forbidden of it alone."""
        return self.case.part(record) if self.case.part else self.name

    def is_read(self, method: str, path: str) -> bool:
        """Tell whether a call reads, by the vendor's own documentation."""
        return self.emulated.is_read(method, path)

    @property
    def emulated(self) -> Emulated:
        """Return the sandbox's state of the vendor."""
        return next(one for one in VENDORS if one.name == self.source)

    def refusal(self, kind: str, status: int, **headers: str) -> Answer:
        """Return the vendor's way of saying that it is too much or that it is ill."""
        status, said, body = self.emulated.refuse(kind, status)
        kept = {name: text for name, text in said.items() if name.lower() != "retry-after"}
        return Answer(status, {**kept, **headers}, body)

    def event(self, op: str, **rest: Any) -> str:
        """Let something happen to the stream."""
        event = {"op": op, "source": self.source, "stream": self.name, **rest}
        return str(self.ask("POST", "/events", event)["id"])

    def break_by(self, profiles: str) -> None:
        """Switch on exactly these faults."""
        self.ask("PUT", "/faults", {"faults": profiles})

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask the control server."""
        answer = requests.request(method, self.control + path, json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()


def read_window(connector: Connector, stream: Stream, cursor: Any = None) -> list[Page]:
    """Return the pages of the next window; raises the first fault of a part of the stream."""
    pages = []
    for page in connector.read(stream, connector.window(stream, cursor)):
        for fault in page.faults:
            raise fault.error
        pages.append(page)
    return pages


def records_of(pages: list[Page]) -> list[RawRecord]:
    """Return all records of the pages."""
    return [record for page in pages for record in page.records]


def plain_ids(records: list[RawRecord]) -> list[str]:
    """Return source ids as the sandbox names them: a form answer without its form."""
    return [record.source_id.rpartition(":")[2] for record in records]


def live_n(records: list[RawRecord], window: Window) -> int:
    """Return how many distinct live records a read brought, by each one's last word."""
    last = {record.source_id: record for record in records}
    return sum(one.op is Op.UPSERT for one in last.values())


_controls: list[str] = []  # of the sandboxes that run


def settle() -> None:
    """Move the vendors' clocks until what happened by now lies before the next window's end."""
    assert _controls, "no sandbox runs"
    for control in _controls:
        answer = requests.post(control + "/clock", json={"ahead_s": LAG_S + 45}, timeout=10)
        answer.raise_for_status()


@contextmanager
def running(*arguments: str) -> Iterator[Mapping[str, Any]]:
    """Run a sandbox; yields what it announced."""
    command = [sys.executable, "-m", "hub.sandbox", "--json", "--time-scale", str(TIME_SCALE)]
    process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], START_S)
        line = process.stdout.readline() if ready else ""
        if not line:
            pytest.fail(f"the sandbox did not start within {START_S} s")
        said = json.loads(line)
        _controls.append(said["control"])
        try:
            yield said
        finally:
            _controls.remove(said["control"])
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Mapping[str, Any]]:
    """Return what the running sandbox announced."""
    with running("--people", str(_PEOPLE), "--seed", "7") as said:
        yield said


@pytest.fixture(scope="session")
def empty_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Any]]:
    """Return what a sandbox without a record announced."""
    universe: Path = tmp_path_factory.mktemp("empty") / "universe.json"
    universe.write_text(json.dumps({"version": 1}))
    with running("--universe", str(universe)) as said:
        yield said


@pytest.fixture(scope="session")
def wide_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Any]]:
    """Return what another empty sandbox announced; odd objects come into it, a formula is there."""
    universe: Path = tmp_path_factory.mktemp("wide") / "universe.json"
    formula = {"source": "salesforce", "stream": "leads", "name": FORMULA, "calculated": True}
    universe.write_text(json.dumps({"version": 1, "fields": [formula]}))
    with running("--universe", str(universe)) as said:
        yield said


@pytest.fixture(scope="session")
def wire() -> Iterator[Wire]:
    """Return the proxy that promises break answers with."""
    with Wire() as one:
        yield one


@pytest.fixture
def elsewhere() -> Iterator[Wire]:
    """Return another server, which no request may reach."""
    with Wire() as one:
        one.lead("", lambda call, forward: Answer(200, {}, b"{}"))  # a tamper's own arguments
        yield one


def vendor_of(
    case: str, sandbox: Mapping[str, Any], wire: Wire, make: Callable[..., Connector] = connect
) -> Vendor:
    """Return a stream in a sandbox."""
    source, name = case.split("/")
    said = sandbox["vendors"][source]
    return Vendor(source, name, said["url"], said["credentials"], sandbox["control"], wire, make)


@pytest.fixture(params=CASES)
def vendor(
    request: pytest.FixtureRequest, sandbox: Mapping[str, Any], wire: Wire
) -> Iterator[Vendor]:
    """Return each stream in turn, its vendor whole again after the test."""
    one = vendor_of(request.param, sandbox, wire)
    yield one
    one.break_by("")


@pytest.fixture(params=CASES)
def empty_vendor(
    request: pytest.FixtureRequest, empty_sandbox: Mapping[str, Any], wire: Wire
) -> Vendor:
    """Return each stream in turn, at a vendor that has no record of it."""
    return vendor_of(request.param, empty_sandbox, wire)


@pytest.fixture(params=[name for name, case in CASES.items() if case.wide])
def wide_vendor(
    request: pytest.FixtureRequest, wide_sandbox: Mapping[str, Any], wire: Wire
) -> Vendor:
    """Return each stream in turn whose records a customer gives fields of their own."""
    return vendor_of(request.param, wide_sandbox, wire)


@pytest.fixture(params=[name for name, case in CASES.items() if case.silent])
def silent_vendor(
    request: pytest.FixtureRequest, wide_sandbox: Mapping[str, Any], wire: Wire
) -> Vendor:
    """Return each stream in turn that has values which change without the vendor's timestamp."""
    return vendor_of(request.param, wide_sandbox, wire)
