"""Match keys of records, as hashes. Owns `ops.match_key`; written under a lock.

The keys of people are written under the identity lock, those of companies under the lock of companies.
The hashes of a record in `ops.match_key` are in its row too (`source_record.match_keys`), so that they can
be deleted without an index by record. `hub.matching.key_hash` makes the hashes. A nameless key has the
letters of the record's last name with it (`hub.matching.letters`), every other key that is not a person's
own the outline of the employer (`hub.matching.employers`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from struct import Struct

from sqlalchemy import Connection, text

from hub.db.copy import copy_binary
from hub.frozen import dataclass
from hub.model.key_marks import LIMIT, NAMELESS, OWN

# a row of COPY: three fields, each eight bytes long; in the second form the last one is NULL
_ROW, _ROW_WITHOUT = Struct(">hiqiqiq"), Struct(">hiqiqi")
_PROBED = text("""
SELECT k.hash, CASE WHEN f.n <= k.most THEN f.ids END,
  CASE WHEN f.n <= k.most AND k.hash & :own = 0 THEN f.letters END
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
        outlines: of the employers of those who have another key that is not a person's own; the same.
    """

    blocks: dict[int, Sequence[int] | None]
    letters: dict[int, int | None]
    outlines: dict[int, int | None]


def holders(conn: Connection, most: Mapping[int, int]) -> Holders:
    """Return the holders of keys.

    Args:
        conn: an open transaction.
        most: by hash: how many records are wanted.
    """
    found = Holders({}, {}, {})
    if most:
        hashes = sorted(most)  # neighbours of the index one after the other: a fifth less time
        args = {"hashes": hashes, "most": [most[h] for h in hashes], "own": OWN}
        for key, records, letters in conn.execute(_PROBED, args):
            found.blocks[key] = records
            if letters is not None:
                beside = found.letters if key & NAMELESS else found.outlines
                beside.update(zip(records, letters, strict=True))
    return found


_CROWDED = text("""
SELECT k.hash FROM unnest(CAST(:hashes AS bigint[])) AS k(hash)
WHERE EXISTS (SELECT FROM ops.match_key m WHERE m.hash = k.hash OFFSET k.hash & :limit)
""")


def crowded(conn: Connection, hashes: Collection[int]) -> set[int]:
    """Return the keys that more records have than may share them; cheaper than asking for the records.

    A hash itself says how many may share its key.
    """
    args = {"hashes": sorted(hashes), "limit": LIMIT}
    return {*conn.execute(_CROWDED, args).scalars()} if hashes else set()


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


@dataclass(frozen=True, slots=True)
class Beside:
    """What is stored with the keys of records.

    Args:
        letters: of the last names, with nameless keys.
        outlines: of the employers, with the other keys that are not a person's own.
        unchanged: records with whose keys the same is stored already.
    """

    letters: Mapping[int, int | None] = field(default_factory=dict)
    outlines: Mapping[int, int | None] = field(default_factory=dict)
    unchanged: Collection[int] = frozenset()


_NONE = Beside()


def replace(
    conn: Connection,
    before: Mapping[int, Sequence[int]],
    after: Mapping[int, Sequence[int]],
    beside: Beside = _NONE,
) -> dict[int, Sequence[int]]:
    """Set the keys of records.

    Args:
        conn: an open transaction.
        before: the hashes that the records' rows name, by record.
        after: the hashes that the records have from now on, by record.
        beside: what is stored with the keys.

    Returns:
        The records of `after` whose rows must name other hashes now; the caller writes them with
        `hub.records.sources.place`, which may move the records in the same statement.
    """
    gone = _differences(before, after, beside)
    if gone:
        args = {"hashes": [hash_ for hash_, _ in gone], "records": [record for _, record in gone]}
        conn.execute(_DELETE, args)
    new = _differences(after, before, beside)
    if new:
        columns = ("hash", "record_id", "letters")
        copy_binary(conn, "ops.match_key", columns, _rows(new, beside))
    return {i: own for i, own in after.items() if i not in before or [*before[i]] != [*own]}


def _differences(
    some: Mapping[int, Sequence[int]], others: Mapping[int, Sequence[int]], beside: Beside
) -> list[tuple[int, int]]:
    """Return (hash, record) of `some` that `others` does not have, in the order of the index.

    A key is written again if the letters beside it may be others.
    """
    found = []
    for record, own in some.items():
        known = others.get(record)
        if not known:
            found += [(hash_, record) for hash_ in own]
            continue
        is_written = record not in beside.unchanged and bool(beside.letters or beside.outlines)
        found += [
            (hash_, record)
            for hash_ in own
            if hash_ not in known or (is_written and not hash_ & OWN)
        ]
    return sorted(found)


def _rows(keys: Sequence[tuple[int, int]], beside: Beside) -> Iterator[bytes]:
    pack, without = _ROW.pack, _ROW_WITHOUT.pack
    letters, outlines = beside.letters.get, beside.outlines.get
    yield b"".join(
        [
            without(3, 8, hash_, 8, record, -1)
            if hash_ & OWN or (own := (letters if hash_ & NAMELESS else outlines)(record)) is None
            else pack(3, 8, hash_, 8, record, 8, own)
            for hash_, record in keys
        ]
    )
