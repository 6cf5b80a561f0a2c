"""Match keys: by what records are found, as hashes. Owns `ops.match_key`; written under a lock.

The keys of people are written under the identity lock, those of companies under the lock of companies.
The hashes that a record has in `ops.match_key` stand in its row too (`source_record.match_keys`), so that
they can be deleted without an index by record. Hashes are made by `hub.matching.key_hash`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from struct import Struct

from sqlalchemy import Connection, text

from hub.db.copy import copy_binary

_ROW = Struct(">hiqiq")  # two fields, each eight bytes long
_PROBED = text("""
SELECT k.hash, CASE WHEN f.n <= k.most THEN f.ids END
FROM unnest(CAST(:hashes AS bigint[]), CAST(:most AS int[])) AS k(hash, most)
CROSS JOIN LATERAL (
  SELECT count(*) AS n, array_agg(record_id) AS ids FROM (
    SELECT m.record_id FROM ops.match_key m WHERE m.hash = k.hash LIMIT k.most + 1) c) f
WHERE f.n > 0
""")


def holders(conn: Connection, most: Mapping[int, int]) -> dict[int, Sequence[int] | None]:
    """Return who has keys: hash → records, or None where more have it than asked for.

    Args:
        conn: an open transaction.
        most: by hash: how many records are wanted.
    """
    if not most:
        return {}
    args = {"hashes": list(most), "most": list(most.values())}
    return {row[0]: row[1] for row in conn.execute(_PROBED, args)}


_SOME = text("""
SELECT DISTINCT found.record_id
FROM unnest(CAST(:hashes AS bigint[]), CAST(:most AS int[])) AS k(hash, most)
CROSS JOIN LATERAL (
  SELECT m.record_id FROM ops.match_key m WHERE m.hash = k.hash LIMIT k.most) found
""")


def some_holders(conn: Connection, most: Mapping[int, int]) -> list[int]:
    """Return records that have one of the keys; of each key, as many as asked for."""
    args = {"hashes": list(most), "most": list(most.values())}
    return sorted(conn.execute(_SOME, args).scalars()) if most else []


_DELETE = text("""
DELETE FROM ops.match_key m
USING unnest(CAST(:hashes AS bigint[]), CAST(:records AS bigint[])) AS gone(hash, record_id)
WHERE m.hash = gone.hash AND m.record_id = gone.record_id
""")


def replace(
    conn: Connection, before: Mapping[int, Sequence[int]], after: Mapping[int, Sequence[int]]
) -> dict[int, Sequence[int]]:
    """Set the keys of records.

    Args:
        conn: an open transaction.
        before: the hashes that the records' rows name, by record.
        after: the hashes that the records have from now on, by record.

    Returns:
        The records of `after` whose rows must name other hashes now; the caller writes them with
        `hub.records.sources.place`, which may move the records in the same statement.
    """
    gone = _differences(before, after)
    if gone:
        args = {"hashes": [hash_ for hash_, _ in gone], "records": [record for _, record in gone]}
        conn.execute(_DELETE, args)
    new = _differences(after, before)
    if new:
        copy_binary(conn, "ops.match_key", ("hash", "record_id"), _rows(new))
    return {i: own for i, own in after.items() if i not in before or [*before[i]] != [*own]}


def _differences(
    some: Mapping[int, Sequence[int]], others: Mapping[int, Sequence[int]]
) -> list[tuple[int, int]]:
    """Return (hash, record) of `some` that `others` does not have, in the order of the index."""
    return sorted(
        (hash_, record)
        for record, own in some.items()
        for hash_ in (set(own).difference(others[record]) if record in others else own)
    )


def _rows(keys: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    pack = _ROW.pack
    yield b"".join([pack(2, 8, hash_, 8, record) for hash_, record in keys])
