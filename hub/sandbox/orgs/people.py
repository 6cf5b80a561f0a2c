"""Accounts, contacts and leads of a seeded org, with their difficulties.

Accounts have parents on three levels, and three of them are parents of each other in a circle. Some
accounts are persons. One contact or lead in twenty is a duplicate of another. Some leads were
converted: their contact, account and deal are in the org.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from hub.sandbox.factories import LEAD_SOURCES, OPEN_STATUSES
from hub.sandbox.fake_data import Company, Person
from hub.sandbox.orgs.draft import Draft, Record

_INDUSTRIES = ("Agriculture", "Banking", "Construction", "Energy", "Retail", "Technology")
_TYPES = ("Prospect", "Customer - Direct", "Customer - Channel", "Technology Partner", "Other")
_RATINGS = ("Hot", "Warm", "Cold", None)
_SEGMENTS = ("SMB", "Mid-Market", "Enterprise")
_EMOJI = ("🚀", "🌻", "☕", "🎯")
_DUPLICATES, _OPTED_OUT, _PARENTS, _RESPONDED = 0.05, 0.1, 0.3, 0.4
_MOST_DUPLICATES_AT = 20

FIELDS: tuple[Record, ...] = (
    {"stream": "leads", "name": "Segment__c", "type": "picklist", "choices": [*_SEGMENTS]},
    {"stream": "leads", "name": "Budget__c", "type": "currency", "label": "Budget"},
    {"stream": "contacts", "name": "Interests__c", "type": "multipicklist",
     "choices": ["Sailing", "Cycling", "Opera"]},
    {"stream": "contacts", "name": "Renewal_Text__c", "type": "string", "label": "Renewal (text)"},
    {"stream": "accounts", "name": "Tier__c", "type": "picklist", "choices": ["Gold", "Silver"]},
    {"stream": "opportunities", "name": "LossReason__c", "type": "picklist",
     "label": "Loss Reason", "choices": ["Price", "Competitor", "No budget"]},
    {"stream": "opportunities", "name": "Contract_End__c", "type": "date"},
)  # fmt: skip


class People:
    """The companies and persons of an org, and their accounts, contacts and leads."""

    def __init__(self, draft: Draft) -> None:
        self.draft, self.rng, self.fake = draft, draft.rng, draft.fake
        self.companies: list[Company] = []
        self.persons: list[Person] = []
        self.accounts: list[Record] = []
        self._accounts: dict[str, Record] = {}
        self.contacts: list[Record] = []
        self.leads: list[Record] = []
        self._add_accounts()
        self._add_contacts()
        self._add_leads()
        self._spoil()

    def _person(self, company: Company) -> Person:
        person = self.fake.person(f"p{len(self.persons) + 1:06}", company)
        if self.draft.chance(0.01):
            person.last_name = f"{person.last_name} {self.rng.choice(_EMOJI)}"
        self.persons.append(person)
        return person

    def _company(self) -> Company:
        company = self.fake.company(f"c{len(self.companies) + 1:05}")
        if self.draft.chance(0.01):
            company.name = f"{self.rng.choice(_EMOJI)} {company.name}"
        self.companies.append(company)
        return company

    def _add_accounts(self) -> None:
        draft, count = self.draft, self.draft.sizes.accounts - self.draft.sizes.persons
        for at in draft.times(count):
            values = self._account(company := self._company())
            if self.accounts and draft.chance(_PARENTS):
                values["ParentId"] = self._parent()
            account = draft.add("accounts", at, values, company=company.id)
            self.accounts.append(account)
            self._accounts[account["id"]] = account
        self._close_circle(self.accounts[-3:])

    def _account(self, company: Company) -> Record:
        rng = self.rng
        return {
            "Name": company.name,
            "Type": rng.choice(_TYPES),
            "Industry": rng.choice(_INDUSTRIES),
            "Phone": self.fake.typed_phone(company.switchboard),
            "Website": f"https://www.{company.domain}",
            "BillingStreet": f"{rng.randrange(1, 200)} rue de la République",
            "BillingCity": "Paris",
            "BillingPostalCode": f"{rng.randrange(1_000, 95_000):05}",
            "BillingCountry": company.country,
            "AnnualRevenue": rng.randrange(1, 500) * 10_000.0,
            "NumberOfEmployees": rng.randrange(1, 5_000),
            "Rating": rng.choice(_RATINGS),
            "Tier__c": rng.choice(("Gold", "Silver", None)),
            "CurrencyIsoCode": "USD" if company.language == "us" else "EUR",
            "OwnerId": self.draft.owner(),
        }

    def _parent(self) -> str:
        """Return an account that has no parent, or whose parent has none: three levels at most."""
        parent = self.rng.choice(self.accounts)
        above = parent["values"].get("ParentId")
        is_deep = above and self._by_id(above)["values"].get("ParentId")
        return str(above if is_deep else parent["id"])

    def _by_id(self, id_: str) -> Record:
        return self._accounts[id_]

    def _close_circle(self, circle: list[Record]) -> None:
        for one, parent in zip(circle, [*circle[1:], circle[0]], strict=True):
            one["values"]["ParentId"] = parent["id"]
            self.draft.plant("circle", one)

    def _add_contacts(self) -> None:
        draft = self.draft
        persons_n = draft.sizes.persons
        every = max(1, draft.sizes.contacts // persons_n)
        for n, at in enumerate(draft.times(draft.sizes.contacts)):
            if n % every == 0 and persons_n:
                persons_n -= 1
                self.contacts.append(self._add_person_account(at))
            elif n > _MOST_DUPLICATES_AT and draft.chance(_DUPLICATES):
                self.contacts.append(self._add_twin(at))
            else:
                index = self.rng.randrange(len(self.accounts))
                person = self._person(self.companies[index])
                values = {**self._contact(person), "AccountId": self.accounts[index]["id"]}
                if self.contacts and draft.chance(_PARENTS):
                    values["ReportsToId"] = self.rng.choice(self.contacts)["id"]
                self.contacts.append(self._add("contacts", at, values, person))

    def _add(self, stream: str, at: datetime, values: Record, person: Person) -> Record:
        company = person.company.id
        return self.draft.add(stream, at, values, person=person.id, company=company)

    def _contact(self, person: Person) -> Record:
        rng = self.rng
        return {
            "FirstName": person.first_name,
            "LastName": person.last_name,
            "Email": person.email,
            "Phone": self.fake.typed_phone(person.phone),
            "Title": person.title,
            "Department": rng.choice(("Sales", "Purchasing", "IT", None)),
            "MailingCity": person.city,
            "MailingCountry": person.company.country,
            "LeadSource": rng.choice(LEAD_SOURCES),
            "Birthdate": f"{rng.randrange(1950, 2004)}-{rng.randrange(1, 13):02}-15",
            "Interests__c": rng.choice(("Sailing", "Sailing;Opera", "Cycling", None)),
            "HasOptedOutOfEmail": self.draft.chance(_OPTED_OUT),
            "OwnerId": self.draft.owner(),
            "IsPersonAccount": False,
        }

    def _add_person_account(self, at: datetime) -> Record:
        """Add a person account, which is an account and a contact that name each other."""
        company = Company(f"self{len(self.persons)}", "", "", "fr", "France", "")
        company.domain, company.switchboard = "orange.example", self.fake.phone("France")
        person = self._person(company)
        values = self._contact(person) | {"IsPersonAccount": True}
        shared = {key: values[key] for key in ("FirstName", "LastName", "Phone", "OwnerId")}
        own = {
            f"Person{key}": values[key]
            for key in ("Email", "Title", "MailingCity", "MailingCountry", "HasOptedOutOfEmail")
        }
        account = self.draft.add(
            "accounts",
            at,
            {**shared, **own, "Name": f"{person.first_name} {person.last_name}",
             "IsPersonAccount": True, "CurrencyIsoCode": "EUR", "Tier__c": "Silver"},
            person=person.id,
        )  # fmt: skip
        contact = self.draft.add(
            "contacts", at, {**values, "AccountId": account["id"]}, person=person.id
        )
        account["values"]["PersonContactId"] = contact["id"]
        return contact

    def _add_twin(self, at: datetime) -> Record:
        """Add a duplicate of an earlier contact, typed in another way."""
        first = self.rng.choice(self.contacts)
        while first["values"]["IsPersonAccount"]:
            first = self.rng.choice(self.contacts)
        values = {**first["values"], "Title": None, "OwnerId": self.draft.owner()}
        values["LastName"] = str(values["LastName"]).upper()
        same = {key: first.get(key) for key in ("person", "company")}
        twin = self.draft.add("contacts", at, values, **same)
        self.draft.plant("duplicate", twin, of=first["id"])
        return twin

    def _add_leads(self) -> None:
        draft, sizes = self.draft, self.draft.sizes
        converted = set(self.rng.sample(range(sizes.leads), sizes.converted))
        for n, at in enumerate(draft.times(sizes.leads)):
            if n in converted:
                self.leads.append(self._add_converted(at))
            elif self.leads and draft.chance(_DUPLICATES):
                self.leads.append(self._add_lead_of_contact(at))
            else:
                person = self._person(self._lead_company())
                self.leads.append(self._add("leads", at, self._lead(person), person))
        self._delete_some()

    def _lead_company(self) -> Company:
        """Return the company of a lead: half of them work at one that has an account."""
        if self.draft.chance(0.5) or not self.companies:
            return self._company()
        return self.rng.choice(self.companies)

    def _lead(self, person: Person) -> Record:
        rng = self.rng
        return {
            "FirstName": person.first_name,
            "LastName": person.last_name,
            "Company": person.company.name,
            "Title": person.title,
            "Email": person.email,
            "Phone": self.fake.typed_phone(person.phone),
            "City": person.city,
            "Country": person.company.country,
            "Status": rng.choice(OPEN_STATUSES),
            "LeadSource": rng.choice(LEAD_SOURCES),
            "Rating": rng.choice(_RATINGS),
            "Segment__c": rng.choice(_SEGMENTS),
            "Budget__c": rng.randrange(1, 100) * 500.0,
            "HasOptedOutOfEmail": self.draft.chance(_OPTED_OUT),
            "IsConverted": False,
            "OwnerId": self.draft.owner_or_queue(),
        }

    def _add_converted(self, at: datetime) -> Record:
        """Add the lead from which one of the contacts came; the deal is named later."""
        contact = self.rng.choice(self.contacts)
        while contact["values"]["IsPersonAccount"]:
            contact = self.rng.choice(self.contacts)
        values = self._lead_of(contact) | {
            "Status": "Closed - Converted",
            "IsConverted": True,
            "ConvertedDate": self.draft.after(at, 60).date().isoformat(),
            "ConvertedAccountId": contact["values"]["AccountId"],
            "ConvertedContactId": contact["id"],
            "OwnerId": contact["values"]["OwnerId"],
        }
        same = {key: contact.get(key) for key in ("person", "company")}
        return self.draft.add("leads", at, values, **same)

    def _lead_of(self, contact: Mapping[str, Any]) -> Record:
        return self._lead(self.persons[int(contact["person"].removeprefix("p")) - 1])

    def _add_lead_of_contact(self, at: datetime) -> Record:
        """Add a lead of a person who is a contact or a lead already."""
        first = self.rng.choice(
            [*self.rng.sample(self.contacts, 1), *self.rng.sample(self.leads, 1)]
        )
        values = self._lead_of(first)
        same = {key: first.get(key) for key in ("person", "company")}
        lead = self.draft.add("leads", at, values, **same)
        self.draft.plant("duplicate", lead, of=first["id"])
        return lead

    def _delete_some(self) -> None:
        open_ones = [one for one in self.leads if not one["values"]["IsConverted"]]
        chosen = self.rng.sample(open_ones, min(len(open_ones), self.draft.sizes.of(100, least=2)))
        for one in chosen:
            one["deleted"] = True
            one["modified_at"] = one["at"]
        if len(open_ones) > len(chosen):
            loser = chosen[0]
            winner = next(one for one in open_ones if not one.get("deleted"))
            loser["merged_into"] = winner["id"]

    def _spoil(self) -> None:
        """Write e-mail addresses that are none, and dates that may be read in two orders."""
        draft = self.draft
        able = [one for one in (*self.leads, *self.contacts) if "merged_into" not in one]
        for one in self.rng.sample(able, min(len(able), draft.sizes.bad_emails)):
            email = str(one["values"]["Email"])
            one["values"]["Email"] = self.rng.choice(
                (email.replace("@", " at "), email.split("@", maxsplit=1)[0], f"{email},,", "n/a")
            )
            draft.plant("bad_email", one)
        for one in self.rng.sample(self.contacts, draft.sizes.ambiguous_dates):
            day, month = self.rng.randrange(1, 13), self.rng.randrange(1, 13)
            one["values"]["Renewal_Text__c"] = f"{day:02}/{month:02}/2027"
            draft.plant("ambiguous_date", one)


def day_of(record: Mapping[str, Any], days: int = 0) -> str:
    """Return the day of a record's creation, or of so many days later."""
    return (datetime.fromisoformat(record["at"]) + timedelta(days=days)).date().isoformat()
