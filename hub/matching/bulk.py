"""Match a whole table at once, by the same keys, the same scorer and the same clusters.

In: views of all records. Out: clusters, edges and the pairs a person should look at, by the
records' positions. Candidate pairs are found by sorting key hashes; scoring, the costly part, is
spread over processes. Not here: the judgement of a pair (`scoring`).
"""

import gc
import multiprocessing
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hub.matching.clusters import Edge, cluster, edge, review_pairs
from hub.matching.facts import learn
from hub.matching.keys import MatchView, keys, limit
from hub.matching.model import DEFAULT, Model
from hub.matching.scoring import worth
from hub.model.verdicts import Judgement, Trust

_ALONE = 20_000  # records or pairs below which further processes cost more than they save
_CHUNK = 20_000
_Pairs = NDArray[np.int64]  # two columns: positions, the lower first
_Found = TypeVar("_Found")
_Judged = list[tuple[int, int, float, bool, bool]]  # a, b, weight, is same, is vetoed


@contextmanager
def uncollected() -> Iterator[None]:
    """Switch the garbage collector off: a million records have no cycles, and it walks them often."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(frozen=True, slots=True)
class Resolution:
    """The result of matching a table.

    Args:
        clusters: the records of each person, as positions; every record is in one.
        edges: pairs judged same or unsure, by stable key.
        reviews: pairs that looked alike but ended apart, one of any two clusters.
        model: the model that judged.
    """

    clusters: list[list[int]]
    edges: list[Edge]
    reviews: list[Edge]
    model: Model


@uncollected()
def resolve(
    views: Sequence[MatchView],
    model: Model | None = None,
    decisions: Sequence[Edge] = (),
    processes: int | None = None,
) -> Resolution:
    """Match all records with each other.

    Args:
        views: distinct stable keys.
        model: None learns the facts of these records on top of the shipped model.
        decisions: decisions of people.
        processes: how many score at once; None: the cores of the machine.
    """
    model = model or learn((v.traits for v in views), DEFAULT)
    work = _Work(views, model, processes or os.cpu_count() or 1)
    judged = work.judge(work.pairs())
    names = [v.stable_key for v in views]
    edges = [
        edge(names[a], names[b], Judgement.SAME if same else Judgement.UNSURE, weight)
        for a, b, weight, same, _ in judged
    ]
    vetoes = {
        (min(names[a], names[b]), max(names[a], names[b])): veto for a, b, _, _, veto in judged
    }
    del judged, work  # their content is in edges and vetoes; a million records have as many
    clusters = _cluster(views, edges, vetoes, decisions, model)
    of = {names[i]: n for n, members in enumerate(clusters) for i in members}
    return Resolution(clusters, edges, review_pairs(edges, of, decisions), model)


def _cluster(
    views: Sequence[MatchView],
    edges: Sequence[Edge],
    vetoes: dict[tuple[str, str], bool],
    decisions: Sequence[Edge],
    model: Model,
) -> list[list[int]]:
    position = {v.stable_key: i for i, v in enumerate(views)}
    same = [e for e in (*edges, *decisions) if e.judgement is Judgement.SAME]
    root = _components(len(views), [(position[e.a], position[e.b]) for e in same])
    members: defaultdict[int, list[int]] = defaultdict(list)
    for i, r in enumerate(root):
        members[r].append(i)
    inside: defaultdict[int, list[Edge]] = defaultdict(list)
    for e in edges:
        if root[position[e.a]] == root[position[e.b]]:
            inside[root[position[e.a]]].append(e)
    clusters = []
    for r, part in members.items():
        if len(part) == 1 or (not decisions and _is_plain_pair(views, part, inside[r], vetoes)):
            clusters.append(part)
            continue
        found = cluster([views[i] for i in part], inside[r], decisions, model, vetoes)
        clusters += [sorted(position[k] for k in group) for group in found]
    return sorted(clusters)


def _is_plain_pair(
    views: Sequence[MatchView],
    part: Sequence[int],
    inside: Sequence[Edge],
    vetoes: dict[tuple[str, str], bool],
) -> bool:
    is_pair = len(part) == 2 and len(inside) == 1  # noqa: PLR2004 - two records are a pair
    return (
        is_pair
        and all(views[i].trust is Trust.TRUSTED for i in part)
        and not vetoes[inside[0].a, inside[0].b]
    )


def _components(n: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Return for each of n records the lowest one it is connected with."""
    root = list(range(n))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for a, b in pairs:
        x, y = find(a), find(b)
        root[max(x, y)] = min(x, y)
    return [find(i) for i in range(n)]


