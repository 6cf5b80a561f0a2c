"""The secrets of subscriptions: each is derived from a key of the hub's home, and none is in the database.

So a copy of the database cannot sign in the name of the hub. The gateway and the worker of a home share the key.
Where they have two homes, both need the same file. A new key changes all secrets.
"""

import hashlib
import hmac
from functools import lru_cache
from pathlib import Path

from hub.records import key_files


def key_file(home: Path) -> Path:
    """Return the file of the key."""
    return home / "subscriptions" / "key"


@lru_cache(maxsize=8)
def _home_key(home: Path) -> bytes:
    return key_files.kept(
        key_file(home),
        "the key of subscriptions",
        "a new key changes the secrets of all subscriptions",
    )


def secret_key(home: Path, subscription_id: int, version: int) -> bytes:
    """Return the key that signs for a subscription: 32 bytes.

    Args:
        home: of the hub.
        subscription_id: the subscription.
        version: of its secret.

    Raises:
        ConfigError: the file of the key cannot be written or read, or holds no key.
    """
    said = f"subscription:{subscription_id}:{version}".encode("ascii")
    return hmac.digest(_home_key(home), said, hashlib.sha256)
