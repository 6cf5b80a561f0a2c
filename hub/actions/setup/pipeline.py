"""Pipelines and their stages, set up by an admin. Not here: exit criteria and reasons."""

from collections.abc import Sequence

from sqlalchemy import Connection

from hub.actions.context import Context
from hub.actions.rights import Right, require
from hub.actions.setup.thing_names import check_name, same
from hub.crm import deals, former, pipelines
from hub.crm.pipelines import Pipeline, Stage
from hub.crm.thing_rows import row_counts
from hub.errors import ActionError
from hub.frozen import dataclass
from hub.lists import places
from hub.lists.places import Target
from hub.model.nearest import hint
from hub.records import name_changes
from hub.records.history import Changed, note_changes

MOST = 100  # of a likelihood, in percent


@dataclass(frozen=True, slots=True)
class NewStage:
    """An active stage; the closing ones are the same everywhere."""

    name: str
    likelihood: int


def used(conn: Connection, name: str | None) -> Pipeline:
    """Return the pipeline that a deal is to go into; a former name means the pipeline of today.

    Raises:
        ActionError: there is none.
    """
    now = None if name is None else _of_today(conn, "pipeline", name, pipelines.read(conn))
    return find(conn, now or name)


def used_stage(conn: Connection, pipeline: Pipeline, name: str) -> Stage:
    """Return the stage that a deal is to go into; a former name means the stage of today.

    Raises:
        ActionError: there is none.
    """
    now = _of_today(conn, "stage", name, pipeline.stages, pipeline.name)
    return find_stage(pipeline, now or name)


def _of_today(
    conn: Connection, kind: str, name: str, known: Sequence[Pipeline | Stage], within: str = ""
) -> str | None:
    if any(same(one.name, name) for one in known):
        return None
    return former.today(conn, kind, name, within)


def find(conn: Connection, name: str | None) -> Pipeline:
    """Return a pipeline by its name; without one, the first in use.

    Raises:
        ActionError: there is none.
    """
    known = pipelines.read(conn)
    for pipeline in known:
        is_in_use = not pipeline.is_disabled and not pipeline.is_archived
        if is_in_use if name is None else same(pipeline.name, name):
            return pipeline
    raise ActionError(
        f"there is no pipeline {name!r}",
        resource="pipeline",
        code="not_found",
        field="pipeline",
        hint=hint(name or "", [p.name for p in known]),
    )


def find_stage(pipeline: Pipeline, name: str) -> Stage:
    """Return a stage of a pipeline by its name.

    Raises:
        ActionError: there is none.
    """
    found = pipeline.stage(name)
    if found is None:
        raise ActionError(
            f"the pipeline {pipeline.name!r} has no stage {name!r}",
            resource="stage",
            code="not_found",
            field="stage",
            hint=hint(name, [s.name for s in pipeline.stages]),
        )
    return found


def add(
    ctx: Context,
    name: str,
    stages: Sequence[NewStage],
    *,
    most: int,
    is_renewal: bool = False,
) -> Pipeline:
    """Add a pipeline.

    Args:
        ctx: the actor, in an open transaction.
        name: what people call it.
        stages: the active ones in their order; Won, Unqualified and Lost come behind them.
        most: how many pipelines may be in use.
        is_renewal: whether a deal lost in it ends what was sold before.

    Raises:
        ActionError: the name is taken, a stage is none, or there are as many as may be.
    """
    conn = ctx.conn
    require(ctx, Right.SET_UP)
    pipelines.lock(conn)
    check_name(name, "pipeline", [p.name for p in pipelines.read(conn)])
    _check_room(conn, most)
    names = [closing for closing, _, _ in pipelines.CLOSING]
    for stage in stages:
        check_name(stage.name, "stage", names)
        _check_likelihood(stage.likelihood)
        names.append(stage.name)
    if not stages:
        raise ActionError("a pipeline needs a stage", resource="stage", code="invalid")
    rows = [(stage.name.strip(), stage.likelihood) for stage in stages]
    pipelines.insert(conn, name.strip(), rows, is_renewal=is_renewal)
    return find(conn, name.strip())


def rename(ctx: Context, name: str, new: str) -> Pipeline:
    """Give a pipeline another name.

    Raises:
        ActionError: there is none, or the name is taken.
    """
    conn = ctx.conn
    require(ctx, Right.SET_UP)
    pipelines.lock(conn)
    found = find(conn, name)
    check_name(new, "pipeline", [p.name for p in pipelines.read(conn) if p.id != found.id])
    pipelines.write(conn, found.id, name=new.strip(), is_disabled=found.is_disabled)
    name_changes.note_rename(conn, ctx.who, "pipeline", found.name, new.strip())
    return find(conn, new.strip())


