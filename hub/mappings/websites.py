"""Transforms of web addresses."""

import re
from urllib.parse import urlsplit

from hub.errors import RecordError
from hub.mappings.registry import Args, Ctx, Outcome, Remark, transform
from hub.mappings.text import as_text, clean

_HOST = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9\-]*(\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,}(/[\w\-./]*)?", re.ASCII
)
_LONGEST = 2000
"""Most characters of an address: the longest that browsers accept."""
_SCHEME = re.compile(r"(?:(https?)\s*(?::\s*[/\\]*|[/\\]{2,})\s*)", re.IGNORECASE)
_BETWEEN = re.compile(r"[\s;,|]+(?:(?:or|ou|oder|and|et|und|y|e|o)\s+)?|\s+/\s+")
_AROUND = "<>()[]{}\"'`\u00ab\u00bb\u2018\u2019\u201c\u201d,;. "
_LABEL = re.compile(r"(?:web(?:site)?|site(?: web)?|url|www|homepage)\s*:\s*(?!//)", re.IGNORECASE)


@transform()
def url(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """The first web address in a text, with https:// if no scheme was typed; a text without one → problem."""
    raw = clean(as_text(value))
    if not raw:
        return None
    if len(raw) < 200 and _HOST.fullmatch(raw):  # noqa: PLR2004 most of them
        return "https://" + raw
    if len(raw) > _LONGEST:
        raise RecordError("too long for a web address")
    whole = _address(raw)
    if whole:
        return whole
    parts = [part for part in _BETWEEN.split(_LABEL.sub("", raw)) if part.strip(_AROUND)]
    found = [address for part in parts if (address := _address(part))]
    if not found:
        raise RecordError("not a web address")
    beside = [part for part in parts if _address(part) != found[0]]
    return Remark(found[0], f"beside it: {' '.join(beside)[:80]}") if beside else found[0]


def _address(typed: str) -> str:
    """Return a text as a complete web address, "" if it is not one."""
    text = typed.strip(_AROUND)
    if "(" in text:  # acme.fr/(a)
        text = typed.lstrip(_AROUND).rstrip(_AROUND.replace(")", ""))
    scheme = "https"
    while found := _SCHEME.match(text):  # https://https://acme.fr, http//acme.fr, http:acme.fr
        scheme, text = found[1], text[found.end() :]
    text = text.lstrip("/\\").replace("\\", "/")
    if " " in text or not text or re.match(r"\w+:(//|\D)", text):
        return ""
    full = f"{scheme}://{text}"
    try:
        host = urlsplit(full).hostname or ""
    except ValueError:
        return ""
    is_host = "." in host.strip(".") and "@" not in full.split("/")[2] and ".." not in host
    return full if is_host else ""
