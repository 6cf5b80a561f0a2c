"""Run a bulk action chunk by chunk, each in one transaction; a killed one can be resumed.

    begin (the records are stored) → chunks → end (new owners are notified, the batch is done)

A record that cannot take the action is refused with its reason; the others are still changed.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine

from hub.actions.bulk.verbs import VERBS, Verb
from hub.actions.context import Acting, Context
from hub.actions.rights import Right, require
from hub.actions.setup import smart_list
from hub.crm import groups, ownership
from hub.crm.ownership import Owned
from hub.db import outbox
from hub.db.transactions import run_transaction
from hub.errors import ActionError
from hub.lists import pages
from hub.lists.document import ListDocument
from hub.model import names
from hub.model.events import OwnerChanged
from hub.model.names import RowName
from hub.records import batch_history, batches, bulks
from hub.records.bulks import REFUSED, Bulk, Done, Item

CHUNK = 500
"""Records in one transaction; a verb may take fewer."""
MOST = smart_list.MOST_SELECTED
"""Records in one bulk action."""
SOURCE = "hub"
_KIND = {"lead": "lead", "person": "contact", "company": "contact", "deal": "deal"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A requested bulk action; one of list, names and document selects the records.

    Args:
        verb: set-owner, set-status, tag, untag, set, convert or archive.
        wanted: what the verb takes.
        list: a saved list, as it is now.
        names: records by name, of one kind.
        document: conditions.
    """

    verb: str
    wanted: Mapping[str, Any] = field(default_factory=dict)
    list: str | None = None
    names: Sequence[str] = ()
    document: ListDocument | None = None


