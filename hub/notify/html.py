"""The HTML form of a notice. Pure.

In: the sentences that the text form has, with their placeholders, and the facts. Out: one page with inline
styles, without images and scripts, so that every mail program shows it alike. Each value is escaped where it is
put in, so a stranger can write no mark-up. Not here: the choice of sentences (`templates`).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from html import escape

Facts = Mapping[str, str]
_LISTS = ("records", "counts", "sentences", "tickets", "relatives")
_LABELLED = re.compile(r"([^{}:]{1,40}?)\s?: (\S.*)")
_QUOTE_MARK = re.compile(r"^> ?", re.MULTILINE)
_BODY = (
    "margin:0;padding:24px 12px;background:#f2f4f7;color:#1b1f24;"
    "font:16px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
)
_CARD = (
    "max-width:36em;margin:0 auto;padding:20px 24px;background:#ffffff;border:1px solid #d9dee5;"
    "border-radius:10px;overflow-wrap:anywhere"
)
_LEAD = "margin:0 0 12px;font-size:19px;font-weight:600"
_CELL = "padding:2px 0;vertical-align:top"
_BUTTON = (
    "display:inline-block;padding:10px 22px;border-radius:7px;background:#1f5fbf;color:#ffffff;"
    "text-decoration:none;font-weight:600"
)
_QUOTE = "margin:4px 0 14px;padding:8px 14px;border-left:4px solid #1f5fbf;background:#f2f4f7"
_HEADING = "margin:16px 0 2px;font-weight:600"


def page(title: str, lines: Sequence[str], facts: Facts, language: str) -> str:
    """Return a mail as HTML.

    Args:
        title: the subject of the mail.
        lines: sentences with placeholders, all of them known in `facts`.
        facts: the values, as plain text.
        language: two letters.
    """
    blocks: list[str] = []
    rows: list[str] = []
    for line in (one.strip("\n") for one in lines):
        if not line.strip():
            continue
        row = _row(line, facts)
        if row:
            rows.append(row)
            continue
        blocks += _table(rows)
        rows = []
        blocks.append(_block(line, facts, is_first=not blocks))
    blocks += _table(rows)
    return (
        f'<!doctype html>\n<html lang="{escape(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title></head>\n"
        f'<body style="{_BODY}"><div style="{_CARD}">\n' + "\n".join(blocks) + "\n</div></body></html>\n"
    )  # fmt: skip


def _filled(line: str, facts: Facts) -> str:
    """Return a line with its own text and its values escaped."""
    return escape(line).format_map({name: escape(value) for name, value in facts.items()})


def _row(line: str, facts: Facts) -> str:
    """Return a row of the table for a line such as `Company: {company}`; "" for any other line."""
    found = _LABELLED.fullmatch(line)
    if (
        found is None
        or "{link}" in line
        or any(_is_of(line, name) for name in (*_LISTS, "question"))
    ):
        return ""
    label, value = escape(found[1]), _value(found[2], facts)
    return (
        f'<tr><td style="{_CELL};padding-right:16px;color:#5a6470;white-space:nowrap">{label}</td>'
        f'<td style="{_CELL}">{value}</td></tr>'
    )


def _value(said: str, facts: Facts) -> str:
    shown = _filled(said, facts)
    if "{tel}" in said:
        return (
            f'<a href="{escape(facts["tel"])}" style="color:#1f5fbf">{escape(facts["phone"])}</a>'
        )
    if said == "{email}" and "@" in facts["email"]:
        return f'<a href="mailto:{shown}" style="color:#1f5fbf">{shown}</a>'
    return shown


def _table(rows: Sequence[str]) -> list[str]:
    if not rows:
        return []
    start = '<table role="presentation" cellspacing="0" cellpadding="0" style="margin:0 0 12px;border:0">'
    return [start + "".join(rows) + "</table>"]


def _block(line: str, facts: Facts, *, is_first: bool) -> str:
    if _is_of(line, "link"):
        label = _before(line, "link", facts)
        link = escape(facts["link"])
        return f'<p style="margin:18px 0 0"><a href="{link}" style="{_BUTTON}">{label}</a></p>'
    if _is_of(line, "question"):
        said = escape(_QUOTE_MARK.sub("", facts["question"])).replace("\n", "<br>")
        return _headed(line, "question", facts, lambda: f'<div style="{_QUOTE}">{said}</div>')
    for name in _LISTS:
        if _is_of(line, name):
            return _headed(line, name, facts, lambda: _list(facts[name]))  # noqa: B023  # called at once
    style = _LEAD if is_first else "margin:0 0 10px"
    return f'<p style="{style}">{_filled(line, facts)}</p>'


def _headed(line: str, name: str, facts: Facts, made: Callable[[], str]) -> str:
    heading = _before(line, name, facts)
    return (f'<p style="{_HEADING}">{heading}</p>' if heading else "") + made()


def _list(lines: str) -> str:
    items = "".join(f"<li>{escape(one)}</li>" for one in lines.split("\n"))
    return f'<ul style="margin:2px 0 12px;padding-left:20px">{items}</ul>'


def _is_of(line: str, name: str) -> bool:
    return f"{{{name}}}" in line


def _before(line: str, name: str, facts: Facts) -> str:
    """Return what a line says before a placeholder, without its colon."""
    return _filled(line.partition(f"{{{name}}}")[0], facts).rstrip(" :\n\u00a0")
