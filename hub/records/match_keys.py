"""Match keys of records, as hashes. Owns `ops.match_key`; written under a lock.

The keys of people are written under the identity lock, those of companies under the lock of companies.
The hashes of a record in `ops.match_key` are in its row too (`source_record.match_keys`), so that they can
be deleted without an index by record. `hub.matching.key_hash` makes the hashes. A nameless key has the
letters of the record's last name with it (`hub.matching.letters`).
"""

from collections.abc import Iterator, Mapping, Sequence
from struct import Struct
from types import MappingProxyType

from sqlalchemy import Connection, text

from hub.db.copy import copy_binary
from hub.frozen import dataclass
from hub.model.key_marks import NAMELESS

# a row of COPY: three fields, each eight bytes long; in the second form the last one is NULL
_ROW, _ROW_WITHOUT = Struct(">hiqiqiq"), Struct(">hiqiqi")
_PROBED = text("""
SELECT k.hash, CASE WHEN f.n <= k.most THEN f.ids END,
  CASE WHEN f.n <= k.most AND k.hash & :nameless <> 0 THEN f.letters END
FROM unnest(CAST(:hashes AS bigint[]), CAST(:most AS int[])) AS k(hash, most)
CROSS JOIN LATERAL (
  SELECT count(*) AS n, array_agg(record_id) AS ids, array_agg(letters) AS letters FROM (
    SELECT m.record_id, m.letters FROM ops.match_key m WHERE m.hash = k.hash LIMIT k.most + 1) c) f
WHERE f.n > 0
""")


@dataclass(frozen=True, slots=True)
class Holders:
    """The holders of keys.

    Args:
        blocks: hash → records, or None where more have it than asked for.
        letters: of the last names of those who have a nameless key; None: not known.
    """

    blocks: dict[int, Sequence[int] | None]
    letters: dict[int, int | None]


def holders(conn: Connection, most: Mapping[int, int]) -> Holders:
    """Return the holders of keys.

    Args:
        conn: an open transaction.
        most: by hash: how many records are wanted.
    """
    found = Holders({}, {})
    if most:
        hashes = sorted(most)  # neighbours of the index one after the other: a fifth less time
        args = {"hashes": hashes, "most": [most[h] for h in hashes], "nameless": NAMELESS}
        for key, records, letters in conn.execute(_PROBED, args):
            found.blocks[key] = records
            if letters is not None:
                found.letters.update(zip(records, letters, strict=True))
    return found


_CROWDED = text("""
SELECT k.hash FROM unnest(CAST(:hashes AS bigint[]), CAST(:least AS int[])) AS k(hash, least)
WHERE EXISTS (SELECT FROM ops.match_key m WHERE m.hash = k.hash OFFSET k.least - 1)
""")


def crowded(conn: Connection, least: Mapping[int, int]) -> set[int]:
    """Return the keys that so many records have (by hash); cheaper than asking for the records."""
    hashes = sorted(least)
    args = {"hashes": hashes, "least": [least[h] for h in hashes]}
    return {*conn.execute(_CROWDED, args).scalars()} if least else set()


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
    conn: Connection,
    before: Mapping[int, Sequence[int]],
    after: Mapping[int, Sequence[int]],
    letters: Mapping[int, int | None] = MappingProxyType({}),
) -> dict[int, Sequence[int]]:
    """Set the keys of records.

    Args:
        conn: an open transaction.
        before: the hashes that the records' rows name, by record.
        after: the hashes that the records have from now on, by record.
        letters: of the records' last names (`hub.matching.letters`); they are stored with keys
            without a name.

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
        columns = ("hash", "record_id", "letters")
        copy_binary(conn, "ops.match_key", columns, _rows(new, letters))
    return {i: own for i, own in after.items() if i not in before or [*before[i]] != [*own]}


def _differences(
    some: Mapping[int, Sequence[int]], others: Mapping[int, Sequence[int]]
) -> list[tuple[int, int]]:
    """Return (hash, record) of `some` that `others` does not have, in the order of the index.

    A nameless key is written again in any case: the letters beside it may be others.
    """
    return sorted(
        (hash_, record)
        for record, own in some.items()
        for hash_ in own
        if hash_ & NAMELESS or hash_ not in others.get(record, ())
    )


def _rows(keys: Sequence[tuple[int, int]], letters: Mapping[int, int | None]) -> Iterator[bytes]:
    pack, without = _ROW.pack, _ROW_WITHOUT.pack
    yield b"".join(
        [
            without(3, 8, hash_, 8, record, -1)
            if not hash_ & NAMELESS or (own := letters.get(record)) is None
            else pack(3, 8, hash_, 8, record, 8, own)
            for hash_, record in keys
        ]
    )
