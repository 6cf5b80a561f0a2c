"""The key of tombstones: a file of the hub's home, for its owner alone, never in the database.

A backup of the database holds digests that cannot be compared with a value without the key. The key is copied with
the other key files of the home.
"""

from pathlib import Path

from hub.errors import ConfigError
from hub.model.erasure import ErasureKey
from hub.records import key_files


def folder(home: Path) -> Path:
    """Return where the hub keeps what it knows of erased people outside of the database."""
    return home / "erase"


def work_file(home: Path) -> Path:
    """Return the file of an erasure under way; it is there until the erasure ends."""
    return folder(home) / "under-way.json"


def key_file(home: Path) -> Path:
    """Return the file of the key."""
    return folder(home) / "key"


def read_key(home: Path, key_id: str | None) -> ErasureKey:
    """Return the key under which tombstones were made.

    Args:
        home: HUB_HOME.
        key_id: of the key that is wanted; None: any.

    Raises:
        ConfigError: the file is missing or damaged, or holds another key.
    """
    file = key_file(home)
    hint = (
        f"put the copy of {file} back (it belongs to the key files that a backup does not hold); "
        "without it no source can be read, because erased people would come back"
    )
    try:
        secret = key_files.read(file)
    except FileNotFoundError:
        raise ConfigError(f"the key of erased people is missing: {file}", hint=hint) from None
    except (OSError, ValueError) as exc:
        raise ConfigError(f"the key of erased people cannot be read: {file}", hint=hint) from exc
    key = ErasureKey(secret)
    if len(secret) != key_files.BYTES or (key_id is not None and key.id != key_id):
        raise ConfigError(f"{file} is not the key under which people were erased", hint=hint)
    return key


def make_key(home: Path) -> ErasureKey:
    """Return the key of the home; a new one where there is no file yet.

    Raises:
        ConfigError: the file cannot be written, or holds no key.
    """
    file = key_file(home)
    if not file.exists():
        try:
            key_files.make(file)
        except OSError as exc:
            raise ConfigError(
                f"cannot write {file}: {exc.strerror}", hint="HUB_HOME must be a folder of yours"
            ) from exc
    return read_key(home, None)
