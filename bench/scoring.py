"""How good a clustering is against the truth: pairwise and B-cubed precision, recall, F1."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quality:
    """Shares between 0 and 1."""

    precision: float
    recall: float
    f1: float
    b_cubed: float


def quality(truth: Sequence[Hashable], found: Sequence[Hashable]) -> Quality:
    """Compare two labels of every record: who it is, and the cluster it was put in."""
    both = Counter(zip(truth, found, strict=True))
    true_sizes, found_sizes = Counter(truth), Counter(found)
    right = sum(n * (n - 1) for n in both.values())
    precision = right / (sum(n * (n - 1) for n in found_sizes.values()) or 1)
    recall = right / (sum(n * (n - 1) for n in true_sizes.values()) or 1)
    b_precision = sum(n * n / found_sizes[f] for (_, f), n in both.items()) / len(truth)
    b_recall = sum(n * n / true_sizes[t] for (t, _), n in both.items()) / len(truth)
    return Quality(
        precision, recall, _harmonic(precision, recall), _harmonic(b_precision, b_recall)
    )


def _harmonic(a: float, b: float) -> float:
    return 2 * a * b / (a + b) if a + b else 0.0
