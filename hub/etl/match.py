"""Match: which source records are one person. Single-writer, under the identity lock.

Keys → candidates → weight → judgement → edges → clusters → entities. An edge is a function of
two records, and clusters are a function of the edges of one component. So the order of arrival does
not matter.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection

from hub.db.locks import identity_lock
from hub.db.pace import Pace
from hub.db.transactions import run_transaction
from hub.etl import grouping, keying
from hub.etl.context import Hub
from hub.etl.grouping import NOBODY, Again, Arrived, Component
from hub.etl.model_in_use import active_model
from hub.logs import get_logger
from hub.matching.keys import MatchView, view, with_typed
from hub.matching.model import DEFAULT, Model
from hub.matching.scoring import asked
from hub.model.records import JsonValue
from hub.model.verdicts import Trust
from hub.records import edges, edits, entities, held, identity, queue, sources
from hub.records.edges import NewEdge
from hub.records.identity import StoredRecord

CHUNK = 2000  # records of one transaction at most
_FIRST, _LEAST = 200, 100
_LONGEST_S = 0.15  # seconds that the identity lock is held: a live lead may wait for it
MOST_AT_ONCE = 1000  # records of components that are matched again in one transaction
log = get_logger()


def match_pending(hub: Hub, *, only_live: bool = False) -> dict[str, int]:
    """Match all waiting records, or those of the live lane; returns counts."""
    totals: dict[str, int] = defaultdict(int)
    run = _Run(only_live=only_live)
    while counts := run_transaction(hub.engine, lambda conn: _match_some(conn, run)):
        for name, n in counts.items():
            totals[name] += n
        log.info("records_matched", **counts)
        if run.is_done:
            break
    return dict(totals)


class _Run:
    """What one call keeps from chunk to chunk: the model, and how many records it takes at once."""

    def __init__(self, *, only_live: bool = False) -> None:
        self.only_live = only_live
        first = min(_FIRST, CHUNK)
        least = min(_LEAST, first)
        self.pace = Pace(first, least, CHUNK, _LONGEST_S / 2, _LONGEST_S, growth=1.5)
        self.model: Model | None = None
        self.is_done = False


def _match_some(conn: Connection, run: _Run) -> dict[str, int]:
    identity_lock(conn)
    started = time.monotonic()
    waiting = queue.take(conn, queue.MATCH, run.pace.size, only_live=run.only_live)
    run.is_done = waiting.is_last
    if not waiting.ids:
        return {}
    model = run.model = run.model or active_model(conn)
    match = match_again if waiting.is_derivation else match_chunk
    counts = match(conn, waiting.ids, model)
    if run.only_live:
        entities.hasten(conn, waiting.ids)
    queue.finish(conn, queue.MATCH, waiting.ids)
    run.pace.took(time.monotonic() - started)
    return counts


def match_chunk(conn: Connection, ids: Sequence[int], model: Model = DEFAULT) -> dict[str, int]:
    """Match changed records; the caller holds the identity lock and the transaction.

    Held edges of their people are deleted, because the sources have new data. New records without
    connections get an entity each directly (`grouping.place_alone`).
    """
    records = identity.load_records(conn, ids)
    new = {i for i, r in records.items() if r.entity_id is None and r.match_keys is None}
    known = [i for i in ids if i not in new]
    if known:
        edges.delete_held(conn, held.held_with(conn, known))
    views = views_of(conn, records)
    found = keying.replace(conn, keying.stored_keys(records), keying.named(views, model))
    judged = _judged(conn, found.pairs, records, views, model)
    edges.replace_model_edges(conn, [*known, *sorted(found.sharers)], judged)
    parted = edges.replace_vendor_edges(conn, ids)
    alone = grouping.alone(conn, new, judged)
    beside = [records[i] for i in sorted(alone)]
    together = {*ids, *found.sharers, *parted} - alone
    counts = {"entities_touched": 0, "merged": 0, "reviews": 0}
    if not together:
        grouping.place_alone(conn, beside, found.changed)
    else:
        counts, _ = _regroup(
            conn,
            sorted(together),
            records,
            views,
            changed={*ids} - alone,
            model=model,
            arrived=Arrived(found.changed, beside),
        )
    counts["entities_touched"] += len(alone)
    return {"matched": len(ids), "pairs": len(found.pairs), **counts}


def match_again(
    conn: Connection, ids: Sequence[int], model: Model = DEFAULT, *, batch_id: int | None = None
) -> dict[str, int]:
    """Match records because the hub's own rules changed: whole components at once, and quietly.

    Keys and pairs of a whole component are derived before any record is moved. So no person is
    split for a moment and joined again. A touched person is neither joined nor split: a review
    question asks about it. The caller holds the identity lock and the transaction.

    Args:
        conn: an open transaction.
        ids: records.
        model: judges pairs.
        batch_id: the batch of new entities; None: that of their first record.
    """
    records: dict[int, StoredRecord] = {}
    views: dict[int, MatchView] = {}
    done: set[int] = set()
    pairs_n = 0
    while (todo := edges.component(conn, done or ids)[0] - done) and len(done) < MOST_AT_ONCE:
        _read_more(conn, todo, records, views)
        own = {i: records[i] for i in todo}
        now = keying.named({i: views[i] for i in todo}, model)
        found = keying.replace(conn, keying.stored_keys(own), now)
        sources.place(conn, {}, found.changed)
        affected = {*todo, *found.sharers}
        _read_more(conn, affected, records, views)
        judged = _judged(conn, found.pairs, records, views, model)
        edges.replace_model_edges(conn, sorted(affected), judged)
        done |= affected | edges.replace_vendor_edges(conn, sorted(todo))
        pairs_n += len(found.pairs)
    again = Again(batch_id)
    counts, _ = _regroup(
        conn, sorted(done), records, views, changed={*ids}, model=model, again=again
    )
    return {"matched": len(ids), "pairs": pairs_n, **counts}


def regroup(conn: Connection, ids: Sequence[int]) -> set[int]:
    """Cluster all records connected with some records again, after a user's decision.

    Call under the identity lock. Returns the stale entities.
    """
    _, behind = _regroup(conn, ids, {}, {}, changed=set(ids), model=active_model(conn))
    return behind


def forget(
    conn: Connection,
    undone: Sequence[int],
    restored: Sequence[int],
    co_members: Sequence[int],
    leaving: Collection[int] = (),
    *,
    keys: Mapping[int, Sequence[int]],
) -> set[int]:
    """Match the rest after records were undone, or restored to earlier values.

    Call under the identity lock.

    Args:
        conn: an open transaction.
        undone: records that are taken out.
        restored: records that stay, with other values.
        co_members: records that shared an entity with any of them.
        leaving: records that will be undone next: no record is joined with one of them.
        keys: the hashes by which undone records were found; their rows do not have them any more.

    Returns:
        The stale entities.
    """
    model = active_model(conn)
    # edits of an undone record: now they are a co-member's
    inherited = edits.typed_into(conn, co_members)
    again = sorted({*restored, *inherited})
    records = identity.load_records(conn, again)
    views = views_of(conn, records)
    before = keying.stored_keys(records) | {i: keys[i] for i in undone if i in keys}
    found = keying.replace(conn, before, keying.named(views, model, gone=undone), leaving=leaving)
    sources.place(conn, {}, {i: own for i, own in found.changed.items() if i in views})
    judged = sorted({*again, *found.sharers})
    _read_more(conn, {i for pair in found.pairs for i in pair}, records, views)
    pairs = {(a, b) for a, b in found.pairs if _may_join(records[a], records[b], leaving)}
    edges.replace_model_edges(conn, judged, _judge(pairs, views, model))
    parted = edges.replace_vendor_edges(conn, [*undone, *restored]) - {*undone}
    changed = {*restored, *co_members}
    if not changed and not judged and not parted:
        return set()
    _, stale = _regroup(
        conn, sorted({*judged, *changed, *parted}), records, views, changed=changed, model=model
    )
    return stale


def _may_join(a: StoredRecord, b: StoredRecord, leaving: Collection[int]) -> bool:
    is_joined = a.entity_id is not None and a.entity_id == b.entity_id
    return is_joined or not (a.id in leaving or b.id in leaving)


def _regroup(
    conn: Connection,
    ids: Sequence[int],
    records: dict[int, StoredRecord],
    views: dict[int, MatchView],
    *,
    changed: set[int],
    model: Model,
    again: Again | None = None,
    arrived: Arrived = NOBODY,
) -> tuple[dict[str, int], set[int]]:
    members, among = edges.component(conn, ids)
    _read_more(conn, members | {i for e in among for i in (e.a, e.b)}, records, views)
    return grouping.recluster(
        conn,
        Component(members, among, records, views),
        changed=changed,
        model=model,
        arrived=arrived,
        again=again,
    )


def views_of(conn: Connection, records: Mapping[int, StoredRecord]) -> dict[int, MatchView]:
    """Return the views of records, with their edits."""
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
    if unknown := wanted - records.keys():
        more = identity.load_records(conn, unknown)
        records.update(more)
        views.update(views_of(conn, more))


def _judged(
    conn: Connection,
    pairs: set[tuple[int, int]],
    records: dict[int, StoredRecord],
    views: dict[int, MatchView],
    model: Model,
) -> list[NewEdge]:
    """Judge pairs; reads the records that are not loaded yet."""
    _read_more(conn, {i for pair in pairs for i in pair}, records, views)
    return _judge(pairs, views, model)


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
