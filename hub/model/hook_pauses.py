"""When a failed delivery to a subscriber is tried again. Pure.

The first attempts follow soon, the last ones hours apart, until `subscriptions.give_up_hours` are over. A receiver that
fails is left alone for a moment as well, so that a thousand events for it do not cost a thousand requests at once.
"""

import hashlib

_PAUSES_S = (5.0, 30.0, 120.0, 600.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 28_800.0)
_SPREAD = 0.1
_MOST_ASKED_S = 24 * 3_600.0
_MOST_ALONE_S = 60.0


def again_s(event_id: str, attempts: int, asked_s: float | None = None) -> float:
    """Return the seconds until the next attempt.

    Args:
        event_id: spreads the attempts of many events, always in the same way.
        attempts: those that were made.
        asked_s: how long the receiver asks to wait; it counts where it is longer.
    """
    pause = _PAUSES_S[min(max(attempts, 1), len(_PAUSES_S)) - 1]
    digest = hashlib.sha256(f"{event_id}/{attempts}".encode()).digest()
    spread = 1 + _SPREAD * (int.from_bytes(digest[:4], "big") / 0xFFFF_FFFF - 0.5) * 2
    return max(pause * spread, min(asked_s or 0.0, _MOST_ASKED_S))


def alone_s(failures: int, asked_s: float | None = None) -> float:
    """Return the seconds for which a receiver that failed is sent nothing.

    Args:
        failures: one after the other, this one included.
        asked_s: how long it asks to wait; it counts where it is longer.
    """
    return max(min(_MOST_ALONE_S, 2.0 ** min(failures, 6)), min(asked_s or 0.0, _MOST_ASKED_S))
