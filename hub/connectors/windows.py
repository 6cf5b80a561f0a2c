"""Cursors over a window of time: its bounds are fixed once, and the watermark moves at its end.

Shape: `{"watermark"}` between windows; `{"watermark", "window": {"since", "until"}, …position}`
inside one. Times are ISO-8601 UTC. `kept` keys are copied from window to window.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

from hub.connectors.base import Cursor, Window
from hub.errors import ConfigError
from hub.model.records import JsonValue

_FIXED = frozenset({"watermark", "window"})
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Timing(Protocol):
    """The settings of a source that decide where windows begin and end."""

    @property
    def lag_s(self) -> float:
        """Return how far before the vendor's present a window ends."""
        ...

    @property
    def overlap_s(self) -> float:
        """Return how far before the watermark a window begins."""
        ...


def next_window(
    cursor: Cursor | None, config: Timing, vendor_now: Callable[[], datetime]
) -> Window:
    """Return the cursor's unfinished window, or a new one with the source's lag and overlap."""
    return freeze(cursor, vendor_now=vendor_now, lag_s=config.lag_s, overlap_s=config.overlap_s)


def freeze(
    cursor: Cursor | None, *, vendor_now: Callable[[], datetime], lag_s: float, overlap_s: float
) -> Window:
    """Return the unfinished window of the cursor, or the next one.

    A new window ends `lag_s` before the vendor's present, because rows commit later than their
    timestamp says; the end is cut to the second and never lies before the watermark. The window
    begins `overlap_s` before the watermark.
    """
    cursor = cursor or {}
    position = {key: value for key, value in cursor.items() if key not in _FIXED}
    try:
        watermark = _moment(cursor.get("watermark"))
        frozen = cursor.get("window")
        if isinstance(frozen, Mapping):
            since, until = _moment(frozen["since"]), _moment(frozen["until"])
            if until is None:
                raise ValueError("until")  # noqa: TRY301  # one message for every way it is broken
            return Window(since, until, watermark, position)
    except (KeyError, ValueError, TypeError) as exc:
        raise ConfigError(
            "the stored cursor cannot be read", hint="start over with `hub sync --full`"
        ) from exc
    until = (vendor_now() - timedelta(seconds=lag_s)).replace(microsecond=0)
    if watermark is None:
        return Window(None, until, None, position)
    since = watermark - timedelta(seconds=overlap_s)
    return Window(since, max(until, watermark), watermark, position)


def is_unfinished(cursor: Cursor) -> bool:
    """Return whether a read was interrupted inside a window."""
    return isinstance(cursor.get("window"), Mapping)


def upcoming(cursor: Cursor, config: Timing, at: datetime | None = None) -> Window:
    """Return the window that a read at a time would have; without a time, only its beginning counts.

    Args:
        cursor: of a finished window.
        config: lag and overlap.
        at: the vendor's time.
    """
    return next_window(cursor, config, lambda: at or _LONG_AGO)


def is_within(at: datetime | None, window: Window) -> bool:
    """Return whether a record of this time is in a window; one without a time is in every window."""
    return at is None or ((window.since is None or at >= window.since) and at < window.until)


def inside(window: Window, position: Mapping[str, JsonValue]) -> Cursor:
    """Return the cursor that resumes the window at a position."""
    frozen: dict[str, JsonValue] = {"since": iso(window.since), "until": iso(window.until)}
    return {"watermark": iso(window.watermark), "window": frozen, **position}


def after(window: Window, kept: Mapping[str, JsonValue] | None = None) -> Cursor:
    """Return the cursor after a window was read to its end."""
    return {"watermark": iso(window.until), **(kept or {})}


def iso(moment: datetime | None) -> str | None:
    """Return ISO-8601 in UTC, with milliseconds only if they are not zero."""
    if moment is None:
        return None
    moment = moment.astimezone(UTC).replace(tzinfo=None)
    spec = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=spec) + "Z"


def parse_time(value: object) -> datetime | None:
    """Return a vendor's time as aware UTC, or None if it is not a time; no zone means UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def _moment(value: JsonValue) -> datetime | None:
    if value is None:
        return None
    moment = parse_time(value)
    if moment is None:
        raise ValueError("not a time")
    return moment
