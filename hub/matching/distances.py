"""How far two short texts are apart: rapidfuzz, which is loaded with the first comparison.

Loading it takes a tenth of a command's time, and a record that resembles none needs no distance. Pure.
"""

from functools import cache
from typing import Any


@cache
def _loaded() -> Any:
    from rapidfuzz import distance  # noqa: PLC0415 slow to load

    return distance


def edits(one: str, other: str, most: int | None = None) -> int:
    """Return the edits between two texts, a swap of neighbours counting as one.

    Args:
        one: a text.
        other: a text.
        most: a greater distance is returned as `most + 1`; None knows no such limit.
    """
    return int(_loaded().OSA.distance(one, other, score_cutoff=most))


def likeness(one: str, other: str) -> float:
    """Return the similarity of Jaro and Winkler, 0 to 1: beginnings count for more than ends."""
    return float(_loaded().JaroWinkler.similarity(one, other))


def share(one: str, other: str) -> float:
    """Return the share of a text that no edit touches, 0 to 1."""
    return float(_loaded().OSA.normalized_similarity(one, other))