@dataclass(frozen=True, slots=True)
class NotChanged:
    """A record that stays as it is.

    Args:
        record: its name: lead/12.
        why: the reason.
    """

    record: str
    why: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a bulk action did.

    Args:
        batch: its number, for `hub undo`; None of a dry run.
        verb: what was done.
        kind: lead, contact or deal.
        changed: how many records were changed.
        unchanged: how many had the wanted value already.
        refused: how many cannot take the action.
        reasons: how many were refused for which reason.
        refused_records: each that was refused, with its reason.
    """

    batch: int | None
    verb: str
    kind: str
    changed: int
    unchanged: int
    refused: int
    reasons: Mapping[str, int]
    refused_records: tuple[NotChanged, ...]


OnChunk = Callable[[int, int], None]
"""Receives the number of records done, and the number of all."""


def run(
    engine: Engine, acting: Acting, asked: Asked, *, dry_run: bool = False,
    on_chunk: OnChunk = lambda _done, _of: None,
) -> Result:  # fmt: skip
    """Do one action on many records.

    Args:
        engine: the hub's database.
        acting: the actor.
        asked: the action, and its records.
        dry_run: compute the result of each record, and change nothing.
        on_chunk: called after each chunk.

    Raises:
        ActionError: the actor may change none of the records, the wish is unknown, there is no such
            list or condition, or there are more than `MOST` records.
    """
    if dry_run:
        return _dry_run(engine, acting, asked)
    batch = run_transaction(engine, lambda conn: _begin(acting(conn), asked))
    return resume(engine, acting, batch, on_chunk=on_chunk)


def resume(
    engine: Engine, acting: Acting, batch_id: int, *,
    on_chunk: OnChunk = lambda _done, _of: None,
) -> Result:  # fmt: skip
    """Continue a killed bulk action; of a finished one return the result.

    Raises:
        ActionError: there is no such bulk action, or another user began it.
    """
    done = 0
    while n := run_transaction(engine, lambda conn: _chunk(acting(conn), batch_id)):
        done += n
        on_chunk(done, n)
    return run_transaction(engine, lambda conn: _end(acting(conn), batch_id))


def _begin(ctx: Context, asked: Asked) -> int:
    verb, kind, ids = _selected(ctx, asked)
    verb.check(ctx, kind, asked.wanted)
    batch = batches.open_action(ctx.conn, SOURCE, ctx.who)
    bulks.keep(ctx.conn, Bulk(batch, asked.verb, kind, asked.wanted), ids)
    return batch


def _selected(ctx: Context, asked: Asked) -> tuple[Verb, str, Sequence[int]]:
    verb = VERBS[asked.verb]
    require(ctx, verb.right)
    kind, ids = _records(ctx, asked)
    if kind not in verb.kinds:
        raise ActionError(
            f"{asked.verb} takes {' and '.join(f'{k}s' for k in verb.kinds)}, not {kind}s",
            resource=kind, code="invalid", hint="name records or a list of another kind",
        )  # fmt: skip
    if len(ids) > MOST:
        raise ActionError(
            f"{len(ids):,} records, and one bulk action takes at most {MOST:,}",
            resource=kind, code="conflict", hint="act on parts, by date or owner",
        )  # fmt: skip
    return verb, kind, ids


def _records(ctx: Context, asked: Asked) -> tuple[str, Sequence[int]]:
    if asked.list is not None:
        object_, ids = smart_list.selection(ctx, asked.list)
        return _KIND[object_], ids
    if asked.document is not None:
        found = pages.ids(ctx.conn, smart_list.query(ctx, asked.document), MOST + 1)
        return _KIND[asked.document.object], found
    read = [names.read(name.strip()) for name in asked.names if name.strip()]
    kinds = {name.kind for name in read if isinstance(name, RowName)}
    if not read or len(kinds) != 1 or not all(isinstance(n, RowName) and n.number for n in read):
        raise ActionError(
            "the records must be of one kind, named by number",
            resource="record", field="ids", code="invalid",
            hint="--ids lead/1,lead/2 or --ids deal/7",
        )  # fmt: skip
    numbers = [name.number for name in read if isinstance(name, RowName)]
    return kinds.pop(), list(dict.fromkeys(n for n in numbers if n is not None))


def _opened(ctx: Context, batch_id: int) -> tuple[Bulk, Verb]:
    """Lock and return a bulk action of the actor.

    Raises:
        ActionError: there is none, or another user began it.
    """
    require(ctx, Right.WORK)
    bulk = bulks.find(ctx.conn, batch_id, lock=True)
    if bulk is None:
        raise ActionError(
            f"batch {batch_id} is not a bulk action",
            resource="batch", code="not_found", hint="hub batches shows them: kind `action`",
        )  # fmt: skip
    if batch_history.read_action(ctx.conn, batch_id).who != ctx.who:
        require(ctx, Right.SET_UP)
    return bulk, VERBS[bulk.verb]


def _chunk(ctx: Context, batch_id: int) -> int:
    """Do the next chunk; returns how many records it had."""
    bulk, verb = _opened(ctx, batch_id)
    items = bulks.pending(ctx.conn, batch_id, min(CHUNK, verb.most))
    if items:
        bulks.keep_done(ctx.conn, batch_id, _do(ctx, verb, bulk, items))
    return len(items)


def _do(ctx: Context, verb: Verb, bulk: Bulk, items: Sequence[Item]) -> dict[int, Done]:
    """Return the results of records, by their place."""
    there = ownership.seen(ctx.conn, bulk.kind, [i.record_id for i in items])
    refused = _refused(ctx, verb.right, there)
    done: dict[int, Done] = {}
    for item in items:
        if item.record_id not in there:
            done[item.n] = Done(
                REFUSED, f"there is no {bulk.kind}/{item.record_id}, or it was merged"
            )
        elif why := refused.get(there[item.record_id].owner_id):
            done[item.n] = Done(REFUSED, why)
    left = [i for i in items if i.n not in done]
    found = _halved(ctx, verb, bulk, [there[i.record_id] for i in left])
    return {**done, **{i.n: found[i.record_id] for i in left}}


def _refused(ctx: Context, right: Right, there: Mapping[int, Owned]) -> dict[int | None, str]:
    """Return why the actor lacks the right act on the records of an owner: owner → reason."""
    found = {}
    for owner in {record.owner_id for record in there.values()}:
        try:
            require(ctx, right, owner)
        except ActionError as exc:
            found[owner] = exc.message
    return found


def _halved(ctx: Context, verb: Verb, bulk: Bulk, records: Sequence[Owned]) -> dict[int, Done]:
    """Act on records; if one cannot take the action, on each half, so that only this one is refused."""
    if not records:
        return {}
    try:
        with ctx.conn.begin_nested():
            return verb.act(ctx, bulk.kind, bulk.wanted, records)
    except ActionError as exc:
        if len(records) == 1:
            return {records[0].id: Done(REFUSED, exc.message)}
    middle = len(records) // 2
    first = _halved(ctx, verb, bulk, records[:middle])
    return {**first, **_halved(ctx, verb, bulk, records[middle:])}


def _end(ctx: Context, batch_id: int) -> Result:
    bulk, _ = _opened(ctx, batch_id)
    if batch_history.read_action(ctx.conn, batch_id).state == "running":
        if bulk.verb == "set-owner":
            outbox.put(ctx.conn, _events(ctx, bulk))
        batches.set_action_state(ctx.conn, batch_id, "done")
    counted = bulks.counts(ctx.conn, batch_id)
    return _result(batch_id, bulk, counted.outcomes, counted.refused)


def _events(ctx: Context, bulk: Bulk) -> list[OwnerChanged]:
    """Return the events for new and former owners: one for each user, for any number of chunks."""
    told: defaultdict[tuple[bool, int], list[int]] = defaultdict(list)
    for item in bulks.changed(ctx.conn, bulk.batch_id):
        for is_gain, user in ((True, item.after), (False, item.before)):
            if isinstance(user, int) and user != ctx.actor.user_id:
                told[is_gain, user].append(item.record_id)
    group = groups.named(ctx.conn, bulk.wanted["to"].removeprefix("group:"))
    return [
        OwnerChanged(
            user_id=user,
            is_gain=is_gain,
            record_kind=bulk.kind,
            record_ids=ids,
            assignment_id=0,
            group=group.name if group else None,
            given_by=ctx.who,
            batch_id=bulk.batch_id,
        )
        for (is_gain, user), ids in sorted(told.items())
    ]


def _result(
    batch: int | None, bulk: Bulk, outcomes: Mapping[str, int], refused: Sequence[tuple[int, str]]
) -> Result:
    reasons = Counter(why for _, why in refused)
    return Result(
        batch,
        bulk.verb,
        bulk.kind,
        outcomes.get("changed", 0),
        outcomes.get("unchanged", 0),
        len(refused),
        dict(reasons.most_common()),
        tuple(NotChanged(f"{bulk.kind}/{number}", why) for number, why in refused),
    )


def _dry_run(engine: Engine, acting: Acting, asked: Asked) -> Result:
    """Run the action in one transaction that is rolled back."""
    with engine.connect() as conn:
        ctx = acting(conn)
        verb, kind, ids = _selected(ctx, asked)
        verb.check(ctx, kind, asked.wanted)
        bulk = Bulk(0, asked.verb, kind, asked.wanted)
        done: dict[int, Done] = {}
        chunk = min(CHUNK, verb.most)
        for start in range(0, len(ids), chunk):
            items = [Item(n, ids[n]) for n in range(start, min(start + chunk, len(ids)))]
            done.update(_do(ctx, verb, bulk, items))
        conn.rollback()
    outcomes = Counter(one.outcome for one in done.values())
    refused = [(ids[n], one.why) for n, one in done.items() if one.outcome == REFUSED]
    return _result(None, bulk, outcomes, refused)


def is_bulk(conn: Connection, batch_id: int) -> bool:
    """Tell whether a batch is a bulk action."""
    return bulks.find(conn, batch_id) is not None
