"""Strangers by the thousand: records of invented people, with the truth beside them.

Independent of the sandbox's generator on purpose, so that no number is tuned to one universe. A
person lives in one locale (fr, en, de, es, nordic, slavic: transliterated), works somewhere or not,
and is written down one to four times, each time with what real forms do to a name. `Rates` holds
every probability. Nothing here is read by the matcher; `person` is the truth and must be left out of
what it gets.
"""

import random
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

_NAMES: dict[str, tuple[str, str, str, str, str]] = {
    # locale: (given names, surnames, surname heads, surname tails, cities)
    "fr": (
        "Jean Marie Pierre Camille Nicolas Sophie Julien Céline Mathieu Élodie Antoine Chloé François Léa Hugo "
        "Manon Philippe Nathalie Thierry Sylvie Olivier Sandrine Benoît Amélie Guillaume Pauline Frédéric Hélène "
        "Jérôme Aurélie Karim Fatoumata Jean-Luc Anne-Sophie Mohamed Inès Gaëlle Yann Clémence Lucas",
        "Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefebvre Leroy Roux "
        "David Bertrand Morel Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Muller Faure Mercier "
        "Blanc Guérin Boyer Garnier Chevalier François Legrand Gauthier Garcia Perrin Robin",
        "Beau Mont Grand Bois Châte Roche Ville Fleur Belle Clair Haute Long Champ Mar Pont Ler Del Cour Vau Ren",
        "mont val lande voisin ville fort pré champ court marchand neuf nier dier ard elin eau eret aud igny oux",
        "Lyon Paris Nantes Lille Bordeaux Toulouse Rennes Nice Strasbourg Dijon",
    ),
    "en": (
        "James Mary John Patricia Robert Jennifer Michael Linda William Elizabeth David Susan Richard Jessica Joseph "
        "Sarah Thomas Karen Christopher Nancy Daniel Margaret Matthew Lisa Anthony Betty Mark Dorothy Steven Sandra "
        "Andrew Ashley Joshua Kimberly Kenneth Emily Kevin Donna Brian Michelle",
        "Smith Johnson Williams Brown Jones Miller Davis Wilson Anderson Taylor Thomas Moore Jackson White Harris "
        "Clark Lewis Robinson Walker Young Allen King Wright Scott Hill Green Adams Baker Nelson Carter Mitchell "
        "Turner Phillips Campbell Parker Evans Edwards Collins Stewart Morris",
        "Ash Black Brad Clay Dun Elling Fair Green Har Hather King Lang Mal Nor Old Pem Rad Stan Thorn Whit",
        "ford ley ton wood well field worth by bury combe croft dale ham hurst man ridge shaw stead wick water",
        "London Leeds Bristol Boston Chicago Austin Denver Dublin Toronto Sydney",
    ),
    "de": (
        "Thomas Sabine Michael Petra Andreas Monika Stefan Claudia Wolfgang Susanne Jürgen Birgit Klaus Martina Peter "
        "Andrea Uwe Kerstin Bernd Heike Matthias Anja Frank Katharina Jörg Ulrike Dieter Angelika Tobias Julia "
        "Sebastian Lena Florian Anna Markus Nicole Lukas Hannah Günther Brigitte",
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein "
        "Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Krause Meier "
        "Lehmann Köhler Maier Jung Huber Kaiser Fuchs Peters Lang Scholz Weiß",
        "Acker Berg Birken Brand Eichen Feld Grün Hagen Hohen Kirch Licht Linden Ober Rosen Stein Unter Wald Weiden Winter Alt",
        "mann bauer berger hofer huber meier müller reiter schmid thaler wald acher egger inger auer kamp dorf haus bach stein",
        "Berlin München Hamburg Köln Frankfurt Stuttgart Leipzig Wien Zürich Graz",
    ),
    "es": (
        "José María Antonio Carmen Manuel Ana Francisco Isabel Juan Dolores David Pilar Javier Cristina Daniel Teresa "
        "Carlos Rosa Miguel Elena Rafael Laura Pedro Marta Ángel Lucía Alejandro Mercedes Fernando Concepción Sergio "
        "Beatriz Pablo Raquel Jorge Silvia Alberto Rocío Luis Patricia",
        "García González Rodríguez Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz Hernández Díaz "
        "Moreno Muñoz Álvarez Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ramos Gil Ramírez Serrano "
        "Blanco Molina Morales Suárez Ortega Delgado Castro Ortiz Rubio Marín Sanz Núñez",
        "Al Bar Cal Cas Del Es Fer Gal Her Lo Man Mon Or Pal Qui Riv Sal Tor Val Zam",
        "varez uelo edo illo eros ado ales andez ano ares era eso ieta iga ino onda ora osa ués uno",
        "Madrid Barcelona Valencia Sevilla Bilbao Zaragoza Málaga Bogotá Lima México",
    ),
    "nordic": (
        "Lars Anna Erik Ingrid Karl Kristina Anders Maria Johan Eva Per Birgitta Nils Karin Jan Elisabeth Bjørn Solveig "
        "Olav Astrid Mikkel Freja Søren Mette Jens Hanne Henrik Kirsten Matti Aino Juhani Helena Åsa Göran Øyvind Sigrid "
        "Magnus Linnea Gunnar Märta",
        "Hansen Johansson Andersen Nilsson Larsen Karlsson Olsen Eriksson Pedersen Svensson Nielsen Gustafsson Jensen "
        "Pettersson Kristiansen Jonsson Christensen Lindberg Berg Lindström Haugen Lindqvist Hagen Lundgren Johannessen "
        "Axelsson Sørensen Bergström Rasmussen Virtanen Korhonen Mäkinen Nieminen Hämäläinen Dahl Lund Moen Strand Holm Åberg",
        "Back Björk Ek Fors Gran Hall Hed Klint Lind Lund Malm Nor Ros Sand Sjö Skog Stål Sund Väster Öst",
        "berg ström gren qvist lund man mark dahl fors holm by sten blad ell en vik stad land ås næs",
        "Oslo Stockholm København Helsinki Bergen Göteborg Aarhus Malmö Tampere Uppsala",
    ),
    "slavic": (
        "Alexey Olga Sergey Natalia Dmitry Irina Ivan Elena Andrey Tatiana Mikhail Svetlana Yuri Yulia Nikolay Anna "
        "Vladimir Ekaterina Pavel Maria Piotr Agnieszka Tomasz Katarzyna Marek Magdalena Jan Tereza Jiri Petra Ondrej "
        "Jana Milan Zuzana Oleksandr Oksana Bogdan Iryna Igor Galina",
        "Ivanov Smirnov Kuznetsov Popov Vasiliev Petrov Sokolov Mikhailov Novikov Fedorov Morozov Volkov Alekseev "
        "Lebedev Semenov Kowalski Nowak Wiśniewski Wójcik Kamiński Lewandowski Zieliński Szymański Novák Svoboda "
        "Novotný Dvořák Černý Shevchenko Kovalenko Bondarenko Tkachenko Horvat Babić Tchaikovsky Zhukov Yakovlev Orlov Belov Zaytsev",
        "Bel Bog Brat Chern Dob Gor Gran Kal Khar Kov Kras Leb Mal Mel Nov Rad Sav Tish Vol Zhar",
        "anov enko ovsky insky owicz evich uk ak ov in ski ek ar ich aev yakov enkov itsky una ko",
        "Praha Warszawa Kraków Brno Kyiv Zagreb Sofia Wrocław Lviv Gdańsk",
    ),
}  # fmt: skip
LOCALES = tuple(_NAMES)
_SHORT = {
    "fr": "Nicolas:Nico Frédéric:Fred Guillaume:Guigui Antoine:Toine Philippe:Phil Mathieu:Matthieu Jean-Luc:Jeanluc "
    "Anne-Sophie:Anne Mohamed:Mohammed Benoît:Ben Nathalie:Nath Aurélie:Aurel François:Franck",
    "en": "James:Jim Patricia:Pat Robert:Bob Jennifer:Jen Michael:Mike William:Bill Elizabeth:Liz David:Dave Susan:Sue "
    "Richard:Rick Jessica:Jess Joseph:Joe Thomas:Tom Christopher:Chris Daniel:Dan Margaret:Maggie Matthew:Matt "
    "Anthony:Tony Steven:Steve Andrew:Andy Joshua:Josh Kimberly:Kim Kenneth:Ken Emily:Em",
    "de": "Thomas:Tom Michael:Michi Andreas:Andi Stefan:Stephan Wolfgang:Wolf Susanne:Susi Matthias:Matze Katharina:Kathi "
    "Tobias:Tobi Sebastian:Basti Florian:Flo Markus:Marcus Jürgen:Juergen Jörg:Joerg Angelika:Geli Hannah:Hanna",
    "es": "José:Pepe Francisco:Paco Dolores:Lola Manuel:Manolo Concepción:Concha Antonio:Toni Rafael:Rafa Alejandro:Alex "
    "Isabel:Isa Cristina:Cris Miguel:Migue Pilar:Pili Mercedes:Merche Javier:Javi",
    "nordic": "Kristina:Kristin Birgitta:Britta Elisabeth:Lisbeth Anders:Andreas Henrik:Henke Magnus:Mange Johan:Johannes "
    "Mikkel:Mikael Søren:Soeren Karl:Carl",
    "slavic": "Alexey:Aleksei Sergey:Sergei Natalia:Nataliya Dmitry:Dmitri Yuri:Iouri Yulia:Julia Mikhail:Michail "
    "Nikolay:Nikolai Ekaterina:Katya Tatiana:Tanya Vladimir:Volodya Svetlana:Sveta Elena:Lena Piotr:Peter Andrey:Andrei "
    "Katarzyna:Kasia Magdalena:Magda Oleksandr:Alexander Maria:Mariya",
}  # fmt: skip
_SURNAME_SPELLINGS = (
    ("Tch", "Ch"),
    ("sky", "ski"),
    ("ov", "off"),
    ("Zh", "J"),
    ("ev", "iev"),
    ("Kh", "H"),
    ("y", "i"),
)
_FIRM_HEADS = (
    "Nova Alpha Delta Helio Aero Terra Aqua Lumen Vector Orion Atlas Sigma Kappa Apex Vega Lyra Onyx Cedar Maple Birch "
    "Falken Adler Iberia Boreal Austral Union Vita Medi Techno Agri Metro Inter Trans Euro Omni Poly Micro Pano Solar Ferro"
).split()  # fmt: skip
_FIRM_TAILS = (
    "Consulting Logistique Bau Systems Pharma Energie Foods Media Invest Textil Marine Motors Design Print Bank Robotics "
    "Travel Immo Garten Optik Verlag Studio Labs Works Tools Metall Chemie Papier Glas Licht"
).split()  # fmt: skip
_LEGAL = {
    "fr": "SAS SARL SA",
    "en": "Ltd Inc LLC plc",
    "de": "GmbH AG KG",
    "es": "SL SA",
    "nordic": "AB AS Oy A/S",
    "slavic": "sro",
}
_TLD = {"fr": "fr", "en": "com", "de": "de", "es": "es", "nordic": "se", "slavic": "eu"}
_FREE = {
    "fr": "gmail.com orange.fr free.fr hotmail.fr",
    "en": "gmail.com yahoo.com outlook.com hotmail.com",
    "de": "gmx.de web.de gmail.com t-online.de",
    "es": "gmail.com hotmail.com telefonica.net yahoo.es",
    "nordic": "gmail.com hotmail.com telia.com online.no",
    "slavic": "gmail.com mail.ru seznam.cz wp.pl",
}
_ROLES = {
    "fr": "contact info accueil compta",
    "en": "info sales office support",
    "de": "info kontakt buero vertrieb",
    "es": "info ventas contacto administracion",
    "nordic": "info post kontakt",
    "slavic": "info office obchod",
}
_STREETS = {
    "fr": "rue de la Paix,avenue Foch,rue Victor Hugo,place du Marché,chemin des Vignes,rue Pasteur",
    "en": "High Street,Main Street,Church Road,Park Avenue,Oak Lane,Mill Road",
    "de": "Hauptstraße,Bahnhofstraße,Gartenweg,Schillerstr.,Lindenallee,Am Markt",
    "es": "Calle Mayor,Avenida de la Paz,Calle Real,Plaza de España,Calle del Sol",
    "nordic": "Storgatan,Kirkeveien,Skolegade,Parkvägen,Strandgatan",
    "slavic": "Hlavní,Polna,Leśna,Dlouhá,Shevchenka",
}
_COUNTRY = {
    "fr": ("FR", "+336", 8),
    "en": ("GB", "+447", 9),
    "de": ("DE", "+4917", 8),
    "es": ("ES", "+346", 8),
    "nordic": ("SE", "+467", 8),
    "slavic": ("CZ", "+4207", 8),
}


