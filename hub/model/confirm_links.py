"""The link by which a person confirms a consent: what it holds, and what proves that the hub made it. Pure.

A link names a submission by its reference, and holds no value of a person. Its signature is an HMAC, so no
link can be guessed, and a changed one is no link.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LIFETIME = timedelta(days=7)
"""How long a link works after the submission."""
LANGUAGES = ("en", "fr")
"""Languages of the form, of its mail and of its pages; the first is the usual one."""
_TOKEN = re.compile(r"([0-9a-f]{16})\.([a-z]{2})\.([0-9]{1,11})\.([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class ConfirmLink:
    """What a link says.

    Args:
        reference: of the submission.
        language: in which its pages are shown.
        expires_at: from this second on it does nothing.
    """

    reference: str
    language: str
    expires_at: datetime

    def is_expired(self, now: datetime) -> bool:
        """Tell whether it has expired."""
        return now >= self.expires_at


def written(link: ConfirmLink, key: bytes) -> str:
    """Return the last part of the link's address."""
    said = f"{link.reference}.{link.language}.{int(link.expires_at.timestamp())}"
    return f"{said}.{_signature(said, key)}"


def read(token: str, key: bytes) -> ConfirmLink | None:
    """Return what the last part of an address says; None if the hub has not made it."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        return None
    reference, language, expires, signature = found.groups()
    made = _signature(f"{reference}.{language}.{expires}", key)
    if language not in LANGUAGES or not hmac.compare_digest(made, signature):
        return None
    return ConfirmLink(reference, language, datetime.fromtimestamp(int(expires), UTC))


def pseudonym(kind: str, value: str, key: bytes) -> str:
    """Return a word that stands for a value, and that nobody without the key can undo.

    Args:
        kind: of the value; the same text of two kinds has two words.
        value: such as the network of a client.
        key: of the hub's links.
    """
    return hmac.new(key, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()[:16]


def _signature(said: str, key: bytes) -> str:
    digest = hmac.new(key, f"confirm:{said}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
