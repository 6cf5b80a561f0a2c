"""Clusters: which records are one person, given the judged pairs.

In: the views of one or more whole components, their edges, decisions of people. Out: clusters of
stable keys. A function of these alone: neither the order of the input nor of arrival matters.

Trusted records are agglomerated, best edge first. A hard conflict between any two members keeps two
clusters apart. Pairs proved by birth date and another personal mark are joined before. An open record (one
that a stranger can send) is a leaf: it joins at most one trusted cluster and never connects two.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hub.matching import names, normal
from hub.matching.keys import MatchView
from hub.matching.model import DEFAULT, Model
from hub.matching.scoring import score
from hub.model.verdicts import Judgement, Trust

COMPONENT_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Edge:
    """A judged pair of stable keys, a < b."""

    a: str
    b: str
    judgement: Judgement
    weight: float


def edge(a: str, b: str, judgement: Judgement, weight: float) -> Edge:
    """Return the edge of two stable keys given in any order."""
    return Edge(min(a, b), max(a, b), judgement, weight)


def _best_first(e: Edge) -> tuple[float, str, str]:
    return (-e.weight, e.a, e.b)


@dataclass(slots=True)
class _Partition:
    """Clusters under construction, and the pairs that may not be in one."""

    views: Mapping[str, MatchView]
    apart: frozenset[tuple[str, str]]
    model: Model = DEFAULT
    judged: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    of: dict[str, str] = field(default_factory=dict)  # member → representative
    members: dict[str, list[str]] = field(default_factory=dict)
    vetoes: dict[tuple[str, str], bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.of = {key: key for key in self.views}
        self.members = {key: [key] for key in self.views}

    def union(self, a: str, b: str) -> None:
        keep, drop = sorted((self.of[a], self.of[b]))
        if keep == drop:
            return
        for member in self.members[drop]:
            self.of[member] = keep
        self.members[keep] = sorted(self.members[keep] + self.members.pop(drop))

    def may_join(self, a: str, b: str) -> bool:
        """Tell whether no pair across the two clusters is forbidden."""
        left, right = self.members[self.of[a]], self.members[self.of[b]]
        return not any(self._is_forbidden(x, y) for x in left for y in right)

    def may_join_by_decision(self, a: str, b: str) -> bool:
        """Tell whether no user decided that members of the two clusters are different."""
        if not self.apart:
            return True
        left, right = self.members[self.of[a]], self.members[self.of[b]]
        return not any((min(x, y), max(x, y)) in self.apart for x in left for y in right)

    def _is_forbidden(self, x: str, y: str) -> bool:
        pair = (x, y) if x < y else (y, x)
        known = self.vetoes.get(pair)
        if known is None:
            known = self.judged.get(pair)
            if pair in self.apart:
                known = True
            elif known is None:
                known = score(self.views[x], self.views[y], self.model).veto is not None
            self.vetoes[pair] = known
        return known

    def agglomerate(self, edges: Iterable[Edge]) -> None:
        """Join along the edges, best first, unless a veto or a decision forbids it."""
        for e in sorted(edges, key=_best_first):
            if self.of[e.a] != self.of[e.b] and self.may_join(e.a, e.b):
                self.union(e.a, e.b)


def cluster(
    views: Sequence[MatchView],
    edges: Sequence[Edge],
    decisions: Sequence[Edge] = (),
    model: Model = DEFAULT,
    vetoes: Mapping[tuple[str, str], bool] | None = None,
    *,
    held: Sequence[Edge] = (),
) -> list[frozenset[str]]:
    """Return the clusters of the views, sorted by their smallest stable key.

    Args:
        views: every record of the components.
        edges: judged pairs; only `same` joins.
        decisions: `same` or `different` by people; they beat every edge and every veto.
        model: judges pairs that no edge joins.
        vetoes: of pairs that were already judged, so that they are not judged again.
        held: pairs whose present state stays until a user decides; decisions beat them, and they beat
            every edge and every veto.
    """
    known = {v.stable_key: v for v in views}
    decided = {(d.a, d.b): d.judgement for d in decisions if d.a in known and d.b in known}
    kept = {
        (h.a, h.b): h.judgement
        for h in held
        if h.a in known and h.b in known and (h.a, h.b) not in decided
    }
    together = sorted(p for p, j in decided.items() if j is Judgement.SAME)
    apart = frozenset(p for p, j in decided.items() if j is Judgement.DIFFERENT)
    same = [
        e
        for e in edges
        if e.judgement is Judgement.SAME
        and e.a in known
        and e.b in known
        and (e.a, e.b) not in decided
    ]
    same = _without_crowds(known, same)
    found = _Partition(known, apart, model, judged=vetoes or {})
    for a, b in sorted(p for p, j in kept.items() if j is Judgement.SAME):
        if found.may_join_by_decision(a, b):
            found.union(a, b)
    found.apart |= frozenset(p for p, j in kept.items() if j is Judgement.DIFFERENT)
    firm = sorted((e for e in same if _is_firm(known, e)), key=_best_first)
    for e in firm:
        if _is_proven(known, e, model) and found.may_join_by_decision(e.a, e.b):
            found.union(e.a, e.b)
    found.agglomerate(firm)
    # Whole clusters of the records are joined by decisions afterwards. So a conflict with one side drives
    # no record off the other, and taking the decision back gives the same two clusters again.
    among_trusted = {p for p in together if all(known[k].trust is Trust.TRUSTED for k in p)}
    for a, b in (p for p in together if p not in among_trusted):
        found.union(a, b)
    trusted = {found.of[k] for k, v in known.items() if v.trust is Trust.TRUSTED}
    is_leaf = {k: found.of[k] not in trusted for k in known}
    _attach(found, same, is_leaf)
    for a, b in sorted(among_trusted):
        found.union(a, b)
    return [frozenset(m) for _, m in sorted(found.members.items())]


def review_pairs(
    edges: Sequence[Edge], group_of: Mapping[str, Hashable], decisions: Sequence[Edge] = ()
) -> list[Edge]:
    """Return the pairs for review, sorted: those that looked alike but ended apart.

    There is one question for two groups, by their best pair, and none after "different".

    Args:
        edges: judged pairs.
        group_of: the cluster or person of every record that may be asked about.
        decisions: decisions of people.
    """
    parted = {
        _between(group_of, d)
        for d in decisions
        if d.judgement is Judgement.DIFFERENT and d.a in group_of and d.b in group_of
    }
    best: dict[frozenset[Hashable], Edge] = {}
    for e in sorted(edges, key=_best_first):
        if e.judgement is Judgement.DIFFERENT or e.a not in group_of or e.b not in group_of:
            continue
        between = _between(group_of, e)
        if len(between) > 1 and between not in parted:
            best.setdefault(between, e)
    return sorted(best.values(), key=lambda e: (e.a, e.b))


def _between(group_of: Mapping[str, Hashable], e: Edge) -> frozenset[Hashable]:
    return frozenset({group_of[e.a], group_of[e.b]})


def _is_proven(known: Mapping[str, MatchView], e: Edge, model: Model) -> bool:
    a, b = known[e.a], known[e.b]
    has_proof = (a.traits.birth and b.traits.birth) or (a.traits.identifier and b.traits.identifier)
    return bool(has_proof) and score(a, b, model).is_proven


def _is_firm(known: Mapping[str, MatchView], e: Edge) -> bool:
    """Tell whether an edge may connect: not at an open record, also where a decision joined it."""
    return known[e.a].trust is Trust.TRUSTED and known[e.b].trust is Trust.TRUSTED


def _attach(found: _Partition, same: Sequence[Edge], is_leaf: Mapping[str, bool]) -> None:
    """Give each leaf its best trusted cluster; leaves without one are clustered together."""
    group = dict(found.of)
    offers = [
        (-e.weight, other, leaf)
        for e in same
        for leaf, other in ((e.a, e.b), (e.b, e.a))
        if is_leaf[leaf] and not is_leaf[other] and found.views[other].trust is Trust.TRUSTED
    ]
    housed: set[str] = set()
    for _, other, leaf in sorted(offers):
        if group[leaf] not in housed and found.may_join(leaf, other):
            housed.add(group[leaf])
            found.union(leaf, other)
    among = [
        e for e in same if is_leaf[e.a] and is_leaf[e.b] and not {group[e.a], group[e.b]} & housed
    ]
    found.agglomerate(e for e in among if _shares_mailbox(found.views, e))
    found.agglomerate(e for e in among if _shares_phone_and_name(found.views, e))


def _shares_mailbox(views: Mapping[str, MatchView], e: Edge) -> bool:
    return bool(views[e.a].traits.personal & views[e.b].traits.personal)


def _shares_phone_and_name(views: Mapping[str, MatchView], e: Edge) -> bool:
    a, b = views[e.a].traits, views[e.b].traits
    return names.level(a.first, a.last, b.first, b.last) in {"full", "variant"} and any(
        normal.are_same_number(x, y) for x in a.phones for y in b.phones
    )


def _without_crowds(known: Mapping[str, MatchView], same: list[Edge]) -> list[Edge]:
    """Keep, in a component above the limit, only the edges of one mailbox."""
    whole = _Partition(known, frozenset())
    for e in same:
        whole.union(e.a, e.b)
    return [
        e
        for e in same
        if len(whole.members[whole.of[e.a]]) <= COMPONENT_LIMIT or _shares_mailbox(known, e)
    ]
