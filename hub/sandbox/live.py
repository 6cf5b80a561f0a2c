"""Generate the events of the running vendors: new responses, members, contacts, tickets and leads.

Not here: the time of an event (`replay.py`), the records at the start (`generator.py`).
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any

from hub.sandbox.factories import FACTORIES
from hub.sandbox.fake_data import FakeData, Person
from hub.sandbox.fields import FIELDS, Record, read
from hub.sandbox.tickets import ticket

# percent of the events
WEIGHTS = {"typeform": 40, "hubspot": 25, "zendesk": 18, "mailchimp": 12, "salesforce": 5}
_KNOWN_OF_TEN = 3
_FOR_SALES = 0.6
# a fixed time, so that the seed alone decides the content of an event
_OPTED_IN = datetime(2026, 11, 1, 9, tzinfo=UTC)

Document = dict[str, Any]


def live_sources(universe: Mapping[str, Any]) -> list[str]:
    """Return the sources that have live events: Salesforce only with a user who can own a lead."""
    return [one for one in WEIGHTS if one != "salesforce" or _owners(universe, one)]


def live_events(seed: int, universe: Mapping[str, Any] | None = None) -> Iterator[Document]:
    """Yield events without end: new records of all sources, three in ten from known people.

    Args:
        seed: the same seed gives the same events.
        universe: gives the known people and the users. Without it all people are new, and there
            are no Salesforce leads, because a lead needs an owner.
    """
    rng = Random(f"live/{seed}")
    fake = FakeData(rng)
    universe = universe or {}
    known = [one for one in universe.get("people", ()) if one.get("last_name")]
    domains = {str(one["id"]): one.get("domain") for one in universe.get("companies", ())}
    owners = {source: _owners(universe, source) for source in WEIGHTS}
    taken = _taken(universe)
    sources = live_sources(universe)
    weights = [WEIGHTS[source] for source in sources]
    turns: list[int] = []
    for number in itertools.count(1):
        place = (number - 1) % 10
        if place == 0:
            turns = rng.sample(range(10), _KNOWN_OF_TEN)
        company = fake.company(f"live-c{number}")
        person = fake.person(f"live-p{number}", company)
        ids = {"person": person.id, "company": company.id}
        source = rng.choices(sources, weights)[0]
        again = rng.choice(known) if known and place in turns else None
        if again is not None:
            source = _open_to(source, str(again.get("email")), taken)
            ids = {"person": again["id"], "company": again.get("company")}
            for name in ("first_name", "last_name", "email", "phone"):
                setattr(person, name, again.get(name) or getattr(person, name))
            company.name = again.get("company_name") or company.name
            company.domain = domains.get(str(again.get("company"))) or company.domain
        if FIELDS[source].one_email and source != "zendesk":
            if (source, person.email.lower()) in taken:  # a new person with a known address
                person.email = f"{person.id}.{person.email}"
            taken.add((source, person.email.lower()))
        owner = rng.choice(owners[source]) if owners[source] else None
        yield {"op": "create", "source": source, **_EVENTS[source](fake, person, owner), **ids}


def _owners(universe: Mapping[str, Any], source: str) -> list[str]:
    """Return the ids of the active users in a source."""
    active = [one for one in universe.get("users", ()) if one.get("active", True)]
    if source == "salesforce":
        return [str(one.get("ids", {}).get(source, one["id"])) for one in active]
    return [str(one["ids"][source]) for one in active if source in one.get("ids", {})]


def _taken(universe: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return (source, address) of each used address, for vendors that allow it only once."""
    taken = set()
    for record in universe.get("records", ()):
        fields = FIELDS.get(record["source"])
        if fields and fields.one_email and record["stream"] == fields.stream:
            email = read(record.get("values") or {}, fields.email)
            taken.add((str(record["source"]), str(email).lower()))
    return taken


def _open_to(source: str, email: str, taken: set[tuple[str, str]]) -> str:
    """Return the source, or Typeform if the source refuses a second record of the address."""
    again_refused = source != "zendesk" and (source, email.lower()) in taken
    return "typeform" if again_refused else source


def _record(source: str) -> Callable[[FakeData, Person, str | None], Record]:
    def make(fake: FakeData, person: Person, owner: str | None) -> Record:
        values = FACTORIES[source](fake, person, owner, _OPTED_IN)
        return {"stream": FIELDS[source].stream, "values": values}

    return make


def _ticket(fake: FakeData, person: Person, _owner: str | None) -> Record:
    """Return a ticket; the vendor finds its requester by the address, or creates one."""
    values = ticket(fake, person, for_sales=fake.rng.random() < _FOR_SALES)
    values["status"] = "new"
    values["requester"] = {
        "name": f"{person.first_name} {person.last_name}",
        "email": person.email,
        "phone": fake.typed_phone(person.phone),
    }
    return {"stream": "tickets", "values": values}


_EVENTS: Mapping[str, Callable[[FakeData, Person, str | None], Record]] = {
    "salesforce": _record("salesforce"),
    "typeform": _record("typeform"),
    "hubspot": _record("hubspot"),
    "mailchimp": _record("mailchimp"),
    "zendesk": _ticket,
}
