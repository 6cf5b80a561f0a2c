"""The client of Typeform's Create and Responses APIs, over requests.

In: a path and its parameters. Out: the answer's bytes and the vendor's time, or a `HubError`.
The client keeps to two requests a second for each account, and retries. It writes
nothing but the hub's own webhooks (`registration.py`).
https://www.typeform.com/developers/get-started/
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from hub.clock import Clock
from hub.connectors.addresses import only
from hub.connectors.answers import Answer, find, not_found, send
from hub.connectors.governor import Budget, Limits, LocalBudget, Rate
from hub.connectors.http import RetryPolicy, call
from hub.connectors.session import VendorSession, check_base_url, check_token
from hub.errors import ForbiddenError

_T = TypeVar("_T")
LIMITS = Limits((Rate("account", 2, 1.0),))
_TOKEN_HINT = "set the source's token: a personal access token that may read forms and responses"  # noqa: S105
_SCOPE_HINT = (
    "share the workspace of the form with the token's user, or make a token with the scopes"
    " forms:read and responses:read"
)


@dataclass(frozen=True, slots=True)
class TypeformConfig:
    """Settings of one account.

    Args:
        base_url: https://api.typeform.com, or https://api.eu.typeform.com for EU accounts.
        token: personal access token (`tfp_…`).
        forms: ids of the forms to read; empty means all that the token sees.
        skip: parts left out on purpose: streams, or `forms/<id>`.
        overlap_s: how far before the watermark a window begins (answers arrive late).
        lag_s: how far before Typeform's present a window ends.
        page_size: responses a request asks for, 1 to 1000 (above 100 pages were seen incoherent).
        time_scale: how many times faster than the hub's the vendor's clock runs.
        webhook_secret: signs the webhooks.
    """

    base_url: str = "https://api.typeform.com"
    token: str = field(default="", repr=False)
    forms: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    overlap_s: float = 1800.0
    lag_s: float = 5.0
    page_size: int = 100
    time_scale: float = 1.0
    webhook_secret: str = field(default="", repr=False)


class TypeformClient:
    """One account.

    Args:
        config: address and token.
        clock: waits.
        budget: instead of this process's own two requests a second.
        retry_policy: limits of the retries.
    """

    def __init__(
        self,
        config: TypeformConfig,
        clock: Clock,
        *,
        budget: Budget | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self._base_url = check_base_url(config.base_url)
        self._clock = clock
        self._retry_policy = retry_policy or RetryPolicy(time_scale=config.time_scale)
        self._token = config.token
        own = LocalBudget(LIMITS, clock, time_scale=config.time_scale, subject="typeform")
        self._session = VendorSession(
            budget or own, reach=only(self._base_url), timeout=self._retry_policy.timeout
        )
        self._session.headers["Authorization"] = f"Bearer {config.token}"
        self._session.headers["Accept"] = "application/json"

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Answer:
        """Return the answer to a GET."""
        answer = self.find(path, params)
        if answer is None:
            raise not_found(self._base_url + path)
        return answer

    def find(self, path: str, params: Mapping[str, str | int] | None = None) -> Answer | None:
        """Return the answer to a GET, None if the object does not exist or was deleted."""
        url = self._base_url + path
        return self._called(lambda: find(self._session, url, params or {}, code_key="code"))

    def put(self, path: str, body: Mapping[str, object]) -> Answer:
        """Write an object as a whole: twice is the same as once."""
        return self._called(
            lambda: send(self._session, "PUT", self._base_url + path, body, code_key="code")
        )

    def _called(self, ask: Callable[[], _T]) -> _T:
        check_token("typeform", self._token, _TOKEN_HINT)
        try:
            return call(ask, clock=self._clock, retry_policy=self._retry_policy)
        except ForbiddenError as exc:
            exc.hint = _SCOPE_HINT
            raise

    def now(self) -> datetime:
        """Return Typeform's present time, from the Date header of a cheap call."""
        return self.get("/forms", {"page": 1, "page_size": 1}).present()
