"""Many deals, as people read them."""

from typing import Any

from sqlalchemy import Connection, text

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.actions.setup import pipeline as setup
from hub.crm import deals
from hub.errors import ActionError


def listed(
    ctx: Context,
    limit: int,
    *,
    pipeline: str | None = None,
    stage: str | None = None,
    owner: str | None = None,
    archived_too: bool = False,
) -> list[dict[str, Any]]:
    """Return deals, the newest first, of a pipeline, a stage, an owner.

    Raises:
        ActionError: there is no such pipeline, stage or owner.
    """
    require(ctx, Right.READ)
    conn = ctx.conn
    stages = None
    if pipeline or stage:
        found = setup.find(conn, pipeline)
        stages = [setup.find_stage(found, stage)] if stage else found.stages
    asked = deals.find(
        limit,
        stage_ids=None if stages is None else [s.id for s in stages],
        owner_id=_owner(conn, owner) if owner else None,
        archived_too=archived_too,
    )
    ids: list[int] = list(conn.execute(asked).scalars())
    return deals.rows(conn, ids)


def _owner(conn: Connection, email: str) -> int:
    found = conn.execute(
        text('SELECT id FROM crm."user" WHERE lower(email) = lower(:email)'), {"email": email}
    ).scalar_one_or_none()
    if found is None:
        raise ActionError(
            f"there is no user with the address {email}", resource="user", code="not_found"
        )
    return int(found)
