"""Blocks: which records share a key, computed for a chunk of records from one look-up.

In: the keys that the records of a chunk had and have, as hashes (`hub.matching.key_hash`), and the other
records that share one of them. Out: the pairs worth judging, and the keys that crossed their limit. A
key that more records share than its limit proposes no pair. The plain definition is `keys.candidates`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from hub.matching.employers import Employer
from hub.matching.key_hash import limit_of
from hub.matching.letters import Names
from hub.model.key_marks import NAMELESS, OWN

Keys = Mapping[int, Sequence[int]]
"""Record → its keys."""
Block = Sequence[int] | None
"""The records that share a key; None: more than may share it."""
_PAIR = 2


@dataclass(frozen=True, slots=True)
class _Own:
    """Who of a chunk has a key: nearly every key one record alone, so that only the others have a list."""

    first: dict[int, int] = field(default_factory=dict)
    several: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, keys: Keys) -> Self:
        found = cls()
        first, several = found.first, found.several
        for record, own in keys.items():
            for key in own:
                if first.setdefault(key, record) != record:
                    several.setdefault(key, [first[key]]).append(record)
        return found

    def holders(self, key: int) -> Sequence[int]:
        if key in self.several:
            return self.several[key]
        return (self.first[key],) if key in self.first else ()


@dataclass(frozen=True)
class Chunk:
    """The keys of a chunk of records.

    Args:
        before: the keys that are stored; a record of which none are stored may be missing.
        after: the keys that the records have now, of every record of the chunk; () of one that leaves.
    """

    before: Keys
    after: Keys

    @cached_property
    def now(self) -> _Own:
        """Who has a key now."""
        return _Own.of(self.after)

    def most(self, but: Collection[int] = frozenset()) -> dict[int, int]:
        """Return the keys of the chunk, with how many of the stored records of each must be looked up.

        Those are enough to know the other records that share the key, or that these are too many.

        Args:
            but: keys that are left out.
        """
        found = {key: limit_of(key) for own in self.after.values() for key in own if key not in but}
        for own in self.before.values():
            for key in own:
                if key not in but:
                    found[key] = found.get(key, limit_of(key)) + 1
        return found

    def least(self) -> dict[int, int]:
        """Return the keys that matter only if many stored records share them, with how many.

        A key that the chunk only loses proposes no pair of its records. It matters to the others if it was
        too common.
        """
        return {
            key: limit_of(key) + 1
            for own in self.before.values()
            for key in own
            if key not in self.now.first
        }


@dataclass(frozen=True, slots=True)
class Flips:
    """Keys that crossed their limit: key → the records outside the chunk that share it."""

    crowded: dict[int, Sequence[int]]
    freed: dict[int, Sequence[int]]


def outside(chunk: Chunk, stored: Mapping[int, Block]) -> dict[int, Block]:
    """Return the records outside a chunk by key; None where more share the key than may.

    Args:
        chunk: the chunk.
        stored: the stored records that share a key, as many as `Chunk.most` says; None: more.
    """
    found: dict[int, Block] = {}
    for key, records in stored.items():
        others = None if records is None else [r for r in records if r not in chunk.after]
        if others is None or len(others) > limit_of(key):
            found[key] = None
        elif others:
            found[key] = others
    return found


def flips(chunk: Chunk, others: Mapping[int, Block]) -> Flips:
    """Return the keys that the chunk makes too common, and those that it makes rare enough again."""
    was, now = _Own.of(chunk.before), chunk.now
    crowded: dict[int, Sequence[int]] = {}
    freed: dict[int, Sequence[int]] = {}
    for key, beside in others.items():
        if beside is None:
            continue
        room = limit_of(key) - len(beside)
        is_crowded = len(now.holders(key)) > room
        if is_crowded is not (len(was.holders(key)) > room):
            (crowded if is_crowded else freed)[key] = beside
    return Flips(crowded, freed)


def whole(chunk: Chunk, others: Mapping[int, Block]) -> dict[int, Block]:
    """Return who shares a key now, by key: for every key that the chunk had or has and that is shared."""
    found: dict[int, Block] = {}
    for key in {**others, **chunk.now.several}:
        own, beside = chunk.now.holders(key), others.get(key, ())
        if beside is None or len(own) + len(beside) > limit_of(key):
            found[key] = None
        elif len(own) + len(beside) >= _PAIR:
            found[key] = [*own, *beside]
    return found


@dataclass(frozen=True, slots=True)
class Proofs:
    """What proves that a pair is different, without the other record.

    Args:
        names: of records whose pairs are looked for; of one that is missing no pair is left out.
        letters: of the last names of all that share a nameless key; None or missing: not known.
        employers: as `names`, for the other keys that are not a person's own.
        outlines: of the employers of all that share such a key; None or missing: not known.
    """

    names: Mapping[int, Names] = field(default_factory=dict)
    letters: Mapping[int, int | None] = field(default_factory=dict)
    employers: Mapping[int, Employer] = field(default_factory=dict)
    outlines: Mapping[int, int | None] = field(default_factory=dict)


NO_PROOFS = Proofs()


def pairs(
    keys: Keys, blocks: Mapping[int, Block], proofs: Proofs = NO_PROOFS
) -> set[tuple[int, int]]:
    """Return the pairs (lower id, higher id) that share a key, one of them among the records of `keys`.

    Left out are pairs that share nothing but nameless keys, and whose last names are unlike. Pairs with
    different employers are left out if they share no key that may be a person's own.

    Args:
        keys: the records, with the keys that they have now.
        blocks: all records by key; a key that one record alone has may be missing.
        proofs: that pairs are different.
    """
    found: set[tuple[int, int]] = set()
    letters, outlines = proofs.letters.get, proofs.outlines.get
    for record, own in keys.items():
        name, employer = proofs.names.get(record), proofs.employers.get(record)
        if any(key & OWN and blocks.get(key, ()) is None for key in own):
            name = employer = None  # it may have more in common with others than a pair shows
        for key in own:
            block: Iterable[int] = blocks.get(key) or ()
            if key & OWN:
                pass
            elif key & NAMELESS:
                if name:
                    block = [other for other in block if name.may_agree(letters(other))]
            elif employer:
                block = [other for other in block if not employer.is_another(outlines(other))]
            found.update(
                (record, other) if record < other else (other, record)
                for other in block
                if other != record
            )
    return found


def in_one_block(pairs: Iterable[tuple[int, int]], blocks: Iterable[Sequence[int]]) -> set[int]:
    """Return the records of those pairs of which one block holds both."""
    sets = [frozenset(block) for block in blocks]
    return {
        end for a, b in pairs if any(a in block and b in block for block in sets) for end in (a, b)
    }
