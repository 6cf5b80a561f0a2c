"""Match keys as numbers: a key is stored and looked up as its hash.

A hash takes eight bytes, however long the key is. Two keys may have one hash. Such a hash proposes pairs
of records that share no key, and every proposed pair is judged by its records.
"""

from collections.abc import Iterable
from hashlib import blake2b

from hub.matching.keys import CANDIDATE_LIMIT, LIMITS

_LIMIT_BITS = 8
_LIMIT_MASK = (1 << _LIMIT_BITS) - 1


def hashed(kind: str, value: str, limit: int) -> int:
    """Return the hash of a key: a signed number of 64 bits, the same in every process.

    Args:
        kind: of the key.
        value: of the key.
        limit: how many records may share a key of this kind, 1 to 255. It stands in the lowest eight bits:
            a stored hash tells its limit, also when nobody has the key any more.
    """
    key = b"%b\0%b" % (kind.encode(), value.encode("utf-8", "surrogatepass"))
    number = int.from_bytes(blake2b(key, digest_size=8).digest(), "big", signed=True)
    return number & ~_LIMIT_MASK | limit


def hashes(keys: Iterable[tuple[str, str]]) -> tuple[int, ...]:
    """Return the hashes of keys of people (kind, value), sorted, each once."""
    limits = LIMITS
    return tuple(
        sorted({hashed(kind, value, limits.get(kind, CANDIDATE_LIMIT)) for kind, value in keys})
    )


def limit_of(key_hash: int) -> int:
    """Return how many records may share a key before it stops proposing pairs."""
    return key_hash & _LIMIT_MASK
