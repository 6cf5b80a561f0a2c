"""The last step of matching: clusters become entities, and doubtful pairs become review questions.

In: connected records, their edges. Out: each record in its entity, and the stale entities. If the hub's
own rules changed, touched people stay as they are, and a review question asks about them. Call under
the identity lock.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from functools import partial

from sqlalchemy import Connection

from hub.crm.touched import touched
from hub.frozen import dataclass
from hub.matching.clusters import Edge, cluster, review_pairs
from hub.matching.holding import hold
from hub.matching.keys import MatchView
from hub.matching.model import Model
from hub.model.verdicts import Judgement, Lane
from hub.records import edges, entities, held, reviews, sources
from hub.records.edges import NewEdge, StoredEdge
from hub.records.entities import NewEntity
from hub.records.identity import StoredRecord


@dataclass(frozen=True, slots=True)
class Again:
    """Set if the hub's own rules are the cause of a new clustering; `batch_id` is of new entities."""

    batch_id: int | None


def alone(conn: Connection, new: Collection[int], judged: Iterable[NewEdge]) -> set[int]:
    """Return the new records that are connected with no record, and belonged to no person before.

    Call when the edges of the chunk are written. `recluster` would make of each a cluster of its own.

    Args:
        conn: an open transaction.
        new: records without an entity that were never matched, or not since they were undone.
        judged: edges that were just written.
    """
    free = {*new} - {end for edge in judged for end in (edge.a, edge.b)}
    return free - edges.bound(conn, sorted(free)) if free else set()


def place_alone(
    conn: Connection, records: Sequence[StoredRecord], keys: Mapping[int, Sequence[int]]
) -> None:
    """Give each of some records that are `alone` an entity of its own."""
    made = entities.insert(conn, [_new_entity(record) for record in records])
    sources.place(conn, made, {record.id: keys[record.id] for record in records})


@dataclass(frozen=True, slots=True)
class _Settled:
    moves: dict[int, int]
    merged: dict[int, int]
    touched: set[int]
    new: set[int]


@dataclass(frozen=True, slots=True)
class Component:
    """Connected records.

    Args:
        members: the records of whole components.
        among: the edges in force that touch them; one that is not "same" may have an end outside.
        records: the members, and the other ends of the edges.
        views: the same.
    """

    members: set[int]
    among: Sequence[StoredEdge]
    records: Mapping[int, StoredRecord]
    views: Mapping[int, MatchView]


@dataclass(frozen=True, slots=True)
class Arrived:
    """The records of a chunk, besides the connected ones.

    Args:
        keys: hashes for the rows of records, written by the statement that moves them.
        alone: records that are `alone`. Their entities are made in the same statement as the
            others'. So the entities of a chunk have the order of the records with which they began.
    """

    keys: Mapping[int, Sequence[int]]
    alone: Sequence[StoredRecord]


NOBODY = Arrived({}, ())


def recluster(
    conn: Connection,
    component: Component,
    *,
    changed: set[int],
    model: Model,
    arrived: Arrived,
    again: Again | None = None,
) -> tuple[dict[str, int], set[int]]:
    """Cluster the component and give every cluster a stable entity; returns counts, and stale entities.

    Args:
        conn: an open transaction.
        component: the connected records.
        changed: members whose entity is stale, whether they move or not.
        model: judges pairs.
        arrived: the other records of the chunk.
        again: set if the hub's own rules changed.
    """
    members, among = component.members, component.among
    records, views = component.records, component.views
    key_of = {i: records[i].stable_key for i in members}
    id_of = {key: i for i, key in key_of.items()}
    inside = [e for e in among if e.a in members and e.b in members]
    judged = [_edge(key_of, e) for e in inside if e.made_by.startswith("model:")]
    said = [e for e in inside if _is_said(e)]
    # for one pair the last edge counts: a user's decision beats a vendor's merge
    said.sort(key=lambda e: e.made_by != "vendor")
    decided = [_edge(key_of, e) for e in said]
    component_views = [views[i] for i in sorted(members)]
    kept = [_edge(key_of, e) for e in inside if e.made_by == held.HELD]
    clusters_with = partial(_clusters, component_views, judged, decided, model)
    if again:
        entity_of_key = {key_of[i]: records[i].entity_id for i in members}
        worked_on = touched(conn, {e for e in entity_of_key.values() if e is not None})
        clusters, kept = hold(clusters_with, entity_of_key, worked_on)
        new = {(id_of[e.a], id_of[e.b]): e.judgement.value for e in kept}
        held.replace(conn, members, new)
    else:
        clusters = clusters_with(kept)
    groups = [sorted(id_of[key] for key in group) for group in clusters]
    settled = _assign(conn, groups, records, again, arrived.alone)
    # A loader holds its entities while it writes their rows: a move of records waits for it here.
    # No other transaction sees a new entity, and a new entity is stale.
    present = {e for i in members if (e := records[i].entity_id) is not None}
    old = (present | settled.touched | {*settled.moves.values()}) - settled.new
    were_merged = entities.lock_entities(conn, old)
    sources.place(conn, settled.moves, arrived.keys)
    entities.merge_entities(conn, settled.merged)
    entity_of = {i: settled.moves.get(i) or records[i].entity_id for i in members}
    entities.revive_entities(conn, sorted(were_merged & {e for e in entity_of.values() if e}))
    astray = entities.call_home(conn, sorted(members))
    behind = settled.touched | astray | {e for i in changed if (e := entity_of.get(i)) is not None}
    entities.bump(conn, behind - settled.new, quietly=again is not None)
    weight_of = {(e.a, e.b): e.weight for e in judged}
    asked = _reviews(among, clusters, records) + [
        (id_of[e.a], id_of[e.b], weight_of.get((e.a, e.b), 0.0))
        for e in kept
        if e.judgement is Judgement.SAME
    ]
    reviews.replace_reviews(conn, sorted(members), asked)
    counts = {
        "entities_touched": len(behind),
        "merged": len(settled.merged),
        "reviews": len(asked),
    }
    return counts, behind


