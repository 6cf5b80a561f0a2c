"""The client of Mailchimp's Marketing API, over its SDK.

In: a list and a span. Out: the answer's bytes and the vendor's time, or a `HubError`. The SDK builds
the URLs and the credentials. `VendorSession` sends the requests. This module checks the answers,
because the SDK takes an answer without a body for a success.
https://mailchimp.com/developer/marketing/docs/fundamentals/
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn

import msgspec
import requests
from mailchimp_marketing.api.lists_api import ListsApi
from mailchimp_marketing.api.ping_api import PingApi
from mailchimp_marketing.api.root_api import RootApi
from mailchimp_marketing.api_client import ApiClient, ApiClientError

from hub.clock import Clock
from hub.connectors.addresses import only
from hub.connectors.answers import Answer, decode, not_an_object, not_found
from hub.connectors.governor import Budget, Limits, LocalBudget
from hub.connectors.http import (
    RetryPolicy,
    call,
    describe_call,
    error_for_exception,
    error_for_status,
    http_date,
    make_error,
    safe_code,
)
from hub.connectors.session import VendorSession, check_base_url
from hub.errors import (
    ConfigError,
    CredentialError,
    ForbiddenError,
    HubError,
    ProtocolError,
    TransientError,
)

# Mailchimp allows a user ten connections for all applications together; the hub uses half of them
LIMITS = Limits(connections=5)
MOST_ROWS, FEWEST_ROWS = 1000, 10
_KEY_HINT = (
    "set the source's api_key: Mailchimp, Account, Extras, API keys; it ends in -us1 or such"
)
# https://mailchimp.com/help/manage-user-levels-in-your-account/: a key has the rights of its user
_ROLE_HINT = "create the key as a user with the role Manager or higher, who may see every audience"
_NO_LINKS = ["members._links", "_links"]
_ONCE = RetryPolicy(attempts=1)
_TOO_SLOW = frozenset({408, 504})
_MAY_BE_BUSY = frozenset({403, 429})


@dataclass(frozen=True, slots=True)
class MailchimpConfig:
    """Settings of one account.

    Args:
        api_key: as Mailchimp shows it, the data centre after the hyphen.
        base_url: "" means the key's data centre.
        lists: ids of the audiences to read; empty means all that the key sees.
        skip: parts left out on purpose: streams, or `lists/<id>`.
        overlap_s: how far before the watermark a window begins.
        lag_s: how far before Mailchimp's present a window ends.
        page_size: members a request asks for, 1 to 1000; halved while Mailchimp is too slow.
        time_scale: how many times faster than the hub's the vendor's clock runs.
        webhook_secret: part of the address that webhooks are sent to.
        signing_secret: signs the webhooks, if Mailchimp gave one.
    """

    api_key: str = field(default="", repr=False)
    base_url: str = ""
    lists: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    overlap_s: float = 300.0
    lag_s: float = 60.0
    page_size: int = 500
    time_scale: float = 1.0
    webhook_secret: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Rows(Answer):
    """An answer of status 200, and the number of rows that the request asked for."""

    asked_n: int = 0


class _Wire(ApiClient):
    """The SDK's client, which sends its requests through `VendorSession`."""

    def __init__(self, key: str, host: str, session: VendorSession) -> None:
        super().__init__({"api_key": key})  # type: ignore[no-untyped-call]
        self.host = host
        self.server = ""  # otherwise the SDK replaces the word "server" anywhere in a URL
        self._session = session

    def request(
        self,
        method: str,
        url: str,
        query_params: Any = None,
        headers: Any = None,
        body: Any = None,
    ) -> requests.Response:
        """Send a request that the SDK built."""
        auth = ("hub", self.api_key)
        return self._session.request(
            method, url, params=query_params, headers=headers, json=body, auth=auth
        )


