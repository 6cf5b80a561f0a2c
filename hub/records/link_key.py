"""The key of the links that confirm a consent: a file of the hub's home, never in the database.

The gateway and the worker of a home share it. A new key makes the links of open mails useless, and nothing else.
Where the gateway and the worker have two homes, both need the same file.
"""

import os
import secrets
import tempfile
from functools import lru_cache
from pathlib import Path

from hub.errors import ConfigError

_BYTES = 32


def key_file(home: Path) -> Path:
    """Return the file of the key."""
    return home / "links" / "key"


@lru_cache(maxsize=8)
def link_key(home: Path) -> bytes:
    """Return the key of the home; a new one where there is no file yet.

    Raises:
        ConfigError: the file cannot be written or read, or holds no key.
    """
    file = key_file(home)
    try:
        if not file.exists():
            _make(file)
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as exc:
        raise ConfigError(
            f"the key of confirmation links cannot be used: {file}",
            hint="make the file readable, or delete it: a new key ends the links of open mails",
        ) from exc
    if len(key) != _BYTES:
        raise ConfigError(
            f"{file} holds no key", hint="delete it: a new key ends the links of open mails"
        )
    return key


def _make(file: Path) -> None:
    """Write a new key; of two processes at once the first one wins, and a reader sees a whole file."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent)  # for its owner alone
    try:
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(_BYTES) + "\n")
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(name, file)
        except FileExistsError:
            return
    finally:
        Path(name).unlink()
