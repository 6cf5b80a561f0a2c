"""Held edges: changed rules of the hub neither join nor split people that users have touched.

In: the clusters by the present rules, and the present entities. Out: held edges, which keep the present
state, and pairs for review. Pure.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations, product

from hub.matching.clusters import Edge, edge
from hub.model.verdicts import Judgement

Clusters = Sequence[frozenset[str]]


def hold(
    clusters_with: Callable[[Sequence[Edge]], Clusters],
    entity_of: Mapping[str, int | None],
    touched: AbstractSet[int],
) -> tuple[Clusters, list[Edge]]:
    """Return clusters that neither join nor split touched entities, and the edges that hold them.

    A decision of a person or a vendor beats a held edge. An edge that holds nothing is left out.

    Args:
        clusters_with: the clusters under some held edges.
        entity_of: record → the entity it is in now; None for a record without one.
        touched: entities that users have touched.
    """
    held: dict[tuple[str, str], Edge] = {}
    while True:
        clusters = clusters_with(list(held.values()))
        new = {(e.a, e.b): e for e in _needed(clusters, entity_of, touched)}
        if new.keys() <= held.keys():
            break
        held |= new
    return clusters, [e for e in held.values() if _holds(e, clusters)]


def _needed(
    clusters: Clusters, entity_of: Mapping[str, int | None], touched: AbstractSet[int]
) -> Iterator[Edge]:
    parts: dict[int, list[list[str]]] = defaultdict(list)
    for members in clusters:
        inside: dict[int, list[str]] = defaultdict(list)
        for key in sorted(members):
            if (entity := entity_of.get(key)) is not None:
                inside[entity].append(key)
        yield from _apart(inside, touched)
        for entity in inside.keys() & touched:
            parts[entity].append(inside[entity])
    for own in parts.values():
        first, *rest = sorted(own)
        yield from (edge(first[0], keys[0], Judgement.SAME, 0.0) for keys in rest)


def _apart(inside: Mapping[int, Sequence[str]], touched: AbstractSet[int]) -> Iterator[Edge]:
    for one, other in combinations(sorted(inside), 2):
        if one in touched or other in touched:
            for pair in product(inside[one], inside[other]):
                yield edge(*pair, Judgement.DIFFERENT, 0.0)


def _holds(held: Edge, clusters: Clusters) -> bool:
    is_together = any(held.a in members and held.b in members for members in clusters)
    return is_together is (held.judgement is Judgement.SAME)
