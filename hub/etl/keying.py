"""The keys of records that are matched: stored, and who is found by them. Part of match.

One look-up a chunk: it brings who else has the keys that the records had or have. Which pairs are worth
judging, and whose keys have become too common, is computed of it (`hub.matching.blocks`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from hub.matching import blocks
from hub.matching.blocks import Chunk, Keys
from hub.matching.key_hash import hashes, limit_of
from hub.matching.keys import MatchView, key_set
from hub.matching.letters import Names, letters, names_of
from hub.matching.model import Model
from hub.records import edges, identity, match_keys
from hub.records.identity import StoredRecord


@dataclass(frozen=True, slots=True)
class Found:
    """What the keys of a chunk say.

    Args:
        pairs: pairs worth judging (lower id, higher id); each touches the chunk, or one of `sharers`.
        sharers: records outside the chunk whose pairs are all judged anew, since a key of theirs
            proposes other pairs than before.
        changed: records of the chunk whose rows must name other hashes now.
    """

    pairs: set[tuple[int, int]]
    sharers: set[int]
    changed: dict[int, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Named:
    """The keys that records have now, and what tells their last names apart.

    Args:
        keys: the hashes of their keys, by record; () of a record that takes part no more.
        letters: of their last names, as they stand beside nameless keys.
        names: as they are held against the letters of others.
    """

    keys: Keys
    letters: Mapping[int, int | None]
    names: Mapping[int, Names]


def named(views: Mapping[int, MatchView], model: Model, gone: Iterable[int] = ()) -> Named:
    """Return the keys of views, and of records that are gone.

    With a model to which unlike last names are not enough, every pair is looked at.
    """
    keys_now = {i: hashes(key_set(one)) for i, one in views.items()}
    found = {i: names_of(one) for i, one in views.items()} if model.needs_names else {}
    return Named(
        {**dict.fromkeys(gone, ()), **keys_now},
        {i: letters(one) for i, one in views.items()},
        {i: own for i, own in found.items() if own is not None},
    )


def stored_keys(records: Mapping[int, StoredRecord]) -> dict[int, Sequence[int]]:
    """Return the hashes that records' rows name; records that were never matched are left out."""
    return {i: own for i, r in records.items() if (own := r.match_keys) is not None}


def replace(conn: Connection, before: Keys, now: Named, *, leaving: Iterable[int] = ()) -> Found:
    """Store the keys of a chunk of records and find the pairs they propose.

    A key that becomes too common stops proposing pairs, also those it proposed before, and one that
    becomes rarer starts again: else the order of arrival would decide.

    Args:
        conn: an open transaction, under the identity lock.
        before: the hashes that the rows of the records name.
        now: of every record of the chunk.
        leaving: other records that leave next: their pairs are not judged anew.
    """
    chunk = Chunk(before, now.keys)
    stored = match_keys.holders(conn, chunk.most())
    others = blocks.outside(chunk, stored.blocks)
    sharers = _sharers(conn, blocks.flips(chunk, others)).difference(leaving)
    changed = match_keys.replace(conn, before, now.keys, now.letters)
    of_sharers = identity.keys_of(conn, sharers) if sharers else {}
    more = {key for own in of_sharers.values() for key in own} - others.keys()
    beside = match_keys.holders(conn, {key: limit_of(key) for key in more})
    pairs = blocks.pairs(
        {**now.keys, **of_sharers},
        blocks.whole(chunk, others) | beside.blocks,
        now.names,
        {**stored.letters, **now.letters},
    )
    return Found(pairs, sharers, changed)


def _sharers(conn: Connection, flips: blocks.Flips) -> set[int]:
    """Return the records beside a chunk whose pairs are others now.

    A key that has become too common takes pairs away: only of those that the model made an edge of is
    anything stored. A key that has become rare enough brings all of its pairs.
    """
    found = {record for block in flips.freed.values() for record in block}
    if flips.crowded:
        crowd = {record for block in flips.crowded.values() for record in block}
        judged = edges.judged_among(conn, sorted(crowd))
        found |= blocks.in_one_block(judged, flips.crowded.values())
    return found
