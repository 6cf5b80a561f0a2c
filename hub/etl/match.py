"""Match: which source records are one person. Single-writer, under the identity lock.

Keys → candidates → weight → judgement → edges → clusters → entities. An edge is a function of
two records, clusters of the edges of one component, so the order of arrival cannot matter.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from hub.db.locks import identity_lock
from hub.db.transactions import run_transaction
from hub.etl.context import Hub
from hub.logs import get_logger
from hub.matching.clusters import Edge, cluster, review_pairs
from hub.matching.keys import CANDIDATE_LIMIT, LIMITS, MatchView, keys, limit, view, with_typed
from hub.matching.model import DEFAULT, Model, bind
from hub.matching.scoring import asked
from hub.model.records import JsonValue
from hub.model.verdicts import Judgement, Trust
from hub.records import edits, entities, identity, models, vendor_edges
from hub.records.identity import NewEdge, StoredEdge, StoredRecord

CHUNK = 200  # keeps the identity lock well under 300 ms
log = get_logger()


def match_pending(hub: Hub) -> dict[str, int]:
    """Match everything that waits; returns counts."""
    totals: dict[str, int] = defaultdict(int)
    with hub.engine.begin() as conn:
        model = active_model(conn)
    while counts := run_transaction(hub.engine, lambda conn: _match_some(conn, model)):
        for name, n in counts.items():
            totals[name] += n
        log.info("records_matched", **counts)
    return dict(totals)


def _match_some(conn: Connection, model: Model) -> dict[str, int]:
    identity_lock(conn)
    ids = identity.take_pending(conn, CHUNK)
    if not ids:
        return {}
    counts = match_chunk(conn, ids, model)
    identity.finish_match(conn, ids)
    return counts


def active_model(conn: Connection) -> Model:
    """Return the model in use: the one a training made active, else the shipped one."""
    document = models.active(conn)
    return DEFAULT if document is None else bind(document)


def match_chunk(conn: Connection, ids: Sequence[int], model: Model = DEFAULT) -> dict[str, int]:
    """Match some records; the caller holds the identity lock and the transaction."""
    records = identity.load_records(conn, ids)
    views = views_of(conn, records)
    affected = sorted({*ids, *_replace_keys(conn, views, ids)})
    pairs = identity.candidate_pairs(conn, affected, cap=CANDIDATE_LIMIT, limits=LIMITS)
    _read_more(conn, {i for pair in pairs for i in pair}, records, views)
    identity.replace_model_edges(conn, affected, _judge(pairs, views, model))
    parted = vendor_edges.replace(conn, ids)
    joined, _ = _regroup(
        conn, sorted({*affected, *parted}), records, views, changed=set(ids), model=model
    )
    return {"matched": len(ids), "pairs": len(pairs), **joined}


def regroup(conn: Connection, ids: Sequence[int]) -> set[int]:
    """Cluster anew whatever is connected with some records, after a person's decision.

    Call under the identity lock. Returns the entities that are behind for it.
    """
    _, behind = _regroup(conn, ids, {}, {}, changed=set(ids), model=active_model(conn))
    return behind


def forget(
    conn: Connection, withdrawn: Sequence[int], restored: Sequence[int], co_members: Sequence[int]
) -> set[int]:
    """Match what is left after records were withdrawn, or say again what they said before.

    Call under the identity lock.

    Args:
        conn: an open transaction.
        withdrawn: records that take part in nothing any more.
        restored: records that stay, with other values.
        co_members: those that shared an entity with any.

    Returns:
        The entities that are behind for it.
    """
    model = active_model(conn)
    inherited = edits.typed_into(
        conn, co_members
    )  # of a record that was withdrawn: now they are theirs
    again = sorted({*restored, *inherited})
    records = identity.load_records(conn, again)
    views = views_of(conn, records)
    sharers = _replace_keys(conn, views, [*withdrawn, *again])
    judged = sorted({*again, *sharers} - {*withdrawn})
    pairs = identity.candidate_pairs(conn, judged, cap=CANDIDATE_LIMIT, limits=LIMITS)
    _read_more(conn, {i for pair in pairs for i in pair}, records, views)
    identity.replace_model_edges(conn, judged, _judge(pairs, views, model))
    parted = vendor_edges.replace(conn, [*withdrawn, *restored]) - {*withdrawn}
    changed = {*restored, *co_members}
    if not changed and not judged and not parted:
        return set()
    _, behind = _regroup(
        conn, sorted({*judged, *changed, *parted}), records, views, changed=changed, model=model
    )
    return behind


def _regroup(
    conn: Connection,
    ids: Sequence[int],
    records: dict[int, StoredRecord],
    views: dict[int, MatchView],
    *,
    changed: set[int],
    model: Model,
) -> tuple[dict[str, int], set[int]]:
    members, edges = identity.component(conn, ids)
    _read_more(conn, members | {i for e in edges for i in (e.a, e.b)}, records, views)
    return _settle(conn, members, edges, records=records, views=views, changed=changed, model=model)


def _replace_keys(conn: Connection, views: Mapping[int, MatchView], ids: Sequence[int]) -> set[int]:
    """Store the keys of records; return who else must be judged anew.

    A key that becomes too common stops proposing pairs, also those it proposed before, and one that
    becomes rarer starts again: else the order of arrival would decide.
    """
    new = [(i, kind, value) for i, v in views.items() for kind, value in keys(v)]
    touched = identity.keys_of(conn, ids) | {(kind, value) for _, kind, value in new}
    limits = {key: limit(key[0]) for key in sorted(touched)}
    before = identity.crowded(conn, limits)
    identity.replace_keys(conn, new, ids)
    flipped = before ^ identity.crowded(conn, limits)
    return identity.sharers(conn, flipped) if flipped else set()


def views_of(conn: Connection, records: Mapping[int, StoredRecord]) -> dict[int, MatchView]:
    """Return the views of records, with what people typed into them."""
    typed = edits.typed_into(conn, records)
    return {i: _view(record, typed.get(i, {})) for i, record in records.items()}


def _view(record: StoredRecord, typed: Mapping[str, JsonValue]) -> MatchView:
    trust = Trust(record.trust)
    plain = view(record.id, record.stable_key, trust, record.values, entity_id=record.entity_id)
    return with_typed(plain, record.values, typed) if typed else plain


def _read_more(
    conn: Connection,
    wanted: set[int],
    records: dict[int, StoredRecord],
    views: dict[int, MatchView],
) -> None:
    more = identity.load_records(conn, wanted - records.keys())
    records.update(more)
    views.update(views_of(conn, more))


def _judge(
    pairs: set[tuple[int, int]], views: Mapping[int, MatchView], model: Model
) -> list[NewEdge]:
    edges = []
    for a, b in sorted(pairs):
        scored = asked(views[a], views[b], model)
        if scored is not None:
            edges.append(
                NewEdge(
                    a,
                    b,
                    scored.judgement.value,
                    scored.weight,
                    scored.reasons,
                    f"model:{model.version}",
                )
            )
    return edges


@dataclass(frozen=True, slots=True)
class _Settled:
    moves: dict[int, int]
    merged: dict[int, int]
    touched: set[int]


def _settle(
    conn: Connection,
    members: set[int],
    edges: Sequence[StoredEdge],
    *,
    records: Mapping[int, StoredRecord],
    views: Mapping[int, MatchView],
    changed: set[int],
    model: Model,
) -> tuple[dict[str, int], set[int]]:
    """Cluster the component and give every cluster a stable entity; returns counts, and who is behind."""
    key_of = {i: records[i].stable_key for i in members}
    id_of = {key: i for i, key in key_of.items()}
    inside = [e for e in edges if e.a in members and e.b in members]
    judged = [_edge(key_of, e) for e in inside if e.made_by.startswith("model:")]
    said = [e for e in inside if not e.made_by.startswith("model:")]
    # of one pair the last counts: what a person says outweighs what a vendor did
    said.sort(key=lambda e: e.made_by != "vendor")
    decided = [_edge(key_of, e) for e in said]
    component_views = [views[i] for i in sorted(members)]
    clusters = cluster(component_views, judged, decided, model)
    groups = [sorted(id_of[key] for key in group) for group in clusters]
    settled = _assign(conn, groups, records)
    # A loader holds its entities while it writes their records: who moves records waits for it here.
    held = {e for i in members if (e := records[i].entity_id) is not None}
    identity.lock_entities(conn, held | settled.touched | {*settled.moves.values()})
    identity.move_records(conn, settled.moves)
    identity.merge_entities(conn, settled.merged)
    entity_of = {i: settled.moves.get(i) or records[i].entity_id for i in members}
    identity.revive_entities(conn, [e for e in set(entity_of.values()) if e])
    astray = entities.call_home(conn, sorted(members))
    behind = settled.touched | astray | {e for i in changed if (e := entity_of.get(i)) is not None}
    identity.bump(conn, behind)
    reviews = _reviews(edges, clusters, records)
    identity.replace_reviews(conn, sorted(members), reviews)
    counts = {
        "entities_touched": len(behind),
        "merged": len(settled.merged),
        "reviews": len(reviews),
    }
    return counts, behind


def _reviews(
    edges: Sequence[StoredEdge],
    clusters: Sequence[frozenset[str]],
    records: Mapping[int, StoredRecord],
) -> list[tuple[int, int, float]]:
    """Return the pairs to look at; the other end of a doubtful pair may be outside the component."""
    key_of = {i: records[i].stable_key for e in edges for i in (e.a, e.b)}
    id_of = {key: i for i, key in key_of.items()}
    # outside, a person is known by its entity; who has none yet stands for itself
    group_of: dict[str, Hashable] = {
        key: ("entity", e) if (e := records[i].entity_id) else key for i, key in key_of.items()
    }
    group_of |= {key: ("cluster", n) for n, group in enumerate(clusters) for key in group}
    judged = [_edge(key_of, e) for e in edges if e.made_by.startswith("model:")]
    said = [_edge(key_of, e) for e in edges if not e.made_by.startswith("model:")]
    return [(id_of[e.a], id_of[e.b], e.weight) for e in review_pairs(judged, group_of, said)]


def _edge(key_of: Mapping[int, str], edge: StoredEdge) -> Edge:
    a, b = sorted((key_of[edge.a], key_of[edge.b]))
    return Edge(a, b, Judgement(edge.judgement), edge.weight)


def _assign(
    conn: Connection, groups: Sequence[Sequence[int]], records: Mapping[int, StoredRecord]
) -> _Settled:
    """Give each cluster the oldest entity among its records, each entity to one cluster only."""
    holders: dict[int, list[int]] = defaultdict(list)  # entity → indexes of clusters that hold it
    for index, group in enumerate(groups):
        for entity in {e for i in group if (e := records[i].entity_id) is not None}:
            holders[entity].append(index)
    split = [entity for entity, indexes in holders.items() if len(indexes) > 1]
    taken = _claim(groups, holders, entities.anchors(conn, split) if split else {})
    _reclaim(conn, groups, taken)
    moves: dict[int, int] = {}
    touched: set[int] = set()
    for index, group in enumerate(groups):
        entity = taken.get(index) or _new_entity(conn, records[group[0]])
        taken[index] = entity
        for record in (records[i] for i in group if records[i].entity_id != entity):
            moves[record.id] = entity
            touched |= {e for e in (entity, record.entity_id) if e is not None}
    merged = {
        entity: taken[indexes[0]]
        for entity, indexes in holders.items()
        if entity not in set(taken.values())
    }
    return _Settled(moves, merged, touched | set(merged))


def _claim(
    groups: Sequence[Sequence[int]],
    holders: Mapping[int, Sequence[int]],
    anchors: Mapping[int, int],
) -> dict[int, int]:
    """Return cluster → entity; on a split the part with the record it began with keeps the entity."""
    taken: dict[int, int] = {}
    for entity in sorted(holders):
        anchor = anchors.get(entity)
        parts = sorted(holders[entity], key=lambda n: (anchor not in groups[n], groups[n][0]))
        free = next((index for index in parts if index not in taken), None)
        if free is not None:
            taken[free] = entity
    return taken


def _reclaim(conn: Connection, groups: Sequence[Sequence[int]], taken: dict[int, int]) -> None:
    """Give parts that split off the entity they had before they were merged: their edits hang on it."""
    orphans = [index for index in range(len(groups)) if index not in taken]
    if not orphans:
        return
    lost = identity.lost_entities(conn, [i for n in orphans for i in groups[n]], "person")
    for index in orphans:
        own = sorted(entity for i in groups[index] for entity in lost.get(i, ()))
        if own:
            taken[index] = own[0]


def _new_entity(conn: Connection, anchor: StoredRecord) -> int:
    return identity.new_entity(
        conn, anchor_id=anchor.id, batch_id=anchor.batch_id, lane=anchor.lane
    )
