"""The report of `hub dedupe`: one HTML file that needs nothing else.

In: a result. Out: HTML with counts, the biggest clusters and the pairs a person should look at,
each with the waterfall of its weights. Every value of the file is escaped.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from hub.cli.dedupe import Result
from hub.cli.html import page, waterfall, write_page
from hub.matching.clusters import Edge
from hub.matching.scoring import score

_CLUSTERS = 25
_PAIRS = 200
_MEMBERS = 50


def write_report(path: Path, result: Result) -> None:
    """Write the report.

    Raises:
        ConfigError: the file cannot be written.
    """
    write_page(path, render(result))


def render(result: Result) -> str:
    """Return the report as HTML."""
    title = f"Duplicates among {len(result.table.rows):,} rows"
    return page(title, f"{_counts(result)}{_clusters(result)}{_reviews(result)}")


def _counts(result: Result) -> str:
    found = result.summary()
    lines = [
        ("rows", found.rows), ("people", found.clusters),
        ("rows that repeat a person", found.duplicates),
        ("pairs joined", found.pairs_merged), ("pairs to look at", found.pairs_to_review),
        ("rows of the largest cluster", found.largest_cluster),
    ]  # fmt: skip
    used = "; ".join(f"{name}: {', '.join(cols)}" for name, cols in found.columns.items())
    rows = "".join(f'<tr><th>{k}</th><td class="n">{v:,}</td></tr>' for k, v in lines)
    return (
        f'<table>{rows}</table><p class="note">Columns used: {escape(used)}. '
        f"Model {escape(found.model)}.</p>"
    )


def _clusters(result: Result) -> str:
    several = sorted((c for c in result.resolution.clusters if len(c) > 1), key=lambda c: -len(c))
    parts = ["<h2>The biggest clusters</h2>"]
    if not several:
        parts.append('<p class="note">No two rows are one person.</p>')
    for members in several[:_CLUSTERS]:
        more = f" (the first {_MEMBERS})" if len(members) > _MEMBERS else ""
        parts.append(f"<p>{len(members)} rows{more}</p>{_rows(result, members[:_MEMBERS])}")
    return "".join(parts)


def _reviews(result: Result) -> str:
    pairs = sorted(result.resolution.reviews, key=lambda e: (-e.weight, e.a, e.b))
    parts = ["<h2>Pairs to look at</h2>"]
    if not pairs:
        parts.append('<p class="note">None.</p>')
    elif len(pairs) > _PAIRS:
        parts.append(f'<p class="note">The {_PAIRS} weightiest of {len(pairs):,}.</p>')
    parts += [_pair(result, e) for e in pairs[:_PAIRS]]
    return "".join(parts)


def _pair(result: Result, e: Edge) -> str:
    a, b = int(e.a), int(e.b)
    model = result.resolution.model
    scored = score(result.views[a], result.views[b], model)
    return f"{_rows(result, [a, b])}{waterfall(scored.reasons, model.same)}"


def _rows(result: Result, members: Sequence[int]) -> str:
    shown = [i for i, h in enumerate(result.table.headers) if h]
    head = "".join(f"<th>{escape(result.table.headers[i])}</th>" for i in shown)
    body = "".join(
        f'<tr><td class="n">{row}</td>'
        + "".join(f"<td>{escape(_cell(result.table.rows[row], i))}</td>" for i in shown)
        + "</tr>"
        for row in members
    )
    return f'<div class="wrap"><table><tr><th>row</th>{head}</tr>{body}</table></div>'


def _cell(row: Sequence[str], i: int) -> str:
    return row[i] if i < len(row) else ""
