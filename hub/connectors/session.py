"""The HTTP session under every client: paced, bounded in time, and bent to a loopback if told so.

In: requests of our own clients or of an SDK that takes a `requests.Session`. Out: answers, with
the last one kept. Not here: what an answer means (`hub.connectors.http`).
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from hub.connectors.governor import Budget
from hub.connectors.http import retry_after
from hub.errors import ConfigError

TIMEOUT_S = (10.0, 120.0)
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def check_base_url(url: str) -> str:
    """Return the URL without its last slash; raises `ConfigError` if a key would travel in clear."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(f"base_url must be an http(s) address with a host, not {url!r}")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConfigError(
            "base_url: plain http is for loopback addresses only", hint="write https://"
        )
    return url.rstrip("/")


class LoopbackAdapter(HTTPAdapter):
    """Sends what is meant for a vendor's https host to another address, under the vendor's name.

    simple-salesforce writes `https://` into every URL; mounted on that prefix this lets it speak
    to an emulator, which sees the vendor's `Host`.
    """

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._target = urlsplit(check_base_url(base_url))

    def send(  # noqa: PLR0917  # requests' own signature
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002
        timeout: Any = None,  # requests' own signature
        verify: bool | str = True,  # noqa: FBT001, FBT002
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a copy of the request with another scheme and address."""
        bent = request.copy()
        parts = urlsplit(request.url or "")
        bent.headers["Host"] = parts.netloc
        bent.url = parts._replace(scheme=self._target.scheme, netloc=self._target.netloc).geturl()
        return super().send(
            bent, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=proxies
        )


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class VendorSession(requests.Session):
    """A session that takes from a budget, has time limits, and follows no redirect.

    Args:
        budget: asked before each request, retries and logins included.
        inspect: sees each answer before the SDK does; may raise.
        bend_to: loopback address to send https requests to.
        kind_of: names the kind of call that the vendor counts a request as.
    """

    def __init__(
        self,
        budget: Budget,
        *,
        inspect: Callable[[requests.Response], None] | None = None,
        bend_to: str | None = None,
        kind_of: Callable[[requests.PreparedRequest], str] | None = None,
    ) -> None:
        super().__init__()
        self._budget = budget
        self._inspect = inspect
        self._kind_of = kind_of
        self.last: requests.Response | None = None
        self.auth = _keep_headers  # else requests would put a ~/.netrc entry over our token
        if bend_to:
            self.mount("https://", LoopbackAdapter(bend_to))
            self.trust_env = False  # a proxy of the environment cannot reach our loopback

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send one request and keep its answer."""
        self._budget.take(kind=self._kind_of(request) if self._kind_of else "")
        kwargs["timeout"] = kwargs.get("timeout") or TIMEOUT_S
        kwargs["allow_redirects"] = False
        self.last = None
        with self._budget.slot():
            response = super().send(request, **kwargs)
        asked = retry_after(response.headers)
        if asked:
            self._budget.pause(asked)
        self.last = response
        if self._inspect is not None:
            self._inspect(response)
        return response
