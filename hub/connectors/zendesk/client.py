"""The client of Zendesk Support's API, over requests.

In: a path and its parameters. Out: the answer's bytes and the vendor's time, or a `HubError`.
The client keeps to ten exports and two hundred requests a minute, and retries. It writes nothing but the
hub's own webhook (`registration.py`).
https://developer.zendesk.com/api-reference/introduction/rate-limits/
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

import requests

from hub.clock import Clock
from hub.connectors.addresses import only
from hub.connectors.answers import Answer, find, get, send
from hub.connectors.governor import Budget, Limits, LocalBudget, Rate
from hub.connectors.http import RetryPolicy, call
from hub.connectors.session import VendorSession, check_base_url
from hub.errors import ConfigError, CredentialError, ForbiddenError

EXPORT = "incremental"
LIMITS = Limits((Rate("incremental", 10, 60.0, frozenset({EXPORT})), Rate("account", 200, 60.0)))
_TOKEN_HINT = "set the source's email (of an administrator) and api_token"  # noqa: S105
_ROLE_HINT = "make the token's e-mail an administrator: exports are for administrators"
_PREFIX = "/api/v2"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ZendeskConfig:
    """Settings of one account.

    Args:
        subdomain: `acme` of https://acme.zendesk.com.
        base_url: instead of the address made from the subdomain.
        email: of the administrator that the token acts for; exports are for administrators.
        api_token: an API token; without `email` it is sent as an OAuth access token.
        start_at: changes before this time are never read; None reads from the beginning.
        lag_s: how far before Zendesk's present a window ends; exports leave the last minute out.
        page_size: records a request asks for, 1 to 1000.
        time_scale: how many times faster than the hub's the vendor's clock runs.
        skip: streams left out on purpose.
        webhook_secret: signs the webhooks.
    """

    subdomain: str = ""
    base_url: str = ""
    email: str = ""
    api_token: str = field(default="", repr=False)
    start_at: datetime | None = None
    lag_s: float = 60.0
    page_size: int = 1000
    time_scale: float = 1.0
    skip: tuple[str, ...] = ()
    webhook_secret: str = field(default="", repr=False)


class ZendeskClient:
    """One account.

    Args:
        config: address and token.
        clock: waits.
        budget: instead of this process's own requests a minute.
        retry_policy: limits of the retries.
    """

    def __init__(
        self,
        config: ZendeskConfig,
        clock: Clock,
        *,
        budget: Budget | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self._base_url = _address(config)
        self._clock = clock
        self._retry_policy = retry_policy or RetryPolicy(time_scale=config.time_scale)
        self._has_token = bool(config.api_token)
        own = LocalBudget(LIMITS, clock, time_scale=config.time_scale, subject="zendesk")
        self._session = VendorSession(
            budget or own,
            reach=only(self._base_url),
            kind_of=_kind_of,
            timeout=self._retry_policy.timeout,
        )
        self._session.headers["Accept"] = "application/json"
        self._session.auth = _credentials(config)

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Answer:
        """Return the answer to a GET of a path below /api/v2."""
        url = self._base_url + _PREFIX + path
        return self._called(lambda: get(self._session, url, params or {}, code_key="error"))

    def find(self, path: str) -> Answer | None:
        """Return the answer to a GET of an object, None if it is gone."""
        url = self._base_url + _PREFIX + path
        return self._called(lambda: find(self._session, url, {}, code_key="error"))

    def send(self, method: str, path: str, body: Mapping[str, object]) -> Answer:
        """Write an object; what makes one (POST) is tried once, because a second one would be made."""
        url = self._base_url + _PREFIX + path
        once = replace(self._retry_policy, attempts=1) if method == "POST" else None
        return self._called(
            lambda: send(self._session, method, url, body, code_key="error"), retry_policy=once
        )

    def _called(self, ask: Callable[[], _T], *, retry_policy: RetryPolicy | None = None) -> _T:
        if not self._has_token:
            raise CredentialError("zendesk: no api_token is set", hint=_TOKEN_HINT)
        try:
            return call(ask, clock=self._clock, retry_policy=retry_policy or self._retry_policy)
        except ForbiddenError as exc:
            exc.hint = _ROLE_HINT
            raise

    def now(self) -> datetime:
        """Return Zendesk's present time, from the Date header of a cheap call."""
        return self.get("/users/me.json").present()


class _Token:
    """The authorization header: an API token with an agent's e-mail, or an OAuth token."""

    def __init__(self, header: str) -> None:
        self._header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


def _credentials(config: ZendeskConfig) -> _Token:
    if not config.email:
        return _Token(f"Bearer {config.api_token}")
    pair = f"{config.email}/token:{config.api_token}".encode()
    return _Token(f"Basic {base64.b64encode(pair).decode()}")


def _address(config: ZendeskConfig) -> str:
    if config.base_url:
        return check_base_url(config.base_url)
    if not config.subdomain:
        raise ConfigError("zendesk: no subdomain is set", hint="write `subdomain: acme`")
    return check_base_url(f"https://{config.subdomain}.zendesk.com")


def _kind_of(request: requests.PreparedRequest) -> str:
    return EXPORT if f"{_PREFIX}/incremental/" in request.path_url else ""
