"""The report of `hub dedupe`: one HTML file that needs nothing else.

In: a result. Out: HTML with counts, the biggest clusters and the pairs a person should look at,
each with the waterfall of its weights. Every value of the file is escaped.
"""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from hub.cli.dedupe import Result
from hub.errors import ConfigError
from hub.matching.clusters import Edge
from hub.matching.scoring import Scored, score

_CLUSTERS = 25
_PAIRS = 200
_MEMBERS = 50
_WIDTH = 560
_ROW = 20
_LABEL = 200
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1100px;padding:0 1rem;color:#1b1f24}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}
table{border-collapse:collapse;font-size:13px;margin:.4rem 0 1rem}td,th{border:1px solid #d5d9de;
padding:3px 8px;text-align:left;vertical-align:top}th{background:#f3f5f7}
.wrap{overflow-x:auto}.n{font-variant-numeric:tabular-nums}.note{color:#57606a}
svg text{font:12px system-ui,sans-serif;fill:#1b1f24}
"""


def write_report(path: Path, result: Result) -> None:
    """Write the report.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        path.write_text(render(result), encoding="utf-8", errors="replace")
    except OSError as exc:
        raise ConfigError(f"cannot write {path}: {exc.strerror}") from exc


def render(result: Result) -> str:
    """Return the report as HTML."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Duplicates</title>'
        f"<style>{_STYLE}</style></head><body><h1>Duplicates among "
        f"{len(result.table.rows):,} rows</h1>"
        f"{_counts(result)}{_clusters(result)}{_reviews(result)}</body></html>\n"
    )


def _counts(result: Result) -> str:
    found = result.summary()
    lines = [
        ("rows", found["rows"]), ("people", found["clusters"]),
        ("rows that repeat a person", found["duplicates"]),
        ("pairs joined", found["pairs_merged"]), ("pairs to look at", found["pairs_to_review"]),
        ("rows of the largest cluster", found["largest_cluster"]),
    ]  # fmt: skip
    used = "; ".join(f"{name}: {', '.join(cols)}" for name, cols in found["columns"].items())
    rows = "".join(f'<tr><th>{k}</th><td class="n">{v:,}</td></tr>' for k, v in lines)
    return (
        f'<table>{rows}</table><p class="note">Columns used: {escape(used)}. '
        f"Model {escape(str(found['model']))}.</p>"
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
    return f"{_rows(result, [a, b])}{waterfall(scored, model.same)}"


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


def waterfall(scored: Scored, same_at: float) -> str:
    """Return the weights of a pair as an inline SVG: each bar starts where the last one ended."""
    steps: list[tuple[str, float, float]] = []
    level = 0.0
    for reason, bits in scored.reasons:
        steps.append((reason, level, level + bits))
        level += bits
    steps.append(("weight", 0.0, level))
    low = min(0.0, *(min(s, e) for _, s, e in steps))
    high = max(same_at, *(max(s, e) for _, s, e in steps))
    scale = _WIDTH / ((high - low) or 1.0)
    height = _ROW * len(steps) + 8
    bars = []
    for n, (name, start, end) in enumerate(steps):
        x, width = _LABEL + (min(start, end) - low) * scale, max(abs(end - start) * scale, 1)
        colour = "#57606a" if name == "weight" else ("#2da44e" if end >= start else "#cf222e")
        y = n * _ROW + 4
        bars.append(
            f'<text x="0" y="{y + 13}">{escape(name)}</text>'
            f'<rect x="{x:.1f}" y="{y + 2}" width="{width:.1f}" height="{_ROW - 6}" fill="{colour}"/>'
            f'<text x="{_LABEL + _WIDTH + 8}" y="{y + 13}">{end - start:+.1f}</text>'
        )
    line = _LABEL + (same_at - low) * scale
    return (
        f'<svg role="img" aria-label="weights of the pair" width="{_LABEL + _WIDTH + 60}" '
        f'height="{height}"><line x1="{line:.1f}" x2="{line:.1f}" y1="0" y2="{height}" '
        f'stroke="#0969da" stroke-dasharray="3 3"/>{"".join(bars)}</svg>'
    )
