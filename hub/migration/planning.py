"""Plan a migration: freeze the span of each stream, and cut the streams into ranges.

A second call continues with the source's migration that is under way. Nothing of it reaches the CRM.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from hub.connectors.base import Stream, Window
from hub.crm.custom_fields import document
from hub.db.locks import only_one
from hub.errors import ActionError, HubError
from hub.etl.contain import ends_source, fault_of
from hub.etl.context import Hub
from hub.logs import get_logger
from hub.migration import fields
from hub.migration.deltas import Base, base_of, check_kind, without_base
from hub.migration.parts import Parts
from hub.migration.side_by_side import SideBySide
from hub.model.faults import Fault
from hub.records import batches, migrations
from hub.records.migrations import Migration

log = get_logger()
FILES = "csv"
"""The source that rows of files have; no source of hub.yaml is called so."""


def plan(hub: Hub, source: str, who: str, *, is_delta: bool | None = None) -> Migration:
    """Return the source's migration that is under way, or a new one, with all its ranges.

    A stream that the vendor refuses is a fault of the batch; the other streams are planned. The next
    call asks for it again.

    Args:
        hub: the hub.
        source: vendor name.
        who: the user who begins it.
        is_delta: whether only what has changed since the last migration is read. None: as the migration
            under way does; a new one reads everything.

    Raises:
        ActionError: another process works on the source's migration; one of the other kind is under
            way; or there is none that a delta could follow.
        ConfigError: the source is retired.
        CredentialError: the vendor refuses the credentials.
    """
    hub.refuse_retired(source)
    with only_one(hub.engine, f"migration:{source}") as is_ours:
        if not is_ours:
            raise busy(source)
        with hub.engine.begin() as conn:
            number = begun(conn, source, who, is_delta=is_delta)
        found = of_batch(hub, number)
        if found.planned_at is None:
            _cut(hub, source, found)
        if found.state == "planned":
            with hub.engine.begin() as conn:
                kept = [document(one) for one in fields.wanted(hub, source)]
                migrations.set_fields(conn, number, kept)
        return of_batch(hub, number)


def begun(conn: Connection, source: str, who: str, *, is_delta: bool | None) -> int:
    """Return the number of the source's migration that is under way, or of a new one.

    Raises:
        ActionError: one of the other kind is under way; or there is none that a delta could follow.
    """
    found = migrations.under_way(conn, source)
    if found is not None:
        if is_delta is not None:
            check_kind(found, is_delta=is_delta)
        return found.batch.id
    base = _base(conn, source) if is_delta else None
    return migrations.open_migration(conn, source, who, delta_of=base.batch if base else None)


def _base(conn: Connection, source: str) -> Base:
    base = base_of(migrations.loaded(conn, source))
    if base is None:
        raise without_base(source)
    return base


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


def command_of(source: str) -> str:
    """Return the command that migrates a source, for a hint."""
    return "hub migrate FILE …" if source == FILES else f"hub migrate {source}"


def busy(source: str) -> ActionError:
    """Return the refusal while another process works on the migration of a source."""
    return ActionError(
        f"another process works on the migration of {source}",
        resource="batch",
        code="conflict",
        hint="hub status shows how far it is",
    )


def _cut(hub: Hub, source: str, found: Migration) -> None:
    parts, number = Parts(hub.connector(source)), found.batch.id
    ends: Mapping[str, datetime] = {}
    if found.delta_of is not None:
        with hub.engine.begin() as conn:
            ends = _base(conn, source).ends
    failed: list[str] = []

    def cut(own: Parts, stream: Stream) -> bool:
        if not _cut_stream(hub, own, number, stream, ends.get(stream.name)):
            failed.append(stream.name)
        return True

    todo = [one for one in parts.objects() if one.name not in found.windows]
    SideBySide(todo).run([partial(cut, own) for own in parts.side_by_side(len(todo))])
    if not failed:
        with hub.engine.begin() as conn:
            migrations.mark(conn, number, "planned_at")


def _cut_stream(
    hub: Hub, parts: Parts, batch_id: int, stream: Stream, since: datetime | None
) -> bool:
    """Freeze a stream and store its ranges; return whether the vendor allowed it."""
    source = parts.connector.source
    try:
        window = parts.window(stream, since)
        cuts = [(one.key, one.low, one.high, one.count_n) for one in parts.ranges(stream, window)]
    except HubError as exc:
        if ends_source(exc):
            raise
        fault = fault_of(source, stream.part, exc)
        with hub.engine.begin() as conn:
            batches.note_faults(conn, batch_id, stream.name, [fault], unproved=False)
        log.info("stream_not_planned", source=source, stream=stream.name, message=exc.message)
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
