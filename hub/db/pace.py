"""How much work one transaction takes, so that it holds its locks as long as it should."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


def slices(of: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield so many at a time."""
    return (of[start : start + size] for start in range(0, len(of), size))


@dataclass(slots=True)
class Pace:
    """A size that shrinks to half after a piece that took too long, and grows after a short one.

    Args:
        size: of the next piece.
        least: a smaller size does not make a piece shorter.
        most: the largest size.
        short_s: a piece that takes less, in seconds, is short.
        long_s: a piece that takes more takes too long.
        growth: what the size is multiplied by after a short piece.
    """

    size: int
    least: int
    most: int
    short_s: float
    long_s: float
    growth: float

    def took(self, seconds: float) -> None:
        """Learn how long the last piece took."""
        if seconds > self.long_s:
            self.size = min(self.most, max(self.least, self.size // 2))
        elif seconds < self.short_s:
            self.size = min(self.most, int(self.size * self.growth))
