"""A hub over a real database, with a vendor whose pages a test writes by hand."""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from hub.clock import SystemClock
from hub.connectors.base import Cursor, Finding, Page, Stream, Window
from hub.crm import owners
from hub.db.embedded import Server
from hub.db.engine import Database
from hub.etl import derivations
from hub.etl.assemble import group_of
from hub.etl.context import Hub
from hub.etl.groups import apply_groups
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from hub.settings import Settings
from tests.conftest import three_people
from tests.old_homes import pour
from tests.prepared import Shelf, Template, commonly_fills, fills, fresh_database
from tests.shipped import mappings

T = TypeVar("T")

START = datetime(2026, 1, 1, tzinfo=UTC)
STREAMS = {
    "salesforce": ("users", "leads"),
    "hubspot": ("owners", "contacts"),
    "mailchimp": ("members",),
    "zendesk": ("users", "tickets"),
    "typeform": ("responses",),
}


@dataclass
class HandConnector:
    """A vendor written by hand: objects in lists, each with its modification time."""

    source: str
    objects: dict[str, list[RawRecord]] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    names: Sequence[str] = ()
    page_size: int = 100

    def streams(self) -> Sequence[Stream]:
        return [Stream(name) for name in self.names]

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:
        at = datetime.fromisoformat(str(cursor["watermark"])) if cursor else None
        newest = max((r.at for r in self.objects.get(stream.name, ()) if r.at), default=START)
        return Window(at, newest + timedelta(seconds=1), watermark=at)

    def _inside(self, stream: Stream, since: datetime | None, until: datetime) -> list[RawRecord]:
        rows = [
            r
            for r in self.objects.get(stream.name, ())
            if r.at and (since is None or r.at >= since) and r.at < until
        ]
        return sorted(rows, key=lambda r: (r.at or START, r.source_id))

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        rows = [
            r
            for r in self._inside(stream, window.since, window.until)
            if r.source_id not in self.hidden
        ]
        cursor = {"watermark": window.until.isoformat()}
        for start in range(0, len(rows), self.page_size):
            yield Page(rows[start : start + self.page_size], cursor)
        if not rows:
            yield Page([], cursor)

    def count(self, stream: Stream, since: datetime | None, until: datetime) -> int | None:
        last = {r.source_id or str(i): r for i, r in enumerate(self._inside(stream, since, until))}
        return sum(1 for r in last.values() if r.op is Op.UPSERT)

    def check(self) -> Sequence[Finding]:
        return []


def salesforce_lead(
    number: int, *, at: int = 0, op: Op = Op.UPSERT, into: str | None = None, **values: Any
) -> RawRecord:
    """A Salesforce lead with the given fields, modified `at` seconds after the start."""
    source_id = f"00Q{number:012d}AAA"
    moment = START + timedelta(seconds=at or number)
    row = {
        "Id": source_id,
        "IsDeleted": op is not Op.UPSERT,
        "CreatedDate": "2025-05-05T10:00:00.000+0000",
        **values,
    }
    return RawRecord(source_id, op, moment, moment.isoformat(), json.dumps(row).encode(), into)


def typeform_answer(token: str, *, at: int = 1, **values: Any) -> RawRecord:
    """A Typeform response whose answers have the given refs."""
    moment = START + timedelta(seconds=at)
    kinds = {"email": "email", "phone": "phone_number"}
    answers = [
        {
            "field": {"id": ref, "ref": ref, "type": kinds.get(ref, "short_text")},
            "type": kinds.get(ref, "text"),
            kinds.get(ref, "text"): value,
        }
        for ref, value in values.items()
    ]
    row = {
        "token": token,
        "response_id": token,
        "submitted_at": moment.isoformat(),
        "answers": answers,
    }
    return RawRecord(f"f1:{token}", Op.UPSERT, moment, moment.isoformat(), json.dumps(row).encode())


def hubspot_contact(number: int, *, at: int = 0, op: Op = Op.UPSERT, **values: Any) -> RawRecord:
    """A HubSpot contact with the given properties."""
    row = {"id": str(number), "properties": values, "archived": False}
    return hand_made(str(number), row, at or number, op)


def hubspot_owner(number: int, email: str) -> RawRecord:
    """A person whom HubSpot's records point to."""
    row = {"id": str(number), "email": email, "firstName": "Owner", "archived": False}
    return hand_made(str(number), row, 1)


