"""The shipped universe: invented from a seed, with fixed rates of everything that is hard.

Of the people, by exact share and rounded up: 40 % are in Salesforce and Typeform (at least 35 % in
two sources), 35 % in Salesforce alone, 25 % in Typeform alone; 6 % of those in Salesforce are there
twice, 4 % of those in Typeform answered twice. 20 % of the people with several records gave another
e-mail address in a later one (at least 15 %). 5 % share the company's switchboard number, 3 % are
namesakes of somebody in another company, 5 % give a role address (info@, contact@). Of the records
8 % have a slip in the name, 10 % lack something to reach the person by: half of these the phone,
three tenths the e-mail address, two tenths both. Of the leads 4 % are converted, 2 % deleted, one
merged into its double, 10 % opted out of e-mail, 4 % belong to a queue, 5 % to someone who left.
Three bad values are planted and listed under `planted`: an impossible e-mail address, an unknown
status, a name with an emoji.

The same seed and number of people give the same document but for its times, which count back from
`now`. Not here: the format (`universe.py`), single inventions (`invention.py`).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, TypeVar

from hub.sandbox.ids import salesforce_id, typeform_id
from hub.sandbox.invention import Company, Inventor, Person, slug
from hub.sandbox.names import FIRST, LAST

FIXED_NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
DAYS = 400
SHARES = {
    "in_two_sources": 0.40,
    "salesforce_only": 0.35,
    "twice_in_salesforce": 0.06,
    "twice_in_typeform": 0.04,
    "other_email": 0.20,
    "shared_phone": 0.05,
    "namesake": 0.03,
    "role_address": 0.05,
    "mistyped": 0.08,
    "unreachable": 0.10,
    "converted": 0.04,
    "deleted": 0.02,
    "opted_out": 0.10,
    "of_a_queue": 0.04,
    "of_a_leaver": 0.05,
}
OPEN_STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Not Converted")
LEAD_SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
FORMS = ("contact", "demo")
ACTIVE_USERS = 5
QUEUE_NAME = "Inbound queue"
_PEOPLE_PER_COMPANY = 3
_ROLE_ADDRESSES = ("info", "contact", "sales", "office")

Document = dict[str, Any]
Record = dict[str, Any]
_Item = TypeVar("_Item")


def generate(seed: int, people: int, *, now: datetime = FIXED_NOW) -> Document:
    """Return a universe of that many people."""
    return _Generator(seed, people, now).document()


def live_events(seed: int, universe: Mapping[str, Any] | None = None) -> Iterator[Document]:
    """Yield events without end: new answers and leads, three in ten by people already known.

    Args:
        seed: the same gives the same events.
        universe: whose people and users take part; without it all are new.
    """
    rng = Random(f"live/{seed}")
    inventor = Inventor(rng)
    known = [one for one in (universe or {}).get("people", ()) if one.get("last_name")]
    owners = [
        str(one.get("ids", {}).get("salesforce", one["id"]))
        for one in (universe or {}).get("users", ())
        if one.get("active", True)
    ]
    number = 0
    while True:
        number += 1
        company = inventor.company(f"live-c{number}")
        person = inventor.person(f"live-p{number}", company)
        ids = {"person": person.id, "company": company.id}
        if known and rng.random() < 0.3:  # noqa: PLR2004
            again = rng.choice(known)
            ids = {"person": again["id"], "company": again.get("company")}
            for name in ("first_name", "last_name", "email", "phone"):
                setattr(person, name, again.get(name) or getattr(person, name))
            company.name = again.get("company_name") or company.name
        is_answer = rng.random() < 0.7 or not owners  # noqa: PLR2004
        yield {
            "op": "create",
            "source": "typeform" if is_answer else "salesforce",
            "stream": "responses" if is_answer else "leads",
            **ids,
            "values": _answer(inventor, person)
            if is_answer
            else _lead(inventor, person, rng.choice(owners)),
        }


class _Generator:
    def __init__(self, seed: int, people: int, now: datetime) -> None:
        self.seed, self.now = seed, now
        self.rng = Random(f"universe/{seed}/{people}")
        self.inventor = Inventor(self.rng)
        self.companies: list[Company] = []
        self.people = self._make_people(people)
        self.records: list[Record] = []
        self.planted: list[Record] = []
        self.users = self._make_users()

    def document(self) -> Document:
        self._make_records()
        self._spoil_records()
        self._finish_leads()
        self._plant()
        records = sorted(self.records, key=lambda record: str(record["at"]))
        _number(records, self.seed)
        for record in records:
            if "merged_into" in record:
                record["merged_into"] = record["merged_into"]["id"]
        return {
            "version": 1,
            "seed": self.seed,
            "users": self.users,
            "companies": [
                {"id": one.id, "name": one.name, "domain": one.domain} for one in self.companies
            ],
            "people": [_shown(person) for person in self.people],
            "records": records,
            "events": [],
            "planted": [
                {
                    **{key: one["record"][key] for key in ("source", "stream", "id")},
                    "field": one["field"],
                }
                for one in self.planted
            ],
        }

    def _some(self, items: Sequence[_Item], share: float) -> list[_Item]:
        """Return a share of the items, rounded up, in any order."""
        return self.rng.sample(items, min(len(items), math.ceil(len(items) * share)))

    def _make_people(self, count: int) -> list[Person]:
        width = max(4, len(str(count)))
        for n in range(1, max(3, count // _PEOPLE_PER_COMPANY) + 1):
            self.companies.append(self.inventor.company(f"c{n:0{width}}"))
        people = [
            self.inventor.person(f"p{n:0{width}}", self.rng.choice(self.companies))
            for n in range(1, count + 1)
        ]
        self._separate_names(people)
        self._make_namesakes(people)
        for person in self._some(people, SHARES["shared_phone"]):
            person.phone = person.company.switchboard
            colleagues = [one for one in people if one.company is person.company]
            self.rng.choice(colleagues).phone = person.phone
        for person in self._some(people, SHARES["role_address"]):
            person.email = f"{self.rng.choice(_ROLE_ADDRESSES)}@{person.company.domain}"
        return people

    def _separate_names(self, people: Sequence[Person]) -> None:
        """Let nobody be a namesake by chance, as long as the lists of names allow it."""
        taken: set[tuple[str, str]] = set()
        for person in people:
            for _ in range(50):
                if (person.first_name, person.last_name) not in taken:
                    break
                person.first_name, person.last_name = self.inventor.name(person.company.language)
                self.inventor.address(person)
            taken.add((person.first_name, person.last_name))

    def _make_namesakes(self, people: list[Person]) -> None:
        chosen = self._some(people, SHARES["namesake"])
        chosen_ids = {person.id for person in chosen}
        others = [person for person in people if person.id not in chosen_ids]
        for person in chosen:
            model = self.rng.choice(others) if others else person
            if model.company is not person.company:
                person.first_name, person.last_name = model.first_name, model.last_name
                self.inventor.address(person)

    def _make_users(self) -> list[Record]:
        users = []
        languages = ("fr", "en", "fr", "br", "en", "de")
        for n, language in enumerate(languages, start=1):
            first, last = self.rng.choice(FIRST[language]), self.rng.choice(LAST[language])
            users.append(
                {
                    "id": f"u{n}",
                    "name": f"{first} {last}",
                    "email": f"{slug(first, '-')}.{slug(last)}{n}@acme.example.com",
                    "active": n <= ACTIVE_USERS,
                    "ids": {"salesforce": salesforce_id(self.seed, "users", n)},
                }
            )
        queue = salesforce_id(self.seed, "queues", 1)
        users.append(
            {
                "id": "q1",
                "name": QUEUE_NAME,
                "email": None,
                "active": True,
                "ids": {"salesforce": queue},
            }
        )
        return users

    def _make_records(self) -> None:
        people = self.rng.sample(self.people, len(self.people))
        both_n = math.ceil(len(people) * SHARES["in_two_sources"])
        lead_n = both_n + math.ceil(len(people) * SHARES["salesforce_only"])
        both, with_lead, with_answer = (
            people[:both_n],
            people[:lead_n],
            people[:both_n] + people[lead_n:],
        )
        twice_lead = self._some(with_lead, SHARES["twice_in_salesforce"])
        twice_answer = self._some(with_answer, SHARES["twice_in_typeform"])
        ids = {one.id for one in [*both, *twice_lead, *twice_answer]}
        several = [one for one in self.people if one.id in ids]
        differing = {one.id for one in self._some(several, SHARES["other_email"])}
        plan = [(one, "salesforce") for one in with_lead + twice_lead]
        plan += [(one, "typeform") for one in with_answer + twice_answer]
        seen: set[str] = set()
        for person, source in plan:
            self._add(person, source, other=person.id in differing and person.id in seen)
            seen.add(person.id)

    def _add(self, person: Person, source: str, *, other: bool) -> None:
        if source == "salesforce":
            values = _lead(self.inventor, person, self._owner())
        else:
            values = _answer(self.inventor, person)
        if other:
            role = person.email.split("@")[0] in _ROLE_ADDRESSES
            values[_EMAIL[source]] = person.other_email if not role else _home(person)
        before = timedelta(seconds=self.rng.randrange(3_600, DAYS * 86_400))
        self.records.append(
            {
                "source": source,
                "stream": _STREAM[source],
                "id": "",
                "person": person.id,
                "company": person.company.id,
                "at": _text(self.now - before),
                "values": values,
            }
        )

    def _owner(self) -> str:
        draw = self.rng.random()
        ids = [str(user["ids"]["salesforce"]) for user in self.users]
        if draw < SHARES["of_a_queue"]:
            return ids[-1]
        if draw < SHARES["of_a_queue"] + SHARES["of_a_leaver"]:
            return ids[ACTIVE_USERS]
        return self.rng.choice(ids[:ACTIVE_USERS])

    def _spoil_records(self) -> None:
        for record in self._some(self.records, SHARES["mistyped"]):
            field = _LAST_NAME[record["source"]]
            if self.rng.random() < 0.4:  # noqa: PLR2004
                field = _FIRST_NAME[record["source"]]
            record["values"][field] = self.inventor.mistyped(record["values"][field])
        unreachable = self._some(self.records, SHARES["unreachable"])
        for position, record in enumerate(unreachable):
            source, step = record["source"], position % 10
            if step not in {2, 5, 8}:
                record["values"].pop(_PHONE[source], None)
            if step in {2, 5, 8, 3, 7}:
                record["values"].pop(_EMAIL[source], None)

    def _finish_leads(self) -> None:
        leads = [record for record in self.records if record["source"] == "salesforce"]
        for record in self._some(leads, SHARES["opted_out"]):
            record["values"]["HasOptedOutOfEmail"] = True
        for n, record in enumerate(self._some(leads, SHARES["converted"]), start=1):
            at = min(_time(record["at"]) + timedelta(days=self.rng.randrange(30)), self.now)
            record["modified_at"] = _text(at)
            record["values"] |= {
                "Status": "Closed - Converted",
                "IsConverted": True,
                "ConvertedDate": at.date().isoformat(),
                "ConvertedAccountId": "001" + salesforce_id(self.seed, "accounts", n)[3:],
                "ConvertedContactId": "003" + salesforce_id(self.seed, "contacts", n)[3:],
            }
        self._delete_leads(leads)

    def _delete_leads(self, leads: Sequence[Record]) -> None:
        plain = [record for record in leads if not record["values"]["IsConverted"]]
        first: dict[str, Record] = {}
        for record in plain:
            winner = first.setdefault(record["person"], record)
            if winner is not record:
                self._end(record, merged_into=winner)
                break
        for record in self._some(leads, SHARES["deleted"]):
            if not record["values"]["IsConverted"] and "merged_into" not in record:
                self._end(record)

    def _end(self, record: Record, merged_into: Record | None = None) -> None:
        if merged_into is not None and merged_into.get("deleted"):
            return
        record["deleted"] = True
        record["modified_at"] = _text(_time(record["at"]) + timedelta(minutes=50))
        if merged_into is not None:
            at = max(_time(record["at"]), _time(merged_into["at"])) + timedelta(minutes=50)
            record["modified_at"] = merged_into["modified_at"] = _text(at)
            record["merged_into"] = merged_into

    def _plant(self) -> None:
        live = [record for record in self.records if not record.get("deleted")]
        spared = {id(one["merged_into"]) for one in self.records if "merged_into" in one}
        leads = [
            one
            for one in live
            if one["source"] == "salesforce"
            and not one["values"]["IsConverted"]
            and id(one) not in spared
        ]
        answers = [one for one in live if one["source"] == "typeform"]
        chosen = self.rng.sample(leads, min(2, len(leads)))
        plants = [("Email", "jean..dupont@@nowhere"), ("Status", "Nurturing (old CRM)")]
        for record, (field, value) in zip(chosen, plants, strict=False):
            record["values"][field] = value
            self.planted.append({"record": record, "field": field})
        if answers:
            record = self.rng.choice(answers)
            record["values"]["first_name"] += " 🚀"
            self.planted.append({"record": record, "field": "first_name"})


_STREAM = {"salesforce": "leads", "typeform": "responses"}
_EMAIL = {"salesforce": "Email", "typeform": "email"}
_PHONE = {"salesforce": "Phone", "typeform": "phone"}
_FIRST_NAME = {"salesforce": "FirstName", "typeform": "first_name"}
_LAST_NAME = {"salesforce": "LastName", "typeform": "last_name"}


def _lead(inventor: Inventor, person: Person, owner_id: str) -> Record:
    rng = inventor.rng
    return {
        "FirstName": person.first_name,
        "LastName": person.last_name,
        "Company": person.company.name,
        "Title": person.title,
        "Email": person.email,
        "Phone": inventor.written(person.phone),
        "City": person.city,
        "Country": person.company.country,
        "Website": f"https://www.{person.company.domain}",
        "LeadSource": rng.choice(LEAD_SOURCES),
        "Status": rng.choice(OPEN_STATUSES),
        "OwnerId": owner_id,
        "IsConverted": False,
        "HasOptedOutOfEmail": False,
    }


def _answer(inventor: Inventor, person: Person) -> Record:
    rng = inventor.rng
    return {
        "form": rng.choice(FORMS),
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        # a form's telephone field sends the international form
        "phone": person.phone,
        "company": person.company.name,
        "message": inventor.message(person.company),
        "consent": rng.random() < 0.7,  # noqa: PLR2004
    }


def _home(person: Person) -> str:
    name = f"{slug(person.first_name, '-')}.{slug(person.last_name)}"
    return f"{name}@{person.company.domain}"


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
    """Give the records ids in the order of their creation, as a vendor does."""
    counts = {"salesforce": 0, "typeform": 0}
    for record in records:
        source, stream = record["source"], record["stream"]
        counts[source] += 1
        make = salesforce_id if source == "salesforce" else typeform_id
        record["id"] = make(seed, stream, counts[source])


def _text(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
