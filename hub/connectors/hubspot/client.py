"""The client of HubSpot's CRM API, over hubspot-api-client. No other module uses the SDK.

In: object types, filters, cursors. Out: the answer's bytes and the vendor's time, or a `HubError`.
The client keeps to the account's limits, retries, and never writes. A search is a POST that reads.
https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec
from hubspot.crm.contacts.exceptions import ApiException
from hubspot.hubspot import HubSpot
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from hub.clock import Clock
from hub.connectors.addresses import only
from hub.connectors.answers import Answer, check_token, decode, to_answer
from hub.connectors.governor import Budget, Limits, LocalBudget, Rate, Usage
from hub.connectors.http import (
    RetryPolicy,
    call,
    describe_call,
    error_for_exception,
    error_for_status,
    make_error,
    retry_after,
    safe_code,
)
from hub.connectors.session import GuardedPool, check_base_url
from hub.errors import (
    BudgetError,
    ConfigError,
    CredentialError,
    ForbiddenError,
    HubError,
    ProtocolError,
    TransientError,
)

LIMITS = Limits((Rate("account", 100, 10.0), Rate("search", 5, 1.0, frozenset({"search"}))))
SEARCH_KIND = "search"
_TOKEN_HINT = "set the source's token: the access token of a private app"  # noqa: S105
# https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/scopes. The
# scopes in a refusal are not reliable (hubspot-api-nodejs, issue 268), so the hint names these.
_SCOPES: Mapping[str, str] = {
    "contacts": "crm.objects.contacts.read and crm.schemas.contacts.read",
    "companies": "crm.objects.companies.read and crm.schemas.companies.read",
    "owners": "crm.objects.owners.read",
    "deals": "crm.objects.deals.read and crm.schemas.deals.read",
    # https://developers.hubspot.com/docs/api-reference/crm-calls-v3/guide: of engagements, and e-mails' own
    **dict.fromkeys(("calls", "meetings", "notes", "tasks"), "crm.objects.contacts.read"),
    "emails": "sales-email-read",
}
_DATED = re.compile(r"\d{4}-\d{2}(-beta)?")
_NUMBER = re.compile(r"[0-9]{1,12}")
_TOO_MANY = 429
_OK, _IN_PART = 200, 207
_BATCH = "/batch/read"
MOST_IN_A_BATCH = 100
# seconds to wait by the policy that a refusal names; HubSpot sends no Retry-After with it
_WAITS: Mapping[str, float] = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 5.0}


@dataclass(frozen=True, slots=True)
class HubspotConfig:
    """Settings of one account.

    Args:
        base_url: https://api.hubapi.com.
        token: access token of a private app (`pat-…`).
        api_version: `v3`, or the date of a dated version such as `2026-03`.
        overlap_s: how far before the watermark a window begins (the search index lags).
        lag_s: how far before HubSpot's present a window ends.
        page_size: records a search asks for, 1 to 200.
        range_size: records of a range of a migration, at most.
        objects: the streams that a sync follows, beside owners and definitions.
        time_scale: how many times faster than the hub's the vendor's clock runs.
        daily_reserve: share of the daily requests left to other applications.
        skip: streams left out on purpose.
        webhook_secret: the app's client secret, which signs the webhooks.
    """

    base_url: str = "https://api.hubapi.com"
    token: str = field(default="", repr=False)
    api_version: str = "v3"
    overlap_s: float = 600.0
    lag_s: float = 60.0
    page_size: int = 200
    range_size: int = 10_000
    objects: tuple[str, ...] = ("companies", "contacts")
    time_scale: float = 1.0
    daily_reserve: float = 0.2
    skip: tuple[str, ...] = ()
    webhook_secret: str = field(default="", repr=False)


class _Next(msgspec.Struct):
    after: str = ""


class _Paging(msgspec.Struct):
    next: _Next | None = None


class _Usage(msgspec.Struct):
    name: str = ""
    usageLimit: int | None = None  # noqa: N815  # the vendor's spelling
    currentUsage: int | None = None  # noqa: N815


class _Usages(msgspec.Struct):
    results: list[_Usage] = []


class _Refusal(msgspec.Struct):
    """The codes of an error. Its message is never shown, because it may contain personal data."""

    category: Any = None
    policyName: Any = None  # noqa: N815  # the vendor's spelling
    errorType: Any = None  # noqa: N815

    def code(self) -> str:
        """Return the most specific code."""
        codes = (self.policyName, self.category, self.errorType)
        return next((code for one in codes if (code := safe_code(one))), "")


class HubspotClient:
    """The client of one account; not thread-safe.

    Args:
        config: address and token.
        clock: waits.
        budget: instead of this process's own.
        retry_policy: limits of the retries.
    """

    def __init__(
        self,
        config: HubspotConfig,
        clock: Clock,
        *,
        budget: Budget | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self._host = check_base_url(config.base_url)
        self._paths = _Paths(config.api_version)
        self._clock = clock
        self._retry_policy = retry_policy or RetryPolicy(time_scale=config.time_scale)
        self._budget = budget or LocalBudget(
            LIMITS,
            clock,
            time_scale=config.time_scale,
            reserve=config.daily_reserve,
            subject="hubspot",
        )
        self._token = config.token
        # without the SDK's own retries and redirects, so that the hub sees and counts each refusal
        sdk = HubSpot(
            access_token=config.token,
            host=self._host,
            base_url=self._host,
            retry=Retry(total=False, respect_retry_after_header=False),
        )
        self._api = sdk.crm.contacts.search_api.api_client
        rest = self._api.rest_client
        rest.pool_manager = GuardedPool(rest.pool_manager, only(self._host))

    def search(self, kind: str, body: Mapping[str, Any]) -> Answer:
        """Return a page of a search's results."""
        path = f"{self._paths.objects(kind)}/search"
        return self._call("POST", path, body=body, kind=SEARCH_KIND)

    def list(self, kind: str, params: Mapping[str, Any]) -> Answer:
        """Return a page of the objects of a type, in the order of their ids."""
        return self._call("GET", self._paths.objects(kind), params=params)

    def batch(
        self,
        kind: str,
        ids: Sequence[str],
        properties: Sequence[str],
        *,
        archived: bool = False,
        history: Sequence[str] = (),
    ) -> Answer:
        """Return objects by their ids, at most `MOST_IN_A_BATCH`; unknown ids are left out.

        With the earlier values of the properties in `history`, at most 50 objects.

        https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/batch/post-crm-v3-objects-contacts-batch-read
        """
        body: dict[str, Any] = {
            "properties": list(properties),
            "inputs": [{"id": one} for one in ids],
        }
        if history:
            body["propertiesWithHistory"] = list(history)
        params = {"archived": str(archived).lower()}
        return self._call("POST", f"{self._paths.objects(kind)}{_BATCH}", params=params, body=body)

    def associations(self, origin: str, target: str, inputs: Sequence[Mapping[str, str]]) -> Answer:
        """Return the associations of up to a thousand objects with those of another type.

        https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
        """
        path = f"{self._paths.associations()}/{quote(origin, safe='')}/{quote(target, safe='')}{_BATCH}"
        return self._call("POST", path, body={"inputs": [dict(one) for one in inputs]})

    def pipelines(self, kind: str) -> Answer:
        """Return the pipelines of a type of objects, with their stages."""
        return self._call("GET", f"{self._paths.of('pipelines')}/{quote(kind, safe='')}")

    def schemas(self) -> Answer:
        """Return the account's own types of objects."""
        return self._call("GET", self._paths.of("schemas"))

    def owners(self, params: Mapping[str, Any]) -> Answer:
        """Return a page of owners."""
        return self._call("GET", self._paths.of("owners"), params=params)

    def properties(self, kind: str) -> Answer:
        """Return the definitions of a type's properties."""
        return self._call("GET", f"{self._paths.of('properties')}/{quote(kind, safe='')}")

    def usage(self) -> Usage:
        """Return the daily requests used by all applications, and the requests allowed."""
        answer = self._call("GET", self._paths.usage())
        try:
            found = msgspec.json.decode(answer.body, type=_Usages).results
        except msgspec.DecodeError as exc:
            raise ProtocolError("hubspot: the usage has an unknown shape") from exc
        for one in found:
            if one.usageLimit is not None and one.currentUsage is not None:
                return Usage(one.currentUsage, one.usageLimit)
        return Usage(0, 0)

    def now(self, kind: str) -> datetime:
        """Return HubSpot's present time, from the Date header of a cheap call for such objects.

        The call reads objects of the stream: a token for companies alone may not read contacts.
        """
        answer = self.owners({"limit": 1}) if kind == "owners" else self.list(kind, {"limit": 1})
        return answer.present()

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        kind: str = "",
    ) -> Answer:
        if not self._token:
            raise CredentialError("hubspot: no token is set", hint=_TOKEN_HINT)
        return call(
            lambda: self._ask(method, path, params=params, body=body, kind=kind),
            clock=self._clock,
            retry_policy=self._retry_policy,
        )

    def _ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None,
        body: Mapping[str, Any] | None,
        kind: str,
    ) -> Answer:
        where = describe_call(method, self._host + path)
        self._budget.take(kind=kind)
        try:
            with self._budget.slot():
                response = self._api.call_api(
                    path,
                    method,
                    query_params=_pairs(params or {}),
                    header_params={"Accept": "application/json"},
                    body=dict(body) if body else None,
                    auth_settings=["oauth2"],
                    _preload_content=False,
                    _request_timeout=self._retry_policy.timeout,
                )
                content: bytes = response.data
        except ApiException as exc:
            # from None: the SDK's message quotes the body and all headers
            raise self._refused(exc, where) from None
        except HTTPError as exc:
            error = error_for_exception(exc, where=where)
            raise (error or ProtocolError(f"{where}: {type(exc).__name__}")) from exc
        except (AttributeError, UnicodeDecodeError) as exc:
            # the SDK raises these for a refusal without a text body
            raise self._unread(exc, where) from None
        self._observe(response.headers)
        # a batch without some of the ids is an answer
        if response.status != _OK and not (response.status == _IN_PART and path.endswith(_BATCH)):
            raise error_for_status(response.status, where=where)
        return to_answer(content, response.headers, where=where)

    def _refused(self, exc: ApiException, where: str) -> HubError:
        headers: Mapping[str, str] = exc.headers or {}
        self._observe(headers)
        status = exc.status if isinstance(exc.status, int) else 0
        if not status:  # the SDK reports a failed TLS handshake without a status
            return make_error(ConfigError, f"{where}: no TLS connection could be made")
        refusal = _read_refusal(exc.body)
        code = refusal.code()
        if status == _TOO_MANY:
            return self._too_many(refusal, headers, where)
        error = error_for_status(status, where=where, code=code, headers=headers)
        if isinstance(error, CredentialError):
            error.hint = _scope_hint(where) if isinstance(error, ForbiddenError) else _TOKEN_HINT
        return error

    def _too_many(self, refusal: _Refusal, headers: Mapping[str, str], where: str) -> HubError:
        code = refusal.code()
        if "DAILY" in str(refusal.policyName):
            return make_error(BudgetError, f"{where}: the day's requests are used up")
        wait_s = retry_after(headers) or _WAITS.get(code, 0.0)
        if wait_s:
            self._budget.pause(wait_s)
        return make_error(
            TransientError, f"{where} answered {_TOO_MANY} {code}", retry_after_s=wait_s or None
        )

    def _unread(self, exc: Exception, where: str) -> HubError:
        said = exc.__context__
        if isinstance(said, ApiException):
            said.body = None
            return self._refused(said, where)
        return ProtocolError(f"{where}: the answer has an unknown shape")

    def _observe(self, headers: Mapping[str, str]) -> None:
        limit = headers.get("X-HubSpot-RateLimit-Daily", "")
        left = headers.get("X-HubSpot-RateLimit-Daily-Remaining", "")
        if _NUMBER.fullmatch(limit) and _NUMBER.fullmatch(left):
            self._budget.observe(Usage(int(limit) - int(left), int(limit)))


