"""A HubSpot account for a migration, made from a seed and one number.

With 10,000 contacts it has 4,000 companies with parents on three levels and a circle, 5,000 deals in two
pipelines and two currencies with labelled contacts and history, 60,000 engagements, three owners who left,
archived and merged records, further companies of contacts, one duplicate in twenty-five, and properties of the
account's own. `planted` lists the difficulties.

Not here: the format (`hub.sandbox.universe`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hub.sandbox.corruption import text
from hub.sandbox.fake_data import Company, FakeData, Person
from hub.sandbox.generator import FIXED_NOW
from hub.sandbox.ids import hubspot_id, salesforce_id

SOURCE = "hubspot"
DAYS = 1_500
WHOLE = 10_000
_FEWEST = 20
_ACTIVE, _INACTIVE, _LEFT_SHARE = 9, 3, 0.08
_FIRST_OWNER = 71_000_001
_STAGES = (
    ("appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin",
     "contractsent"),
    ("100000001", "100000002", "100000003"),
)  # fmt: skip
_CLOSED = (("closedwon", "closedlost"), ("100000004", "100000005"))
_RENEWALS: Mapping[str, Any] = {
    "label": "Renewals",
    "displayOrder": 1,
    "stages": [
        {
            "id": "100000001",
            "label": "Appointment Scheduled",
            "probability": "0.2",
            "isClosed": False,
        },
        {
            "id": "100000002",
            "label": "Presentation Scheduled",
            "probability": "0.5",
            "isClosed": False,
        },
        {"id": "100000003", "label": "Contract Sent", "probability": "0.9", "isClosed": False},
        {"id": "100000004", "label": "Closed Won", "probability": "1.0", "isClosed": True},
        {"id": "100000005", "label": "Closed Lost", "probability": "0.0", "isClosed": True},
    ],
}
_SALES: Mapping[str, Any] = {
    "label": "Sales Pipeline",
    "displayOrder": 0,
    "stages": [
        {"id": id_, "label": label, "probability": p, "isClosed": id_.startswith("closed")}
        for id_, label, p in (
            ("appointmentscheduled", "Appointment Scheduled", "0.2"),
            ("qualifiedtobuy", "Qualified To Buy", "0.4"),
            ("presentationscheduled", "Presentation Scheduled", "0.6"),
            ("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
            ("contractsent", "Contract Sent", "0.9"),
            ("closedwon", "Closed Won", "1.0"),
            ("closedlost", "Closed Lost", "0.0"),
        )
    ],
}
_INDUSTRIES = ("COMPUTER_SOFTWARE", "FOOD_PRODUCTION", "CONSTRUCTION", "RETAIL", None)
_LEAD_STAGES = ("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead")
_CONTACT_STAGES = ("opportunity", "customer", "evangelist")
_STATUSES = ("NEW", "OPEN", "IN_PROGRESS", "ATTEMPTED_TO_CONTACT", "CONNECTED", None)
_LABELS = ("Decision maker", "Billing contact", "Influencer", None, None)
_OUTCOMES = ("f240bbac-87c9-4f6e-bf70-924b57d47db7", "73a0d17f-1163-4015-bdd5-ec830791da20", None)
_PARENTS, _TWINS, _OPTED_OUT, _FURTHER, _CONTACTS = 0.2, 0.04, 0.05, 0.06, 0.45
_WON, _LOST, _WITHOUT_CONTACT, _NEXT_STEP, _DONE = 0.35, 0.3, 0.1, 0.15, 0.7
_OF_DEAL, _OF_COMPANY = 0.35, 0.1
_IDLE_EVERY = 5

FIELDS: Sequence[Mapping[str, Any]] = (
    {"stream": "contacts", "name": "customer_segment", "type": "enumeration", "label": "Segment",
     "choices": ["Small", "Medium", "Large"]},
    {"stream": "contacts", "name": "interests", "type": "enumeration", "label": "Interests",
     "fieldType": "checkbox", "choices": ["Sailing", "Opera", "Cycling"]},
    {"stream": "contacts", "name": "renewal_day", "type": "date", "label": "Renewal day"},
    {"stream": "companies", "name": "tier", "type": "enumeration", "label": "Tier",
     "choices": ["Gold", "Silver"]},
    {"stream": "deals", "name": "contract_no", "type": "string", "label": "Contract number"},
    {"stream": "deals", "name": "seats", "type": "number", "label": "Seats"},
)  # fmt: skip

Record = dict[str, Any]


def generate_hubspot(seed: int, contacts: int, *, now: datetime = FIXED_NOW) -> dict[str, Any]:
    """Return the universe of an account with that many contacts; at least twenty are made.

    The same seed and number give the same account, except for the times, which count back from `now`.
    """
    made = _Account(seed, max(contacts, _FEWEST), now.replace(microsecond=0))
    return {
        "version": 1,
        "seed": seed,
        "users": made.users,
        "companies": [
            {"id": one.id, "name": one.name, "domain": one.domain} for one in made.firms.values()
        ],
        "people": [{"id": one.id} for one in made.persons],
        "fields": [{"source": SOURCE, **one} for one in FIELDS],
        "records": made.records,
        "events": [],
        "planted": made.planted,
    }


class _Account:
    """The account under construction. Records of one stream are added in the order of their creation."""

    def __init__(self, seed: int, size: int, now: datetime) -> None:
        self.seed, self.size, self.now = seed, size, now
        self.rng = Random(f"hubspot/{seed}/{size}")
        self.fake = FakeData(self.rng)
        self.records: list[Record] = []
        self.planted: list[Record] = []
        self.firms: dict[str, Company] = {}
        self.persons: list[Person] = []
        self._counts: Counter[str] = Counter()
        self._emails: set[str] = set()
        self.users = [self._user(n) for n in range(_ACTIVE + _INACTIVE)]
        self._add_pipelines()
        self.companies = self._add_companies()
        self.contacts = self._add_contacts()
        # the others have neither deals nor engagements, so they can be removed
        self.busy = [one for n, one in enumerate(self.contacts) if n % _IDLE_EVERY]
        self.deals = self._add_deals()
        self._add_engagements()
        self._remove_some()

    def of(self, at_whole: int, *, least: int = 1) -> int:
        """Return a number in proportion: `at_whole` is the number beside 10,000 contacts."""
        return max(least, at_whole * self.size // WHOLE)

    def chance(self, share: float) -> bool:
        """Tell whether something of that share happens."""
        return self.rng.random() < share

    def times(self, count: int) -> Sequence[datetime]:
        """Return so many times of the last years, in order."""
        past = sorted(self.rng.randrange(3_600, DAYS * 86_400) for _ in range(count))
        return [self.now - timedelta(seconds=one) for one in reversed(past)]

    def after(self, at: datetime, days: int) -> datetime:
        """Return a time up to so many days after another, and not after the present."""
        later = at + timedelta(seconds=self.rng.randrange(60, days * 86_400))
        return min(later, self.now - timedelta(minutes=30))

    def add(self, stream: str, at: datetime, values: Record, **rest: Any) -> Record:
        """Add a record; its id is the next one of the stream."""
        self._counts[stream] += 1
        id_ = rest.pop("id", None) or hubspot_id(self.seed, stream, self._counts[stream])
        record: Record = {
            "source": SOURCE, "stream": stream, "id": id_, "at": text(at), "values": values, **rest,
        }  # fmt: skip
        self.records.append(record)
        return record

    def plant(self, kind: str, record: Mapping[str, Any], **rest: Any) -> None:
        """Note a difficulty, so that a test can look for it."""
        self.planted.append({"kind": kind, "stream": record["stream"], "id": record["id"], **rest})

    def owner(self) -> str:
        """Return the id of an owner who works here, or of one who left."""
        users = self.users[_ACTIVE:] if self.chance(_LEFT_SHARE) else self.users[:_ACTIVE]
        return str(self.rng.choice(users)["id"])

    def _user(self, n: int) -> Record:
        first, last = self.fake.name(("fr", "en", "br", "de")[n % 4])
        ids = {"salesforce": salesforce_id(self.seed, "users", n + 1)}
        return {
            "id": str(_FIRST_OWNER + n), "name": f"{first} {last}", "ids": ids,
            "email": f"user{n + 1}@acme.example", "active": n < _ACTIVE,
        }  # fmt: skip

    def _add_pipelines(self) -> None:
        at = self.now - timedelta(days=DAYS)
        self.add("deal_pipelines", at, dict(_SALES), id="default")
        self.add("deal_pipelines", at, dict(_RENEWALS), id="100000000")

    def _add_companies(self) -> list[Record]:
        rng = self.rng
        found: list[Record] = []
        for n, at in enumerate(self.times(self.of(4_000, least=8))):
            firm = self.fake.company(f"c{n + 1:05}")
            self.firms[firm.id] = firm
            values = {
                "name": firm.name, "domain": firm.domain, "phone": self.fake.typed_phone(firm.switchboard),
                "industry": rng.choice(_INDUSTRIES), "website": f"https://www.{firm.domain}",
                "address": f"{rng.randrange(1, 200)} rue de la République", "city": "Paris",
                "zip": f"{rng.randrange(1_000, 95_000):05}", "country": firm.country,
                "numberofemployees": str(rng.randrange(1, 5_000)), "tier": rng.choice(("Gold", "Silver", None)),
                "annualrevenue": str(rng.randrange(1, 500) * 10_000), "hubspot_owner_id": self.owner(),
                "lifecyclestage": rng.choice(("lead", "opportunity", "customer")),
            }  # fmt: skip
            if found and self.chance(_PARENTS):
                values["hs_parent_company_id"] = rng.choice(found)["id"]
            found.append(self.add("companies", at, values, company=firm.id))
        circle = found[-3:]
        for one, parent in zip(circle, [*circle[1:], circle[0]], strict=True):
            one["values"]["hs_parent_company_id"] = parent["id"]
            self.plant("circle", one)
        return found

    def _add_contacts(self) -> list[Record]:
        found: list[Record] = []
        for at in self.times(self.size):
            if len(found) > _FEWEST // 2 and self.chance(_TWINS):
                found.append(self._twin(at, self.rng.choice(found)))
                continue
            company = self.rng.choice(self.companies)
            person = self.fake.person(
                f"p{len(self.persons) + 1:06}", self.firms[company["company"]]
            )
            self.persons.append(person)
            values = self._contact(person, company["id"])
            found.append(
                self.add("contacts", at, values, person=person.id, company=company["company"])
            )
        return found

    def _contact(self, person: Person, company: str) -> Record:
        rng = self.rng
        stage = rng.choice(_CONTACT_STAGES if self.chance(_CONTACTS) else _LEAD_STAGES)
        values: Record = {
            "firstname": person.first_name, "lastname": person.last_name, "email": self._email(person),
            "phone": self.fake.typed_phone(person.phone), "jobtitle": person.title, "city": person.city,
            "country": person.company.country, "company": person.company.name, "lifecyclestage": stage,
            "hs_lead_status": rng.choice(_STATUSES) if stage in _LEAD_STAGES else None,
            "associatedcompanyid": company, "hubspot_owner_id": self.owner(),
            "customer_segment": rng.choice(("Small", "Medium", "Large", None)),
            "interests": rng.choice(("Sailing", "Sailing;Opera", "Cycling", None)),
            "renewal_day": f"2027-{rng.randrange(1, 13):02}-15" if self.chance(0.2) else None,
            "hs_email_optout": "true" if self.chance(_OPTED_OUT) else None,
        }  # fmt: skip
        if self.chance(_FURTHER):
            other = rng.choice([one for one in self.companies if one["id"] != company])
            label = rng.choice(("Consultant", "Former employer", None))
            values["associations"] = [{"to": "companies", "id": other["id"], "label": label}]
        return values

    def _email(self, person: Person) -> str:
        """Return an address that no other contact has, as HubSpot demands."""
        email, n = person.email, 2
        while email in self._emails:
            local, _, domain = person.email.partition("@")
            email, n = f"{local}{n}@{domain}", n + 1
        self._emails.add(email)
        return email

    def _twin(self, at: datetime, first: Record) -> Record:
        """Return a duplicate of an earlier contact: without an address, typed in another way."""
        values = {
            **first["values"],
            "email": None,
            "jobtitle": None,
            "hubspot_owner_id": self.owner(),
        }
        values |= {"lastname": str(values["lastname"]).upper(), "hs_email_optout": None}
        values.pop("associations", None)
        same = {key: first.get(key) for key in ("person", "company")}
        twin = self.add("contacts", at, values, **same)
        self.plant("duplicate", twin, of=first["id"])
        return twin

    def _add_deals(self) -> list[Record]:
        by_company: dict[str, list[Record]] = {}
        for one in self.busy:
            by_company.setdefault(one["values"]["associatedcompanyid"], []).append(one)
        return [self._deal(at, by_company) for at in self.times(self.of(5_000, least=8))]

    def _deal(self, at: datetime, by_company: Mapping[str, list[Record]]) -> Record:
        rng = self.rng
        company = rng.choice([*by_company])
        those = by_company[company]
        which = 0 if self.chance(2 / 3) else 1
        moves = self._moves(at, which)
        stage, last = moves[-1]
        is_lost = stage == _CLOSED[which][1]
        is_open = stage not in _CLOSED[which]
        values: Record = {
            "dealname": f"{rng.choice(('Supply', 'Licence', 'Project', 'Renewal'))} {rng.randrange(10**6)}",
            "amount": str(rng.randrange(5, 5_000) * 100 + rng.choice((0, 0.5, 0.99))),
            "deal_currency_code": rng.choice(("EUR", "EUR", "USD")), "pipeline": ("default", "100000000")[which],
            "dealstage": stage, "dealtype": rng.choice(("newbusiness", "existingbusiness", None)),
            "closedate": text(last + timedelta(days=rng.randrange(60)) if is_open else last),
            "closed_lost_reason": rng.choice(("Price", "Competitor", "No budget")) if is_lost else None,
            "hs_next_step": "Call back about the offer" if self.chance(_NEXT_STEP) else None,
            "hubspot_owner_id": self.owner(), "contract_no": f"C-{rng.randrange(10**5)}",
            "seats": str(rng.randrange(1, 90)) if self.chance(0.5) else None,
            "dealstage_history": [f"{text(moved)} {to}" for to, moved in moves],
        }  # fmt: skip
        chosen = [] if self.chance(_WITHOUT_CONTACT) else rng.sample(those, min(len(those), 2))
        values["associations"] = [
            {"to": "companies", "id": company},
            *({"to": "contacts", "id": one["id"], "label": rng.choice(_LABELS)} for one in chosen),
        ]
        same = {key: those[0].get(key) for key in ("person", "company")}
        return self.add("deals", at, values, modified_at=text(last), **same)

    def _moves(self, at: datetime, which: int) -> list[tuple[str, datetime]]:
        """Return the stages that a deal went through, with the time of each."""
        rng, own = self.rng, _STAGES[which]
        stages = [own[n] for n in sorted(rng.sample(range(len(own)), rng.randrange(1, 4)))]
        fate = rng.random()
        if fate < _WON + _LOST:
            stages.append(_CLOSED[which][0 if fate < _WON else 1])
        moves, moved_at = [], at
        for stage in stages:
            moves.append((stage, moved_at))
            moved_at = self.after(moved_at, 40)
        return moves

    # engagements

    def _add_engagements(self) -> None:
        makers = (
            ("calls", 12_000, self._call), ("meetings", 10_000, self._meeting),
            ("tasks", 20_000, self._task), ("notes", 12_000, self._note), ("emails", 6_000, self._sent),
        )  # fmt: skip
        for stream, at_whole, make in makers:
            for at in self.times(self.of(at_whole, least=6)):
                values = {
                    **make(at),
                    "hubspot_owner_id": self.owner(),
                    "associations": self._about(),
                }
                self.add(stream, at, values)

    def _about(self) -> list[Record]:
        """Return what an engagement is about: a contact with its deal or company, or a company alone."""
        if self.chance(_OF_COMPANY):
            return [{"to": "companies", "id": self.rng.choice(self.companies)["id"]}]
        if self.chance(_OF_DEAL):
            deal = self.rng.choice(self.deals)
            return [
                {"to": one["to"], "id": one["id"]} for one in deal["values"]["associations"]
            ] + [{"to": "deals", "id": deal["id"]}]
        contact = self.rng.choice(self.busy)
        about = [{"to": "contacts", "id": contact["id"]}]
        if self.chance(0.5):
            about.append({"to": "companies", "id": contact["values"]["associatedcompanyid"]})
        return about

    def _call(self, at: datetime) -> Record:
        rng = self.rng
        return {
            "hs_timestamp": text(at), "hs_call_title": rng.choice(("Offer", "Relance", "📞 suivi")),
            "hs_call_body": "<p>Talked about <b>prices</b>.</p>" if self.chance(0.3) else None,
            "hs_call_duration": str(rng.randrange(10, 3_600) * 1_000), "hs_call_status": "COMPLETED",
            "hs_call_direction": rng.choice(("INBOUND", "OUTBOUND")),
            "hs_call_disposition": rng.choice(_OUTCOMES),
        }  # fmt: skip

    def _meeting(self, at: datetime) -> Record:
        start = at.replace(minute=0, second=0) + timedelta(days=self.rng.randrange(14))
        minutes = self.rng.choice((30, 60, 90))
        return {
            "hs_timestamp": text(start), "hs_meeting_start_time": text(start),
            "hs_meeting_end_time": text(start + timedelta(minutes=minutes)),
            "hs_meeting_title": self.rng.choice(("Demo", "Visit", "Réunion de lancement")),
            "hs_meeting_location": self.rng.choice(("Rennes", "Video call", None)),
            "hs_meeting_outcome": self.rng.choice(("SCHEDULED", "COMPLETED", "NO_SHOW")),
        }  # fmt: skip

    def _task(self, at: datetime) -> Record:
        rng, is_done = self.rng, self.chance(_DONE)
        return {
            "hs_timestamp": text(at + timedelta(days=rng.randrange(30))),
            "hs_task_subject": rng.choice(("Call back", "Send the offer", "Rappeler la cliente")),
            "hs_task_body": "<p>As agreed.</p>" if self.chance(0.3) else None,
            "hs_task_status": "COMPLETED" if is_done else "NOT_STARTED",
            "hs_task_priority": rng.choice(("HIGH", "MEDIUM", None)), "hs_task_type": "TODO",
            "hs_task_completion_date": text(self.after(at, 10)) if is_done else None,
        }  # fmt: skip

    def _note(self, at: datetime) -> Record:
        body = self.rng.choice(
            ("<p>Asked for the <b>price</b> list.</p>", "<p>Veut une offre é.</p>")
        )
        return {"hs_timestamp": text(at), "hs_note_body": body}

    def _sent(self, at: datetime) -> Record:
        return {
            "hs_timestamp": text(at), "hs_email_subject": "Our offer", "hs_email_status": "SENT",
            "hs_email_html": "<p>Please find our offer.</p>",
            "hs_email_direction": self.rng.choice(("EMAIL", "INCOMING_EMAIL")),
        }  # fmt: skip

    def _remove_some(self) -> None:
        """Archive contacts, companies and notes that nothing names; merge a few contacts into others."""
        planted = {one["id"] for one in self.planted} | {one.get("of") for one in self.planted}
        idle = self.contacts[::_IDLE_EVERY]
        free = [one for one in idle if one["id"] not in planted]
        chosen = self.rng.sample(free, min(len(free), self.of(150, least=4)))
        for one in chosen:
            one |= {"deleted": True, "modified_at": one["at"]}
        living = [one for one in self.contacts if not one.get("deleted")]
        for loser in chosen[: max(1, len(chosen) // 3)]:
            winner = self.rng.choice(living)
            loser["merged_into"] = winner["id"]
            self.plant("merged", loser, into=winner["id"])
        notes = [one for one in self.records if one["stream"] == "notes"]
        for one in self.rng.sample(notes, min(len(notes), self.of(100, least=1))):
            one |= {"deleted": True, "modified_at": one["at"]}
