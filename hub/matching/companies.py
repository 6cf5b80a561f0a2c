"""Which company a record speaks of: its keys, and whether two records speak of one.

In: canonical values of an organisation, or of a person (whose e-mail address, website and company
name say where they work). Out: keys for look-up, and same / unsure / different with the reason.
Pure; the answer about a pair is a function of the two, whichever comes first.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from rapidfuzz.distance import OSA

from hub.matching import normal
from hub.matching.key_hash import hashed
from hub.matching.keys import bounded
from hub.model.records import JsonValue
from hub.model.verdicts import Judgement

LIMIT = 200  # a key that more records share than this says nothing
_SIMILAR = 0.88
_MIN_SIMILAR = 6
_LONG_NAME, _LONG_WORD = 11, 10

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Firm:
    """What a record says of a company.

    Args:
        key: the record's name, `source/stream/source_id`; decides between equals.
        words: the name without its legal form.
        domains: registrable domains of websites and addresses; none of a mail provider.
        places: cities and postal codes, folded.
    """

    key: str
    words: tuple[str, ...]
    domains: frozenset[str]
    places: frozenset[str]

    @property
    def name(self) -> str:
        """Return the name's words in one."""
        return "".join(self.words)

    @property
    def is_distinctive(self) -> bool:
        """Tell a name that hardly two companies have: long, and not of common words alone."""
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
    hosts = [*_texts(values.get("domains")), *_texts(values.get("website"))]
    mail = [*_texts(values.get("email")), *_texts(values.get("emails"))]
    hosts += [m.rpartition("@")[2] for m in mail if "@" in m]
    domains = frozenset(d for h in hosts if (d := normal.own_domain(h)))
    places = (normal.place(t) for n in ("city", "postal_code") for t in _texts(values.get(n)))
    # a source that knows no name writes the domain in its place
    is_name = isinstance(name, str) and normal.own_domain(name) not in domains
    words = normal.company(name) if isinstance(name, str) and is_name else ()
    return Firm(key, words, domains, frozenset(p for p in places if p))


def _texts(value: JsonValue) -> list[str]:
    found = value if isinstance(value, list) else [value]
    return [v for v in found if isinstance(v, str)]


def company_keys(one: Firm) -> Iterator[Key]:
    """Yield the keys by which a company is found; a common name only together with its place."""
    for domain in sorted(one.domains):
        yield "domain", bounded(domain)
    if not one.words:
        return
    if one.is_distinctive:
        yield "name", bounded(one.name)
    for place in sorted(one.places):
        yield "name_place", bounded(f"{one.name}|{place}")


def key_hashes(one: Firm) -> tuple[int, ...]:
    """Return the hashes of a record's keys, sorted; no key of a person has one of them.

    The limit, which stands in a hash, is another one than that of any kind of a person's key.
    """
    return tuple(
        sorted({hashed(f"company:{kind}", value, LIMIT) for kind, value in company_keys(one)})
    )


def judge(a: Firm, b: Firm) -> Judged:
    """Say whether two records speak of one company."""
    names = _names(a, b)
    if a.domains & b.domains:
        if names == "differ":
            return Judged(Judgement.UNSURE, "one domain, two names")
        return Judged(Judgement.SAME, "domain", 4 if names == "equal" else 3)
    if names == "differ":
        return Judged(Judgement.DIFFERENT, "two names")
    if a.domains and b.domains and names != "missing":
        return _of_two_domains(a, b, is_equal=names == "equal")
    return _by_name(a, b, names)


def _of_two_domains(a: Firm, b: Firm, *, is_equal: bool) -> Judged:
    """Acme of acme.fr and acme.com is one; Dupont of dupont-lyon.fr and dupont.be is two."""
    if is_equal and _stems(a) & _stems(b):
        return Judged(Judgement.SAME, "name, and domains of one name", 2)
    if is_equal and a.places & b.places:
        return Judged(Judgement.UNSURE, "name and place, two domains")
    return Judged(Judgement.DIFFERENT, "two domains")


def _by_name(a: Firm, b: Firm, names: str) -> Judged:
    if names != "equal":
        return Judged(Judgement.UNSURE, f"names {names}")
    if a.places & b.places:
        return Judged(Judgement.SAME, "name and place", 2)
    if a.is_distinctive:
        return Judged(Judgement.SAME, "name", 1)
    return Judged(Judgement.UNSURE, "a common name")


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
        min(len(a.name), len(b.name)) >= _MIN_SIMILAR
        and OSA.normalized_similarity(a.name, b.name) >= _SIMILAR
    )
    return "alike" if is_slip else "differ"


def best(one: Firm, known: Mapping[int, Sequence[Firm]]) -> tuple[int, Judged] | None:
    """Return the known company that a record speaks of, and why; None if there is none for sure.

    Args:
        one: what the record says.
        known: companies, by number; each as its own records describe it.
    """
    found = []
    for number, firms in known.items():
        for other in firms:
            judged = judge(one, other)
            if judged.judgement is Judgement.SAME:
                found.append((-judged.strength, other.key, number, judged))
    if not found:
        return None
    *_, number, judged = min(found, key=lambda f: f[:3])
    return number, judged


def cluster(firms: Sequence[Firm]) -> list[list[str]]:
    """Return which records are one company, as sorted lists of keys.

    The best evidence joins first; two groups stay apart if any two of their members are different.
    """
    by_key = {one.key: one for one in firms}
    group_of = {key: [key] for key in by_key}
    for _, a, b in sorted(_joining(by_key)):
        left, right = group_of[a], group_of[b]
        if left is right or _are_apart(left, right, by_key):
            continue
        left += right
        for key in right:
            group_of[key] = left
    return [list(group) for group in sorted({tuple(sorted(g)) for g in group_of.values()})]


def _joining(by_key: Mapping[str, Firm]) -> set[tuple[int, str, str]]:
    buckets: dict[Key, list[str]] = defaultdict(list)
    for key in sorted(by_key):
        for found in company_keys(by_key[key]):
            buckets[found].append(key)
    pairs = {p for keys in buckets.values() if len(keys) <= LIMIT for p in combinations(keys, 2)}
    judged = {p: judge(by_key[p[0]], by_key[p[1]]) for p in pairs}
    return {(-j.strength, *pair) for pair, j in judged.items() if j.judgement is Judgement.SAME}


def _are_apart(left: Sequence[str], right: Sequence[str], by_key: Mapping[str, Firm]) -> bool:
    return any(
        judge(by_key[a], by_key[b]).judgement is Judgement.DIFFERENT for a in left for b in right
    )
