"""The HTTP session of every client: paced, limited in time and size, bound to the vendor's hosts.

In: requests of our own clients or of an SDK that takes a `requests.Session`; for an SDK that has
its own pool of urllib3 connections, `GuardedPool`. Out: answers that were read to their end.
Not here: what an answer means (`hub.connectors.http`).
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from hub.connectors.addresses import LOOPBACK, Reach, check_reach
from hub.connectors.bodies import ACCEPT_ENCODING, read_body
from hub.connectors.governor import Budget
from hub.connectors.http import describe_call, retry_after
from hub.errors import ConfigError, CredentialError

_TIMEOUT_S = (10.0, 120.0)
_OF_THE_WIRE = frozenset({"content-encoding", "content-length", "transfer-encoding"})


def check_token(source: str, token: str, hint: str) -> None:
    """Check that a token is set and can stand in a header.

    Raises:
        CredentialError: it cannot.
    """
    if not token:
        raise CredentialError(f"{source}: no token is set", hint=hint)
    if not (token.isascii() and token.isprintable()):
        raise CredentialError(
            f"{source}: the token contains characters that are not allowed", hint=hint
        )


def check_base_url(url: str) -> str:
    """Return the URL without its last slash; raise `ConfigError` for http to another machine."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(f"base_url must be an http(s) address with a host, not {url!r}")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ConfigError(
            "base_url: plain http is for loopback addresses only", hint="write https://"
        )
    return url.rstrip("/")


class LoopbackAdapter(HTTPAdapter):
    """Sends requests for a vendor's https host to another address, with the vendor's `Host` header.

    simple-salesforce writes `https://` into every URL. Mounted on that prefix, this adapter
    connects it to an emulator.
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
    """A session that takes from a budget, has time and size limits, and follows no redirect.

    Args:
        budget: asked before each request, retries and logins included.
        reach: the hosts that a request may go to; any other raises `ProtocolError` before a
            byte is sent, so that no answer can send a token to another host.
        inspect: called with each answer before the SDK reads it; may raise.
        send_to: an emulator's address, to which https requests are sent instead.
        kind_of: returns the kind of call as which the vendor counts a request.
        timeout: seconds to wait for a connection, and for the next bytes of an answer.
    """

    def __init__(
        self,
        budget: Budget,
        *,
        reach: Reach,
        inspect: Callable[[requests.Response], None] | None = None,
        send_to: str | None = None,
        kind_of: Callable[[requests.PreparedRequest], str] | None = None,
        timeout: tuple[float, float] = _TIMEOUT_S,
    ) -> None:
        super().__init__()
        self._timeout = timeout
        self._budget = budget
        self._reach = reach
        self._inspect = inspect
        self._kind_of = kind_of
        self.last: requests.Response | None = None
        self.headers["Accept-Encoding"] = ACCEPT_ENCODING
        self.auth = _keep_headers  # else requests would put a ~/.netrc entry over our token
        if send_to:
            self.mount("https://", LoopbackAdapter(send_to))
            self.trust_env = False  # a proxy of the environment cannot reach our loopback

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send one request, read its answer to the end, and keep it."""
        where = describe_call(request.method or "", request.url or "")
        check_reach(request.url or "", self._reach)
        self._budget.take(kind=self._kind_of(request) if self._kind_of else "")
        kwargs["timeout"] = kwargs.get("timeout") or self._timeout
        kwargs["allow_redirects"], kwargs["stream"] = False, True
        self.last = None
        with self._budget.slot():
            response = super().send(request, **kwargs)
            _read(response, where)
        asked = retry_after(response.headers)
        if asked:
            self._budget.pause(asked)
        self.last = response
        if self._inspect is not None:
            self._inspect(response)
        return response

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """Return None, because requests would read a redirect's body without a limit."""
        return None


def _read(response: requests.Response, where: str) -> None:
    """Read the body where requests would look for it; a broken connection raises as it would."""
    try:
        response._content = read_body(response.raw, where=where)  # noqa: SLF001
    except HTTPError as exc:
        raise requests.exceptions.ChunkedEncodingError(exc) from exc
    response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001
    # RFC 8259; the charset that an answer names could be any of Python's, slow ones among them
    response.encoding = "utf-8"


class GuardedPool(urllib3.PoolManager):
    """urllib3's pool with the session's limits, for an SDK with a pool of its own.

    Args:
        pool: the SDK's, whose settings are taken over.
        reach: the hosts that a request may go to.
    """

    def __init__(self, pool: urllib3.PoolManager, reach: Reach) -> None:
        super().__init__(**pool.connection_pool_kw)
        self._reach = reach

    def urlopen(  # type: ignore[override]  # urllib3's own signature, its one flag by name
        self, method: str, url: str, **rest: Any
    ) -> urllib3.BaseHTTPResponse:
        """Send one request; return its answer unpacked, with the whole body."""
        check_reach(url, self._reach)
        rest["redirect"], rest["preload_content"] = False, False
        answer = super().urlopen(method, url, **rest)
        body = read_body(answer, where=describe_call(method, url))
        kept = {k: v for k, v in answer.headers.items() if k.lower() not in _OF_THE_WIRE}
        return urllib3.HTTPResponse(
            body=body, headers=kept, status=answer.status, reason=answer.reason
        )
