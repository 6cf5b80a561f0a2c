"""Match keys as numbers: a key is stored and looked up as its hash.

A hash takes eight bytes, however long the key is. Two keys may have one hash. Such a hash proposes pairs
of records that share no key, and every proposed pair is judged by its records.
"""

from collections.abc import Iterable
from hashlib import blake2b
from struct import unpack

from hub.matching.keys import CANDIDATE_LIMIT, LIMITS
from hub.model.key_marks import LIMIT, NAMELESS, OWN

_NAMELESS_KINDS = ("first_company", "street_initial")
_OWN_KINDS = ("email", "phone", "phone_surname", "local")
_LOWEST = 0xFF
_MARKED = {
    kind: LIMITS.get(kind, CANDIDATE_LIMIT) | mark
    for mark, kinds in ((0, LIMITS), (NAMELESS, _NAMELESS_KINDS), (OWN, _OWN_KINDS))
    for kind in kinds
}


def hashed(kind: str, value: str, lowest: int) -> int:
    """Return the hash of a key: a signed number of 64 bits, the same in every process.

    Args:
        kind: of the key.
        value: of the key.
        lowest: the lowest eight bits: how many records may share the key, a multiple of four, and its
            marks. So a stored hash shows both, also when no record has the key any more.
    """
    key = b"%b\0%b" % (kind.encode(), value.encode("utf-8", "surrogatepass"))
    number = int.from_bytes(blake2b(key, digest_size=8).digest(), "big", signed=True)
    return number & ~_LOWEST | lowest


def hashes(keys: Iterable[tuple[str, str]]) -> tuple[int, ...]:
    """Return the distinct hashes of keys of people (kind, value), sorted.

    Each is the result of `hashed`; the digests of all keys become numbers in one step.
    """
    some = [*keys]
    digests = [
        blake2b(f"{kind}\0{value}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for kind, value in some
    ]
    numbers = unpack(f">{len(some)}q", b"".join(digests))
    lowest = [_MARKED.get(kind, CANDIDATE_LIMIT) for kind, _ in some]
    return tuple(sorted({n & ~_LOWEST | low for n, low in zip(numbers, lowest, strict=True)}))


def limit_of(key_hash: int) -> int:
    """Return how many records may share a key before it stops proposing pairs."""
    return key_hash & LIMIT
