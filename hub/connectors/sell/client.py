"""The client of Zendesk Sell's API, over requests.

In: a path and its parameters. Out: the answer's bytes and the vendor's time, or a `HubError`. The client
keeps to ten requests a second and retries. Sell's refusal of too many requests has no header, so only the
budget says when the next request may be sent. It writes nothing.
https://developer.zendesk.com/api-reference/sales-crm/requests/
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from hub.clock import Clock
from hub.connectors.addresses import only
from hub.connectors.answers import Answer, get
from hub.connectors.governor import Budget, Limits, LocalBudget, Rate
from hub.connectors.http import RetryPolicy, call
from hub.connectors.session import VendorSession, check_base_url, check_token
from hub.connectors.slices import slice_key
from hub.errors import ForbiddenError

LIMITS = Limits((Rate("account", 10, 1.0),))
MOST_ROWS = 100
_TOKEN_HINT = "set the source's token: a personal access token of an administrator of Sell"  # noqa: S105
_SCOPE_HINT = "make the token with the scope read, for a user who sees all records"
_AGENT = "Lead-Hub"  # Sell refuses a request without a User-Agent
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class SellConfig:
    """Settings of one account.

    Args:
        base_url: of the API.
        token: a personal access token, or one of OAuth.
        objects: streams that a sync follows, beside the lists that they need.
        overlap_s: how far before the watermark a window begins.
        lag_s: how far before Sell's present a window ends.
        page_size: records that a request asks for, 1 to 100.
        range_size: records in one range of a migration, about.
        readers: ranges that a migration reads side by side.
        time_scale: how many times faster than the hub's the vendor's clock runs.
        skip: streams left out on purpose.
    """

    base_url: str = "https://api.getbase.com"
    token: str = field(default="", repr=False)
    objects: tuple[str, ...] = ("leads", "contacts", "deals")
    overlap_s: float = 300.0
    lag_s: float = 60.0
    page_size: int = MOST_ROWS
    range_size: int = 10_000
    readers: int = 3
    time_scale: float = 1.0
    skip: tuple[str, ...] = ()


def data_of(item: bytes) -> bytes:
    """Return the object inside its envelope; an item without one is handed on, and quarantined later."""
    try:
        return slice_key(item, "data")
    except ValueError:
        return item


class SellClient:
    """One account.

    Args:
        config: address and token.
        clock: waits.
        budget: instead of this process's own ten requests a second.
        retry_policy: limits of the retries.
    """

    def __init__(
        self,
        config: SellConfig,
        clock: Clock,
        *,
        budget: Budget | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self._base_url = check_base_url(config.base_url)
        self._clock = clock
        self._retry_policy = retry_policy or RetryPolicy(time_scale=config.time_scale)
        self._token = config.token
        own = LocalBudget(LIMITS, clock, time_scale=config.time_scale, subject="sell")
        self._session = VendorSession(
            budget or own, reach=only(self._base_url), timeout=self._retry_policy.timeout
        )
        self._session.headers["Authorization"] = f"Bearer {config.token}"
        self._session.headers["Accept"] = "application/json"
        self._session.headers["User-Agent"] = _AGENT

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Answer:
        """Return the answer to a GET of a path, version included."""
        url = self._base_url + path
        return self._called(lambda: get(self._session, url, params or {}, code_key="error"))

    def page(self, path: str, params: Mapping[str, str | int]) -> Sequence[bytes]:
        """Return the objects of one page of a list, each as received."""
        return [data_of(item) for item in self.get(path, params).items("items")]

    def now(self) -> datetime:
        """Return Sell's present time, from the Date header of a cheap call."""
        return self.get("/v2/users/self").present()

    def _called(self, ask: Callable[[], _T]) -> _T:
        check_token("sell", self._token, _TOKEN_HINT)
        try:
            return call(ask, clock=self._clock, retry_policy=self._retry_policy)
        except ForbiddenError as exc:
            exc.hint = _SCOPE_HINT
            raise
