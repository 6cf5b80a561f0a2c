"""The remaining data of an erased person: keyed digests of normal forms. Pure.

In: the key, and a normal form. Out: a digest; only with the key can it be compared with a value. Not
here: where the key is (`hub.records.erasure_key`), and which forms a person has (`hub.etl.erased_forms`).
"""

import hmac
from enum import StrEnum
from hashlib import sha256

from hub.frozen import dataclass

ERASED_PREFIX = "erased:"
"""How the id of an erased object begins; digits of its digest follow."""
_ID_BYTES = 16


class TombstoneKind(StrEnum):
    """What a tombstone is of. The digest of each kind is another, for the same text."""

    EMAIL = "email"
    """An e-mail address that was one person's own."""
    PHONE = "phone"
    """A number that was one person's own."""
    TAIL = "tail"
    """The end of such a number. It finds the number in running text."""
    RECORD = "record"
    """An object of a source: source, stream, the vendor's id."""
    NAMED = "named"
    """An address or number of several people, together with the person's name."""
    SHARED = "shared"
    """Such an address alone: it blocks no record, and stays shared when the others are erased as well."""


@dataclass(frozen=True, slots=True)
class ErasureKey:
    """The secret under which digests are made; 32 random bytes."""

    secret: bytes

    def digest(self, kind: TombstoneKind, *parts: str) -> bytes:
        """Return the digest (32 bytes) of a normal form."""
        text = "\0".join((kind.value, *parts)).encode("utf-8", "surrogatepass")
        return hmac.digest(self.secret, text, sha256)

    def erased_id(self, source: str, stream: str, source_id: str) -> str:
        """Return the name under which the ledger keeps an erased object; the same one each time."""
        found = self.digest(TombstoneKind.RECORD, source, stream, source_id)
        return f"{ERASED_PREFIX}{found[:_ID_BYTES].hex()}"

    @property
    def id(self) -> str:
        """Return a mark that differs between keys and reveals neither."""
        return hmac.digest(self.secret, b"which key", sha256)[:8].hex()
