"""The model: the weight of each level of agreement, and facts about the values.

In: `model.yaml`, or a document that `hub match train` wrote. Out: an immutable `Model` for the
scorer. Bulk and incremental matching share it, so they give the same result.

*Facts* are counts over one data set: how frequent a name, company, number is, which numbers and
mailboxes are shared, which domains are public. They belong to the model, not to the live table, so
that a judgement does not change with later records. Counts of a small data set prove little: in
three rows every value is frequent. So weights from facts are shrunk towards the model's own
weights, by the number of records that were counted (`Facts.trust`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from math import log2
from typing import Any

from hub.matching.model_files import load

_PRIOR_LIMITS = (-20.0, -8.0)
_NAME_LIMITS = (-6.0, 8.0)
_USUAL_FIRST = 4.5  # bits that a first name adds in the static `full`
_USUAL_LAST = 5.5
_LIMITS: dict[str, tuple[float, float]] = {
    # kind of value: least and most bits its agreement may weigh
    "phone": (2.0, 16.0),
    "company": (2.0, 10.0),
    "domain": (2.0, 10.0),
    "address": (3.0, 11.0),
    "postal_code": (0.5, 6.0),
    "city": (0.0, 4.0),
}
_CAUTION = 2.0  # bits taken off: people of one company or place resemble each other in more ways
# With so many records, counts and the model's own weights count alike (an empirical Bayes
# shrinkage with a fixed prior strength). Chosen so that tables of 3 to 400 rows decide the same
# (tests/unit/matching/test_small_tables.py) and tables of 10,000 are judged as without it.
_HALF_TRUSTED = 32
SELDOM = 3  # values seen less often are not kept; they count as seen twice


def full_name(first: str, last: str) -> str:
    """Return both parts as one value; their order does not matter."""
    return " ".join(sorted((first, last)))


@dataclass(frozen=True, slots=True)
class Facts:
    """Counts over `n` records; `counts[kind][value]` leaves out rare values."""

    n: int
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    name_correlation: float = 1.0  # how much likelier a first and last name meet than by chance
    shared_phones: frozenset[str] = frozenset()
    shared_mailboxes: frozenset[str] = frozenset()
    public_domains: frozenset[str] = frozenset()

    @property
    def trust(self) -> float:
        """Return the weight of the counts, from 0 without records towards 1 with many."""
        return self.n / (self.n + _HALF_TRUSTED)

    def shrink(self, counted: float, shipped: float) -> float:
        """Return the value from the counts, drawn towards the model's own value."""
        return shipped + self.trust * (counted - shipped)


