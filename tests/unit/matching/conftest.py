# ruff: noqa: SIM905, C901
"""A second generator of people, with other habits than the sandbox's: matching must not be tuned to one."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pytest

from hub.matching.clusters import Edge, cluster, edge
from hub.matching.keys import MatchView, candidates, view
from hub.matching.scoring import score
from hub.model.verdicts import Trust

FIRST = (
    "Robert William Elizabeth Margaret Catherine Michael Thomas Jennifer Christopher Susan Daniel Joseph Edward "
    "Patricia Benjamin Samuel Rebecca Nicolas Guillaume Frédéric Stéphanie Emmanuel Hélène Étienne Aurélie Maëlle "
    "Zoé Théo Léa Rémi Chloé Karim Fatima Yasmine Olga Sven Jürgen Björn Anke Ulrike Detlef Heidrun Priya Rajesh "
    "Wei Mei Hiroshi Aiko Oluwaseun Chidi Nkechi Lars Ingrid Marek Agnieszka Tomasz Paolo Giulia Ana João Inês"
).split()
LAST = (
    "Smith Johnson Taylor Walker O'Brien McAllister Dubois Lefèvre Garnier Rousseau Chevalier Moreau Lambert "
    "Delacroix Fontaine Beaumont Müller Schröder Weiß Krüger Hoffmann Zimmermann Baumgartner Kowalski Nowak "
    "Wiśniewski Rossi Esposito Ferreira Santos Oliveira Patel Sharma Gupta Chen Wang Nguyen Tanaka Yamamoto "
    "Okafor Adeyemi Mensah Haddad Benali Traoré Petrov Ivanova Lindqvist Johansson Sørensen Vanderberg Peeters "
    "Bianchi Castellano Hernández Gutiérrez Domínguez Stewart Campbell Fitzgerald Harrington Blackwood Ashworth "
    "Whitfield Thornbury Pemberton Carmichael Abernathy Lockhart Winterbourne Vasquez Montgomery"
).split()
SHORT = {
    "Robert": "Bob", "William": "Bill", "Elizabeth": "Liz", "Margaret": "Peggy", "Catherine": "Kate", "Michael": "Mike",
    "Thomas": "Tom", "Jennifer": "Jenny", "Christopher": "Chris", "Susan": "Sue", "Daniel": "Dan", "Joseph": "Joe",
    "Edward": "Ted", "Patricia": "Pat", "Benjamin": "Ben", "Samuel": "Sam", "Rebecca": "Becky", "Nicolas": "Nico",
    "Frédéric": "Fred", "Stéphanie": "Steph", "Emmanuel": "Manu",
}  # fmt: skip
STEMS = (
    "Nordwind Silverline Bluepeak Quantex Verdant Orbis Halcyon Lumina Meridian Arcadia Polaris Zephyr Cobalt "
    "Tessera Kestrel Ironbridge Larkspur Monarch Pinnacle Redwood Sequoia Summit Trident Vanguard Willow Cascade "
    "Delphi Ember Falcon Granite Harbor Indigo Juniper Keystone Lighthouse Magnolia Northstar Obsidian Paragon "
    "Quarry Riverside Sterling Tamarack Umbra Vertex Westgate Xenon Yarrow Zenith Acorn"
).split()
TAILS = (
    "Logistics",
    "Foods",
    "Partners",
    "Robotics",
    "Textiles",
    "Energy",
    "Software",
    "Pharma",
    "Builders",
)
LEGAL = ("Ltd", "GmbH", "SAS", "Inc.", "SARL", "AG", "", "")
SOURCES = (
    ("salesforce", "leads", Trust.TRUSTED),
    ("hubspot", "contacts", Trust.TRUSTED),
    ("zendesk", "users", Trust.TRUSTED),
    ("mailchimp", "members", Trust.TRUSTED),
    ("typeform", "responses", Trust.OPEN),
)
CITIES = ("Lyon", "Leeds", "Köln", "Gent", "Porto", "Oslo", "Nantes", "Bristol", "Graz", "Turin")
ROLE = ("info", "contact", "sales", "office", "kontakt", "accueil")


@dataclass(frozen=True)
class Universe:
    views: list[MatchView]
    person: dict[str, int]


def _ascii(text: str) -> str:
    import unicodedata

    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ø", "o"))
    return "".join(c for c in plain if c.isascii() and c.isalpha()).lower()


def _slip(r: random.Random, word: str) -> str:
    i = r.randrange(1, max(2, len(word) - 1))
    kind = r.randrange(3)
    if kind == 0:
        return word[:i] + word[i + 1 :]
    if kind == 1:
        return word[:i] + word[i : i + 2][::-1] + word[i + 2 :]
    return word[:i] + r.choice("aeinrst") + word[i + 1 :]


def generate(seed: int, people: int) -> Universe:
    r = random.Random(seed)
    firms = []
    for n in range(max(4, people // 6)):
        name = f"{STEMS[n % len(STEMS)]} {TAILS[(n // len(STEMS)) % len(TAILS)]}"
        if n >= len(STEMS) * len(TAILS):
            name += f" {n}"
        number = f"+44{r.randrange(10**9, 10**10)}"
        firms.append(
            (
                name,
                _ascii(name) + (str(n) if n >= 450 else "") + r.choice((".com", ".co.uk", ".fr")),
                number,
            )
        )
    persons: list[dict[str, Any]] = []
    for i in range(people):
        first, last, firm = r.choice(FIRST), r.choice(LAST), r.choice(firms)
        if persons and r.random() < 0.03:  # a namesake elsewhere
            twin = r.choice(persons)
            first, last = twin["first"], twin["last"]
            while firm is twin["firm"]:
                firm = r.choice(firms)
        elif persons and r.random() < 0.03:  # a household: one landline, one city
            mate = r.choice(persons)
            last, first = mate["last"], r.choice([f for f in FIRST if f != mate["first"]])
        same = any(p["first"] == first and p["last"] == last and p["firm"] is firm for p in persons)
        if same:
            firm = (f"Solo {i}", f"solo{i}.net", f"+44{r.randrange(10**9, 10**10)}")
        local = r.choice((f"{_ascii(first)}.{_ascii(last)}", f"{_ascii(first)[0]}{_ascii(last)}"))
        if any(p["corporate"] == f"{local}@{firm[1]}" for p in persons):
            local += str(i)
        persons.append({
            "first": first, "last": last, "firm": firm, "city": r.choice(CITIES),
            "corporate": f"{local}@{firm[1]}",
            "private": f"{_ascii(last)}{r.randrange(10, 99)}{i}@{r.choice(('gmail.com', 'web.de', 'orange.fr'))}",
            "phone": firm[2] if r.random() < 0.05 else f"+336{r.randrange(10**7, 10**8)}",
        })  # fmt: skip
    found: list[MatchView] = []
    truth: dict[str, int] = {}
    for i, p in enumerate(persons):
        copies = r.choices((1, 2, 3, 4), (0.5, 0.3, 0.15, 0.05))[0]
        for source, stream, trust in r.sample(SOURCES, copies):
            key = f"{source}/{stream}/{len(found):06d}"
            found.append(view(len(found), key, trust, _values(r, p, source)))
            truth[key] = i
    return Universe(found, truth)


def _values(r: random.Random, p: dict[str, Any], source: str) -> dict[str, Any]:
    first, last = p["first"], p["last"]
    if r.random() < 0.08:
        first, last = (_slip(r, first), last) if r.random() < 0.4 else (first, _slip(r, last))
    elif r.random() < 0.1:
        first = SHORT.get(first, first)
    if r.random() < 0.03:
        first, last = last, first
    if r.random() < 0.05:
        first, last = first.upper(), last.upper()
    if r.random() < 0.1:
        first, last = _ascii(first).title(), _ascii(last).title()
    email = p["private"] if r.random() < 0.2 else p["corporate"]
    if r.random() < 0.05:
        email = f"{r.choice(ROLE)}@{p['firm'][1]}"
    elif r.random() < 0.05:
        email = email.replace("@", "+crm@")
    phone: str | None = p["phone"]
    if phone and r.random() < 0.3 and phone.startswith("+33"):
        phone = "0" + " ".join((phone[3], phone[4:6], phone[6:8], phone[8:10], phone[10:12]))
    company: str | None = f"{p['firm'][0]} {r.choice(LEGAL)}".strip()
    out: dict[str, Any] = {"first_name": first, "last_name": last, "email": email, "phone": phone}
    roll = r.random()
    if roll < 0.1:
        out.pop("phone" if roll < 0.06 else "email")
    if source == "mailchimp":
        out.pop("phone", None)
        if r.random() < 0.3:
            out["first_name"] = out["last_name"] = None
        out.setdefault("email", p["corporate"])
    elif r.random() < 0.8:
        out["organization_name"] = company
        out["city"] = p["city"]
    return out


def resolve(views: Sequence[MatchView]) -> tuple[list[frozenset[str]], list[Edge]]:
    edges = []
    for a, b in candidates(views):
        s = score(a, b)
        edges.append(edge(a.stable_key, b.stable_key, s.judgement, s.weight))
    return cluster(views, edges), edges


def _pairs(clusters: Sequence[frozenset[str]]) -> Iterator[tuple[str, str]]:
    for c in clusters:
        yield from combinations(sorted(c), 2)


def measure(universe: Universe, clusters: Sequence[frozenset[str]]) -> tuple[float, float]:
    people: dict[int, set[str]] = {}
    for key, person in universe.person.items():
        people.setdefault(person, set()).add(key)
    truth = set(_pairs([frozenset(p) for p in people.values()]))
    found = set(_pairs(clusters))
    return len(found & truth) / max(1, len(found)), len(found & truth) / max(1, len(truth))


@pytest.fixture
def strangers() -> Callable[[int, int], Universe]:
    return generate


@pytest.fixture
def resolve_all() -> Callable[[Sequence[MatchView]], tuple[list[frozenset[str]], list[Edge]]]:
    return resolve


@pytest.fixture
def precision_recall() -> Callable[[Universe, Sequence[frozenset[str]]], tuple[float, float]]:
    return measure
