"""Undo a batch, or preview the undo: the actor needs the right to set up."""

from collections.abc import Callable

from sqlalchemy import Engine

from hub.actions.context import Acting
from hub.actions.rights import Right, require
from hub.undo import batch
from hub.undo.batch import Chunk
from hub.undo.preview import preview
from hub.undo.report import Undone


def undo_batch(
    engine: Engine,
    acting: Acting,
    batch_id: int,
    on_chunk: Callable[[Chunk], None] = lambda _: None,
) -> Undone:
    """Undo a batch, chunk by chunk, while no sync of its source runs; a killed undo continues.

    Raises:
        ActionError: the actor lacks the right, or the batch cannot be undone.
    """
    return batch.undo(engine, _who(engine, acting), batch_id, on_chunk)


def preview_undo(engine: Engine, acting: Acting, batch_id: int) -> Undone:
    """Return what an undo of a batch would do; nothing is changed.

    Raises:
        ActionError: as for `undo_batch`.
    """
    _who(engine, acting)
    return preview(engine, batch_id)


def _who(engine: Engine, acting: Acting) -> str:
    with engine.begin() as conn:
        ctx = acting(conn)
        require(ctx, Right.SET_UP)
        return ctx.who
