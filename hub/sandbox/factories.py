"""Make a vendor's record of a person or company, under the vendor's own field names.

Not here: which field holds the e-mail address (`fields.py`), which records exist (`population.py`),
errors in the records (`corruption.py`), tickets (`tickets.py`).
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from hub.sandbox.fake_data import Company, FakeData, Person
from hub.sandbox.fields import Record

OPEN_STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Not Converted")
LEAD_SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
FORMS = ("contact", "demo")
STAGES = {
    "subscriber": 15,
    "lead": 40,
    "marketingqualifiedlead": 20,
    "salesqualifiedlead": 10,
    "opportunity": 8,
    "customer": 7,
}
_WORKED_STAGES = ("marketingqualifiedlead", "salesqualifiedlead")
_WORKED_STATUSES = ("OPEN", "IN_PROGRESS", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING")
_ANALYTICS = (
    "ORGANIC_SEARCH",
    "PAID_SEARCH",
    "EMAIL_MARKETING",
    "SOCIAL_MEDIA",
    "REFERRALS",
    "DIRECT_TRAFFIC",
    "OFFLINE",
)
_INDUSTRIES = ("COMPUTER_SOFTWARE", "CONSTRUCTION", "FOOD_PRODUCTION", "MACHINERY", "TEXTILES")
_MEMBER_TAGS = ("newsletter", "webinar", "fair", "price list", "partner")
_LOCALES = {"fr": "fr", "br": "fr", "ar": "fr", "de": "de", "us": "en-US", "en": "en-GB"}

Factory = Callable[[FakeData, Person, str | None, datetime], Record]


def lead(fake: FakeData, person: Person, owner_id: str | None, _at: datetime) -> Record:
    """Return an open Salesforce lead."""
    rng = fake.rng
    return {
        "FirstName": person.first_name,
        "LastName": person.last_name,
        "Company": person.company.name,
        "Title": person.title,
        "Email": person.email,
        "Phone": fake.typed_phone(person.phone),
        "City": person.city,
        "Country": person.company.country,
        "Website": f"https://www.{person.company.domain}",
        "LeadSource": rng.choice(LEAD_SOURCES),
        "Status": rng.choice(OPEN_STATUSES),
        "OwnerId": owner_id,
        "IsConverted": False,
        "HasOptedOutOfEmail": False,
    }


def answer(fake: FakeData, person: Person, _owner_id: str | None, _at: datetime) -> Record:
    """Return a Typeform response: the refs of the questions with the answers."""
    rng = fake.rng
    return {
        "form": rng.choice(FORMS),
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        # the phone question of Typeform sends the number in E.164 form
        "phone": person.phone,
        "company": person.company.name,
        "message": fake.message(person.company),
        "consent": rng.random() < 0.7,  # noqa: PLR2004
    }


def contact(fake: FakeData, person: Person, owner_id: str | None, _at: datetime) -> Record:
    """Return a HubSpot contact. HubSpot keeps every value as text."""
    rng = fake.rng
    stage = rng.choices(tuple(STAGES), tuple(STAGES.values()))[0]
    values = {
        "firstname": person.first_name,
        "lastname": person.last_name,
        "email": person.email,
        "phone": fake.typed_phone(person.phone),
        "company": person.company.name,
        "jobtitle": person.title,
        "lifecyclestage": stage,
        "city": person.city,
        "country": person.company.country,
        "website": f"https://www.{person.company.domain}",
        "hs_email_optout": "false",
        "hs_analytics_source": rng.choice(_ANALYTICS),
    }
    if stage == "lead":
        values["hs_lead_status"] = "NEW"
    elif stage in _WORKED_STAGES:
        values["hs_lead_status"] = rng.choice(_WORKED_STATUSES)
    if owner_id is not None:
        values["hubspot_owner_id"] = owner_id
    return values


def member(fake: FakeData, person: Person, _owner_id: str | None, at: datetime) -> Record:
    """Return a subscribed member of a Mailchimp audience."""
    rng = fake.rng
    return {
        "email_address": person.email,
        "status": "subscribed",
        "merge_fields": {
            "FNAME": person.first_name,
            "LNAME": person.last_name,
            "PHONE": fake.typed_phone(person.phone),
            "COMPANY": person.company.name,
        },
        "tags": sorted(rng.sample(_MEMBER_TAGS, rng.randrange(3))),
        "member_rating": rng.randint(1, 5),
        "language": _LOCALES[person.company.language][:2],
        "timestamp_opt": at.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
    }


def requester(fake: FakeData, person: Person, _owner_id: str | None, _at: datetime) -> Record:
    """Return a Zendesk end user. Zendesk keeps the whole name in one field."""
    return {
        "name": f"{person.first_name} {person.last_name}",
        "email": person.email,
        "phone": fake.typed_phone(person.phone),
        "role": "end-user",
        "tags": ["vip"] if fake.rng.random() < 0.1 else [],  # noqa: PLR2004
        "locale": _LOCALES[person.company.language],
    }


FACTORIES: Mapping[str, Factory] = {
    "salesforce": lead,
    "typeform": answer,
    "hubspot": contact,
    "mailchimp": member,
    "zendesk": requester,
}


def hubspot_company(fake: FakeData, company: Company, city: str) -> Record:
    """Return a HubSpot company."""
    return {
        "name": company.name,
        "domain": company.domain,
        "city": city,
        "country": company.country,
        "industry": fake.rng.choice(_INDUSTRIES),
    }


def organization(_fake: FakeData, company: Company, _city: str) -> Record:
    """Return a Zendesk organization."""
    return {"name": company.name, "domain_names": [company.domain]}


COMPANY_FACTORIES: Mapping[str, tuple[str, str, Callable[[FakeData, Company, str], Record]]] = {
    # source → the stream of companies, the field with the company's id in a person's record,
    # the factory
    "hubspot": ("companies", "associatedcompanyid", hubspot_company),
    "zendesk": ("organizations", "organization_id", organization),
}