def _reviews(
    among: Sequence[StoredEdge],
    clusters: Sequence[frozenset[str]],
    records: Mapping[int, StoredRecord],
) -> list[tuple[int, int, float]]:
    """Return the pairs for review; the other end of a doubtful pair may be outside the component."""
    key_of = {i: records[i].stable_key for e in among for i in (e.a, e.b)}
    id_of = {key: i for i, key in key_of.items()}
    # outside, a record counts as its entity; without an entity as itself
    group_of: dict[str, Hashable] = {
        key: ("entity", e) if (e := records[i].entity_id) else key for i, key in key_of.items()
    }
    group_of |= {key: ("cluster", n) for n, group in enumerate(clusters) for key in group}
    judged = [_edge(key_of, e) for e in among if e.made_by.startswith("model:")]
    said = [_edge(key_of, e) for e in among if _is_said(e)]
    return [(id_of[e.a], id_of[e.b], e.weight) for e in review_pairs(judged, group_of, said)]


def _clusters(
    views: Sequence[MatchView],
    judged: Sequence[Edge],
    decided: Sequence[Edge],
    model: Model,
    kept: Sequence[Edge],
) -> list[frozenset[str]]:
    return cluster(views, judged, decided, model, held=kept)


def _is_said(edge: StoredEdge) -> bool:
    """Tell whether a vendor or a user made the edge."""
    return edge.made_by != held.HELD and not edge.made_by.startswith("model:")


def _edge(key_of: Mapping[int, str], edge: StoredEdge) -> Edge:
    a, b = sorted((key_of[edge.a], key_of[edge.b]))
    return Edge(a, b, Judgement(edge.judgement), edge.weight)


def _assign(
    conn: Connection,
    groups: Sequence[Sequence[int]],
    records: Mapping[int, StoredRecord],
    again: Again | None = None,
    lone: Sequence[StoredRecord] = (),
) -> _Settled:
    """Give each cluster the oldest entity among its records, each entity to one cluster only."""
    holders: dict[int, list[int]] = defaultdict(list)  # entity → indexes of clusters that hold it
    for index, group in enumerate(groups):
        for entity in {e for i in group if (e := records[i].entity_id) is not None}:
            holders[entity].append(index)
    split = [entity for entity, indexes in holders.items() if len(indexes) > 1]
    taken = _claim(groups, holders, entities.anchors(conn, split) if split else {})
    _reclaim(conn, groups, taken)
    new = [index for index in range(len(groups)) if index not in taken]
    of_clusters = [_new_entity(records[groups[n][0]], again) for n in new]
    made = entities.insert(conn, [*of_clusters, *(_new_entity(record) for record in lone)])
    taken |= {index: made[groups[index][0]] for index in new}
    moves = {record.id: made[record.id] for record in lone}
    touched: set[int] = set()
    for index, group in enumerate(groups):
        entity = taken[index]
        for record in (records[i] for i in group if records[i].entity_id != entity):
            moves[record.id] = entity
            touched |= {e for e in (entity, record.entity_id) if e is not None}
    merged = {
        entity: taken[indexes[0]]
        for entity, indexes in holders.items()
        if entity not in set(taken.values())
    }
    return _Settled(moves, merged, touched | set(merged), {*made.values()})


def _claim(
    groups: Sequence[Sequence[int]],
    holders: Mapping[int, Sequence[int]],
    anchors: Mapping[int, int],
) -> dict[int, int]:
    """Return cluster → entity; on a split the part with the entity's anchor keeps it."""
    taken: dict[int, int] = {}
    for entity in sorted(holders):
        anchor = anchors.get(entity)
        parts = sorted(holders[entity], key=lambda n: (anchor not in groups[n], groups[n][0]))
        free = next((index for index in parts if index not in taken), None)
        if free is not None:
            taken[free] = entity
    return taken


def _reclaim(conn: Connection, groups: Sequence[Sequence[int]], taken: dict[int, int]) -> None:
    """Give split-off parts their entity from before the merge, because it has their edits."""
    orphans = [index for index in range(len(groups)) if index not in taken]
    if not orphans:
        return
    lost = entities.lost_entities(conn, [i for n in orphans for i in groups[n]], "person")
    for index in orphans:
        own = sorted(entity for i in groups[index] for entity in lost.get(i, ()))
        if own:
            taken[index] = own[0]


def _new_entity(anchor: StoredRecord, again: Again | None = None) -> NewEntity:
    """Return a new entity; if only the hub's own rules make it, it sends no single alerts."""
    batch_id = again.batch_id if again and again.batch_id is not None else anchor.batch_id
    return NewEntity(anchor.id, batch_id, Lane.BULK.value if again else anchor.lane)
