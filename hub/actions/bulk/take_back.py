"""Undo a bulk action: each record without later changes gets its earlier values back."""

from dataclasses import dataclass

from sqlalchemy import Engine

from hub.actions.bulk.run import CHUNK, NotChanged
from hub.actions.bulk.verbs import VERBS
from hub.actions.context import Acting, Context
from hub.actions.rights import Right, require
from hub.db.transactions import run_transaction
from hub.errors import ActionError
from hub.records import batch_history, batches, bulks


@dataclass(frozen=True, slots=True)
class TakenBack:
    """The result of an undone bulk action.

    Args:
        batch: the batch.
        restored: how many records got their earlier values back.
        kept: records that stay as they are.
        dry_run: whether nothing was changed.
    """

    batch: int
    restored: int
    kept: tuple[NotChanged, ...]
    dry_run: bool = False


def take_back(engine: Engine, acting: Acting, batch_id: int) -> TakenBack:
    """Undo a bulk action, chunk by chunk; a killed undo continues when it is called again.

    Raises:
        ActionError: there is no such bulk action, it is not done, or the actor lacks the right.
    """
    while run_transaction(engine, lambda conn: _chunk(acting(conn), batch_id)):
        pass
    return run_transaction(engine, lambda conn: _close(acting(conn), batch_id))


def preview(engine: Engine, acting: Acting, batch_id: int) -> TakenBack:
    """Return what an undo of a bulk action would do: done in one transaction that is rolled back.

    Raises:
        ActionError: as for `take_back`.
    """
    with engine.connect() as conn:
        ctx = acting(conn)
        while _chunk(ctx, batch_id):
            pass
        told = _close(ctx, batch_id)
        conn.rollback()
    return told


def _chunk(ctx: Context, batch_id: int) -> int:
    bulk = _opened(ctx, batch_id)
    items = bulks.to_undo(ctx.conn, batch_id, min(CHUNK, VERBS[bulk.verb].most))
    if items:
        told = VERBS[bulk.verb].undo(ctx, bulk.kind, items)
        bulks.keep_undone(ctx.conn, batch_id, {i.n: told[i.record_id] for i in items})
        batches.set_action_state(ctx.conn, batch_id, "undoing")
    return len(items)


def _opened(ctx: Context, batch_id: int) -> bulks.Bulk:
    require(ctx, Right.WORK)
    bulk = bulks.find(ctx.conn, batch_id, lock=True)
    if bulk is None:
        raise ActionError(
            f"batch {batch_id} is not a bulk action",
            resource="batch", code="not_found", hint="hub batches shows them: kind `action`",
        )  # fmt: skip
    batch = batch_history.read_action(ctx.conn, batch_id)
    if batch.who != ctx.who:
        require(ctx, Right.SET_UP)
    if batch.state == "running":
        raise ActionError(
            f"batch {batch_id} is not complete",
            resource="batch", code="conflict", hint=f"first: hub bulk resume {batch_id}",
        )  # fmt: skip
    return bulk


def _close(ctx: Context, batch_id: int) -> TakenBack:
    bulk = _opened(ctx, batch_id)
    batches.set_action_state(ctx.conn, batch_id, "undone")
    told = bulks.undone(ctx.conn, batch_id)
    kept = tuple(NotChanged(f"{bulk.kind}/{number}", why) for number, why in told if why)
    return TakenBack(batch_id, len(told) - len(kept), kept)