class MailchimpClient:
    """One account.

    Args:
        config: key and address.
        clock: waits.
        budget: instead of this process's own.
        retry_policy: limits of the retries.
    """

    def __init__(
        self,
        config: MailchimpConfig,
        clock: Clock,
        *,
        budget: Budget | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self._clock = clock
        self._retry_policy = retry_policy or RetryPolicy(time_scale=config.time_scale)
        self._has_key = bool(config.api_key)
        self._page_size = min(max(config.page_size, 1), MOST_ROWS)
        self._base_url = _base_url(config)
        own = LocalBudget(LIMITS, clock, time_scale=config.time_scale, subject="mailchimp")
        self._session = VendorSession(
            budget or own, reach=only(self._base_url), timeout=self._retry_policy.timeout
        )
        wire = _Wire(config.api_key, f"{self._base_url}/3.0", self._session)
        self._lists, self._ping, self._root = (
            _untyped(kind)(wire) for kind in (ListsApi, PingApi, RootApi)
        )

    def root(self) -> Rows:
        """Return the account's own data."""
        return self._get(lambda _: self._root.get_root(), "/3.0/")

    def now(self) -> datetime:
        """Return Mailchimp's present time, from the Date header of a cheap call."""
        return self._get(lambda _: self._ping.get(), "/3.0/ping").present()

    def lists(self, offset: int) -> Rows:
        """Return a page of the account's lists."""
        return self._get(
            lambda n: self._lists.get_all_lists(
                count=n, offset=offset, exclude_fields=["lists._links", "_links"]
            ),
            "/3.0/lists",
        )

    def one_list(self, list_id: str) -> Rows | None:
        """Return one list, None if it is gone."""
        return self._find(
            lambda _: self._lists.get_list(list_id, exclude_fields=["_links"]),
            f"/3.0/lists/{list_id}",
        )

    def merge_fields(self, list_id: str) -> Rows | None:
        """Return a list's merge fields, None if the list is gone."""
        return self._find(
            lambda _: self._lists.get_list_merge_fields(list_id, count=MOST_ROWS),
            f"/3.0/lists/{list_id}/merge-fields",
        )

    def members(
        self,
        list_id: str,
        params: Mapping[str, str],
        *,
        offset: int = 0,
        most: int | None = None,
        keys: Sequence[str] = (),
    ) -> Rows | None:
        """Return a page of a list's members, oldest change first; None if the list is gone.

        Args:
            list_id: the list.
            params: bounds and status.
            offset: members to skip.
            most: the most members to return, if fewer than the page size.
            keys: the keys of a member to return; empty means all.
        """
        shown = {"fields": [*(f"members.{key}" for key in keys), "total_items"]}
        hidden = {"exclude_fields": _NO_LINKS}
        return self._find(
            lambda n: self._lists.get_list_members_info(
                list_id,
                count=min(n, most or n),
                offset=offset,
                sort_field="last_changed",
                sort_dir="ASC",
                **(shown if keys else hidden),
                **params,
            ),
            f"/3.0/lists/{list_id}/members",
        )

    def member(self, list_id: str, id_: str) -> Rows | None:
        """Return one member by contact_id or hash of the address, None if it or the list is gone."""
        return self._find(
            lambda _: self._lists.get_list_member(list_id, id_, exclude_fields=["_links"]),
            f"/3.0/lists/{list_id}/members/{id_}",
        )

    def webhooks(self, list_id: str) -> Rows | None:
        """Return a list's webhooks, None if the list is gone."""
        return self._find(
            lambda _: self._lists.get_list_webhooks(list_id), f"/3.0/lists/{list_id}/webhooks"
        )

    def add_webhook(self, list_id: str, body: Mapping[str, object]) -> Rows:
        """Add a webhook; tried once, because a second one would be made."""
        return self._written(
            lambda _: self._lists.create_list_webhook(list_id, dict(body)),
            "POST", f"/3.0/lists/{list_id}/webhooks", retry_policy=_ONCE,
        )  # fmt: skip

    def change_webhook(self, list_id: str, id_: str, body: Mapping[str, object]) -> Rows:
        """Change a webhook."""
        return self._written(
            lambda _: self._lists.update_list_webhook(list_id, id_, dict(body)),
            "PATCH", f"/3.0/lists/{list_id}/webhooks/{id_}",
        )  # fmt: skip

    def _get(self, ask: Callable[[int], object], path: str) -> Rows:
        answer = self._find(ask, path)
        if answer is None:
            raise not_found(self._base_url + path)
        return answer

    def _find(self, ask: Callable[[int], object], path: str) -> Rows | None:
        return self._called(ask, "GET", path, self._retry_policy)

    def _written(
        self,
        ask: Callable[[int], object],
        method: str,
        path: str,
        *,
        retry_policy: RetryPolicy | None = None,
    ) -> Rows:
        answer = self._called(ask, method, path, retry_policy or self._retry_policy)
        if answer is None:
            where = describe_call(method, self._base_url + path)
            raise error_for_status(requests.codes.not_found, where=where)
        return answer

    def _called(
        self, ask: Callable[[int], object], method: str, path: str, retry_policy: RetryPolicy
    ) -> Rows | None:
        if not self._has_key:
            raise CredentialError("mailchimp: no api_key is set", hint=_KEY_HINT)
        where = describe_call(method, self._base_url + path)
        return call(lambda: self._ask(ask, where), clock=self._clock, retry_policy=retry_policy)

    def _ask(self, ask: Callable[[int], object], where: str) -> Rows | None:
        size = self._page_size
        self._session.last = None
        try:
            ask(size)
        except ApiClientError as exc:
            if self._session.last is None:
                self._failed(exc, where)
        response = self._session.last
        if response is None:
            raise make_error(TransientError, f"{where}: no answer")
        if response.status_code in _TOO_SLOW:
            self._ask_for_less()
        return judge(response, where=where, asked_n=size)

    def _failed(self, error: ApiClientError, where: str) -> NoReturn:
        """Raise the cause of a request without an answer; the SDK wraps it in its own error."""
        cause = error.text
        if isinstance(cause, HubError):
            raise cause
        if isinstance(cause, requests.Timeout):
            self._ask_for_less()
        found = error_for_exception(cause, where=where) if isinstance(cause, Exception) else None
        raise found or ProtocolError(f"{where}: {type(cause).__name__}") from error

    def _ask_for_less(self) -> None:
        """Halve the page size: large pages of busy lists exceed Mailchimp's own time limit."""
        self._page_size = max(self._page_size // 2, min(self._page_size, FEWEST_ROWS))


def judge(response: requests.Response, *, where: str, asked_n: int = 0) -> Rows | None:
    """Return the content of a 200, None for a 404; raises a `HubError` for any other status.

    A 403 or 429 without a problem document comes from a proxy before Mailchimp under load. It is
    transient, and so is a 200 that is not a JSON object.
    """
    status = response.status_code
    parts = decode(response.content, dict[str, msgspec.Raw])
    if status == requests.codes.not_found:
        return None
    if status == requests.codes.ok:
        if not parts:
            raise not_an_object(response.headers, where=where)
        at = http_date(response.headers.get("Date", ""))
        return Rows(response.content, parts, at, where, asked_n)
    if status in _MAY_BE_BUSY and not parts:
        raise make_error(TransientError, f"{where} answered {status} without a reason")
    code = safe_code(decode(parts.get("title", b'""'), str))
    error = error_for_status(status, where=where, code=code, headers=response.headers)
    if isinstance(error, CredentialError):
        error.hint = _ROLE_HINT if isinstance(error, ForbiddenError) else _KEY_HINT
    raise error


def _untyped(kind: Any) -> Any:
    """Return a class of the SDK as `Any`, because the SDK has no types."""
    return kind


def _base_url(config: MailchimpConfig) -> str:
    if config.base_url:
        return check_base_url(config.base_url)
    centre = config.api_key.rpartition("-")[2] if "-" in config.api_key else ""
    if config.api_key and not (centre.isascii() and centre.isalnum()):
        raise ConfigError("mailchimp: the api_key names no data centre", hint=_KEY_HINT)
    return f"https://{centre or 'us1'}.api.mailchimp.com"
