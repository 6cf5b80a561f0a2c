"""What a status needs of the mappings: versions and fields, without the documents being read and checked.

In: the folders of the mappings, and the home. Out: a summary by name. The summaries are kept in a file of the
home under a digest of all documents and of the program's mapping code. A document that changes is read again.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path

from hub.frozen import dataclass
from hub.mappings.folders import ANSWERS, HERE, documents

_FILE = Path("cache") / "mappings.json"


@dataclass(frozen=True, slots=True)
class MappingSummary:
    """What a mapping document is.

    Args:
        version: of the document and of the engine.
        fields: the canonical fields that it fills, sorted.
    """

    version: str
    fields: tuple[str, ...]


def summaries(folder: Path | None, home: Path) -> Mapping[str, MappingSummary]:
    """Return a summary of every mapping by name.

    Args:
        folder: the user's mappings; None where there is no such folder.
        home: of the hub; one that cannot be written only makes the next call slower.

    Raises:
        ConfigError: a document is wrong; the message has the file and the line.
    """
    files = documents(folder)
    answers = {str(one): one for one in sorted(folder.glob(f"*/{ANSWERS}"))} if folder else {}
    digest, file = _digest({**files, **answers}), home / _FILE
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(file.read_text("utf-8"))
        if kept["digest"] == digest:
            return {name: MappingSummary(v, tuple(f)) for name, (v, f) in kept["of"].items()}
    made = _made(folder)
    with suppress(OSError):
        _keep(file, digest, made)
    return made


def _digest(files: Mapping[str, Path]) -> str:
    """Return a digest of all documents, and of the size and time of each file of the mapping code."""
    found = hashlib.sha256()
    for path in sorted(HERE.glob("*.*")):
        state = path.stat()
        found.update(f"{path.name} {state.st_size} {state.st_mtime_ns}\n".encode())
    for name, path in files.items():
        body = path.read_bytes()
        found.update(f"{name} {path} {len(body)}\n".encode() + body)
    return found.hexdigest()


def _made(folder: Path | None) -> Mapping[str, MappingSummary]:
    from hub.mappings.loader import load_all  # noqa: PLC0415 costs more than all else of a status

    return {
        name: MappingSummary(document.version, document.filled)
        for name, document in load_all(folder).items()
    }


def _keep(file: Path, digest: str, made: Mapping[str, MappingSummary]) -> None:
    """Write the file as a whole: another process reads the former one or this one."""
    file.parent.mkdir(exist_ok=True)
    new = file.with_name(f"{file.name}.{os.getpid()}")
    new.write_text(json.dumps({"digest": digest, "of": {n: astuple(s) for n, s in made.items()}}))
    new.replace(file)
