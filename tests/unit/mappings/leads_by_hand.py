"""Leads as people of eighteen countries type them, made by hand-written rules from a seed.

In: a seed and a number. Out: people with the values that must stand in the CRM, and the raw record that
each source would send for them. Nobody in them exists; telephone numbers come from ranges kept for
films and tests where the country has such a range.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any


@dataclass(frozen=True, slots=True)
class Country:
    """How people of one country write.

    Args:
        code: ISO-2.
        names: how the country is written in forms.
        given: first names.
        family: last names.
        national: patterns of a national number, `#` for a digit that may be any.
        prefix: what stands in E.164 in place of the national prefix, and that prefix.
        family_first: whether a full name begins with the last name.
        locale: of the record.
    """

    code: str
    names: tuple[str, ...]
    given: tuple[str, ...]
    family: tuple[str, ...]
    national: tuple[str, ...]
    prefix: tuple[str, str]
    family_first: bool = False
    locale: str = ""


COUNTRIES = (
    Country("FR", ("France", "FR", "FRA", "france "), ("Zoé", "Jean-Luc", "Maëlys", "Éric"), ("Lefèvre", "de la Tour", "O'Connell", "N'Diaye"),
            ("06 39 98 0# ##", "01.99.00.##.##", "0639980###"), ("+33", "0")),
    Country("DE", ("Deutschland", "Germany", "DE", "Allemagne"), ("Jürgen", "Anna-Lena", "Björn"), ("Müller", "von Bülow", "Groß", "Schäfer"),
            ("030 23125 ###", "0171 39200##", "040/66969###"), ("+49", "0")),
    Country("GB", ("United Kingdom", "UK", "Great Britain", "England"), ("Siobhan", "Nigel", "Aled"), ("McDonald", "Fitz-Simons", "ap Rhys", "Smith"),
            ("020 7946 0###", "07700 900###", "0161 496 0###"), ("+44", "0")),
    Country("US", ("USA", "United States", "U.S.A.", "Estados Unidos"), ("Kim E.", "DeShawn", "John D."), ("Rockefeller", "O'Brien", "Garcia-Lopez"),
            ("(212) 555-01##", "415.555.01##", "312-555-01##"), ("+1", "")),
    Country("ES", ("España", "Spain", "Espagne", "ES"), ("José", "María Jesús", "Íñigo"), ("García Márquez", "Núñez", "de la Fuente"),
            ("612 345 6##", "911 23 45 ##"), ("+34", "")),
    Country("IT", ("Italia", "Italy", "Italien"), ("Niccolò", "Chiara"), ("D'Angelo", "Lo Presti", "Rossi"),
            ("06 1234 56##", "333 123 45##"), ("+39", "")),
    Country("NL", ("Nederland", "The Netherlands", "Holland", "Pays-Bas"), ("Joost", "Femke"), ("van der Berg", "de Vries", "'t Hart"),
            ("020 794 1###", "06 1234 56##"), ("+31", "0")),
    Country("PL", ("Polska", "Poland", "Pologne"), ("Łukasz", "Agnieszka"), ("Żółkiewski", "Nowak"),
            ("512 345 6##", "22 123 45 ##"), ("+48", "")),
    Country("SE", ("Sverige", "Sweden", "Schweden"), ("Åsa", "Göran"), ("Öberg", "Lindström"),
            ("08-465 004 ##", "070-174 06 ##"), ("+46", "0")),
    Country("BR", ("Brasil", "Brazil", "Brésil"), ("João", "Conceição"), ("dos Santos", "Guimarães"),
            ("(11) 98765-43##", "(21) 2345-67##"), ("+55", "")),
    Country("RU", ("Россия", "Russia", "Russie"), ("Дмитрий", "Наталья"), ("Щербаков", "Иванова"),
            ("8 (912) 345-67-##", "8 495 123-45-##"), ("+7", "8")),
    Country("GR", ("Ελλάδα", "Greece", "Griechenland"), ("Γιώργος", "Ελένη"), ("Παπαδόπουλος", "Νικολάου"),
            ("21 0123 45##", "691 234 56##"), ("+30", "")),
    Country("AE", ("الإمارات العربية المتحدة", "United Arab Emirates", "UAE"), ("محمد", "فاطمة"), ("الهاشمي", "المنصوري"),
            ("050 123 45##", "04 234 56##"), ("+971", "0")),
    Country("JP", ("日本", "Japan", "Japon"), ("太郎", "花子"), ("山田", "佐藤"),
            ("090-1234-56##", "03-1234-56##"), ("+81", "0"), family_first=True, locale="ja"),
    Country("CN", ("中国", "China", "Chine"), ("伟", "小红"), ("王", "李"),
            ("138 0013 80##", "139 1234 56##"), ("+86", ""), family_first=True, locale="zh-cn"),
    Country("IN", ("भारत", "India", "Inde"), ("राहुल", "Priya"), ("शर्मा", "Venkataraman"),
            ("098765 432##", "098450 123##"), ("+91", "0")),
    Country("HU", ("Magyarország", "Hungary", "Hongrie"), ("László", "Ágnes"), ("Szőke", "Nagy"),
            ("06 20 123 45##", "06 1 234 56##"), ("+36", "06"), family_first=True, locale="hu"),
    Country("VN", ("Việt Nam", "Vietnam", "Viêt Nam"), ("Văn An", "Thị Hoa"), ("Nguyễn", "Trần"),
            ("091 234 56 ##", "098 765 43 ##"), ("+84", "0"), family_first=True, locale="vi"),
)  # fmt: skip
COMPANIES = (
    "Müller & Söhne GmbH",
    "L'Atelier SARL",
    "ООО Ромашка",
    "株式会社山田",
    "Acme Ltd.",
    "R&D Partners",
    "Ärzte eG",
)
MAILS: tuple[Callable[[str, str], str], ...] = (
    lambda _name, address: address,
    lambda _name, address: f" {address.upper()} ",
    lambda name, address: f'"{name}" <{address}>',
    lambda _name, address: f"mailto:{address}?subject=Hello",
    lambda _name, address: f"{address}.",
    lambda _name, address: f"{address} (work)",
)
NOTHINGS = (None, "", "N/A", "-", "none", "--None--", "null")


@dataclass(frozen=True, slots=True)
class Lead:
    """One person: what must stand in the CRM, and what was typed."""

    country: Country
    first: str
    last: str
    email: str
    phone: str
    company: str
    typed_email: str
    typed_phone: str
    typed_country: str
    typed_company: str
    nothing: str | None
    number: int

    @property
    def full(self) -> str:
        """The name in one field, in the order of the country."""
        parts = (self.last, self.first) if self.country.family_first else (self.first, self.last)
        return " ".join(parts)


def leads(seed: int, n: int) -> Iterator[Lead]:
    """Yield n people."""
    rng = Random(seed)
    for number in range(n):
        yield _lead(rng, number)


def _lead(rng: Random, number: int) -> Lead:
    country = COUNTRIES[number % len(COUNTRIES)]
    first, last = rng.choice(country.given), rng.choice(country.family)
    national = "".join(
        str(rng.randrange(10)) if c == "#" else c for c in rng.choice(country.national)
    )
    digits = "".join(c for c in national if c.isdigit())
    kept, trunk = country.prefix
    e164 = kept + digits.removeprefix(trunk)
    spellings = (
        national, f"Tel. {national}", e164, f"{kept} {national.removeprefix(trunk).lstrip()}", f"00{kept[1:]} {digits.removeprefix(trunk)}",
    )  # fmt: skip
    company = rng.choice(COMPANIES)
    email = f"person{number}@firm{number % 40}.example.com"
    return Lead(
        country=country,
        first=first,
        last=last,
        email=email,
        phone=e164,
        company=company,
        typed_email=rng.choice(MAILS)(f"{first} {last}", email),
        typed_phone=rng.choice(spellings),
        typed_country=rng.choice(country.names),
        typed_company=rng.choice((company, company.replace("&", "&amp;"), f"  {company} ")),
        nothing=rng.choice(NOTHINGS),
        number=number,
    )


def salesforce(one: Lead) -> dict[str, Any]:
    """Return the lead as Salesforce sends it."""
    return {
        "Id": f"00Q5g{one.number:010d}", "FirstName": one.first, "LastName": one.last, "Email": one.typed_email,
        "Phone": one.typed_phone, "Country": one.typed_country, "Company": one.typed_company, "Title": one.nothing,
        "City": one.nothing, "Website": one.nothing, "MobilePhone": one.nothing, "Status": "Working - Contacted",
    }  # fmt: skip


def hubspot(one: Lead) -> dict[str, Any]:
    """Return the contact as HubSpot sends it."""
    return {
        "id": str(one.number + 1),
        "properties": {
            "firstname": one.first, "lastname": one.last, "email": one.typed_email, "phone": one.typed_phone,
            "country": one.typed_country, "company": one.typed_company, "jobtitle": one.nothing, "city": one.nothing,
        },
    }  # fmt: skip


def mailchimp(one: Lead) -> dict[str, Any]:
    """Return the member as Mailchimp sends it; an audience holds one plain address each."""
    return {
        "contact_id": f"c{one.number}", "status": "subscribed", "member_rating": 5, "email_address": one.email,
        "merge_fields": {
            "FNAME": one.first, "LNAME": one.last, "PHONE": one.typed_phone, "COMPANY": one.typed_company,
            "ADDRESS": {"addr1": "1 Main St", "city": "X", "country": one.typed_country},
        },
    }  # fmt: skip


def typeform(one: Lead) -> dict[str, Any]:
    """Return the response as Typeform sends it."""
    asked = (
        ("first_name", "text", "short_text", one.first), ("last_name", "text", "short_text", one.last),
        ("email", "email", "email", one.email), ("phone", "phone_number", "phone_number", one.typed_phone),
        ("country", "text", "short_text", one.typed_country), ("company", "text", "short_text", one.typed_company),
    )  # fmt: skip
    answers = [
        {"field": {"id": ref, "ref": ref, "type": question}, "type": kind, kind: value}
        for ref, kind, question, value in asked
    ]
    return {"form_id": "f1", "token": f"t{one.number}", "answers": answers}


def zendesk(one: Lead) -> dict[str, Any]:
    """Return the user as Zendesk sends it: one field for the name, an international number."""
    return {
        "id": one.number + 1, "role": "end-user", "name": one.full, "email": one.email, "phone": one.phone,
        "locale": one.country.locale or None,
    }  # fmt: skip


SOURCES: dict[str, Callable[[Lead], dict[str, Any]]] = {
    "salesforce/leads": salesforce,
    "hubspot/contacts": hubspot,
    "mailchimp/members": mailchimp,
    "typeform/responses": typeform,
    "zendesk/users": zendesk,
}
