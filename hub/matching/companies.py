"""When two mentions of a company are one company: the one rule, for sources and for hands.

In: canonical values of an organisation, or of a person (whose e-mail address, website and company
name say where they work). Out: keys for look-up, and same / unsure / different with the reason.

`judge` is the rule. One normalised name is one company, unless domains or countries conflict. A short
or common name needs a second fact: a domain, a place or a telephone number. Without it the answer is
*unsure*. `docs/matching.md` says the same in words. Groups of records are `hub.matching.company_groups`.

Pure; the answer about a pair is a function of the two, whichever comes first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from hub.frozen import dataclass
from hub.matching import normal
from hub.matching.distances import share
from hub.matching.key_hash import hashed
from hub.matching.keys import bounded
from hub.model.records import JsonValue, texts
from hub.model.verdicts import Judgement

LIMIT = 200  # a key that more records share than this is no evidence
_SIMILAR = 0.88
_MIN_SIMILAR = 6
_LONG_NAME, _LONG_WORD = 11, 10
_BEGINNING = 5  # letters of a name in which a slip of the pen is seldom
_MIN_WORD = 4
NAME_ALONE = "name"

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Firm:
    """What a record says of a company.

    Args:
        key: the record's name, `source/stream/source_id`; decides between equals.
        words: the name without its legal form.
        domains: registrable domains of websites and addresses; none of a mail provider.
        places: cities and postal codes, folded.
        numbers: ends of telephone numbers, without the country's prefix.
        countries: ISO codes.
    """

    key: str
    words: tuple[str, ...]
    domains: frozenset[str]
    places: frozenset[str]
    numbers: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Return the name's words in one."""
        return "".join(self.words)

    @property
    def is_distinctive(self) -> bool:
        """Tell a name that hardly two companies have from a short or common one.

        Words that many companies have (*services*, *bank*) are not counted. One word of 10 letters is
        enough, or several of 11 letters together.
        """
        telling = normal.rare(self.words)
        letters = len("".join(telling))
        return letters >= (_LONG_WORD if len(telling) == 1 else _LONG_NAME)


@dataclass(frozen=True, slots=True)
class Judged:
    """The answer about two companies; a higher `strength` is better evidence, 0 without any."""

    judgement: Judgement
    why: str
    strength: int = 0


def firm(key: str, values: Mapping[str, JsonValue]) -> Firm:
    """Return what canonical values say of a company."""
    name = values.get("organization_name")
    hosts = [*texts(values.get("domains")), *texts(values.get("website"))]
    mail = [*texts(values.get("email")), *texts(values.get("emails"))]
    hosts += [m.rpartition("@")[2] for m in mail if "@" in m]
    domains = frozenset(d for h in hosts if (d := normal.own_domain(h)))
    places = (normal.place(t) for n in ("city", "postal_code") for t in texts(values.get(n)))
    # a source that knows no name writes the domain in its place
    is_name = isinstance(name, str) and normal.own_domain(name) not in domains
    words = normal.company(name) if isinstance(name, str) and is_name else ()
    numbers = (normal.tail(n) for t in texts(values.get("phone")) if (n := normal.phone(t)))
    return Firm(
        key,
        words,
        domains,
        frozenset(p for p in places if p),
        frozenset(numbers),
        frozenset(t.upper() for t in texts(values.get("country"))),
    )


def with_facts(one: Firm, others: Sequence[Firm]) -> Firm:
    """Return the facts of a company, with all facts that other records have of the same company."""
    every = [one, *others]
    return replace(
        one,
        domains=frozenset().union(*(o.domains for o in every)),
        places=frozenset().union(*(o.places for o in every)),
        numbers=frozenset().union(*(o.numbers for o in every)),
        countries=frozenset().union(*(o.countries for o in every)),
    )


def company_keys(one: Firm) -> Iterator[Key]:
    """Yield the keys that can prove a company; a short or common name only with a second fact."""
    for domain in sorted(one.domains):
        yield "domain", bounded(domain)
    if not one.words:
        return
    if one.is_distinctive:
        yield name_key(one)
    for place in sorted(one.places):
        yield "name_place", bounded(f"{one.name}|{place}")
    for number in sorted(one.numbers):
        yield "name_number", bounded(f"{one.name}|{number}")


def name_key(one: Firm) -> Key:
    """Return the key of the name alone, which finds all companies that are called so."""
    return "name", bounded(one.name)


def offer_keys(one: Firm) -> Iterator[Key]:
    """Yield the keys by which a company is offered to a person who types its name, or a like name."""
    if one.words:
        yield name_key(one)
        yield "like", bounded(normal.skeleton(one.name)[:_BEGINNING])
        for word in sorted({w for w in normal.distinctive_words(one.words) if len(w) >= _MIN_WORD}):
            yield "word", bounded(word)


