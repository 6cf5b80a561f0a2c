"""The nearest known name to one that is unknown, for the hint of an error. Pure."""

import difflib
from collections.abc import Iterable

_MOST = 20  # names in a hint


def nearest(said: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like the given one; None if none is like it."""
    by_fold = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(said.strip().casefold(), by_fold, n=1)
    return by_fold[found[0]] if found else None


def hint(said: str, known: Iterable[str]) -> str:
    """Return the hint: the nearest name, and the known names if they are few."""
    names = list(dict.fromkeys(known))
    near = nearest(said, names)
    shown = ", ".join(names[:_MOST]) + (", …" if len(names) > _MOST else "")
    listed = f"known: {shown}" if names else "none is known yet"
    return f"did you mean {near!r}? {listed}" if near else listed
