"""How often a client may do something: a bound for each address, in this process alone. Pure but for its memory.

The algorithm is the generic cell rate algorithm: each client has one moment, at which its account is empty.
"""

from ipaddress import IPv6Address, ip_address

_MOST = 10_000
_MINUTE_S = 60.0
_V6_BITS = 64


class Rates:
    """Accounts of clients; of more than ten thousand the oldest ones are forgotten."""

    def __init__(self) -> None:
        self._empty_at: dict[str, float] = {}

    def wait_s(self, client: str, per_minute: int, now: float) -> float:
        """Return 0 and count the call, or the seconds until the client may call again.

        Args:
            client: the client's address.
            per_minute: calls in a minute, which may also come at once.
            now: seconds of a steady clock.
        """
        key, step = network_of(client), _MINUTE_S / per_minute
        empty_at = max(self._empty_at.pop(key, now), now)
        wait = empty_at + step - now - _MINUTE_S
        if wait > 0:
            self._empty_at[key] = empty_at
            return wait
        self._empty_at[key] = empty_at + step
        if len(self._empty_at) > _MOST:
            del self._empty_at[next(iter(self._empty_at))]
        return 0.0


def network_of(client: str) -> str:
    """Return the client of an address: one network of IPv6 is one client."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if isinstance(address, IPv6Address):
        return str(int(address) >> (128 - _V6_BITS))
    return client
