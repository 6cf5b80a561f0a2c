"""Transforms of days and of encoded content: the end of a day in a time zone, base64.

Not here: dates and times as vendors write them (`hub.mappings.values`).
"""

import binascii
from base64 import b64decode
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from hub.errors import RecordError
from hub.mappings.registry import Args, Ctx, Outcome, transform
from hub.mappings.text import as_text, clean, multiline

_LAST_MINUTE = time(23, 59)
_LONGEST_DAY = 10


@transform(idempotent=False)
def end_of_day(value: object, _args: Args, _ctx: Ctx) -> Outcome:
    """The last minute of a day, from `all_of` the day and a time zone (Europe/Paris); without a zone in UTC."""
    parts = value if isinstance(value, list) else [value]
    texts = [clean(as_text(one)) if one is not None else "" for one in parts]
    if not texts or not texts[0]:
        return None
    try:
        day = date.fromisoformat(texts[0][:_LONGEST_DAY])
        at = datetime.combine(day, _LAST_MINUTE, _zone(texts[1] if len(texts) > 1 else ""))
        return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError) as exc:
        raise RecordError("expected a day") from exc


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, KeyError):  # not a name of a zone
        return ZoneInfo("UTC")


@transform(idempotent=False)
def from_base64(value: object, _args: Args, ctx: Ctx) -> Outcome:
    """The text that a base64 content holds, with HTML as readable text."""
    try:
        content = b64decode(as_text(value), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as exc:
        raise RecordError("expected base64 of a text in UTF-8") from exc
    return multiline(content, {}, ctx)
