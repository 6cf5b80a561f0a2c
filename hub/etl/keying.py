"""The keys of records: stored, and used to find other records. Part of match.

One look-up a chunk finds the other records with the keys that its records had or have. From this
`hub.matching.blocks` computes the pairs to judge and the keys that have become too common.
"""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection

from hub.frozen import dataclass
from hub.matching import blocks
from hub.matching.blocks import Chunk, Keys, Proofs
from hub.matching.employers import Employer, employer_of, outline
from hub.matching.key_hash import hashes, limit_of
from hub.matching.keys import MatchView, key_set
from hub.matching.letters import Names, letters, names_of
from hub.matching.model import Model
from hub.model.key_marks import NAMELESS
from hub.records import edges, identity, match_keys
from hub.records.identity import StoredRecord
from hub.records.match_keys import Beside, Holders

_UNKNOWN = -1  # no letters and no outline: these are not negative


@dataclass(frozen=True, slots=True)
class Found:
    """What the keys of a chunk find.

    Args:
        pairs: pairs to judge (lower id, higher id); each touches the chunk, or one of `sharers`.
        sharers: records outside the chunk whose pairs are all judged again, because one of their keys
            proposes other pairs than before.
        changed: records of the chunk whose rows need other hashes now.
    """

    pairs: set[tuple[int, int]]
    sharers: set[int]
    changed: dict[int, Sequence[int]]


@dataclass(frozen=True, slots=True)
class Named:
    """The present keys of records, and the outlines of their last names and employers.

    Args:
        keys: the hashes of their keys, by record; () for a record that was taken out.
        letters: of their last names, as stored with nameless keys.
        names: as they are compared with the letters of others.
        outlines: of their employers, as stored with the other keys that are not a person's own.
        employers: as they are compared with the outlines of others.
    """

    keys: Keys
    letters: Mapping[int, int | None]
    names: Mapping[int, Names]
    outlines: Mapping[int, int | None]
    employers: Mapping[int, Employer]


def named(views: Mapping[int, MatchView], model: Model, gone: Iterable[int] = ()) -> Named:
    """Return the keys of views, and of records that are gone.

    With a model for which unlike last names, or different employers, prove nothing, every pair is compared.
    """
    keys_now = {i: hashes(key_set(one)) for i, one in views.items()}
    found = {i: names_of(one) for i, one in views.items()} if model.needs_names else {}
    work = {i: employer_of(one, model) for i, one in views.items()} if model.needs_context else {}
    return Named(
        {**dict.fromkeys(gone, ()), **keys_now},
        {i: letters(one) for i, one in views.items()},
        {i: own for i, own in found.items() if own is not None},
        {i: outline(one) for i, one in views.items()},
        {i: own for i, own in work.items() if own is not None},
    )


def beside(now: Named, stored: Holders | None = None) -> Beside:
    """Return what is stored with the keys of records; `stored`: what was found there."""
    unchanged = {i for i in now.keys if _is_stored(i, now, stored)} if stored else frozenset[int]()
    return Beside(now.letters, now.outlines, unchanged)


def _is_stored(record: int, now: Named, stored: Holders) -> bool:
    """Tell whether letters and outline of a record were found as they are now."""
    has_nameless = any(key & NAMELESS for key in now.keys[record])
    return (
        stored.outlines.get(record, _UNKNOWN) == now.outlines.get(record)
        and (not has_nameless or stored.letters.get(record, _UNKNOWN) == now.letters.get(record))
    )  # fmt: skip


def stored_keys(records: Mapping[int, StoredRecord]) -> dict[int, Sequence[int]]:
    """Return the hashes in the rows of records; records that were never matched are left out."""
    return {i: own for i, r in records.items() if (own := r.match_keys) is not None}


def replace(conn: Connection, before: Keys, now: Named, *, leaving: Iterable[int] = ()) -> Found:
    """Store the keys of a chunk of records and find the pairs they propose.

    A key that becomes too common no longer proposes pairs, and its earlier pairs are judged again.
    A key that becomes rarer proposes pairs again. Otherwise the order of arrival would decide.

    Args:
        conn: an open transaction, under the identity lock.
        before: the hashes in the rows of the records.
        now: of every record of the chunk.
        leaving: other records that are undone next: their pairs are not judged again.
    """
    chunk = Chunk(before, now.keys)
    least = chunk.least()
    seldom = least.keys() - match_keys.crowded(conn, least.keys())
    stored = match_keys.holders(conn, chunk.most(seldom))
    others = blocks.outside(chunk, stored.blocks)
    sharers = _sharers(conn, blocks.flips(chunk, others)).difference(leaving)
    changed = match_keys.replace(conn, before, now.keys, beside(now, stored))
    of_sharers = identity.keys_of(conn, sharers) if sharers else {}
    more = {key for own in of_sharers.values() for key in own} - others.keys()
    further = match_keys.holders(conn, {key: limit_of(key) for key in more})
    proofs = Proofs(
        now.names,
        {**stored.letters, **now.letters},
        now.employers,
        {**stored.outlines, **now.outlines},
    )
    of = blocks.whole(chunk, others) | further.blocks
    pairs = blocks.pairs({**now.keys, **of_sharers}, of, proofs)
    return Found(pairs, sharers, changed)


def _sharers(conn: Connection, flips: blocks.Flips) -> set[int]:
    """Return the records outside a chunk whose pairs change.

    A key that has become too common takes pairs away; only pairs with an edge of the model are
    stored. A key that has become rare enough proposes all of its pairs.
    """
    found = {record for block in flips.freed.values() for record in block}
    if flips.crowded:
        crowd = {record for block in flips.crowded.values() for record in block}
        judged = edges.judged_among(conn, sorted(crowd))
        found |= blocks.in_one_block(judged, flips.crowded.values())
    return found
