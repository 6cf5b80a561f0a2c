"""Pages that need nothing else: one file each, no script, every value escaped."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from hub.errors import ConfigError

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
@media print{body{margin:0;padding:0;max-width:none}.wrap{overflow:visible}thead{display:table-header-group}
table{font-size:10px}td,th{padding:2px 3px}
tr,.sign{break-inside:avoid}h2{break-after:avoid}.annex{break-before:page}}
"""


def page(title: str, body: str) -> str:
    """Return a whole page; `body` is HTML already."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>\n"
    )


def write_page(path: Path, html: str) -> None:
    """Write a page.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        path.write_text(html, encoding="utf-8", errors="replace")
    except OSError as exc:
        raise ConfigError(f"cannot write {path}: {exc.strerror}") from exc


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table; None is an empty cell."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{escape('' if cell is None else str(cell))}</td>" for cell in row)
        + "</tr>"
        for row in rows
    )
    rows_of = f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wrap"><table>{rows_of}</table></div>'


def waterfall(reasons: Sequence[tuple[str, float]], same_at: float) -> str:
    """Return the weights of a pair as an inline SVG: each bar starts where the last one ended.

    Args:
        reasons: what was compared, and its weight in bits.
        same_at: the sum from which a pair is one person; a dashed line.
    """
    steps: list[tuple[str, float, float]] = []
    level = 0.0
    for reason, bits in reasons:
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
