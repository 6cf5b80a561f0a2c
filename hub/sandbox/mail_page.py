"""The received mail as a page for people: newest first, the links can be opened. Pure."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

SHOWN = 50
HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
_LINK = re.compile(r"https?://[^\s<>\"']+")
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="5"><title>Mail of the sandbox</title>
<style>
  :root { color-scheme: light dark }
  body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1.5rem; max-width: 46rem }
  h1 { font-size: 1.4rem } h2 { font-size: 1rem; margin: 0 }
  article { border-top: 1px solid #8a8f98; padding: .8rem 0 }
  p { margin: 0; font-size: .9rem } pre { white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; margin: .5rem 0 0 }
</style></head><body><h1>Mail that the hub has sent</h1>
"""


def page(mails: Iterable[Mapping[str, Any]]) -> str:
    """Return the page; it loads itself again every five seconds."""
    every = list(mails)
    shown = "".join(_mail(one) for one in reversed(every[-SHOWN:]))
    left = len(every) - SHOWN
    more = f"<p>{left} older ones are left out.</p>" if left > 0 else ""
    return f"{_HEAD}{shown or '<p>No mail yet.</p>'}{more}</body></html>\n"


def _mail(one: Mapping[str, Any]) -> str:
    at = str(one["received_at"])[:19].replace("T", " ")
    return (
        f"<article><h2>{escape(str(one['subject']))}</h2>"
        f"<p>to {escape(', '.join(one['to']))} · {escape(at)} UTC</p>"
        f"<pre>{_linked(str(one['text']).strip())}</pre></article>\n"
    )


def _linked(text: str) -> str:
    """Return a text as HTML, in which addresses of pages can be opened."""
    parts, end = [], 0
    for found in _LINK.finditer(text):
        url = escape(found[0])
        parts += [escape(text[end : found.start()]), f'<a href="{url}">{url}</a>']
        end = found.end()
    return "".join([*parts, escape(text[end:])])
