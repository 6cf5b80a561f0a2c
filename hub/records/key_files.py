"""Keys of the hub's home that no database holds: files of 32 random bytes, in hexadecimal, for their owner alone.

Not here: what a key is for, and what a missing one means (`hub.records.erasure_key`, `hub.records.link_key`,
`hub.records.hook_key`).
"""

import os
import secrets
import tempfile
from pathlib import Path

from hub.errors import ConfigError

BYTES = 32


def make(file: Path) -> None:
    """Write a new key; of two processes at once the first one wins, and a reader sees a whole file.

    Raises:
        OSError: it cannot be written.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent)  # for its owner alone
    try:
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(BYTES) + "\n")
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(name, file)
        except FileExistsError:
            return
    finally:
        Path(name).unlink()


def read(file: Path) -> bytes:
    """Return what a file holds.

    Raises:
        OSError, ValueError: it cannot be read, or is not hexadecimal.
    """
    return bytes.fromhex(file.read_text(encoding="ascii").strip())


def kept(file: Path, what: str, then: str) -> bytes:
    """Return the key of a file; a new one where there is no file yet.

    Args:
        file: of the key.
        what: the key, for messages: `the key of confirmation links`.
        then: what a new key would mean, for messages.

    Raises:
        ConfigError: the file cannot be written or read, or holds no key.
    """
    try:
        if not file.exists():
            make(file)
        key = read(file)
    except (OSError, ValueError) as exc:
        raise ConfigError(
            f"{what} cannot be used: {file}",
            hint=f"make the file readable, or delete it: {then}",
        ) from exc
    if len(key) != BYTES:
        raise ConfigError(f"{file} holds no key", hint=f"delete it: {then}")
    return key
