"""Plan a migration: freeze the span of each stream, and cut the streams into ranges.

A second call continues with the source's migration that is under way. Nothing of it reaches the CRM.
"""

from collections.abc import Sequence

from hub.connectors.base import Stream, Window
from hub.db.locks import only_one
from hub.errors import ActionError, HubError
from hub.etl.contain import ends_source, fault_of
from hub.etl.context import Hub
from hub.logs import get_logger
from hub.migration.parts import Parts
from hub.model.faults import Fault
from hub.records import batches, migrations
from hub.records.migrations import Migration

log = get_logger()


def plan(hub: Hub, source: str, who: str) -> Migration:
    """Return the source's migration that is under way, or a new one, with all its ranges.

    A stream that the vendor refuses is a fault of the batch; the other streams are planned. The next
    call asks for it again.

    Args:
        hub: the hub.
        source: vendor name.
        who: the user who begins it.

    Raises:
        ActionError: another process works on the source's migration.
        CredentialError: the vendor refuses the credentials.
    """
    with only_one(hub.engine, f"migration:{source}") as is_ours:
        if not is_ours:
            raise busy(source)
        with hub.engine.begin() as conn:
            found = migrations.under_way(conn, source)
            number = found.batch.id if found else migrations.open_migration(conn, source, who)
        if found is None or found.planned_at is None:
            _cut(hub, source, number)
        return of_batch(hub, number)


def faults_of(hub: Hub, found: Migration) -> list[Fault]:
    """Return the streams that could not be planned, each with its reason."""
    with hub.engine.begin() as conn:
        return batches.faults_noted(conn, found.batch.id)


def of_batch(hub: Hub, batch_id: int) -> Migration:
    """Return a migration.

    Raises:
        ActionError: the batch is none.
    """
    with hub.engine.begin() as conn:
        found = migrations.of_batch(conn, batch_id)
    if found is None:
        raise ActionError(
            f"batch {batch_id} is no migration",
            resource="batch",
            code="not_found",
            hint="hub batches lists them: kind migrate",
        )
    return found


def busy(source: str) -> ActionError:
    """Return the refusal while another process works on the migration of a source."""
    return ActionError(
        f"another process works on the migration of {source}",
        resource="batch",
        code="conflict",
        hint="hub status shows how far it is",
    )


def _cut(hub: Hub, source: str, batch_id: int) -> None:
    parts = Parts(hub.connector(source))
    known = of_batch(hub, batch_id).windows
    failed = [
        stream.name
        for stream in parts.objects()
        if stream.name not in known and not _cut_stream(hub, parts, batch_id, stream)
    ]
    if not failed:
        with hub.engine.begin() as conn:
            migrations.mark(conn, batch_id, "planned_at")


def _cut_stream(hub: Hub, parts: Parts, batch_id: int, stream: Stream) -> bool:
    """Freeze a stream and store its ranges; return whether the vendor let us."""
    source = parts.connector.source
    try:
        window = parts.window(stream)
        cuts = [(one.key, one.low, one.high, one.count_n) for one in parts.ranges(stream, window)]
    except HubError as exc:
        if ends_source(exc):
            raise
        fault = fault_of(source, stream.part, exc)
        with hub.engine.begin() as conn:
            batches.note_faults(conn, batch_id, stream.name, [fault], unproved=False)
        log.warning("stream_not_planned", source=source, stream=stream.name, message=exc.message)
        return False
    with hub.engine.begin() as conn:
        batches.note_faults(conn, batch_id, stream.name, (), unproved=False)
        migrations.set_span(conn, batch_id, stream.name, window.since, window.until)
        migrations.add_ranges(conn, batch_id, stream.name, cuts)
    return True


def window_of(found: Migration, stream: str) -> Window:
    """Return the frozen span of a stream."""
    since, until = found.windows[stream]
    return Window(since, until)


def streams_of(parts: Parts, found: Migration) -> Sequence[Stream]:
    """Return the streams of a migration that were planned, in reading order."""
    return [one for one in parts.objects() if one.name in found.windows]