class _Work:
    """The records and the processes that share them."""

    def __init__(self, views: Sequence[MatchView], model: Model, processes: int) -> None:
        self.views, self.model = views, model
        self.processes = processes if "fork" in multiprocessing.get_all_start_methods() else 1

    def pairs(self) -> _Pairs:
        """Return the candidate pairs, each once, sorted."""
        n = len(self.views)
        spans = [(i, min(i + _CHUNK, n)) for i in range(0, n, _CHUNK)]
        found = self._spread(_hashed, spans, alone=n < _ALONE)
        if not found:
            return np.empty((0, 2), np.int64)
        owners = np.concatenate([f[0] for f in found])
        hashes = np.concatenate([f[1] for f in found])
        limits = np.concatenate([f[2] for f in found])
        order = np.argsort(hashes, kind="stable")
        return _paired(owners[order], hashes[order], limits[order])

    def judge(self, pairs: _Pairs) -> _Judged:
        """Return the pairs that are same or unsure."""
        parts = [pairs[i : i + _CHUNK] for i in range(0, len(pairs), _CHUNK)]
        return [j for part in self._spread(_judged, parts, alone=len(pairs) < _ALONE) for j in part]

    def _spread(
        self, task: "Callable[[_Work, Any], _Found]", parts: Sequence[Any], *, alone: bool
    ) -> list[_Found]:
        if alone or self.processes == 1:
            return list(map(task, repeat(self), parts))
        _shared.append(self)  # child processes inherit it, so it is not sent
        try:
            with ProcessPoolExecutor(
                self.processes, mp_context=multiprocessing.get_context("fork")
            ) as pool:
                return list(pool.map(_with_shared, repeat(task), parts))
        finally:
            _shared.clear()


_shared: list[_Work] = []


def _with_shared(task: Callable[[_Work, Any], _Found], part: Any) -> _Found:
    return task(_shared[0], part)


def _hashed(
    work: _Work, span: tuple[int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return owner, hash and limit of every key of a span of records."""
    owners: list[int] = []
    hashes: list[int] = []
    limits: list[int] = []
    for i in range(*span):
        for key in keys(work.views[i]):
            owners.append(i)
            hashes.append(hash(key))
            limits.append(limit(key[0]))
    return np.array(owners, np.int64), np.array(hashes, np.int64), np.array(limits, np.int64)


def _paired(owners: _Pairs, hashes: _Pairs, limits: _Pairs) -> _Pairs:
    """Return all pairs inside the runs of equal hashes that are no longer than their limit."""
    starts = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]])
    lengths = np.diff(np.r_[starts, len(hashes)])
    good = (lengths > 1) & (lengths <= limits[starts])
    starts, lengths = starts[good], lengths[good]
    found = []
    for length in np.unique(lengths):
        blocks = starts[lengths == length][:, None] + np.arange(length)
        left, right = np.triu_indices(length, 1)
        members = owners[blocks]
        a, b = members[:, left].ravel(), members[:, right].ravel()
        found.append((np.minimum(a, b) << 32) | np.maximum(a, b))
    if not found:
        return np.empty((0, 2), np.int64)
    packed = np.unique(np.concatenate(found))
    return np.column_stack([packed >> 32, packed & 0xFFFFFFFF])


def _judged(work: _Work, pairs: _Pairs) -> _Judged:
    found: _Judged = []
    views, model = work.views, work.model
    for a, b in pairs.tolist():
        scored = worth(views[a], views[b], model)
        if scored is not None:
            same = scored.judgement is Judgement.SAME
            found.append((a, b, scored.weight, same, scored.veto is not None))
    return found
