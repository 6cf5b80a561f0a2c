"""Numbers, spans and moments as a person reads them. Pure; not here: tables (`output.py`)."""

from datetime import UTC, datetime

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_FEW = 10  # below so many, the next smaller unit says something too
_BAR = 10


def duration(seconds: float) -> str:
    """Say a span in one or two units: `0 s`, `167 ms`, `3 min`, `2 h 5 min`, `12 d`.

    A span below zero, as of a vendor whose clock is ahead, is none.
    """
    if seconds <= 0:
        return "0 s"
    if round(seconds, 3) < 1:
        return f"{max(1, round(seconds * 1000))} ms"
    whole = round(seconds)
    for place, (size, name) in enumerate(_UNITS):
        n, rest = divmod(whole, size)
        if n == 0:
            continue
        if n < _FEW and name != "s":
            smaller, smaller_name = _UNITS[place + 1]
            if rest >= smaller and (smaller_name != "s" or n == 1):
                return f"{n} {name} {rest // smaller} {smaller_name}"
        return f"{n} {name}"
    return "0 s"


def ago(at: datetime | None, now: datetime) -> str:
    """Say how long ago a moment was, in one unit; the empty text where there is none."""
    if at is None:
        return ""
    passed = (now - at).total_seconds()
    return "now" if passed < 1 else f"{' '.join(duration(passed).split()[:2])} ago"


def moment_in(said: str | None) -> datetime | None:
    """Return the moment in a document, which a table shows in the zone of the person who acts."""
    return None if said is None else datetime.fromisoformat(said)


def moment(at: datetime | str | None) -> str:
    """Say a moment in UTC to the second, the zone left out."""
    if at is None:
        return ""
    known = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{known.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def count(n: int) -> str:
    """Say a number with its thousands apart."""
    return f"{n:,}"


def bar(used: int, of: int, *, plain: bool = False) -> str:
    """Draw a share as a bar with its percentage; `plain` for an output that has few letters."""
    share = min(1.0, used / of) if of > 0 else 0.0
    full, empty = ("#", ".") if plain else ("█", "░")
    filled = round(share * _BAR)
    if used > 0 and of > 0:
        filled = max(1, filled)
    return f"{full * filled}{empty * (_BAR - filled)} {share * 100:>3.0f} %"
