"""The results of a merge and an unmerge, of people and of companies."""

from hub.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Merged:
    """Entities that are one now: `absorbed` points to `survivor`."""

    survivor: int
    absorbed: int


@dataclass(frozen=True, slots=True)
class Unmerged:
    """Entities that were one."""

    stayed: int
    left: int
