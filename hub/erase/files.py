"""Take a person out of the files of the hub's home: logs, mail, what Dagster keeps in files.

A mention is overwritten in place by as many stars, so that a process can keep writing into the
file. Backups cannot be rewritten; they are named. Files that people wrote (settings, mappings,
tables) are named too, where they mention the person.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PASSED_OVER = ("pg", "backups", "erase")
_WRITTEN_BY_PEOPLE = {".yaml", ".yml", ".csv", ".xlsx", ".env", ".toml"}
_MOST = 512 << 20
"""Bytes of a file that is searched; a larger one is named."""


@dataclass(frozen=True, slots=True)
class Files:
    """What became of the files.

    Args:
        rewritten: files out of which mentions were taken.
        left: files that mention the person, or may do so, and that people look after.
        backups: backups of the database, written before the erasure.
    """

    rewritten: tuple[str, ...]
    left: tuple[str, ...]
    backups: tuple[str, ...]


def rewrite(home: Path, pattern: str | None, *, dry_run: bool = False) -> Files:
    """Overwrite every mention in the files of a home; with `dry_run` only look."""
    rewritten: list[str] = []
    left: list[str] = []
    found = re.compile(pattern.encode(), re.IGNORECASE) if pattern else None
    for file in _files(home) if found else ():
        assert found is not None  # noqa: S101 for the type
        name = str(file.relative_to(home))
        if file.stat().st_size > _MOST:
            left.append(name)
        elif file.suffix in _WRITTEN_BY_PEOPLE:
            if found.search(file.read_bytes()):
                left.append(name)
        elif _overwrite(file, found, dry_run=dry_run):
            rewritten.append(name)
    backups = sorted(str(one) for one in (home / "backups").glob("*.dump"))
    return Files(tuple(rewritten), tuple(left), tuple(backups))


def _files(home: Path) -> Iterator[Path]:
    for file in sorted(home.rglob("*")):
        if file.relative_to(home).parts[0] in _PASSED_OVER or file.is_symlink():
            continue
        if file.is_file():
            yield file


def _overwrite(file: Path, found: re.Pattern[bytes], *, dry_run: bool) -> bool:
    spans = [m.span() for m in found.finditer(file.read_bytes())]
    if spans and not dry_run:
        with file.open("r+b") as out:
            for start, end in spans:
                out.seek(start)
                out.write(b"*" * (end - start))
    return bool(spans)
