"""The size of a transaction's work, chosen so that it holds its locks for a given time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


def slices(of: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield slices of a given size."""
    return (of[start : start + size] for start in range(0, len(of), size))


@dataclass(slots=True)
class Pace:
    """A size that shrinks to half after a piece that took too long, and grows after a short one.

    Args:
        size: size of the next piece.
        least: the smallest size; less does not make a piece shorter.
        most: the largest size.
        short_s: a piece of fewer seconds is short.
        long_s: a piece of more seconds is too long.
        growth: factor of the size after a short piece.
    """

    size: int
    least: int
    most: int
    short_s: float
    long_s: float
    growth: float

    def took(self, seconds: float) -> None:
        """Adjust the size to the duration of the last piece."""
        if seconds > self.long_s:
            self.size = min(self.most, max(self.least, self.size // 2))
        elif seconds < self.short_s:
            self.size = min(self.most, int(self.size * self.growth))
