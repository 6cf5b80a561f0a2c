"""Source records of people and companies, as matching reads them."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, text

from hub.frozen import dataclass
from hub.model.records import JsonValue


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A source record as matching reads it.

    Args:
        match_keys: the hashes of its keys in `ops.match_key`; None before it is matched.
    """

    id: int
    source: str
    stream: str
    source_id: str
    trust: str
    values: Mapping[str, JsonValue]
    entity_id: int | None
    lane: str
    batch_id: int
    is_gone: bool
    alias_of: str | None
    match_keys: Sequence[int] | None

    @property
    def stable_key(self) -> str:
        """Return the name that does not depend on the order of arrival."""
        return f"{self.source}/{self.stream}/{self.source_id}"


_COLUMNS = (
    "id, source, stream, source_id, trust, canonical, entity_id, lane, batch_id, "
    "gone_at IS NOT NULL, alias_of, match_keys"
)


_LOAD = text(f"SELECT {_COLUMNS} FROM ops.source_record WHERE id = ANY(:ids)")  # noqa: S608 constant


def load_records(conn: Connection, ids: Iterable[int]) -> dict[int, StoredRecord]:
    """Read records by id."""
    wanted = list(ids)
    rows = conn.execute(_LOAD, {"ids": wanted}) if wanted else ()
    return {row[0]: StoredRecord(*row) for row in rows}


def keys_of(conn: Connection, ids: Iterable[int]) -> dict[int, Sequence[int]]:
    """Return the hashes by which records are found: record → hashes; records without any are left out."""
    rows = conn.execute(
        text(
            "SELECT id, match_keys FROM ops.source_record "
            "WHERE id = ANY(:ids) AND match_keys IS NOT NULL"
        ),
        {"ids": list(ids)},
    )
    return {row.id: row.match_keys for row in rows}


def every_person(conn: Connection) -> list[StoredRecord]:
    """Read all people's records that were not withdrawn."""
    rows = conn.execute(
        text(
            f"SELECT {_COLUMNS} FROM ops.source_record "  # noqa: S608 constant
            "WHERE target = 'person' AND withdrawn_by IS NULL ORDER BY id"
        )
    )
    return [StoredRecord(*row) for row in rows]
