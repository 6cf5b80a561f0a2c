"""Refresh: read silent values again, which change without the modification time, and land changes.

    declared by the stream ∩ used by its mapping → due? → read again → compare with landed values
    → read differing records completely → land them as every page

Refresh runs after a stream's window was read and proved. Each page stores the position in a slice
of the stream's checkpoint, so an interrupted walk continues there. If the budget is spent, the next
sync continues; the window itself has been read by then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hub.connectors.base import Page, Rereads, Stream
from hub.errors import BudgetError, RecordError
from hub.etl.context import Hub
from hub.etl.land import land_page
from hub.etl.refresh_interval import interval
from hub.landing import silent, store
from hub.landing.silent import State, Walk
from hub.logs import get_logger
from hub.mappings.parsing import parse
from hub.mappings.uses import used
from hub.model.records import JsonValue, RawRecord
from hub.model.verdicts import Op
from hub.records.batches import Batch

log = get_logger()


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The result of a walk: records compared, and records landed because they differed."""

    compared: int = 0
    landed: int = 0


@dataclass(frozen=True, slots=True)
class _Difference:
    """The differences between a page of values and the landed ones."""

    records: Sequence[RawRecord]
    compared: Sequence[str]  # the key of each value that had landed before
    changed: Sequence[str]


def refresh(hub: Hub, batch: Batch, stream: Stream, *, is_complete: bool) -> Refreshed:
    """Read the stream's silent values again, if they are due.

    Args:
        hub: the hub.
        batch: the source's batch.
        stream: as the connector declares it, before or after it was read.
        is_complete: whether the batch has just read the stream from its beginning.
    """
    connector = hub.connector(batch.source)
    if not isinstance(connector, Rereads) or f"{batch.source}/{stream.name}" not in hub.mappings:
        return Refreshed()
    declared = next(one for one in connector.streams() if one.name == stream.name)
    keys = used(hub.mapping(batch.source, stream.name), declared.silent)
    state = _begun(hub, batch, stream, keys, is_complete=is_complete)
    if state.walk is None:
        return Refreshed()
    try:
        return _walk(hub, batch, declared, connector, state)
    except BudgetError as exc:
        log.warning("refresh_stopped", source=batch.source, stream=stream.name, message=exc.message)
        return Refreshed()


def _begun(
    hub: Hub, batch: Batch, stream: Stream, keys: frozenset[str], *, is_complete: bool
) -> State:
    """Return the state with the present walk, or without one if no value is due."""
    now = hub.clock.now()
    with hub.engine.begin() as conn:
        known = silent.read(conn, batch.source, stream.name)
        # a complete read has read all values; keys that no mapping uses are dropped
        state = known.fresh(keys, now) if is_complete else known.only(keys)
        if state != known:
            silent.write(conn, batch.source, stream.name, state)
    if is_complete or state.walk is not None:
        return state
    every = interval(hub.settings, batch.source)
    due = state.due(keys, now, every, _time_scale(hub, batch.source))
    return replace(state, walk=Walk(due, now) if due else None)


def _time_scale(hub: Hub, source: str) -> float:
    return float(getattr(getattr(hub.settings.sources, source, None), "time_scale", 1.0))


def _walk(hub: Hub, batch: Batch, stream: Stream, connector: Rereads, state: State) -> Refreshed:
    walk = state.walk
    if walk is None:
        return Refreshed()
    total = Refreshed()
    window = hub.connector(batch.source).window(stream, walk.cursor)
    for page in connector.reread(stream, window, walk.keys):
        found = _compare(hub, batch.source, stream, page.records, walk.keys)
        whole = connector.fetch(stream, found.records) if found.records else []
        walk = walk.counted(found.compared, found.changed, page.cursor)
        is_last = "window" not in page.cursor
        state = (
            state.done(walk, _time_scale(hub, batch.source))
            if is_last
            else replace(state, walk=walk)
        )
        landed = land_page(hub, batch, stream, Page(whole, state.to_json()), slice_=silent.SLICE)
        total = Refreshed(total.compared + len(page.records), total.landed + landed.changed)
    log.info(
        "silent_values_read",
        source=batch.source,
        stream=stream.name,
        keys=sorted(walk.keys),
        compared=total.compared,
        landed=total.landed,
    )
    return total


def _compare(
    hub: Hub, source: str, stream: Stream, records: Sequence[RawRecord], keys: frozenset[str]
) -> _Difference:
    """Compare the values with landed ones; a record that has not landed comes with its window."""
    live = {one.source_id: one for one in records if one.op is Op.UPSERT}
    with hub.engine.begin() as conn:
        landed = store.context_payloads(conn, source, stream.name, list(live))
    differing: list[RawRecord] = []
    compared: list[str] = []
    changed: list[str] = []
    for source_id, before in landed.items():
        then, now = _object(before), _object(live[source_id].payload)
        known = [key for key in keys if key in then]
        new = [key for key in keys if then.get(key) != now.get(key)]
        compared += known
        changed += [key for key in new if key in then]
        if new:
            differing.append(live[source_id])
    return _Difference(differing, compared, changed)


def _object(payload: bytes) -> Mapping[str, JsonValue]:
    try:
        return parse(payload)
    except RecordError:
        return {}
