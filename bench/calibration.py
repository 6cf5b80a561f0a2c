"""Is a weight correct? Bits against the share of true pairs, on seeds that no tuning used.

    python -m bench.calibration            writes docs/calibration.svg, prints the table and the ECE

A pair of weight w claims the probability 2^w / (1 + 2^w). Pairs are those the matcher judges same or
unsure; the expected calibration error is the mean distance of claim and truth over bins of one bit,
weighed by their pairs. The plot shows bins of twenty pairs and more.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.matching import generated
from hub.matching.bulk import resolve
from hub.matching.columns import guess, views

SVG = Path(__file__).parents[1] / "docs/calibration.svg"
_SEEDS = (1201, 1202, 1203)
_FEWEST = 20
_LOW, _HIGH = 0, 12
_LEFT, _TOP, _WIDTH, _HEIGHT = 50, 20, 480, 240


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs whose weight is from `bits` up to one more."""

    bits: int
    pairs: int
    claimed: float
    true: float


def probability(weight: float) -> float:
    """Return what a weight claims."""
    return 1 / (1 + 2.0**-weight)


def bins(judged: Sequence[tuple[float, bool]]) -> list[Bin]:
    """Return judged pairs by whole bits; the ends take what lies beyond."""
    found: defaultdict[int, list[tuple[float, bool]]] = defaultdict(list)
    for weight, is_true in judged:
        found[min(max(int(weight // 1), _LOW), _HIGH)].append((probability(weight), is_true))
    return [
        Bin(
            bits,
            len(some),
            sum(p for p, _ in some) / len(some),
            sum(t for _, t in some) / len(some),
        )
        for bits, some in sorted(found.items())
    ]


def error(found: Sequence[Bin]) -> float:
    """Return the expected calibration error."""
    return sum(b.pairs * abs(b.claimed - b.true) for b in found) / sum(b.pairs for b in found)


def judged_pairs(seed: int, records: int) -> list[tuple[float, bool]]:
    """Return weight and truth of every pair judged on generated people."""
    data = generated(seed, records)
    found = resolve(list(views(data.rows, guess(data.headers, data.rows))))
    return [(e.weight, data.truth[int(e.a)] == data.truth[int(e.b)]) for e in found.edges]


def drawn(found: Sequence[Bin], about: str) -> str:
    """Return the plot as SVG: the claimed curve, and one dot a bin."""

    def x(bits: float) -> float:
        return round(_LEFT + _WIDTH * (bits - _LOW) / (_HIGH + 1 - _LOW), 1)

    def y(share: float) -> float:
        return round(_TOP + _HEIGHT * (1 - share), 1)

    curve = " ".join(f"{x(b / 4)},{y(probability(b / 4))}" for b in range(4 * _LOW, 4 * _HIGH + 5))
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 320" font-family="sans-serif" font-size="11">',
        f"<title>Calibration: {about}</title>",
        '<rect width="560" height="320" fill="#fff"/>',
    ]
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(f'<path d="M{_LEFT} {y(share)}h{_WIDTH}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y(share) + 4}" text-anchor="end">{share:g}</text>')
    parts += [
        f'<text x="{x(bits)}" y="{_TOP + _HEIGHT + 16}" text-anchor="middle">{bits}</text>'
        for bits in range(_LOW, _HIGH + 1, 2)
    ]
    parts.append(f'<path d="M{x(3)} {_TOP}v{_HEIGHT}" stroke="#999" stroke-dasharray="4 3"/>')
    parts.append(f'<text x="{x(3) + 4}" y="{_TOP + _HEIGHT - 6}" fill="#666">same</text>')
    parts.append(f'<polyline points="{curve}" fill="none" stroke="#36c"/>')
    for b in found:
        if b.pairs >= _FEWEST:
            size = round(2 + min(b.pairs, 4000) ** 0.5 / 12, 1)
            parts.append(
                f'<circle cx="{x(b.bits + 0.5)}" cy="{y(b.true)}" r="{size}" fill="#c63" fill-opacity=".8"/>'
            )
    parts.append(
        f'<text x="{_LEFT}" y="{_TOP + _HEIGHT + 36}">bits (the last: {_HIGH} and more); line: claimed, dots: share of true pairs</text>'
    )
    parts.append(f'<text x="{_LEFT}" y="{_TOP + _HEIGHT + 52}" fill="#666">{about}</text>')
    return "\n".join([*parts, "</svg>", ""])


def main() -> None:
    """Judge generated people, print the table and write the plot."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    options.add_argument("--records", type=int, default=10_000)
    options.add_argument("--seeds", default=",".join(map(str, _SEEDS)))
    options.add_argument("--svg", type=Path, default=SVG)
    chosen = options.parse_args()
    judged = [p for s in chosen.seeds.split(",") for p in judged_pairs(int(s), chosen.records)]
    found = bins(judged)
    print(f"{'bits':>6} {'pairs':>7} {'claimed':>8} {'true':>6}")
    for b in found:
        print(f"{b.bits:>6} {b.pairs:>7} {b.claimed:>8.3f} {b.true:>6.3f}")
    about = (
        f"seeds {chosen.seeds}, {len(judged)} pairs, expected calibration error {error(found):.4f}"
    )
    print(about)
    chosen.svg.write_text(drawn(found, about), encoding="utf-8")


if __name__ == "__main__":
    main()
