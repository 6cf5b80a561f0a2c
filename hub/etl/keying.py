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
from hub.matching.keys import MatchView, keys
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


def keys_of(views: Mapping[int, MatchView]) -> dict[int, Sequence[int]]:
    """Return the hashes of the keys of views, by record."""
    return {i: hashes(keys(one)) for i, one in views.items()}


def stored_keys(records: Mapping[int, StoredRecord]) -> dict[int, Sequence[int]]:
    """Return the hashes that records' rows name; records that were never matched are left out."""
    return {i: own for i, r in records.items() if (own := r.match_keys) is not None}


def replace(conn: Connection, before: Keys, after: Keys, *, leaving: Iterable[int] = ()) -> Found:
    """Store the keys of a chunk of records and find the pairs they propose.

    A key that becomes too common stops proposing pairs, also those it proposed before, and one that
    becomes rarer starts again: else the order of arrival would decide.

    Args:
        conn: an open transaction, under the identity lock.
        before: the hashes that the rows of the records name.
        after: the hashes that the records have now, of every record; () of one that takes part no more.
        leaving: other records that leave next: their pairs are not judged anew.
    """
    chunk = Chunk(before, after)
    others = blocks.outside(chunk, match_keys.holders(conn, chunk.most()))
    sharers = _sharers(conn, blocks.flips(chunk, others)).difference(leaving)
    changed = match_keys.replace(conn, before, after)
    known = blocks.whole(chunk, others)
    of_sharers = identity.keys_of(conn, sharers) if sharers else {}
    more = {key for own in of_sharers.values() for key in own} - others.keys()
    known |= match_keys.holders(conn, {key: limit_of(key) for key in more})
    return Found(blocks.pairs({**after, **of_sharers}, known), sharers, changed)


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
