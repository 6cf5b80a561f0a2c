"""Choose the companies, people and users of a universe, and the sources of each person.

Not here: the records (`generator.py`), errors in them (`corruption.py`), the rates (`rates.py`).
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random
from typing import TypeVar

from hub.sandbox.fake_data import FakeData, Person, slug
from hub.sandbox.fields import FIELDS, Record
from hub.sandbox.ids import hubspot_id, salesforce_id, zendesk_id
from hub.sandbox.names import FIRST, LAST
from hub.sandbox.rates import DUPLICATES, RATES, SOURCES_OF_PEOPLE

ACTIVE_USERS = 5
QUEUE_NAME = "Inbound queue"
ROLE_ADDRESSES = ("info", "contact", "sales", "office")
_USER_LANGUAGES = ("fr", "en", "fr", "br", "en", "de")
_PEOPLE_PER_COMPANY = 3
_ATTEMPTS = 50

_Item = TypeVar("_Item")


def sample_share(
    rng: Random, items: Sequence[_Item], share: float, of: int | None = None
) -> list[_Item]:
    """Return a random sample: a share of the items, or of the number `of`, rounded up."""
    wanted = math.ceil(round((len(items) if of is None else of) * share, 6))
    return rng.sample(items, min(len(items), wanted))


class Population:
    """Companies, people, users, and the sources of each person.

    `placements` lists (person, source) once for every record of a person.
    The sets hold ids of people:
    `with_two_emails`: their records alternate between two addresses.
    `with_shared_phone`: a colleague has the same number.
    `with_role_address`: their address is one like info@.
    """

    def __init__(self, fake: FakeData, seed: int, count: int) -> None:
        self.rng, self.fake = fake.rng, fake
        width = max(4, len(str(count)))
        self.companies = [
            fake.company(f"c{n:0{width}}")
            for n in range(1, max(3, count // _PEOPLE_PER_COMPANY) + 1)
        ]
        self.people = [
            fake.person(f"p{n:0{width}}", self.rng.choice(self.companies))
            for n in range(1, count + 1)
        ]
        self.by_id = {person.id: person for person in self.people}
        self.placements = self._place()
        self._records = Counter(person.id for person, _ in self.placements)
        self._separate_names()
        self._make_namesakes()
        self._separate_addresses()
        self.with_shared_phone = self._share_phones()
        with_duplicates = self._with_duplicates_and_one_email()
        self.with_role_address = self._give_roles(with_duplicates)
        self.with_two_emails = self._choose_other_email(with_duplicates)
        self.users = self._make_users(seed)

    def _place(self) -> list[tuple[Person, str]]:
        people = self.rng.sample(self.people, len(self.people))
        where: dict[str, list[Person]] = {source: [] for source in FIELDS}
        bounds, share = [0], 0
        for hundredths, _ in SOURCES_OF_PEOPLE:
            share += hundredths
            bounds.append(math.ceil(share * len(people) / 100))
        for (start, end), (_, sources) in zip(pairwise(bounds), SOURCES_OF_PEOPLE, strict=True):
            for source in sources:
                where[source] += people[start:end]
        for source, share_twice in DUPLICATES.items():
            where[source] += sample_share(self.rng, where[source], share_twice)
        return [(person, source) for source, those in where.items() for person in those]

    def _until(self, share: float, groups: Iterator[Sequence[Person]]) -> list[Person]:
        """Return groups of people until they reach a share of the people and of the records."""
        chosen: list[Person] = []
        records = 0
        for group in groups:
            if len(chosen) >= share * len(self.people) and records >= share * len(self.placements):
                break
            chosen += group
            records += sum(self._records[person.id] for person in group)
        return chosen

    def _shuffled(self, items: Sequence[_Item]) -> list[_Item]:
        return self.rng.sample(items, len(items))

    def _separate_names(self) -> None:
        """Remove chance namesakes, as far as the lists of names allow."""
        taken: set[tuple[str, str]] = set()
        for person in self.people:
            for _ in range(_ATTEMPTS):
                if (person.first_name, person.last_name) not in taken:
                    break
                person.first_name, person.last_name = self.fake.name(person.company.language)
                self.fake.set_emails(person)
            taken.add((person.first_name, person.last_name))

    def _make_namesakes(self) -> None:
        several = self.people if len({id(one.company) for one in self.people}) > 1 else []
        chosen = self._until(RATES["namesake"], ([one] for one in self._shuffled(several)))
        chosen_ids = {person.id for person in chosen}
        others = [person for person in self.people if person.id not in chosen_ids]
        for person in chosen:
            for model in (self.rng.choice(others) for _ in range(_ATTEMPTS)):
                if model.company is person.company:
                    continue
                person.first_name, person.last_name = model.first_name, model.last_name
                self.fake.set_emails(person)
                break

    def _separate_addresses(self) -> None:
        """Give each person addresses of their own, because some vendors refuse a second use."""
        taken: set[str] = set()
        for person in self.people:
            for _ in range(_ATTEMPTS):
                if taken.isdisjoint({person.email, person.other_email}):
                    break
                self.fake.set_emails(person)
            else:
                person.email = f"{person.id}.{person.email}"
                person.other_email = f"{person.id}.{person.other_email}"
            taken |= {person.email, person.other_email}

    def _share_phones(self) -> set[str]:
        colleagues: dict[str, list[Person]] = {}
        for person in self.people:
            colleagues.setdefault(person.company.id, []).append(person)
        several = [those for those in colleagues.values() if len(those) > 1]
        pairs = (self.rng.sample(those, 2) for those in self._shuffled(several))
        chosen = self._until(RATES["shared_phone"], pairs)
        for person in chosen:
            person.phone = person.company.switchboard
        return {person.id for person in chosen}

    def _with_duplicates_and_one_email(self) -> set[str]:
        """Return the people with two records at a vendor that allows an address only once."""
        counted = Counter((one.id, source) for one, source in self.placements)
        return {id_ for (id_, source), n in counted.items() if n > 1 and FIELDS[source].one_email}

    def _give_roles(self, excluded: set[str]) -> set[str]:
        """Give people a role address; no two people get the same one."""
        free = {
            company.id: self._shuffled([f"{role}@{company.domain}" for role in ROLE_ADDRESSES])
            for company in self.companies
        }
        able = [person for person in self.people if person.id not in excluded]
        chosen = self._until(RATES["role_address"], ([one] for one in self._shuffled(able)))
        given = set()
        for person in chosen:
            if free[person.company.id]:
                person.email = free[person.company.id].pop()
                given.add(person.id)
        return given

    def _choose_other_email(self, with_duplicates: set[str]) -> set[str]:
        several = [
            one.id
            for one in self.people
            if self._records[one.id] > 1
            and one.id not in self.with_role_address
            and one.id not in with_duplicates
        ]
        wanted = math.ceil(RATES["other_email"] * len(self.people)) - len(with_duplicates)
        return with_duplicates | set(self.rng.sample(several, max(0, min(len(several), wanted))))

    def _make_users(self, seed: int) -> list[Record]:
        users: list[Record] = []
        for n, language in enumerate(_USER_LANGUAGES, start=1):
            first, last = self.rng.choice(FIRST[language]), self.rng.choice(LAST[language])
            users.append(
                {
                    "id": f"u{n}",
                    "name": f"{first} {last}",
                    "email": f"{slug(first, '-')}.{slug(last)}{n}@acme.example.com",
                    "active": n <= ACTIVE_USERS,
                    "ids": {
                        "salesforce": salesforce_id(seed, "users", n),
                        "hubspot": hubspot_id(seed, "owners", n),
                        "zendesk": zendesk_id(seed, "agents", n),
                    },
                }
            )
        queue = {"salesforce": salesforce_id(seed, "queues", 1)}
        users.append({"id": "q1", "name": QUEUE_NAME, "email": None, "active": True, "ids": queue})
        return users

    def owner(self, source: str) -> str | None:
        """Return the id of a record's owner: a queue, a user who left, or an active user."""
        draw = self.rng.random()
        ids: list[str | None] = [user["ids"].get(source) for user in self.users]
        if draw < RATES["of_a_queue"]:
            return ids[-1]
        if draw < RATES["of_a_queue"] + RATES["of_a_leaver"]:
            return ids[ACTIVE_USERS]
        return self.rng.choice(ids[:ACTIVE_USERS])