class _Paths:
    """The two families of paths: `/crm/v3/objects/…` and `/crm/objects/2026-03/…`."""

    def __init__(self, version: str) -> None:
        if version != "v3" and not _DATED.fullmatch(version):
            raise ConfigError(f"api_version must be v3 or a date like 2026-03, not {version!r}")
        self._version = version

    def of(self, what: str) -> str:
        """Return the path of a part of the CRM."""
        if self._version == "v3":
            return f"/crm/v3/{what}"
        return f"/crm/{what}/{self._version}"

    def objects(self, kind: str) -> str:
        """Return the path of a type of objects."""
        return f"{self.of('objects')}/{quote(kind, safe='')}"

    def associations(self) -> str:
        """Return the path of associations; without a date they have a version of their own."""
        return "/crm/v4/associations" if self._version == "v3" else self.of("associations")

    def usage(self) -> str:
        """Return the path of the day's usage."""
        return f"/account-info/{self._version}/api-usage/daily/private-apps"


def _scope_hint(where: str) -> str:
    """Return the hint for a refusal: the scopes of the refused object type."""
    wanted = [scopes for kind, scopes in _SCOPES.items() if kind in where.split("/")]
    return f"give the private app the scopes {' and '.join(wanted or _SCOPES.values())}"


def next_after(answer: Answer) -> str:
    """Return an answer's `paging.next.after`, "" on the last page."""
    raw = answer.parts.get("paging")
    try:
        paging = msgspec.json.decode(raw, type=_Paging | None) if raw is not None else None
    except msgspec.DecodeError as exc:
        raise ProtocolError(f"{answer.where}: the paging has an unknown shape") from exc
    after = paging.next.after if paging is not None and paging.next is not None else ""
    return check_token(after, where=f"{answer.where}: paging.next.after")


def _pairs(params: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    """Return a query as pairs; a list gives one pair for each of its texts."""
    found: list[tuple[str, Any]] = []
    for name, value in params.items():
        found.extend((name, one) for one in (value if isinstance(value, list) else [value]))
    return found


def _read_refusal(body: object) -> _Refusal:
    raw = body.encode() if isinstance(body, str) else body
    return decode(raw, _Refusal) if isinstance(raw, bytes) else _Refusal()