def disable(ctx: Context, name: str) -> Pipeline:
    """Take a pipeline out of use: its deals may still be moved, no new one begins in it.

    Raises:
        ActionError: there is none, or it is the last one in use.
    """
    conn = ctx.conn
    require(ctx, Right.SET_UP)
    pipelines.lock(conn)
    found = find(conn, name)
    _check_others(conn, found)
    pipelines.write(conn, found.id, name=found.name, is_disabled=True)
    return find(conn, name)


def enable(ctx: Context, name: str, *, most: int) -> Pipeline:
    """Take a pipeline into use again.

    Raises:
        ActionError: there is none, or there are as many in use as may be.
    """
    conn = ctx.conn
    require(ctx, Right.SET_UP)
    pipelines.lock(conn)
    found = find(conn, name)
    if found.is_disabled:
        _check_room(conn, most)
    pipelines.write(conn, found.id, name=found.name, is_disabled=False)
    return find(conn, name)


@dataclass(frozen=True, slots=True)
class Moved:
    """Where the deals of a removed stage, or of an archived pipeline, went."""

    pipeline: Pipeline
    into: str | None
    deals: int


def remove_stage(ctx: Context, pipeline: str, name: str, *, into: str | None = None) -> Moved:
    """Remove an open stage; its deals move into another one of the pipeline, and each move is kept.

    Args:
        ctx: the actor, in an open transaction.
        pipeline: the name of a pipeline.
        name: its stage; not the last open one. The pipeline may end at any stage.
        into: an open stage of the pipeline, which lists then name; needed where deals or lists have the
            stage.

    Raises:
        ActionError: there is no such stage, it closes deals or is the last one, or deals or lists have it
            and `into` is not said.
    """
    conn = ctx.conn
    require(ctx, Right.SET_UP)
    pipelines.lock(conn)
    found = find(conn, pipeline)
    stage = find_stage(found, name)
    others = [s for s in found.stages if s.is_active and s.id != stage.id]
    if not stage.is_active or not others:
        why = "closes deals" if not stage.is_active else "is the last open stage"
        raise ActionError(
            f"{stage.name} {why}: it stays", resource="stage", field="stage", code="conflict"
        )
    target = Target("stage", frozenset({stage.id}), stage.name)
    uses = places.uses(conn, target)
    if uses and into is None:
        raise ActionError(
            f"the stage {stage.name!r} is in use: {', '.join(map(str, uses))}",
            resource="stage", field="stage", code="conflict",
            hint=f"--into moves them; stages: {', '.join(s.name for s in others)}",
        )  # fmt: skip
    moved = 0
    if into is not None:
        other = find_stage(found, into)
        if other not in others:
            raise ActionError(
                f"deals cannot move from {stage.name} into {other.name} this way",
                resource="stage", field="into", code="invalid",
                hint=f"open stages: {', '.join(s.name for s in others)}",
            )  # fmt: skip
        moved = _move(ctx, stage, other)
        places.replace(conn, target, Target("stage", frozenset({other.id}), other.name))
    pipelines.archive_stage(conn, stage.id)
    name_changes.note_removal(conn, ctx.who, "stage", stage.name, into=into, scope=found.name)
    kept = [*others, *(s for s in found.stages if not s.is_active)]
    pipelines.order_stages(conn, [s.id for s in kept])
    return Moved(find(conn, pipeline), into, moved)


def _move(ctx: Context, stage: Stage, into: Stage) -> int:
    moved = deals.move_all(ctx.conn, stage.id, into.id, into.pipeline_id, ctx.who)
    what = {"stage": (stage.name, into.name)}
    note_changes(ctx.conn, ctx.who, [Changed(what, deal_id=deal_id) for deal_id in moved])
    return len(moved)


def archive(ctx: Context, name: str, *, into: str | None = None) -> Moved:
    """Archive a pipeline: nothing is open in it, and nothing begins in it; closed deals stay there.

    Args:
        ctx: the actor, in an open transaction.
        name: the pipeline.
        into: the pipeline that takes the open deals: into the stage of the same name, else its first.

    Raises:
        ActionError: there is no such pipeline, it is the last one in use, or deals are open in it and
            `into` is not said.
    """
    conn = ctx.conn
    require(ctx, Right.SET_UP)
    pipelines.lock(conn)
    found = find(conn, name)
    if found.is_archived:
        return Moved(found, None, 0)
    _check_others(conn, found)
    active = [s for s in found.stages if s.is_active]
    open_n = row_counts(conn, "stage", [s.id for s in active]).get("deal", 0)
    if open_n and into is None:
        raise ActionError(
            f"{open_n:,} deal{'' if open_n == 1 else 's'} {'is' if open_n == 1 else 'are'} open in {found.name}", resource="pipeline", field="pipeline",
            code="conflict", hint="--into PIPELINE moves them",
        )  # fmt: skip
    moved = 0
    if into is not None:
        there = find(conn, into)
        if there.id == found.id or there.is_archived:
            raise ActionError(
                f"the deals of {found.name} cannot go into {there.name}",
                resource="pipeline", field="into", code="invalid", hint="give an active pipeline",
            )  # fmt: skip
        for stage in active:
            same = there.stage(stage.name)
            moved += _move(ctx, stage, same if same and same.is_active else there.first)
    pipelines.set_archived(conn, found.id, is_archived=True)
    name_changes.note_removal(conn, ctx.who, "pipeline", found.name, into=into)
    return Moved(find(conn, name), into, moved)


