"""The key of the links that confirm a consent: a file of the hub's home, never in the database.

The gateway and the worker of a home share it. A new key makes the links of open mails useless, and nothing else.
Where the gateway and the worker have two homes, both need the same file.
"""

from functools import lru_cache
from pathlib import Path

from hub.records import key_files


def key_file(home: Path) -> Path:
    """Return the file of the key."""
    return home / "links" / "key"


@lru_cache(maxsize=8)
def link_key(home: Path) -> bytes:
    """Return the key of the home; a new one where there is no file yet.

    Raises:
        ConfigError: the file cannot be written or read, or holds no key.
    """
    return key_files.kept(
        key_file(home),
        "the key of confirmation links",
        "a new key ends the links of open mails",
    )
