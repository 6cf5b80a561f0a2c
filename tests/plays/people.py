"""Which records are one person: a plain second implementation of what docs/matching.md says.

The score of one pair, and the keys under which a record is found, are asked of the product as of a
black box.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import combinations

from hub.matching.keys import MatchView, keys, view
from hub.matching.scoring import Scored, worth
from hub.matching.scoring import score as _score
from hub.model.verdicts import Judgement, Trust
from tests.plays.home import Decision
from tests.plays.present import Record

Pair = tuple[str, str]
_REQUESTER = "requester"


class People:
    """Groups under construction."""

    def __init__(self, records: Mapping[str, Record], decisions: Sequence[Decision]) -> None:
        self.records = records
        self.group = {key: frozenset({key}) for key in records}
        self.said = _said(records, decisions)
        self.judged = _judged(records)

    def all(self) -> set[frozenset[str]]:
        return set(self.group.values())

    def join(self, a: str, b: str) -> None:
        whole = self.group[a] | self.group[b]
        self.group.update(dict.fromkeys(whole, whole))

    def is_forbidden(self, a: str, b: str) -> bool:
        """Whether any pair across the two groups may not be one person."""
        pairs = ((min(x, y), max(x, y)) for x in self.group[a] for y in self.group[b])
        return any(
            self.said.get(p) is False or _veto(self._view(p[0]), self._view(p[1])) for p in pairs
        )

    def join_along(self, pairs: Sequence[Pair]) -> None:
        for a, b in sorted(pairs, key=self._best_first):
            if self.group[a] != self.group[b] and not self.is_forbidden(a, b):
                self.join(a, b)

    def _view(self, key: str) -> MatchView:
        return _view(self.records[key])

    def _best_first(self, pair: Pair) -> tuple[float, Pair]:
        return (-self.judged[pair].weight, pair)

    def trusts(self, *names: str) -> bool:
        return all(self.records[key].trust is Trust.TRUSTED for key in names)


def people(records: Mapping[str, Record], decisions: Sequence[Decision]) -> set[frozenset[str]]:
    """The groups of records that are one person each.

    Trusted records join along their pairs, best first; what people and vendors said of an untrusted
    one comes next, then each other untrusted record joins its best person; what was said of trusted
    ones comes last, whole.
    """
    found = People(records, decisions)
    same = [
        pair
        for pair, scored in found.judged.items()
        if scored.judgement is Judgement.SAME and pair not in found.said
    ]
    told = sorted(pair for pair, is_same in found.said.items() if is_same)
    found.join_along([pair for pair in same if found.trusts(*pair)])
    for pair in told:
        if not found.trusts(*pair):
            found.join(*pair)
    _attach(found, same)
    for pair in told:
        if found.trusts(*pair):
            found.join(*pair)
    return found.all()


def _attach(found: People, same: Sequence[Pair]) -> None:
    """An untrusted record that is with no trusted one joins one person, and connects no two."""
    trusted = {key for key in found.records if found.trusts(key)}
    leaves = {key for key in found.records if not found.group[key] & trusted}
    start = dict(found.group)
    offers = sorted(
        (*found._best_first(pair)[:1], other, leaf)
        for pair in same
        for leaf, other in (pair, pair[::-1])
        if leaf in leaves and other in trusted
    )
    housed: set[frozenset[str]] = set()
    for _, other, leaf in offers:
        if start[leaf] not in housed and not found.is_forbidden(leaf, other):
            housed.add(start[leaf])
            found.join(leaf, other)
    among = [
        (a, b) for a, b in same
        if {a, b} <= leaves and not {start[a], start[b]} & housed
    ]  # fmt: skip
    found.join_along([p for p in among if _one_mailbox(*(found._view(k) for k in p))])
    found.join_along([p for p in among if _one_phone_and_name(*(found._view(k) for k in p))])


def _said(records: Mapping[str, Record], decisions: Sequence[Decision]) -> dict[Pair, bool]:
    """The verdicts of vendors on pairs, by their present versions; those of users stand above them."""
    found: dict[Pair, bool] = {}
    for record in records.values():
        others = [record.into] if record.into else []
        asked = record.refs.get(_REQUESTER)
        if asked and record.stream != "users":
            others.append(f"{record.source}/users/{asked}")
        for other in others:
            if other in records and other != record.key:
                found[min(record.key, other), max(record.key, other)] = True
    for d in decisions:
        if d.a in records and d.b in records:
            found[d.a, d.b] = d.is_same
    return found


def _judged(records: Mapping[str, Record]) -> dict[Pair, Scored]:
    found: dict[Pair, Scored] = {}
    for a, b in combinations(sorted(records), 2):
        left, right = _view(records[a]), _view(records[b])
        if _keys(left) & _keys(right) and (scored := _worth(left, right)) is not None:
            found[a, b] = scored
    return found


def _view(record: Record) -> MatchView:
    return view(0, record.key, record.trust, record.values)


@lru_cache(maxsize=100_000)
def _keys(one: MatchView) -> frozenset[tuple[str, str]]:
    return frozenset(keys(one))


@lru_cache(maxsize=100_000)
def _worth(a: MatchView, b: MatchView) -> Scored | None:
    return worth(a, b)


@lru_cache(maxsize=100_000)
def _veto(a: MatchView, b: MatchView) -> bool:
    return _score(a, b).veto is not None


def _one_mailbox(a: MatchView, b: MatchView) -> bool:
    return bool(a.traits.personal & b.traits.personal)


def _one_phone_and_name(a: MatchView, b: MatchView) -> bool:
    names = {(v.traits.first, v.traits.last) for v in (a, b)}
    return len(names) == 1 and bool({*a.phones} & {*b.phones})
