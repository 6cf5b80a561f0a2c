"""Convert HTML to readable text.

Vendors send rich text (Salesforce rich text areas, HubSpot messages). They also send plain text with
entities that an earlier system left (`R&amp;D`). Only elements and entities of HTML are converted, so
`a < b`, `<jane@acme.example>` and `AT&T` stay as they are. Not here: the cleaning of characters
(`hub.mappings.text`).
"""

import html
import re
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4.element import Tag

_ELEMENTS = (
    "a|abbr|address|article|aside|b|big|blockquote|body|br|button|caption|center|cite|code|col|colgroup|dd|del|details|div|dl|dt|"
    "em|fieldset|figcaption|figure|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|label|"
    "legend|li|link|main|mark|meta|nav|noscript|o:p|object|ol|option|p|pre|q|s|samp|script|section|select|small|span|"
    "strike|strong|style|sub|summary|sup|svg|table|tbody|td|textarea|tfoot|th|thead|time|tr|tt|u|ul|var|video|wbr"
)
_TAG = re.compile(rf"(?i)</?(?:{_ELEMENTS})(?:\s[^<>]*)?/?>|<!--|<!DOCTYPE\s")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_UNREAD = ("script", "style", "head", "template", "noscript")
_BLOCKS = (
    "p", "div", "hr", "tr", "table", "ul", "ol", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6",
    "blockquote", "pre", "section", "article", "header", "footer", "address", "option",
)  # fmt: skip
_LINKED = ("http://", "https://", "mailto:")


def has_markup(value: str) -> bool:
    """Return whether a text contains an HTML tag or an entity."""
    return ("<" in value and _TAG.search(value) is not None) or (
        "&" in value and _ENTITY.search(value) is not None
    )


def readable(value: str) -> str:
    """Return a text without tags and entities; a text without markup is returned unchanged.

    A text that was escaped twice (`&amp;lt;b&amp;gt;`) is converted repeatedly, so a second call
    changes nothing.
    """
    while has_markup(value):
        value = _without_tags(value) if _TAG.search(value) else _ENTITY.sub(_character, value)
    return value


def _character(entity: re.Match[str]) -> str:
    """Return the character of an entity; an entity unknown to HTML loses `&` and `;`."""
    found = html.unescape(entity.group())
    return found if found != entity.group() else entity.group().replace("&", "").replace(";", "")


def _without_tags(value: str) -> str:
    # a tenth of a second, for texts with tags alone
    from bs4 import (  # noqa: PLC0415
        BeautifulSoup,
        ParserRejectedMarkup,
        XMLParsedAsHTMLWarning,
    )

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
            soup = BeautifulSoup(value, "html.parser")
    except (ParserRejectedMarkup, AssertionError, ValueError):  # broken declarations
        return html.unescape(re.sub(r"<[^>]*>?", " ", value))
    for gone in soup(_UNREAD):
        gone.decompose()
    for element in soup.find_all():
        _mark(element)
    return soup.get_text()


def _mark(element: "Tag") -> None:
    """Insert the line breaks, dashes and link addresses that a browser would show for an element."""
    if element.name == "br":
        element.insert_before("\n")
    elif element.name in _BLOCKS:
        element.insert_before("\n")
        element.insert_after("\n")
    elif element.name == "li":
        element.insert_before("\n- ")
    elif element.name in ("td", "th"):
        element.insert_after(" ")
    elif element.name == "a":
        address = str(element.get("href") or "")
        is_link = address.startswith(_LINKED)
        if is_link and address.removeprefix("mailto:") != element.get_text().strip():
            element.insert_after(f" ({address})")
