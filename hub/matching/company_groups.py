"""Groups: which records are one company, and which names a person must be asked about.

In: what records say of companies, and what people decided of pairs of records. Out: groups of records,
and the open questions. Both are functions of their input as a set: the order does not matter. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from hub.frozen import dataclass
from hub.matching.companies import LIMIT, NAME_ALONE, Firm, Key, company_keys, judge
from hub.model.verdicts import Judgement

Group = list[str]


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision of a user on two records, by their keys: one company, or two."""

    a: str
    b: str
    is_same: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A name of several companies, if no fact decides whether they are one.

    Args:
        name: the normalised name.
        members: of each company one record's key, sorted.
    """

    name: str
    members: tuple[str, ...]


def cluster(firms: Sequence[Firm], decided: Iterable[Decided] = ()) -> list[Group]:
    """Return which records are one company, as sorted lists of keys.

    The best evidence joins first. Two groups stay apart if any two of their members are different,
    or a person said so. A long name alone joins last: where two companies that are different have
    it, the others of the name join neither of them. A user's decision that two are one joins their
    groups, against all evidence of the records.
    """
    groups = _Groups(firms, decided)
    for a, b in _joining(groups.by_key):
        groups.join(a, b)
    for named in _by_name(groups.by_key.values(), distinctive=True).values():
        groups.join_of_one_name(named)
    for one in groups.decided:
        if one.is_same:
            groups.unite(one.a, one.b)
    return groups.sorted()


def questions(
    firms: Sequence[Firm], groups: Sequence[Group], decided: Iterable[Decided] = ()
) -> list[Question]:
    """Return the names to ask about, each once, for any number of its companies.

    Two companies of one name that are neither different nor decided make the name a question. Those that
    were answered stay in it as long as another company of the name was not.

    Args:
        firms: of present companies.
        groups: which of them are one, as `cluster` gives them.
        decided: what people said.
    """
    by_key = {one.key: one for one in firms}
    apart = {frozenset((d.a, d.b)) for d in decided if not d.is_same}
    group_of = {key: number for number, group in enumerate(groups) for key in group}
    found: list[Question] = []
    for name, keys in sorted(_by_name(by_key.values()).items()):
        members = sorted({group_of[key] for key in keys})
        own = {n: [key for key in groups[n] if key in by_key] for n in members}
        is_open = {
            n
            for x, y in combinations(members, 2)
            if not _are_apart(own[x], own[y], by_key, apart)
            for n in (x, y)
        }
        if is_open:
            found.append(Question(name, tuple(sorted(min(own[n]) for n in is_open))))
    return found


class _Groups:
    """Groups of records that grow: each record's key → the list that it shares with its group."""

    def __init__(self, firms: Sequence[Firm], decided: Iterable[Decided]) -> None:
        self.by_key = {one.key: one for one in firms}
        self.decided = sorted(
            (d for d in decided if d.a in self.by_key and d.b in self.by_key),
            key=lambda d: (d.a, d.b),
        )
        self.apart = {frozenset((d.a, d.b)) for d in self.decided if not d.is_same}
        self.of = {key: [key] for key in self.by_key}

    def are_apart(self, a: str, b: str) -> bool:
        return _are_apart(self.of[a], self.of[b], self.by_key, self.apart)

    def join(self, a: str, b: str) -> None:
        """Join two groups, unless they are different."""
        if self.of[a] is not self.of[b] and not self.are_apart(a, b):
            self.unite(a, b)

    def unite(self, a: str, b: str) -> None:
        """Join two groups."""
        left, right = self.of[a], self.of[b]
        if left is right:
            return
        left += right
        for key in right:
            self.of[key] = left

    def join_of_one_name(self, keys: Sequence[str]) -> None:
        """Join the groups that share a long name, but those that are different from one of them."""
        heads = list({id(self.of[key]): key for key in sorted(keys)}.values())
        different = {
            key for pair in combinations(heads, 2) if self.are_apart(*pair) for key in pair
        }
        free = [key for key in heads if key not in different]
        for key in free[1:]:
            self.unite(free[0], key)

    def sorted(self) -> list[Group]:
        """Return the groups, and the keys of each, in order."""
        return [list(group) for group in sorted({tuple(sorted(g)) for g in self.of.values()})]


def _by_name(firms: Iterable[Firm], *, distinctive: bool = False) -> dict[str, list[str]]:
    """Return name → the keys of records that are called so, sorted."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in firms:
        if one.words and (one.is_distinctive or not distinctive):
            found[one.name].append(one.key)
    return {name: sorted(found[name]) for name in sorted(found) if len(found[name]) > 1}


def _joining(by_key: Mapping[str, Firm]) -> list[tuple[str, str]]:
    """Return the pairs that more than a name proves to be one company, the best evidence first."""
    buckets: dict[Key, list[str]] = defaultdict(list)
    for key in sorted(by_key):
        for found in company_keys(by_key[key]):
            buckets[found].append(key)
    pairs = {p for keys in buckets.values() if len(keys) <= LIMIT for p in combinations(keys, 2)}
    judged = {p: judge(by_key[p[0]], by_key[p[1]]) for p in pairs}
    proven = {p: j for p, j in judged.items() if j.judgement is Judgement.SAME}
    return sorted(
        (p for p, j in proven.items() if j.why != NAME_ALONE),
        key=lambda p: (-proven[p].strength, p),
    )


def _are_apart(
    left: Sequence[str],
    right: Sequence[str],
    by_key: Mapping[str, Firm],
    decided: set[frozenset[str]],
) -> bool:
    return any(
        frozenset((a, b)) in decided or judge(by_key[a], by_key[b]).judgement is Judgement.DIFFERENT
        for a in left
        for b in right
    )
