"""The promise: within how many seconds a change at a vendor is in the CRM. Kept where it is computed.

In: the settings, and how often each source is asked. Out: a promise for each source, for
`hub status`. It holds while `hub up` runs, for changes that a question sees.
"""

from sqlalchemy import Connection

from hub.frozen import dataclass
from hub.landing import store
from hub.settings import Settings

_SLICE = "question"
SLACK_S = 30.0
"""From the vendor's answer until the records are in the CRM: a run starts, reads and loads."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Within how many seconds a change at a source is in the CRM, while `hub up` runs.

    Args:
        source: its name.
        every_s: seconds between two questions whether anything has changed.
        promise_s: seconds from a change at the vendor to the CRM.
    """

    source: str
    every_s: float
    promise_s: float


def promise_s(lag_s: float, every_s: float, turns: int = 1) -> float:
    """Return the seconds within which a change at the vendor is in the CRM.

    Args:
        lag_s: the seconds by which a read stays behind the vendor's clock.
        every_s: the seconds between two questions.
        turns: how many questions it takes to ask about every part.
    """
    return lag_s + every_s * turns + SLACK_S


def keep_question(conn: Connection, source: str, *, every_s: float, turns: int) -> None:
    """Keep the seconds between two questions, and how many it takes to ask about all parts."""
    asked = {"every_s": every_s, "turns": turns}
    if store.read_cursor(conn, source, "", _SLICE) != asked:
        store.write_cursor(conn, source, "", asked, _SLICE)


def promises(conn: Connection, settings: Settings) -> list[Promise]:
    """Return the promise for each source that is followed."""
    return [_promise(conn, settings, source) for source in settings.sources.followed()]


def _promise(conn: Connection, settings: Settings, source: str) -> Promise:
    block = getattr(settings.sources, source)
    asked = store.read_cursor(conn, source, "", _SLICE) or {}
    every_s = max(float(str(asked.get("every_s") or 0)), block.poll_s)
    turns = int(str(asked.get("turns") or 1))
    return Promise(source, every_s, promise_s(block.lag_s / block.time_scale, every_s, turns))
