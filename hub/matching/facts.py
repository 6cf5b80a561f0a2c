"""Facts of a data set: frequencies, shared numbers and mailboxes, public domains.

In: normalised records. Out: `Facts` for a model. Plain counting, without knowledge of clusters.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from hub.matching import normal
from hub.matching.keys import Traits, sound
from hub.matching.model import DEFAULT, SELDOM, Facts, Model, full_name

_COUNTED = ("first", "last", "company", "domain", "phone", "address", "postal_code", "city")
_SURNAMES_OF_A_SWITCHBOARD = 3
_SURNAMES_OF_A_DESK = 4
_SURNAMES_OF_A_PROVIDER = 8
_COMPANIES_OF_A_PROVIDER = 5
_WITHOUT_COMPANY = 0.1
_COMMON = 300
_EXPECTED = 0.5
_MOST_CORRELATED = 16.0
UNSURE_WITH_FACTS = 1.0  # with known frequencies, pairs below this weight are seldom one person
_ENOUGH = 16  # distinct values after which counting stops
_NUMBERS_OF_NAMESAKES = 2
_SHARED = ("phone", "email", "domain")
_Few = tuple[str, ...]
_Key = TypeVar("_Key")


def _note(found: dict[_Key, _Few], key: _Key, value: str, enough: int = _ENOUGH) -> None:
    """Add one more distinct value, up to the limit."""
    if value:
        known = found.get(key, ())
        if value not in known and len(known) < enough:
            found[key] = (*known, value)


class Counting:
    """Counts records one by one; `facts` may be asked at any time."""

    def __init__(self) -> None:
        self.n = 0
        self._counts: dict[str, Counter[str]] = {kind: Counter() for kind in _COUNTED}
        self._names: Counter[tuple[str, str]] = Counter()
        # few values each and most only one: tuples, since a million sets are half a gigabyte
        self._surnames: dict[str, dict[str, _Few]] = {kind: {} for kind in _SHARED}
        self._numbers: dict[tuple[str, str], _Few] = {}
        self._companies: dict[str, _Few] = {}
        self._with_company: Counter[str] = Counter()

    def add(self, t: Traits) -> None:
        """Count one record."""
        self.n += 1
        counts = self._counts
        for kind, value in (
            ("first", t.first_text), ("last", t.last_text), ("company", t.company_text),
            ("postal_code", t.postal_code), ("city", t.city), ("address", t.address),
        ):  # fmt: skip
            if value:
                counts[kind][value] += 1
        if t.first and t.last:
            name = (t.first_text, t.last_text)
            self._names[name] += 1
            for tail in t.tails:
                _note(self._numbers, name, tail, _NUMBERS_OF_NAMESAKES)
        surname = sound(t.last_text) if t.last else ""
        for tail in t.tails:
            counts["phone"][tail] += 1
            _note(self._surnames["phone"], tail, surname)
        for box in t.mailboxes:
            _note(self._surnames["email"], box.address, surname)
        for domain in t.domains:
            counts["domain"][domain] += 1
            _note(self._surnames["domain"], domain, surname)
            if t.company:
                self._with_company[domain] += 1
                _note(self._companies, domain, normal.distinctive_words(t.company)[0])

    def facts(self) -> Facts:
        """Return the facts so far."""
        crowds = {kind: self._crowds(kind, n) for kind, n in (
            ("phone", _SURNAMES_OF_A_SWITCHBOARD), ("email", _SURNAMES_OF_A_DESK), ("domain", _SURNAMES_OF_A_PROVIDER),
        )}  # fmt: skip
        return Facts(
            n=self.n,
            counts={
                kind: {v: n for v, n in sorted(found.items()) if n >= SELDOM}
                for kind, found in self._counts.items()
            }
            | {"full": self._namesakes()},
            name_correlation=self._name_correlation(),
            shared_phones=crowds["phone"],
            shared_mailboxes=crowds["email"],
            public_domains=frozenset(d for d in crowds["domain"] if self._is_public(d)),
        )

    def _name_correlation(self) -> float:
        """Return how often common full names occur, divided by the frequency expected by chance.

        Mixed countries are the usual cause: Giulia and Rossi meet more often than their shares say.
        """
        first, last = self._counts["first"], self._counts["last"]
        once = len(self._names) or 1
        copies = max(1.0, min(2.0, self._names.total() / once))
        found = chance = 0.0
        commonest = last.most_common(_COMMON)
        for one, n in first.most_common(_COMMON):
            for other, m in commonest:
                expected = n * m / self.n
                if expected < _EXPECTED:
                    break
                chance += expected * expected
                seen = self._names[one, other]
                found += seen * max(seen - copies, 0.0)
        return min(max(found / chance, 1.0), _MOST_CORRELATED) if chance > _EXPECTED else 1.0

    def _namesakes(self) -> dict[str, int]:
        """Return the full names that more than one person has, as their numbers suggest.

        A name of rare parts is not always rare; the frequency of these names is counted.
        """
        return {
            full_name(*name): self._names[name]
            for name, numbers in sorted(self._numbers.items())
            if len(numbers) >= _NUMBERS_OF_NAMESAKES and self._names[name] >= SELDOM
        }

    def _crowds(self, kind: str, least: int) -> frozenset[str]:
        return frozenset(v for v, s in self._surnames[kind].items() if len(s) >= least)

    def _is_public(self, domain: str) -> bool:
        if len(self._companies.get(domain, ())) >= _COMPANIES_OF_A_PROVIDER:
            return True
        return self._with_company[domain] < _WITHOUT_COMPANY * self._counts["domain"][domain]


def learn(records: Iterable[Traits], base: Model = DEFAULT) -> Model:
    """Return the model with the facts of these records."""
    counting = Counting()
    for traits in records:
        counting.add(traits)
    found = counting.facts()
    return replace(
        base,
        version=f"{base.version}+facts-{found.n}",
        unsure=max(base.unsure, found.shrink(UNSURE_WITH_FACTS, base.unsure)),
        facts=found,
    )