def restore(ctx: Context, name: str, *, most: int) -> Pipeline:
    """Take an archived pipeline into use again; deals that were moved out of it stay where they are.

    Raises:
        ActionError: there is none, or there are as many in use as may be.
    """
    conn = ctx.conn
    require(ctx, Right.SET_UP)
    pipelines.lock(conn)
    found = find(conn, name)
    if found.is_archived:
        _check_room(conn, most)
        pipelines.set_archived(conn, found.id, is_archived=False)
        name_changes.note_return(conn, ctx.who, "pipeline", found.name)
    return find(conn, name)


def _check_others(conn: Connection, found: Pipeline) -> None:
    in_use = [p for p in pipelines.read(conn) if not p.is_disabled and not p.is_archived]
    if not [p for p in in_use if p.id != found.id]:
        raise ActionError(
            f"{found.name} is the last active pipeline", resource="pipeline", code="conflict"
        )


def add_stage(
    ctx: Context, pipeline: str, stage: NewStage, *, position: int | None = None
) -> Pipeline:
    """Add an active stage, at a place among the active ones; without one, as the last of them.

    Raises:
        ActionError: there is no such pipeline, or the stage is none.
    """
    conn = ctx.conn
    require(ctx, Right.SET_UP)
    pipelines.lock(conn)
    found = find(conn, pipeline)
    check_name(stage.name, "stage", [s.name for s in found.stages])
    _check_likelihood(stage.likelihood)
    made = pipelines.insert_stage(conn, found.id, stage.name.strip(), stage.likelihood)
    _place(conn, found, made, position)
    return find(conn, pipeline)


def edit_stage(
    ctx: Context,
    pipeline: str,
    name: str,
    *,
    new_name: str | None = None,
    likelihood: int | None = None,
    position: int | None = None,
) -> Pipeline:
    """Rename a stage, say how likely its deals are won, or move it among the active ones.

    Raises:
        ActionError: there is no such stage, or the change is not possible for it.
    """
    conn = ctx.conn
    require(ctx, Right.SET_UP)
    pipelines.lock(conn)
    found = find(conn, pipeline)
    stage = find_stage(found, name)
    check_name(new_name or name, "stage", [s.name for s in found.stages if s.id != stage.id])
    wanted = stage.likelihood if likelihood is None else likelihood
    _check_likelihood(wanted)
    if not stage.is_active and (wanted != stage.likelihood or position is not None):
        raise ActionError(
            f"{stage.name} closes deals; its likelihood and position are fixed",
            resource="stage",
            code="invalid",
        )
    now = (new_name or stage.name).strip()
    pipelines.write_stage(conn, stage.id, name=now, likelihood=wanted)
    name_changes.note_rename(conn, ctx.who, "stage", stage.name, now, scope=found.name)
    if position is not None:
        _place(conn, found, stage.id, position)
    return find(conn, pipeline)


def _place(conn: Connection, pipeline: Pipeline, stage_id: int, position: int | None) -> None:
    active = [s.id for s in pipeline.stages if s.is_active and s.id != stage_id]
    active.insert(len(active) if position is None else max(0, position - 1), stage_id)
    pipelines.order_stages(conn, active + [s.id for s in pipeline.stages if not s.is_active])


def _check_likelihood(likelihood: int) -> None:
    if not 0 <= likelihood <= MOST:
        raise ActionError(
            f"a likelihood must be 0 to 100, not {likelihood}",
            resource="stage",
            field="likelihood",
            code="invalid",
        )


def _check_room(conn: Connection, most: int) -> None:
    if sum(not p.is_disabled and not p.is_archived for p in pipelines.read(conn)) >= most:
        raise ActionError(
            f"{most} pipelines are active, which is the limit",
            resource="pipeline",
            code="conflict",
            hint="disable one, or set crm.max_pipelines in hub.yaml",
        )
