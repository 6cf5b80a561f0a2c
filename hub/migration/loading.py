"""Load a migration that was read: rehearse its plan again if the hub has changed since, then apply it."""

from collections.abc import Callable

from hub.db.place import Place
from hub.errors import ActionError
from hub.etl.context import Hub
from hub.migration import rehearsal
from hub.migration.applying import apply, is_stale
from hub.migration.planning import faults_of, of_batch
from hub.migration.result import Migrated
from hub.migration.stages import Say
from hub.records import migrations
from hub.records.migrations import Migration


def load(
    hub: Hub,
    place: Place,
    found: Migration,
    say: Say = lambda _: None,
    on_landed: Callable[[int], None] = lambda _: None,
) -> Migrated:
    """Load a migration into the CRM, or continue.

    Args:
        hub: the hub.
        place: its database, for a plan that is made again.
        found: the migration; all it could read was read.
        say: told which step begins.
        on_landed: told how many records were handed to the stages.

    Raises:
        ActionError: another process works on the source's migration, or it is over.
    """
    number, rehearsed = found.batch.id, None
    if found.state == "planned" and is_stale(hub, found):
        rehearsed = rehearsal.rehearse(hub, place, found, say)
        found = of_batch(hub, number)
    applied = apply(hub, found, say, on_landed)
    return Migrated(
        of_batch(hub, number),
        rehearsed=rehearsed,
        applied=applied,
        is_replanned=rehearsed is not None,
    )


def check_is_read(hub: Hub, found: Migration) -> None:
    """Refuse a migration of which a part is not planned, or not proven.

    Raises:
        ActionError: names what is missing.
    """
    with hub.engine.begin() as conn:
        left = [r for r in migrations.ranges(conn, found.batch.id) if r.state != "proven"]
    missing = [f"{one.stream} {one.key}" for one in left]
    missing += [one.name for one in faults_of(hub, found)]
    if missing or found.planned_at is None:
        raise ActionError(
            f"batch {found.batch.id} is not read yet: {', '.join(missing) or 'it has no plan'}",
            resource="batch",
            code="conflict",
            hint=f"hub migrate {found.batch.source} reads the rest; --incomplete loads what was read",
        )