@dataclass(frozen=True)
class Model:
    """Weights, thresholds and facts.

    Args:
        version: the version, stored with each edge.
        same: the least weight of a pair that is one person.
        unsure: the least weight of a pair for review.
        levels: comparison → level → (m, u).
        trained: origin of the numbers; shown, not used.
    """

    version: str
    same: float
    unsure: float
    base_prior: float
    levels: Mapping[str, Mapping[str, tuple[float, float]]]
    facts: Facts | None = None
    trained: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def weights(self) -> dict[str, dict[str, float]]:
        """Return comparison → level → bits."""
        return {
            comparison: {level: round(log2(m / u), 3) for level, (m, u) in found.items()}
            for comparison, found in self.levels.items()
        }

    @cached_property
    def prior(self) -> float:
        """Return the bits against any two records being one person."""
        if self.facts is None:
            return self.base_prior
        counted = _clip(-log2(max(self.facts.n, 2)), _PRIOR_LIMITS)
        return self.facts.shrink(counted, self.base_prior)

    @cached_property
    def size_bonus(self) -> float:
        """Return the bits a near-unique value gains, as it is nearer unique among more records."""
        return max(0.0, -self.prior - 10.0)

    @cached_property
    def needs_names(self) -> bool:
        """Whether two unlike last names make a pair different that shares only company and place.

        Such a pair has no mailbox, number, birth date or invented local part in common; the rest weighs
        at most this much.
        """
        weights = self.weights
        place = max(weights["context"].values())
        if self.facts is not None:
            place = max(place, *(most for kind, (_, most) in _LIMITS.items() if kind != "phone"))
        most = (
            max(weights["name"][level] for level in ("last_differs", "conflict")),
            max(weights["email"][level] for level in ("missing", "differs", "same_domain_differs")),
            max(weights["phone"][level] for level in ("missing", "differs")),
            weights["birth"]["missing"],
            weights["identifier"]["missing"],
            place,
        )
        return self.prior + sum(most) < self.unsure

    @cached_property
    def needs_context(self) -> bool:
        """Whether a pair that differs in the context is different, also with one full name.

        Such a pair has no mailbox, number, birth date or invented local part in common; its name weighs
        at most as much as the rarest one.
        """
        weights = self.weights
        rare = _NAME_LIMITS[1] if self.facts else 0.0
        most = (
            max(
                bits + (rare if level in BY_FREQUENCY else 0.0)
                for level, bits in weights["name"].items()
            ),
            max(weights["email"][level] for level in ("missing", "differs", "same_domain_differs")),
            max(weights["phone"][level] for level in ("missing", "differs")),
            weights["birth"]["missing"],
            weights["identifier"]["missing"],
            weights["context"]["differs"],
        )
        return self.prior + sum(most) < self.unsure

    @cached_property
    def _rarity(self) -> tuple[float, dict[str, dict[str, float]]]:
        """Return the bits of a rare value, and those of the others by kind and value."""
        facts = self.facts or Facts(n=0)
        n = max(facts.n, 2)
        return log2(n / (SELDOM - 1)), {
            kind: {value: log2(n / count) for value, count in found.items()}
            for kind, found in facts.counts.items()
        }

    def rarity(self, kind: str, value: str) -> float:
        """Return -log2 of the share of records that have this value."""
        seldom, known = self._rarity
        return known[kind].get(value, seldom) if kind in known else seldom

    @cached_property
    def _correlation(self) -> float:
        return log2(self.facts.name_correlation) if self.facts else 0.0

    def agreement(self, comparison: str, level: str, kind: str, value: str) -> float:
        """Return the bits of agreement on a value, by its frequency where facts are known."""
        usual = self.weights[comparison][level]
        if self.facts is None:
            return usual
        exact = self.weights[comparison].get(kind, usual)
        caution = _CAUTION
        if kind in {"city", "postal_code"}:  # names of one country live in its cities
            caution += self._correlation
        counted = _clip(self.rarity(kind, value) - caution, _LIMITS[kind])
        if not self._is_counted(kind, value):
            counted = max(counted, exact)
        found = self.facts.shrink(counted, exact)
        return min(found, found + usual - exact)

    def name_bonus(self, level: str, first: str, last: str) -> float:
        """Return the bits that a rare name adds and a common one takes away."""
        if self.facts is None or level not in BY_FREQUENCY:
            return 0.0
        with_first, share = BY_FREQUENCY[level]
        gained = self._gain("last", last, _USUAL_LAST)
        if with_first and first:
            gained += self._gain("first", first, _USUAL_FIRST)
            gained -= self._correlation
            gained = min(gained, _of_namesakes(self.facts, first, last))
        return self.facts.shrink(_clip(gained * share, _NAME_LIMITS), 0.0)

    def _gain(self, kind: str, value: str, usual: float) -> float:
        """Return the bits that a part of a name adds to, or takes from, those of a usual one."""
        if not value:
            return 0.0
        gained = self.rarity(kind, value) - usual
        return gained if self._is_counted(kind, value) else max(gained, 0.0)

    def _is_counted(self, kind: str, value: str) -> bool:
        """Say whether the value was seen so often that its frequency is known.

        A value seen once or twice among few records is not known to be frequent.
        """
        return self.facts is not None and value in self.facts.counts.get(kind, {})

    def document(self) -> dict[str, Any]:
        """Return the model as plain JSON values; `bind` reads it back."""
        facts = None
        if self.facts is not None:
            facts = asdict(self.facts)
            for name in ("shared_phones", "shared_mailboxes", "public_domains"):
                facts[name] = sorted(facts[name])
        return {
            "version": self.version,
            "same": self.same,
            "unsure": self.unsure,
            "prior": self.base_prior,
            "comparisons": {
                c: {level: list(mu) for level, mu in found.items()}
                for c, found in self.levels.items()
            },
            "facts": facts,
            "trained": dict(self.trained),
        }


# Levels whose weight follows the name's frequency: does the first name count, and how fully.
BY_FREQUENCY: dict[str, tuple[bool, float]] = {
    "full": (True, 1.0),
    "variant": (False, 1.0),
    "initial": (False, 1.0),
    "last_only": (False, 1.0),
    "typo": (True, 0.5),
}


def bind(document: Mapping[str, Any]) -> Model:
    """Return the model of a parsed document; raises KeyError or ValueError on a broken one."""
    facts = document.get("facts")
    return Model(
        version=str(document["version"]),
        same=float(document["same"]),
        unsure=float(document["unsure"]),
        base_prior=float(document["prior"]),
        levels={
            comparison: {level: (float(m), float(u)) for level, (m, u) in found.items()}
            for comparison, found in document["comparisons"].items()
        },
        facts=_bind_facts(facts) if facts else None,
        trained=dict(document.get("trained") or {}),
    )


def _bind_facts(document: Mapping[str, Any]) -> Facts:
    return Facts(
        n=int(document["n"]),
        counts={kind: dict(values) for kind, values in document["counts"].items()},
        name_correlation=float(document["name_correlation"]),
        shared_phones=frozenset(document["shared_phones"]),
        shared_mailboxes=frozenset(document["shared_mailboxes"]),
        public_domains=frozenset(document["public_domains"]),
    )


def _of_namesakes(facts: Facts, first: str, last: str) -> float:
    """Return the most a full name may gain that several people are known to have."""
    known = facts.counts.get("full", {}).get(full_name(first, last))
    if known is None:
        return _NAME_LIMITS[1]
    return log2(facts.n / known) - _USUAL_FIRST - _USUAL_LAST


def _clip(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])


DEFAULT = bind(load("model.yaml"))
