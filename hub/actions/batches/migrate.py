"""Migrate a whole source: read it, rehearse it, load it. Who acts needs the right to set up."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from hub.actions.batches import planned_fields
from hub.actions.context import Acting
from hub.actions.rights import Right, require
from hub.db.place import Place
from hub.errors import ActionError
from hub.etl.context import Hub
from hub.landing import planned
from hub.migration import loading, planning, reading, rehearsal, scheduling
from hub.migration.answering import check_answers
from hub.migration.applying import apply, check_open
from hub.migration.inventory import SourceInventory, take
from hub.migration.reading import Progress, Read
from hub.migration.result import Migrated
from hub.migration.stages import Say
from hub.model.moments import HINT, moment_of
from hub.records import batches
from hub.records.migrations import Migration


@dataclass(frozen=True, slots=True)
class Watch:
    """What is told while a migration runs.

    Args:
        say: the name of the step that begins.
        on_page: each page that was read.
        on_landed: how many records were handed to the stages.
    """

    say: Say = lambda _: None
    on_page: Callable[[Progress], None] = lambda _: None
    on_landed: Callable[[int], None] = lambda _: None


_SILENT = Watch()


def inventory(hub: Hub, acting: Acting, source: str) -> SourceInventory:
    """Return what a source has, by its own counts and a sample of its people; nothing is written.

    Raises:
        ActionError: who acts may not.
        ConfigError: the source is not configured, or refuses the credentials.
    """
    _who(hub, acting)
    return take(hub, source)


def read_source(
    hub: Hub, acting: Acting, source: str, watch: Watch = _SILENT, *, is_delta: bool = False
) -> Migrated:
    """Plan the migration of a source and read all of it, or continue; nothing reaches the CRM.

    Args:
        hub: the hub.
        acting: who acts.
        source: vendor name.
        watch: told what happens.
        is_delta: read only what has changed since the last migration of the source.

    Raises:
        ActionError: who acts may not; another process works on it; one of the other kind is under way;
            or there is no migration that a delta could follow.
        ConfigError: the source is not configured, or refuses the credentials; or an answer names a
            pipeline or a user that is not there.
    """
    who = _who(hub, acting)
    check_answers(hub, source)
    watch.say("plan")
    found = planning.plan(hub, source, who, is_delta=is_delta)
    if found.state != "planned":
        return Migrated(found, Read(()))
    watch.say("read")
    done = reading.read(hub, found, watch.on_page)
    return Migrated(planning.of_batch(hub, found.batch.id), done)


def dry_run(
    hub: Hub,
    place: Place,
    acting: Acting,
    source: str,
    watch: Watch = _SILENT,
    *,
    is_delta: bool = False,
) -> Migrated:
    """Read a source and rehearse its migration; the plan is kept with the batch.

    Raises:
        ActionError: as for `read_source`; or the migration is being applied.
    """
    done = read_source(hub, acting, source, watch, is_delta=is_delta)
    if done.read is not None and done.read.paused:
        return done
    if done.migration.state != "planned":
        raise _is_applied(done.migration)
    rehearsed = rehearsal.rehearse(hub, place, done.migration, watch.say)
    number = done.migration.batch.id
    fields = planned_fields.preview(hub, acting, number)
    return Migrated(planning.of_batch(hub, number), done.read, rehearsed, fields=fields)


def run(
    hub: Hub,
    acting: Acting,
    source: str,
    watch: Watch = _SILENT,
    *,
    incomplete: bool = False,
    is_delta: bool = False,
) -> Migrated:
    """Read a source and load it into the CRM, or continue.

    Args:
        hub: the hub.
        acting: who acts.
        source: vendor name.
        watch: told what happens.
        incomplete: load also a source of which a part could not be read; its ledger does not add up.
        is_delta: load only what has changed since the last migration of the source.

    Raises:
        ActionError: as for `read_source`.
    """
    done = read_source(hub, acting, source, watch, is_delta=is_delta)
    if done.read is not None and not (done.read.is_complete or incomplete):
        return done
    number = done.migration.batch.id
    fields = planned_fields.define(hub, acting, number)
    applied = apply(hub, done.migration, watch.say, watch.on_landed)
    return Migrated(planning.of_batch(hub, number), done.read, applied=applied, fields=fields)


def apply_plan(
    hub: Hub, place: Place, acting: Acting, batch_id: int, watch: Watch = _SILENT
) -> Migrated:
    """Load the plan of a batch into the CRM; it is made again first if the hub has changed since.

    Raises:
        ActionError: who acts may not; the batch has no plan; it is over already.
    """
    _who(hub, acting)
    found = planning.of_batch(hub, batch_id)
    if found.rehearsed_at is None:
        raise ActionError(
            f"batch {batch_id} has no plan",
            resource="batch",
            code="conflict",
            hint=f"hub migrate {found.batch.source} --dry-run makes one",
        )
    check_open(found)
    fields = planned_fields.define(hub, acting, batch_id)
    return replace(loading.load(hub, place, found, watch.say, watch.on_landed), fields=fields)


def schedule(
    hub: Hub, acting: Acting, source: str, said: str, *, is_delta: bool | None = None
) -> Migrated:
    """Let a migration of a source start by itself: `hub up` plans, reads and loads it then.

    Args:
        hub: the hub.
        acting: who acts.
        source: vendor name.
        said: the moment, as people write it; without an offset it is of the actor's zone.
        is_delta: whether a delta starts then; None: the migration under way, else a whole one.

    Raises:
        ActionError: who acts may not; the words are no moment ahead; its migration is being applied; or
            there is no migration that a delta could follow.
        ConfigError: the source is not configured, or has no credentials.
    """
    with hub.engine.begin() as conn:
        ctx = acting(conn)
        require(ctx, Right.SET_UP)
        at = moment_of(said, ctx.now, ctx.zone)
    if at is None or at <= hub.clock.now():
        raise ActionError(
            f"{said!r} is no moment ahead", resource="batch", code="invalid", field="at", hint=HINT
        )
    check_answers(hub, source)
    hub.connector(source)  # a source that cannot be read is told now, not on the day
    return Migrated(scheduling.schedule(hub, source, ctx.who, at, is_delta=is_delta))


def discard(hub: Hub, acting: Acting, batch_id: int) -> Migrated:
    """Close a planned migration and delete what it has read; the CRM is not concerned.

    Raises:
        ActionError: who acts may not; the batch is no migration, or was applied.
    """
    _who(hub, acting)
    found = planning.of_batch(hub, batch_id)
    if found.state != "planned":
        raise _is_applied(found)
    with hub.engine.begin() as conn:
        batches.discard_planned(conn, batch_id)
        planned.drop_batch(conn, batch_id)
    return Migrated(planning.of_batch(hub, batch_id))


def _who(hub: Hub, acting: Acting) -> str:
    with hub.engine.begin() as conn:
        ctx = acting(conn)
        require(ctx, Right.SET_UP)
        return ctx.who


def _is_applied(found: Migration) -> ActionError:
    return ActionError(
        f"batch {found.batch.id} is {found.state}: its records are in the CRM already",
        resource="batch",
        code="conflict",
        hint=f"hub undo {found.batch.id} takes it back",
    )
