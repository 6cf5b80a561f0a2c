"""Files as the source of a migration: `hub migrate leads.csv`.

The records are kept with the batch after they were read. So the plan of a dry run is loaded without the
files, and a call with other files never continues the batch of the first ones.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hub.connectors.base import Connector
from hub.connectors.files.column_files import read_columns
from hub.connectors.files.streams import SOURCE, FilesConnector, Mode, Policy
from hub.errors import ActionError
from hub.etl.context import Hub
from hub.records import migrations, present_records


def with_files(hub: Hub, files: FilesConnector) -> Hub:
    """Return the hub with these files as its source `csv`."""
    sources = hub.connector

    def connector(source: str) -> Connector:
        return files if source == SOURCE else sources(source)

    return replace(hub, connector=connector)


def without_files(hub: Hub) -> Hub:
    """Return the hub for a migration of files that were read before."""
    return with_files(hub, FilesConnector((), hub.clock))


def open_files(
    hub: Hub,
    paths: Sequence[Path],
    mapping: Path | None,
    mode: Mode = Mode.ADD_AND_UPDATE,
    *,
    overwrites: bool = False,
) -> FilesConnector:
    """Return the files as a source; each is read once.

    Args:
        hub: the hub.
        paths: CSV and Excel files.
        mapping: a mapping file for their columns; None: the headers decide.
        mode: what the rows may do.
        overwrites: whether the values of the rows win over those of other sources.

    Raises:
        ConfigError: a file or the mapping file cannot be used.
    """

    def known(stream: str, ids: Sequence[str]) -> frozenset[str]:
        with hub.engine.begin() as conn:
            return present_records.known_ids(conn, SOURCE, stream, ids)

    policy = Policy(mode, overwrites, known)
    columns = read_columns(mapping) if mapping else None
    return FilesConnector(paths, hub.clock, columns, policy)


def check_same(hub: Hub, files: FilesConnector) -> None:
    """Refuse to continue a migration of files with other ones.

    Raises:
        ActionError: the migration of files that is under way has read other files, or these with
            another mapping.
    """
    with hub.engine.begin() as conn:
        found = migrations.under_way(conn, SOURCE)
        ranges = migrations.ranges(conn, found.batch.id) if found else []
    if found is None:
        return
    marks = {stream.name: files.mark(stream) for stream in files.objects()}
    read = {one.stream: one.cursor.get("of") for one in ranges if one.cursor}
    is_other_set = bool(ranges) and {one.stream for one in ranges} != set(marks)
    if is_other_set or any(mark != marks[stream] for stream, mark in read.items()):
        number = found.batch.id
        raise ActionError(
            f"batch {number} is a migration of other files, or of these before they were changed",
            resource="batch",
            code="conflict",
            hint=f"hub migrate --apply {number} loads its plan, --discard {number} forgets it",
        )
