"""Take addresses and numbers of erased people out of what others have written. Pure.

A value that is nothing else becomes null. In a longer text, each mention becomes `[erased]`.
"""

import json
from collections.abc import Callable
from typing import Any

MARK = "[erased]"
Redact = Callable[[str], str]
"""Returns a text without the mentions."""


def without(value: Any, redact: Redact) -> Any:
    """Return a JSON value without mentions; a value that was one mention is None, in a list it is gone."""
    if isinstance(value, dict):
        return {redact(key): without(one, redact) for key, one in value.items()}
    if isinstance(value, list):
        kept = [(one, without(one, redact)) for one in value]
        return [new for old, new in kept if new is not None or old is None]
    if isinstance(value, str):
        new = redact(value)
        return None if new != value and not new.replace(MARK, "").strip(" <>,;") else new
    if isinstance(value, int) and not isinstance(value, bool) and redact(str(value)) != str(value):
        return None
    return value


def without_in_payload(payload: bytes, redact: Redact) -> bytes:
    """Return a payload without mentions: JSON value by value, any other text as a text."""
    text = payload.decode("utf-8", "replace")
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return redact(text).encode()
    return json.dumps(without(read, redact), ensure_ascii=False).encode("utf-8", "surrogatepass")
