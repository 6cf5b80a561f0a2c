"""Compare the webhooks that a vendor has with the one that the hub wants. Pure.

In: what `hub.connectors.own_webhooks.KeepsWebhooks.registered` returns. Out: one `Compared` for each part of the account. Not here: how
a vendor is asked (`hub.connectors.<source>.registration`), and who may write
(`hub.actions.setup.webhooks`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub.connectors.own_webhooks import Registered, Wanted


class State(StrEnum):
    """How a webhook stands: as the vendor tells, or why the vendor was not asked."""

    RIGHT = "right"
    MISSING = "missing"
    OFF = "off"
    DIFFERS = "differs"
    SECRET = "secret"  # noqa: S105  # a state, not a secret
    FAILING = "failing"
    BY_HAND = "by_hand"
    UNWANTED = "unwanted"
    UNSET = "unset"
    REFUSED = "refused"


MENDED = frozenset({State.MISSING, State.OFF, State.DIFFERS})
"""What `hub webhooks register` puts right; the others need a person."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A part of an account, compared.

    Args:
        part: its name, as `forms/<id>`; "account" for a vendor that has webhooks of the whole account.
        state: the first that is wrong: a webhook that is switched off may differ as well.
        differs: what else differs, in words; no secret is in them.
        mine: the hub's webhook; None if there is none.
    """

    part: str
    state: State
    differs: Sequence[str] = ()
    mine: Registered | None = None


def compare(places: Mapping[str, Sequence[Registered]], wanted: Wanted) -> list[Compared]:
    """Return how each part stands; other programs' webhooks count for nothing."""
    return [_compared(part, has, wanted) for part, has in places.items()]


def _compared(part: str, has: Sequence[Registered], wanted: Wanted) -> Compared:
    mine = _mine(has, wanted)
    if mine is None:
        return Compared(part, State.MISSING)
    differs = [*_address(mine, wanted), *mine.lacks]
    if not mine.is_enabled:
        return Compared(part, State.OFF, differs, mine)
    if differs:
        return Compared(part, State.DIFFERS, differs, mine)
    if mine.has_secret is False:
        return Compared(part, State.SECRET, (), mine)
    if mine.failed:
        return Compared(part, State.FAILING, [mine.failed], mine)
    return Compared(part, State.RIGHT, (), mine)


def _mine(has: Sequence[Registered], wanted: Wanted) -> Registered | None:
    """Return the hub's webhook; of several the best one, since deliveries that come twice count once."""
    known = [one for one in has if one.url == wanted.url or one.is_marked]
    return max(
        known,
        key=lambda one: (one.url == wanted.url, one.is_enabled, not one.lacks),
        default=None,
    )


def _address(mine: Registered, wanted: Wanted) -> list[str]:
    if mine.url == wanted.url:
        return []
    if mine.url == wanted.base or mine.url.startswith(f"{wanted.base}/"):
        return ["its address has not the secret of the settings"]
    return [f"it calls {wanted.shown(mine.url)}"]
