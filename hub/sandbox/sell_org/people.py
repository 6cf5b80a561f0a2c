"""Organizations, persons and leads of an account of Zendesk Sell, with their difficulties.

Three organizations are parents of each other in a circle. One person or lead in twenty is a duplicate. Some
leads were converted; they stay in the list of leads, and a conversion names what came from them.
"""

from datetime import datetime

from hub.sandbox.fake_data import Company, Person
from hub.sandbox.sell.account import LEAD_STATUSES
from hub.sandbox.sell_org.draft import Record, SellDraft
from hub.sandbox.sell_org.setup import Setup

_INDUSTRIES = ("Agriculture", "Banking", "Construction", "Energy", "Retail", None)
_EMOJI = ("🚀", "🌻", "☕", "🎯")
_TWINS, _PARENTS, _LONE, _DELETED = 0.05, 0.3, 0.1, 0.01
_FIRST_TWIN_AT = 5


class SellPeople:
    """Adds the contacts and leads of an account."""

    def __init__(self, draft: SellDraft, setup: Setup) -> None:
        self.draft, self.setup, self.rng, self.fake = draft, setup, draft.rng, draft.fake
        self.companies: list[Company] = []
        self.persons: list[Person] = []
        self.organizations: list[Record] = []
        self.contacts: list[Record] = []
        self.leads: list[Record] = []
        # organizations and persons share one stream and its ids
        count = draft.sizes.accounts * 3 // 4
        for at in draft.times(count):
            self._add_organization(at)
        circle = self.organizations[-3:]
        for one, parent in zip(circle, [*circle[1:], circle[0]], strict=True):
            one["values"]["parent_organization_id"] = int(parent["id"])
            draft.plant("circle", one)
        for at in draft.times(draft.sizes.contacts - count):
            self._add_person(at)
        for at in draft.times(draft.sizes.leads):
            self._add_lead(at)
        self._spoil()

    def _card(self, company: Company, *, owner: str) -> Record:
        return {
            "owner_id": self.draft.owner(),
            "creator_id": self.draft.owner(),
            "industry": self.rng.choice(_INDUSTRIES),
            "website": f"https://www.{company.domain}",
            "address": {
                "line1": f"{self.rng.randrange(1, 200)} rue de la République",
                "city": "Paris",
                "postal_code": f"{self.rng.randrange(1_000, 95_000):05}",
                "state": None,
                "country": company.country,
            },
            "tags": self.setup.tags(),
            "custom_fields": dict(self.setup.own_values(owner)),
            "description": "Met at the fair,\nwants an offer" if self.draft.chance(0.2) else None,
        }

    def _new_company(self) -> Company:
        company = self.fake.company(f"c{len(self.companies) + 1:05}")
        self.companies.append(company)
        return company

    def _new_person(self, company: Company) -> Person:
        person = self.fake.person(f"p{len(self.persons) + 1:06}", company)
        if self.draft.chance(0.01):
            person.last_name = f"{person.last_name} {self.rng.choice(_EMOJI)}"
        self.persons.append(person)
        return person

    def _add_organization(self, at: datetime) -> None:
        company = self._new_company()
        values = {
            **self._card(company, owner="contact"),
            "is_organization": True,
            "name": company.name,
            "phone": self.fake.typed_phone(company.switchboard),
            "email": f"info@{company.domain}",
            "fax": self.fake.typed_phone(company.switchboard),
            "customer_status": self.rng.choice(("none", "current", "past")),
            "prospect_status": self.rng.choice(("none", "current", "lost")),
        }
        values["billing_address"] = {**values["address"], "line1": "BP 12"}
        if self.organizations and self.draft.chance(_PARENTS):
            values["parent_organization_id"] = int(self.rng.choice(self.organizations)["id"])
        self.organizations.append(self.draft.add("contacts", at, values, company=company.id))

    def _who(self, person: Person) -> Record:
        return {
            "first_name": person.first_name,
            "last_name": person.last_name,
            "title": person.title,
            "email": person.email,
            "phone": self.fake.typed_phone(person.phone),
            "mobile": self.fake.typed_phone(person.phone) if self.draft.chance(0.3) else None,
            "linkedin": person.email.split("@")[0] if self.draft.chance(0.2) else None,
            "skype": person.email.split("@")[0] if self.draft.chance(0.1) else None,
            "twitter": None,
            "facebook": None,
        }

    def _add_person(self, at: datetime) -> None:
        draft = self.draft
        if len(self.contacts) > _FIRST_TWIN_AT and draft.chance(_TWINS):
            first = self.rng.choice(self.contacts)
            values = {**first["values"], "title": None, "owner_id": draft.owner()}
            values["last_name"] = str(values["last_name"]).upper()
            same = {key: first.get(key) for key in ("person", "company")}
            twin = draft.add("contacts", at, values, **same)
            draft.plant("duplicate", twin, of=first["id"])
            self.contacts.append(twin)
            return
        n = self.rng.randrange(len(self.organizations))
        person = self._new_person(self.companies[n])
        employer = None if draft.chance(_LONE) else int(self.organizations[n]["id"])
        values = {
            **self._card(person.company, owner="contact"),
            **self._who(person),
            "is_organization": False,
            "contact_id": employer,
            "customer_status": self.rng.choice(("none", "current", "past")),
            "prospect_status": self.rng.choice(("none", "current", "lost")),
        }
        ids = {"person": person.id, "company": person.company.id}
        self.contacts.append(draft.add("contacts", at, values, **ids))

    def _add_lead(self, at: datetime) -> None:
        draft = self.draft
        if len(self.leads) > _FIRST_TWIN_AT and draft.chance(_TWINS):
            first = self.rng.choice(
                [*self.rng.sample(self.contacts, 1), *self.rng.sample(self.leads, 1)]
            )
            person = self.persons[int(first["person"].removeprefix("p")) - 1]
        else:
            first, person = None, self._new_person(self._employer())
        status = self.rng.choice(LEAD_STATUSES)
        is_lost = status == "Unqualified"
        values = {
            **self._card(person.company, owner="lead"),
            **self._who(person),
            "organization_name": person.company.name,
            "status": status,
            "source_id": self.setup.one_of("lead_sources") if draft.chance(0.8) else None,
            "unqualified_reason_id": self.setup.one_of("lead_unqualified_reasons")
            if is_lost
            else None,
        }
        if draft.chance(0.02):
            values |= {"first_name": None, "last_name": None}
        lead = draft.add("leads", at, values, person=person.id, company=person.company.id)
        lead["deleted"] = draft.chance(_DELETED)
        self.leads.append(lead)
        if first is not None:
            draft.plant("duplicate", lead, of=first["id"])

    def _employer(self) -> Company:
        return self._new_company() if self.draft.chance(0.5) else self.rng.choice(self.companies)

    def _spoil(self) -> None:
        """Write e-mail addresses that are none."""
        able = [*self.leads, *self.contacts]
        for one in self.rng.sample(able, min(len(able), self.draft.sizes.bad_emails)):
            email = str(one["values"]["email"])
            one["values"]["email"] = self.rng.choice(
                (email.replace("@", " at "), email.split("@", maxsplit=1)[0], f"{email},,", "n/a")
            )
            self.draft.plant("bad_email", one)
