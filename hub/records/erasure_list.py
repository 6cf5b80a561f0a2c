"""The list of tombstones beside the key: what a restored backup has forgotten.

One line of JSON for each tombstone: erasure, at, kind, key and digest. The file holds digests only. It is
written before the database, so it never has less.
"""

import json
import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from hub.errors import ConfigError
from hub.model.erasure import TombstoneKind
from hub.records import tombstones
from hub.records.erasure_key import folder
from hub.records.tombstones import Tombstone


def list_file(home: Path) -> Path:
    """Return the file of the list."""
    return folder(home) / "tombstones.jsonl"


def append(home: Path, new: Iterable[Tombstone]) -> None:
    """Add tombstones to the list, on the disk when this returns."""
    lines = [
        json.dumps(
            {"erasure": t.erasure, "at": t.at.isoformat(), "kind": t.kind.value, "key": t.key_id,
             "digest": t.digest.hex()}
        )
        for t in new
    ]  # fmt: skip
    handle = os.open(list_file(home), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "a", encoding="ascii") as out:
        out.write("".join(f"{line}\n" for line in lines))
        out.flush()
        os.fsync(out.fileno())


def read(home: Path) -> list[Tombstone]:
    """Return the list, in the order of the erasures; a line that a kill cut off is ignored.

    Raises:
        ConfigError: a line is damaged.
    """
    file = list_file(home)
    if not file.exists():
        return []
    lines = file.read_text(encoding="ascii", errors="replace").split("\n")
    return [_read(file, line) for line in lines[:-1] if line]


def _read(file: Path, line: str) -> Tombstone:
    try:
        said = json.loads(line)
        return Tombstone(
            bytes.fromhex(said["digest"]),
            TombstoneKind(said["kind"]),
            said["erasure"],
            said["key"],
            datetime.fromisoformat(said["at"]),
        )
    except (ValueError, KeyError, TypeError) as exc:
        raise ConfigError(
            f"{file} is damaged", hint="put the copy of it back, with the key beside it"
        ) from exc


def bring_back(conn: Connection, home: Path) -> int:
    """Give the database the tombstones that it lacks: those made after its backup; returns how many."""
    listed = read(home)
    known = tombstones.known(conn, [t.digest for t in listed])
    missing: Sequence[Tombstone] = [t for t in listed if t.digest not in known]
    return tombstones.add(conn, missing)