@dataclass(frozen=True, slots=True)
class Rates:
    """Every probability of the generator; of a record unless the name says otherwise."""

    mistyped: float = 0.08
    nickname: float = 0.08
    initial_only: float = 0.01
    swapped: float = 0.02
    shouted: float = 0.05
    without_accents: float = 0.15
    no_first_name: float = 0.02
    other_email: float = 0.15
    role_email: float = 0.04
    email_slip: float = 0.01
    no_email: float = 0.10
    no_phone: float = 0.25
    other_phone: float = 0.08
    desk_phone: float = 0.08  # the switchboard instead of one's own number
    no_company: float = 0.25
    other_company: float = 0.04
    no_address: float = 0.5
    moved: float = 0.06
    no_birth_date: float = 0.4
    birth_slip: float = 0.04
    person_household: float = 0.05  # of people: shares surname, address and land line with another
    household_mailbox: float = 0.15  # of those: and the mailbox
    person_namesake: float = 0.03  # of people: first and last name of another
    person_junior: float = 0.005  # of people: everything of the father but the generation
    person_married: float = 0.01  # of people: some records carry another surname
    person_without_company: float = 0.3


@dataclass(frozen=True, slots=True)
class Generated:
    """Records in random order and, beside them, who is who."""

    rows: list[dict[str, str]]
    person: list[int]