def mailchimp_member(name: str, *, at: int = 1, **values: Any) -> RawRecord:
    """A member of a list, subscribed and of low rating unless told otherwise."""
    row = {
        "contact_id": name,
        "list_id": "l1",
        "status": "subscribed",
        "member_rating": 2,
        **values,
    }
    return hand_made(name, row, at)


def zendesk_user(number: int, *, at: int = 0, op: Op = Op.UPSERT, **values: Any) -> RawRecord:
    """A user of the help desk, an end user unless told otherwise."""
    row = {"id": number, "role": "end-user", "active": True, **values}
    return hand_made(str(number), row, at or number, op)


def zendesk_ticket(number: int, *, at: int = 0, op: Op = Op.UPSERT, **values: Any) -> RawRecord:
    """A ticket of the help desk."""
    row = {"id": number, "status": "open", "created_at": "2025-06-01T10:00:00Z", **values}
    return hand_made(str(number), row, at or number, op)


def hand_made(source_id: str, row: dict[str, Any], at: int, op: Op = Op.UPSERT) -> RawRecord:
    """An object of any vendor, as its stream would hand it out."""
    moment = START + timedelta(seconds=at)
    return RawRecord(source_id, op, moment, moment.isoformat(), json.dumps(row).encode())


@dataclass
class World:
    """The vendors and the hub over them."""

    hub: Hub
    vendors: dict[str, HandConnector]
    db: Database
    prepared: Any = None  # what the fixture that filled it returned, if not the world

    @property
    def salesforce(self) -> HandConnector:
        return self.vendors["salesforce"]

    @property
    def typeform(self) -> HandConnector:
        return self.vendors["typeform"]

    def add(self, source: str, stream: str, *records: RawRecord) -> None:
        """Let a vendor have more objects."""
        self.vendors[source].objects.setdefault(stream, []).extend(records)

    def rows(self, statement: str, **values: Any) -> list[Any]:
        from sqlalchemy import text

        with self.db.engine.begin() as conn:
            return list(conn.execute(text(statement), values))


@pytest.fixture
def world(db: Database, settings: Settings, template: Template) -> World:
    if template.said is None:  # the module has a database of another kind
        return new_world(db, settings)
    vendors, prepared = template.told()
    return World(_hub_of(db, settings, vendors), vendors, db, prepared)


def new_world(db: Database, settings: Settings) -> World:
    """A hub over vendors that have nothing yet."""
    vendors = {source: HandConnector(source, names=names) for source, names in STREAMS.items()}
    with db.engine.begin() as conn:
        owners.apply_people(
            conn, [owners.Person(p.email, p.name, True, "UTC", {}) for p in settings.people]
        )
        apply_groups(conn, [group_of(g) for g in settings.groups])
        derivations.declare(conn, mappings())
    return World(_hub_of(db, settings, vendors), vendors, db)


def _hub_of(db: Database, settings: Settings, vendors: Mapping[str, HandConnector]) -> Hub:
    return Hub(db.engine, SystemClock(), settings, mappings(), vendors.__getitem__)


def prepared(make: Callable[[World], T]) -> Callable[..., T]:
    """Make a fixture of what fills a world: it runs once a module, and each test gets a copy.

    What it returns is copied too, or is the world itself. It must not depend on anything else: a
    value that it patches would be patched for the first test only.
    """

    def fill(database: Database) -> tuple[dict[str, HandConnector], Any]:
        with tempfile.TemporaryDirectory() as home:
            made = new_world(database, three_people(Path(home)))
            hub = made.hub
            value = make(made)
        assert made.hub is hub, "only the database and the vendors are copied"
        return made.vendors, None if value is made else value

    def of_a_test(world: World) -> T:
        return cast("T", world if world.prepared is None else world.prepared)

    of_a_test.__doc__ = make.__doc__
    fixture = pytest.fixture(name=make.__name__)(of_a_test)
    fills(fixture, fill)
    return fixture


def _nothing(_database: Database) -> None:
    """Only the upgrade."""


@pytest.fixture
def upgraded(server: Server, common_shelf: Shelf) -> Iterator[Database]:
    """A home of version 0.1.0 after its upgrade."""
    with fresh_database(server, common_shelf.get(_nothing, pour).name) as database:
        yield database


def _empty(database: Database) -> tuple[dict[str, HandConnector], None]:
    with tempfile.TemporaryDirectory() as home:
        return new_world(database, three_people(Path(home))).vendors, None


commonly_fills("world", _empty)


MakeLead = Callable[..., RawRecord]
