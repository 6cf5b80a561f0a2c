"""The receipt of an erasure: counts and moments, and no value of the person. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased.

    Args:
        erasure: the number under which its tombstones are kept.
        batch: the batch of kind `erase`; None of a dry run.
        at: when it was done.
        who: who asked for it.
        dry_run: whether nothing was changed.
        people: how many people in the CRM were that person.
        objects: how many objects of which source's stream; names of sources, counts.
        removed: rows that were deleted or emptied, by table.
        mentions: rows of others out of which mentions were taken, by table.
        files: files out of which mentions were taken.
        tombstones: how many digests keep the person out, by kind.
        left: rows that still mention the person, by table.
        left_files: files that people wrote and that still mention the person.
        backups: backups from before; they hold the person until they are deleted.
        complete: whether no table or file of the hub mentions the person any more.
    """

    erasure: str
    batch: int | None
    at: datetime
    who: str
    dry_run: bool
    people: int
    objects: Mapping[str, int]
    removed: Mapping[str, int]
    mentions: Mapping[str, int]
    files: tuple[str, ...]
    tombstones: Mapping[str, int]
    left: Mapping[str, int]
    left_files: tuple[str, ...] = ()
    backups: tuple[str, ...] = ()
    complete: bool = field(init=False)

    def __post_init__(self) -> None:
        """Derive what the receipt proves."""
        object.__setattr__(self, "complete", not self.left)

    def document(self) -> dict[str, Any]:
        """Return what the batch keeps."""
        return {**asdict(self), "at": self.at.isoformat()}