@dataclass(frozen=True, slots=True)
class _Person:
    locale: str
    first: str
    last: str
    maiden: str | None
    suffix: str
    corporate: str | None
    private: str
    second: str
    phone: str
    other_phone: str
    desk: str | None
    company: str | None
    other_company: str
    address: tuple[str, str, str]
    other_address: tuple[str, str, str]
    birth: str


def people(
    seed: int,
    persons: int,
    *,
    locales: Sequence[str] = LOCALES,
    rates: Rates | None = None,
    copies: Sequence[float] = (0.45, 0.25, 0.18, 0.12),
    with_birth: bool = False,
) -> Generated:
    """Return the records of so many persons.

    Args:
        seed: the same seed, the same records.
        persons: how many people; about twice as many records.
        locales: of `LOCALES`.
        rates: probabilities.
        copies: weights of one, two, three, four records a person.
        with_birth: add `birth_date`.
    """
    return _Generator(random.Random(seed), rates or Rates(), tuple(locales), persons).make(
        persons, copies, with_birth=with_birth
    )


class _Generator:
    def __init__(
        self, rng: random.Random, rates: Rates, locales: tuple[str, ...], persons: int
    ) -> None:
        self.rng, self.rates, self.locales = rng, rates, locales
        self.lists = {k: tuple(part.split() for part in v) for k, v in _NAMES.items()}
        self.short = {
            k: dict(p.split(":", 1) for p in v.split()) for k, v in _SHORT.items() if k in locales
        }
        self.firms = [self._firm(n) for n in range(max(5, persons // 5))]
        self.mailboxes: dict[tuple[str, str], int] = {}
        self.serial = 0

    def make(self, persons: int, copies: Sequence[float], *, with_birth: bool) -> Generated:
        made: list[_Person] = []
        for _ in range(persons):
            made.append(self._person(made))
        found = []
        for number, person in enumerate(made):
            for _ in range(self.rng.choices((1, 2, 3, 4), copies)[0]):
                row = self._row(person)
                if not with_birth:
                    row.pop("birth_date", None)
                found.append((row, number))
        self.rng.shuffle(found)
        return Generated([row for row, _ in found], [number for _, number in found])

    def _firm(self, n: int) -> tuple[str, str, str, str]:
        locale = self.rng.choice(self.locales)
        name = f"{self.rng.choice(_FIRM_HEADS)}{self.rng.choice(_FIRM_HEADS).lower()} {self.rng.choice(_FIRM_TAILS)}"
        if self.rng.random() < 0.3:
            name = f"{self._last(locale)} & {self._last(locale)}"
        domain = f"{_letters(name)}{n if self.rng.random() < 0.1 else ''}.{_TLD[locale]}"
        return name, domain, self._number(locale), locale

    def _number(self, locale: str) -> str:
        _, head, digits = _COUNTRY[locale]
        return head + "".join(self.rng.choice("0123456789") for _ in range(digits))

    def _first(self, locale: str) -> str:
        names = self.lists[locale][0]
        return names[min(int(self.rng.expovariate(1 / 12)), len(names) - 1)]

    def _last(self, locale: str) -> str:
        _, common, heads, tails, _ = self.lists[locale]
        if self.rng.random() < 0.45:
            return common[min(int(self.rng.expovariate(1 / 14)), len(common) - 1)]
        name = self.rng.choice(heads) + self.rng.choice(tails)
        if self.rng.random() < 0.4:
            name += self.rng.choice(tails)
        return f"{name}-{self.rng.choice(common)}" if self.rng.random() < 0.03 else name

    def _address(self, locale: str) -> tuple[str, str, str]:
        street = self.rng.choice(_STREETS[locale].split(","))
        number = self.rng.randrange(1, 180)
        city = self.rng.choice(self.lists[locale][4])
        code = f"{sum(map(ord, city)) % 90 + 10}{self.rng.randrange(20):02}0"
        return (
            f"{number} {street}" if locale in {"fr", "en"} else f"{street} {number}",
            code,
            city,
        )

    def _person(self, made: Sequence[_Person]) -> _Person:
        r, rates = self.rng, self.rates
        locale = r.choice(self.locales)
        first, last = self._first(locale), self._last(locale)
        if locale == "es" and r.random() < 0.5:
            last = f"{last} {self._last(locale)}"
        roll = r.random()
        mate = r.choice(made) if made else None
        if mate and roll < rates.person_junior:
            return replace(mate, suffix="Jr", birth=self._birth(), private=self._private(mate.first, mate.last, mate.locale), second=self._private(mate.first, mate.last, mate.locale), corporate=None, company=None, desk=None)  # fmt: skip
        if mate and roll < rates.person_junior + rates.person_namesake:
            locale, first, last = mate.locale, mate.first, mate.last
        made_up = self._build(locale, first, last)
        if mate and roll > 1 - rates.person_household:
            while first == mate.first:
                first = self._first(mate.locale)
            made_up = self._build(mate.locale, first, mate.last)
            mailbox = mate.private if r.random() < rates.household_mailbox else made_up.private
            return replace(made_up, address=mate.address, other_phone=mate.phone, private=mailbox)
        return made_up

    def _build(self, locale: str, first: str, last: str) -> _Person:
        r = self.rng
        firm = None if r.random() < self.rates.person_without_company else r.choice(self.firms)
        corporate = None
        if firm:
            local = r.choice(("{f}.{l}", "{f}.{l}", "{i}{l}", "{i}.{l}", "{l}", "{f}"))
            name = local.format(f=_letters(first), l=_letters(last), i=_letters(first)[:1])
            taken = self.mailboxes.get((name, firm[1]), 0)
            self.mailboxes[name, firm[1]] = taken + 1
            corporate = f"{name}{taken + 1 if taken else ''}@{firm[1]}"
        return _Person(
            locale=locale, first=first, last=last,
            maiden=self._last(locale) if r.random() < self.rates.person_married else None,
            suffix="", corporate=corporate,
            private=self._private(first, last, locale), second=self._private(first, last, locale),
            phone=self._number(locale), other_phone=self._number(locale),
            desk=firm[2] if firm else None, company=firm[0] if firm else None,
            other_company=r.choice(self.firms)[0],
            address=self._address(locale), other_address=self._address(locale), birth=self._birth(),
        )  # fmt: skip

    def _birth(self) -> str:
        r = self.rng
        return f"{r.randrange(1945, 2006)}-{r.randrange(1, 13):02}-{r.randrange(1, 29):02}"

    def _private(self, first: str, last: str, locale: str) -> str:
        r = self.rng
        self.serial += 1
        f, n = _letters(first), _letters(last)
        digits = str(r.randrange(50, 100)) if r.random() < 0.5 else f"{r.randrange(1, 9999)}"
        local = r.choice((f"{f}.{n}{digits}", f"{f}{n}{digits}", f"{f[:1]}{n}{digits}", f"{n}.{f}{digits}", f"{r.choice(_FIRM_HEADS).lower()}{r.choice(_FIRM_TAILS).lower()}{self.serial % 9973}"))  # fmt: skip
        return f"{local}@{r.choice(_FREE[locale].split())}"

    def _row(self, p: _Person) -> dict[str, str]:
        r, rates = self.rng, self.rates
        first, last = self._names(p)
        row = {"first_name": first, "last_name": f"{last} {p.suffix}".strip()}
        row["email"] = self._email(p)
        row["phone"] = self._phone(p)
        company = p.other_company if p.company and r.random() < rates.other_company else p.company
        hidden = not company or r.random() < rates.no_company
        row["company"] = "" if hidden or not company else self._company(company, p.locale)
        street, code, city = p.other_address if r.random() < rates.moved else p.address
        if r.random() < rates.no_address:
            street, code = "", ""
            city = city if r.random() < 0.4 else ""
        row |= {
            "street": street,
            "postal_code": code,
            "city": city,
            "country": _COUNTRY[p.locale][0],
        }
        birth = "" if r.random() < rates.no_birth_date else p.birth
        if birth and r.random() < rates.birth_slip:
            birth = f"{birth[:8]}{r.randrange(1, 29):02}"
        row["birth_date"] = birth
        return row

    def _names(self, p: _Person) -> tuple[str, str]:  # noqa: C901 one step for each thing that happens to a name
        r, rates = self.rng, self.rates
        first, last = p.first, p.last
        if p.maiden and r.random() < 0.4:
            last = p.maiden
        if r.random() < rates.nickname:
            first = self.short[p.locale].get(first, first)
        if p.locale == "slavic" and r.random() < 0.1:
            for old, new in _SURNAME_SPELLINGS:
                if old in last:
                    last = last.replace(old, new)
                    break
        if r.random() < rates.mistyped:
            first, last = (_slip(r, first), last) if r.random() < 0.4 else (first, _slip(r, last))
        if p.locale == "es" and " " in last and r.random() < 0.3:
            last = last.split()[0]
        if r.random() < rates.without_accents:
            first, last = _plain(first, r), _plain(last, r)
        if r.random() < rates.initial_only:
            first = f"{first[0]}."
        elif r.random() < rates.no_first_name:
            first = ""
        if r.random() < rates.swapped:
            first, last = last, first
        if r.random() < rates.shouted:
            first, last = (
                (first.upper(), last.upper()) if r.random() < 0.6 else (first.lower(), last.lower())
            )
        return first, last

    def _email(self, p: _Person) -> str:
        r, rates = self.rng, self.rates
        if r.random() < rates.no_email:
            return ""
        email = p.corporate or p.private
        if r.random() < rates.other_email:
            email = p.private if p.corporate and r.random() < 0.7 else p.second
        if p.corporate and r.random() < rates.role_email:
            email = f"{r.choice(_ROLES[p.locale].split())}@{p.corporate.split('@')[1]}"
        if r.random() < rates.email_slip:
            local, domain = email.split("@")
            email = f"{_slip(r, local)}@{domain}"
        elif r.random() < 0.02:
            email = email.replace("@", f"+{r.choice(('crm', 'news', 'x'))}@")
        return email.upper() if r.random() < 0.02 else email

    def _phone(self, p: _Person) -> str:
        r, rates = self.rng, self.rates
        if r.random() < rates.no_phone:
            return ""
        number = p.other_phone if r.random() < rates.other_phone else p.phone
        if p.desk and r.random() < rates.desk_phone:
            number = p.desk
        style = r.random()
        if style < 0.3 and number.startswith("+33"):
            return "0" + " ".join((number[3], number[4:6], number[6:8], number[8:10], number[10:]))
        if style < 0.5:
            return f"{number[:3]} {number[3:6]} {number[6:]}"
        return "00" + number[1:] if style < 0.6 else number

    def _company(self, name: str, locale: str) -> str:
        r = self.rng
        if r.random() < 0.4:
            name = f"{name} {r.choice(_LEGAL[locale].split())}"
        if r.random() < 0.05:
            name = _slip(r, name)
        return name.upper() if r.random() < 0.1 else name


def _slip(r: random.Random, word: str) -> str:
    if len(word) < 3:
        return word
    i = r.randrange(1, len(word) - 1)
    kind = r.randrange(4)
    if kind == 0:
        return word[:i] + word[i + 1 :]
    if kind == 1:
        return word[: i - 1] + word[i] + word[i - 1] + word[i + 1 :]
    if kind == 2:
        return word[:i] + word[i] + word[i:]
    return word[:i] + r.choice("aeiounrstl") + word[i + 1 :]


_UMLAUT = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "ø": "oe",
        "å": "aa",
        "Ö": "Oe",
        "Ü": "Ue",
        "Ø": "Oe",
    }
)


def _plain(text: str, r: random.Random) -> str:
    if r.random() < 0.5:
        text = text.translate(_UMLAUT)
    text = (
        text.replace("ß", "ss")
        .replace("ø", "o")
        .replace("Ø", "O")
        .replace("ł", "l")
        .replace("æ", "ae")
    )
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _letters(text: str) -> str:
    plain = (
        text.replace("ß", "ss")
        .replace("ø", "o")
        .replace("Ø", "O")
        .replace("ł", "l")
        .replace("æ", "ae")
    )
    folded = unicodedata.normalize("NFKD", plain)
    return "".join(c for c in folded if c.isascii() and c.isalnum()).lower() or "x"


def csv_headers(locale: str) -> Mapping[str, str]:
    """Return the headers a person of this locale would give the columns."""
    return _HEADERS.get(locale, {})


_HEADERS: dict[str, dict[str, str]] = {
    "fr": {"first_name": "Prénom", "last_name": "Nom", "email": "Courriel", "phone": "Téléphone", "company": "Société", "street": "Adresse", "postal_code": "Code postal", "city": "Ville", "country": "Pays", "birth_date": "Date de naissance"},
    "de": {"first_name": "Vorname", "last_name": "Nachname", "email": "E-Mail-Adresse", "phone": "Telefon", "company": "Firma", "street": "Straße", "postal_code": "PLZ", "city": "Ort", "country": "Land", "birth_date": "Geburtsdatum"},
    "es": {"first_name": "Nombre", "last_name": "Apellidos", "email": "Correo electrónico", "phone": "Teléfono", "company": "Empresa", "street": "Dirección", "postal_code": "Código postal", "city": "Ciudad", "country": "País", "birth_date": "Fecha de nacimiento"},
}  # fmt: skip


def write_csv(
    path: Any, rows: Sequence[Mapping[str, str]], *, headers: Mapping[str, str] | None = None
) -> None:
    """Write rows as a CSV file, UTF-8, under other headers if given."""
    import csv

    names = list(rows[0])
    with open(path, "w", encoding="utf-8", newline="") as out:  # noqa: PTH123 - a path-like of any kind
        writer = csv.writer(out)
        writer.writerow([(headers or {}).get(n, n) for n in names])
        writer.writerows([row[n] for n in names] for row in rows)
