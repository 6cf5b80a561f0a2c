"""Generate the shipped universe from a seed, with a fixed rate for every difficulty.

The universe has five sources: leads in Salesforce, responses in Typeform, contacts and companies in
HubSpot, members in Mailchimp; users, organizations and tickets in Zendesk.

People: 45 % are in several sources, the others in one. 6 % of the people in Salesforce have two
records there, 4 % in Typeform, 3 % in HubSpot. 16 % of all people gave two e-mail addresses. 5 % of
the people and of their records share a phone number with a colleague. 3 % have the name of a person
in another company. 5 % have a role address (info@, contact@).

Records of people (leads, responses, contacts, members, users): 8 % have a typo in the name. 10 %
lack contact data: half of them the phone, three tenths the e-mail address, two tenths both. A
member always has an address.

Leads: 4 % are converted, 2 % are deleted, one is merged into its duplicate. 10 % are opted out of
e-mail. 4 % belong to a queue, 5 % to a user who left. Contacts have the same rates, but none is
converted, and contacts without an owner replace those of the queue.

Members: 10 % are unsubscribed, 4 % cleaned, 3 % pending, 3 % archived. A Zendesk user has one to
three tickets. 20 % of the tickets are for sales, 2 % are deleted. Seven records get a bad value;
the universe lists them under `planted`.

The same seed and number of people give the same document, except for the times: they count back
from `now`. Not here: the format (`universe.py`), the rates (`rates.py`), the sources of each person
(`population.py`), later events (`live.py`).
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hub.sandbox.corruption import add_bad_values, corrupt, text, time_of
from hub.sandbox.factories import COMPANY_FACTORIES, FACTORIES
from hub.sandbox.fake_data import FakeData, Person
from hub.sandbox.fields import FIELDS, Record, is_person, write
from hub.sandbox.ids import default_id_factories
from hub.sandbox.live import live_events
from hub.sandbox.population import Population, sample_share
from hub.sandbox.rates import RATES, TICKETS_PER_USER
from hub.sandbox.tickets import ticket

__all__ = ["FIXED_NOW", "RATES", "generate", "live_events"]

FIXED_NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
DAYS = 400
_ENDED = ("solved", "closed")

Document = dict[str, Any]


def generate(seed: int, people: int, *, now: datetime = FIXED_NOW) -> Document:
    """Return a universe with `people` people."""
    fake = FakeData(Random(f"universe/{seed}/{people}"))
    population = Population(fake, seed, people)
    return _Generator(population, seed, now).document()


class _Generator:
    def __init__(self, population: Population, seed: int, now: datetime) -> None:
        self.population, self.seed = population, seed
        # whole seconds, so that another `now` moves all times by the same amount
        self.now = now.replace(microsecond=0)
        self.rng, self.fake = population.rng, population.fake
        self.records: list[Record] = []
        # (values, field, record): the field gets the record's id once all ids are known
        self.links: list[tuple[Record, str, Record]] = []

    def document(self) -> Document:
        self._add_people()
        self._add_companies()
        self._add_tickets()
        corrupt(self.records, self.population, self.seed, self.now)
        planted = add_bad_values(self.rng, self.records)
        records = sorted(self.records, key=lambda record: str(record["at"]))
        _number(records, self.seed)
        for values, field, target in self.links:
            values[field] = target["id"]
        for record in records:
            if "merged_into" in record:
                record["merged_into"] = record["merged_into"]["id"]
        return {
            "version": 1,
            "seed": self.seed,
            "users": self.population.users,
            "companies": [
                {"id": one.id, "name": one.name, "domain": one.domain}
                for one in self.population.companies
            ],
            "people": [_shown(person) for person in self.population.people],
            "records": records,
            "events": [],
            "planted": [
                {
                    **{key: one["record"][key] for key in ("source", "stream", "id")},
                    "field": one["field"],
                }
                for one in planted
            ],
        }

    def _add(
        self,
        key: tuple[str, str],
        at: datetime,
        values: Record,
        *,
        person: str | None,
        company: str,
    ) -> Record:
        record: Record = {
            "source": key[0],
            "stream": key[1],
            "id": "",
            "person": person,
            "company": company,
            "at": text(at),
            "values": values,
        }
        self.records.append(record)
        return record

    def _add_people(self) -> None:
        seen: Counter[str] = Counter()
        for person, source in self.population.placements:
            at = self.now - timedelta(seconds=self.rng.randrange(3_600, DAYS * 86_400))
            owner = self.population.owner(source)
            values = FACTORIES[source](self.fake, person, owner, at)
            # alternate: two records of one person get different addresses, since some vendors
            # allow an address only once
            if person.id in self.population.with_two_emails and seen[person.id] % 2:
                write(values, FIELDS[source].email, person.other_email)
            seen[person.id] += 1
            key = (source, FIELDS[source].stream)
            self._add(key, at, values, person=person.id, company=person.company.id)

    def _add_companies(self) -> None:
        """Add a company to every source that has one of its people, with an earlier date."""
        for source, (stream, field, make) in COMPANY_FACTORIES.items():
            employed: dict[str, list[Record]] = {}
            for record in self.records:
                if record["source"] == source and is_person(record):
                    employed.setdefault(record["company"], []).append(record)
            for records in employed.values():
                person = self.population.by_id[records[0]["person"]]
                at = time_of(min(record["at"] for record in records))
                at -= timedelta(seconds=self.rng.randrange(60, 86_400))
                values = make(self.fake, person.company, person.city)
                company = person.company.id
                added = self._add((source, stream), at, values, person=None, company=company)
                self.links += [(record["values"], field, added) for record in records]

    def _add_tickets(self) -> None:
        users = [record for record in self.records if record["stream"] == "users"]
        numbers, weights = tuple(TICKETS_PER_USER), tuple(TICKETS_PER_USER.values())
        asking = [one for one in users for _ in range(self.rng.choices(numbers, weights)[0])]
        for_sales = set(sample_share(self.rng, range(len(asking)), RATES["for_sales"]))
        for number, user in enumerate(asking):
            person = self.population.by_id[user["person"]]
            values = ticket(self.fake, person, for_sales=number in for_sales)
            since = time_of(user["at"])
            past_s = int((self.now - since).total_seconds())
            at = since + timedelta(seconds=self.rng.randrange(max(past_s, 1)))
            added = self._add(
                ("zendesk", "tickets"), at, values, person=person.id, company=person.company.id
            )
            self.links.append((values, "requester_id", user))
            if values["status"] in _ENDED:
                ended = at + timedelta(seconds=self.rng.randrange(600, 10 * 86_400))
                added["modified_at"] = text(min(ended, self.now))


def _shown(person: Person) -> Record:
    return {
        "id": person.id,
        "company": person.company.id,
        "company_name": person.company.name,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "phone": person.phone,
    }


def _number(records: Sequence[Record], seed: int) -> None:
    """Give the records ids in the order of their creation."""
    makers = default_id_factories(seed)
    counts: Counter[tuple[str, str]] = Counter()
    for record in records:
        source, stream = record["source"], record["stream"]
        counts[source, stream] += 1
        record["id"] = makers[source](stream, counts[source, stream])
