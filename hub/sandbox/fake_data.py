"""Make one fake value at a time: a name, a company, an e-mail address, a phone number, a typo.

Phone numbers come from the ranges that regulators reserve for fiction. Domains end in `.example`.
Not here: how often something happens (`rates.py`).
"""

import re
import unicodedata
from dataclasses import dataclass
from random import Random

from hub.sandbox.names import (
    CITIES,
    COMPANY_FIRST,
    COMPANY_SECOND,
    COUNTRY,
    FIRST,
    LAST,
    LEGAL_FORMS,
    MESSAGES,
    PERSONAL_DOMAINS,
    TITLES,
)

_LANGUAGES = ("fr", "en", "us", "de", "br", "ar")
_WEIGHTS = (44, 24, 10, 6, 9, 7)
FRENCH = ("fr", "br", "ar")
_FR_RANGES = ("19900", "26191", "35301", "46571", "53649")
_GB_RANGES = ("2079460", "1614960", "1134960", "1174960")
_US_RANGES = ("202", "617", "303", "503", "512", "312", "206", "415")
_NEIGHBOURS = {"a": "q", "e": "r", "i": "u", "o": "p", "n": "b", "m": "n", "s": "d", "t": "r"}
_SHORTEST_FOR_TYPO = 4
_LETTER = re.compile(r"[^a-z0-9]+")


@dataclass(slots=True)
class Company:
    """An employer."""

    id: str
    name: str
    domain: str
    language: str
    country: str
    switchboard: str


@dataclass(slots=True)
class Person:
    """One human being with two e-mail addresses; `email` is the one given first."""

    id: str
    first_name: str
    last_name: str
    email: str
    other_email: str
    phone: str
    company: Company
    title: str
    city: str


class FakeData:
    """Makes fake values from one random generator. No phone number or domain comes twice.

    The phone numbers are an exception: they repeat after about 50,000, when the ranges are used up.
    """

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self._phones: set[str] = set()
        self._domains: set[str] = set()

    def company(self, id_: str) -> Company:
        """Return a new company with a domain of its own."""
        language = self.language()
        tongue = "fr" if language in FRENCH else "en"
        base, domain = "", ""
        while not domain or domain in self._domains:
            words = [self.rng.choice(COMPANY_FIRST), self.rng.choice(COMPANY_SECOND[tongue])]
            if domain:  # another company has the short name
                words.insert(1, self.rng.choice(LAST["br"] + LAST["en"]))
            base = " ".join(words)
            domain = f"{slug(base, '-')}.example"
        self._domains.add(domain)
        name = f"{base} {self.rng.choice(LEGAL_FORMS[tongue])}".strip()
        country = COUNTRY[language]
        return Company(id_, name, domain, language, country, self.phone(country))

    def person(self, id_: str, company: Company) -> Person:
        """Return a new employee of a company."""
        first_name, last_name = self.name(company.language)
        tongue = "fr" if company.language in FRENCH else "en"
        person = Person(
            id=id_,
            first_name=first_name,
            last_name=last_name,
            email="",
            other_email="",
            phone=self.phone(company.country),
            company=company,
            title=self.rng.choice(TITLES[tongue]),
            city=self.rng.choice(CITIES[company.country]),
        )
        self.set_emails(person)
        return person

    def name(self, company_language: str) -> tuple[str, str]:
        """Return a first name and a last name of one language, in most cases the company's."""
        language = company_language if self.rng.random() < 0.8 else self.language()  # noqa: PLR2004
        language = "en" if language == "us" else language
        return self.rng.choice(FIRST[language]), self.rng.choice(LAST[language])

    def set_emails(self, person: Person) -> None:
        """Give a person a work address and a private address, in random order."""
        first, last = slug(person.first_name, "-"), slug(person.last_name)
        local = self.rng.choice((f"{first}.{last}", f"{first[0]}{last}", f"{first[0]}.{last}"))
        work = f"{local}@{person.company.domain}"
        digits = int(re.sub(r"\D", "", person.id) or 0) % 10_000
        home = f"{first}.{last}{digits}@{self.rng.choice(PERSONAL_DOMAINS)}"
        person.email, person.other_email = (
            (work, home) if self.rng.random() < 0.75 else (home, work)  # noqa: PLR2004
        )

    def language(self) -> str:
        """Return a language, chosen by the weights."""
        return self.rng.choices(_LANGUAGES, _WEIGHTS)[0]

    def message(self, company: Company) -> str:
        """Return a message that a person writes into a form."""
        return self.rng.choice(MESSAGES["fr" if company.language in FRENCH else "en"])

    def phone(self, country: str) -> str:
        """Return an international number (E.164) that no real person has."""
        for attempt in range(1_000):
            number = self._some_phone(country if attempt < 30 else "France")  # noqa: PLR2004
            if number not in self._phones:
                break
        else:
            number = self._some_phone("France")  # all numbers are used: repeat one
        self._phones.add(number)
        return number

    def _some_phone(self, country: str) -> str:
        rng = self.rng
        if country == "United Kingdom":
            return f"+44{rng.choice(_GB_RANGES)}{rng.randrange(1_000):03}"
        if country == "United States":
            return f"+1{rng.choice(_US_RANGES)}55501{rng.randrange(100):02}"
        if country == "Germany":
            return f"+493023125{rng.randrange(1_000):03}"
        return f"+33{rng.choice(_FR_RANGES)}{rng.randrange(10_000):04}"

    def typed_phone(self, phone: str) -> str:
        """Return a number as people type it. Only French numbers may lack the country code."""
        if phone.startswith("+33"):
            pairs = [phone[i : i + 2] for i in range(4, len(phone), 2)]
            spaced = " ".join(pairs)
            return self.rng.choice(
                (
                    phone,
                    f"+33 {phone[3]} {spaced}",
                    f"0{phone[3]} {spaced}",
                    f"0{phone[3]}.{'.'.join(pairs)}",
                    f"0{phone[3:]}",
                )
            )
        if phone.startswith("+1"):
            area, middle, end = phone[2:5], phone[5:8], phone[8:]
            return self.rng.choice(
                (phone, f"+1 ({area}) {middle}-{end}", f"+1-{area}-{middle}-{end}")
            )
        return self.rng.choice((phone, f"{phone[:3]} {phone[3:]}", f"00{phone[1:]}"))

    def with_typo(self, name: str) -> str:
        """Return a name with one typo: letters swapped, or one letter lost, doubled or wrong."""
        if len(name) < _SHORTEST_FOR_TYPO:
            return name + name[-1]
        at = self.rng.randrange(1, len(name) - 1)
        here, after = name[at], name[at + 1]
        slips = [
            name[:at] + name[at + 1 :],
            name[:at] + here + name[at:],
            name[:at] + _NEIGHBOURS.get(here, "e") + name[at + 1 :],
        ]
        if here != after and after.isalpha():
            slips.append(name[:at] + after + here + name[at + 2 :])
        return self.rng.choice([slip for slip in slips if slip != name])


def slug(text: str, between: str = "") -> str:
    """Return the text in lower-case ASCII letters and digits, with `between` between words."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ø", "o"))
    ascii_ = "".join(char for char in plain if not unicodedata.combining(char)).lower()
    return _LETTER.sub(between, ascii_).strip("-")