def key_hashes(one: Firm) -> tuple[int, ...]:
    """Return the hashes by which a company's record finds others, sorted.

    A person's keys never have one of them. The limit is part of the hash. It differs from the
    limits of a person's keys.
    """
    keys = {*company_keys(one), *([name_key(one)] if one.words else ())}
    return tuple(sorted({hashed(f"company:{kind}", value, LIMIT) for kind, value in keys}))


def judge(a: Firm, b: Firm) -> Judged:
    """Say whether two mentions are one company. This is the rule; nothing else decides it.

    1. One domain is one company, unless the names differ: then it is unsure.
    2. Different names are different companies. Names that are only alike are unsure.
    3. Of one name, two domains that do not begin alike are two companies, and so are two countries. Where
       a second fact speaks against that, it is unsure.
    4. Of one name without such a conflict, a second fact (domains that begin alike, a place, a number) or
       a distinctive name makes one company.
    5. A short or common name alone is unsure.
    """
    names = _names(a, b)
    if a.domains & b.domains:
        if names == "differ":
            return Judged(Judgement.UNSURE, "one domain, two names")
        return Judged(Judgement.SAME, "domain", 4 if names == "equal" else 3)
    if names == "differ":
        return Judged(Judgement.DIFFERENT, "two names")
    if names == "equal":
        return _of_one_name(a, b)
    if a.domains and b.domains and names != "missing":
        return Judged(Judgement.DIFFERENT, "two domains")
    return Judged(Judgement.UNSURE, f"names {names}")


def _of_one_name(a: Firm, b: Firm) -> Judged:
    """Acme of acme.fr and acme.com is one; Dupont of dupont-lyon.fr and dupont.be is two."""
    second = _second_fact(a, b)
    if a.domains and b.domains and not _stems(a) & _stems(b):
        return _of_conflict("two domains", second)
    if a.countries and b.countries and not a.countries & b.countries:
        return _of_conflict("two countries", second if second != "place" else None)
    if second:
        return Judged(Judgement.SAME, f"name and {second}", 2)
    if a.is_distinctive and b.is_distinctive:
        return Judged(Judgement.SAME, NAME_ALONE, 1)
    return Judged(Judgement.UNSURE, "a short or common name")


def _of_conflict(conflict: str, second: str | None) -> Judged:
    if second:
        return Judged(Judgement.UNSURE, f"name and {second}, {conflict}")
    return Judged(Judgement.DIFFERENT, conflict)


def _second_fact(a: Firm, b: Firm) -> str | None:
    if _stems(a) & _stems(b):
        return "domains that begin alike"
    if a.places & b.places:
        return "place"
    return "number" if a.numbers & b.numbers else None


def _stems(one: Firm) -> set[str]:
    return {normal.stem(d) for d in one.domains}


def _names(a: Firm, b: Firm) -> str:
    """Compare names: equal, alike (one holds the other, or a slip of the pen), differ, missing."""
    if not a.words or not b.words:
        return "missing"
    if a.name == b.name:
        return "equal"
    mine, yours = set(normal.rare(a.words)), set(normal.rare(b.words))
    if mine and yours and (mine <= yours or yours <= mine):
        return "alike"
    is_slip = (
        _digits(a.name) == _digits(b.name)  # Number 1 and Number 2 are no slip of the pen
        and min(len(a.name), len(b.name)) >= _MIN_SIMILAR
        and share(a.name, b.name) >= _SIMILAR
    )
    return "alike" if is_slip else "differ"


def _digits(name: str) -> str:
    return "".join(c for c in name if c.isdigit())


def best(one: Firm, known: Mapping[int, Sequence[Firm]]) -> tuple[int, Judged] | None:
    """Return the known company that a mention means, and why; None if none or several may be meant.

    Args:
        one: what the mention says.
        known: companies, by number; each as its own records describe it.
    """
    found: dict[int, Judged] = {}
    for number, firms in known.items():
        judged = max((judge(one, other) for other in firms), key=lambda j: j.strength, default=None)
        if judged is not None and judged.judgement is Judgement.SAME:
            found[number] = judged
    strongest = max((j.strength for j in found.values()), default=0)
    first = [(number, j) for number, j in found.items() if j.strength == strongest]
    return first[0] if len(first) == 1 else None


def may_be(one: Firm, known: Mapping[int, Sequence[Firm]]) -> dict[int, Judged]:
    """Return the known companies that may be meant by a name: the same name, or a similar one.

    Args:
        one: what the mention says.
        known: companies, by number; each as its own records describe it.
    """
    found: dict[int, Judged] = {}
    for number, firms in known.items():
        answers = [j for o in firms if (j := judge(one, o)).judgement is not Judgement.DIFFERENT]
        if answers:
            found[number] = max(answers, key=lambda j: (j.strength, j.why))
    return found
