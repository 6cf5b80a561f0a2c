"""The client of one Salesforce org, over simple-salesforce. No other module calls the SDK.

In: SOQL and object names. Out: parsed rows with their bytes as received, or a `HubError`. The client
retries, logs in again after the session ends, and keeps to the daily budget.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from xml.parsers.expat import ExpatError

import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceError,
    SalesforceExpiredSession,
    SalesforceGeneralError,
)

from hub.clock import Clock
from hub.connectors.addresses import local_path
from hub.connectors.governor import Budget, Limits, LocalBudget, Usage
from hub.connectors.http import (
    RetryPolicy,
    call,
    class_for_status,
    describe_call,
    error_for_status,
    http_date,
    make_error,
)
from hub.connectors.salesforce import composite
from hub.connectors.salesforce.errors import error_code, error_for_code, translate
from hub.connectors.salesforce.instances import check_login, instances
from hub.connectors.session import VendorSession
from hub.connectors.slices import slice_list
from hub.errors import ConfigError, CredentialError, HubError, ProtocolError, TransientError

_T = TypeVar("_T")
# SOAP login() does not exist from v65.0 on and is retired in Summer '27
_LAST_SOAP_VERSION = 64.0
_LOGINS_IN_A_ROW = (
    10  # sessions of several readers may end in a row by chance; the SDK renews one three times
)
# every answer has the daily quota; Salesforce has no shorter quota for REST reads
LIMITS = Limits()
# the SDK asks for pretty-printed bodies; compact ones have two thirds of the size
_COMPACT = {"X-PrettyPrint": "0"}
_SHARED_HOSTS = frozenset({"", "login", "test"})
_USED = re.compile(r"(?<!-)\bapi-usage=([0-9]{1,12})/([0-9]{1,12})\b")
_MOST_NUMBER = 10**12


@dataclass(frozen=True, slots=True)
class SalesforceConfig:
    """Settings of one org.

    Args:
        domain: My Domain, e.g. `acme.my`, with or without `.salesforce.com`.
        auth: `client_credentials`, or `soap` (legacy: user name, password, security token).
        client_id: consumer key of the app.
        client_secret: consumer secret of the app.
        username: for `soap`.
        password: for `soap`.
        security_token: for `soap`; empty where the network is trusted by the org.
        base_url: an emulator's address on loopback; empty outside tests.
        api_version: REST version, e.g. `64.0`.
        overlap_s: how far before the watermark a window begins.
        lag_s: how far before Salesforce's present a window ends.
        page_size: records a query asks for, 1 to 2000.
        time_scale: how many times faster than ours the vendor's clock runs.
        daily_reserve: share of the daily API requests left to other applications.
        skip: streams left out on purpose.
        objects: the streams that a sync follows, beside users and the meanings of statuses.
        bulk_above: from how many records on a range is read by the Bulk API.
        range_size: how many records a range of a migration has at most, about.
        bulk_jobs: how many ranges are read side by side, and how many Bulk jobs are open for them.
    """

    domain: str
    auth: str = "client_credentials"
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    security_token: str = field(default="", repr=False)
    base_url: str = ""
    api_version: str = "64.0"
    overlap_s: float = 300.0
    lag_s: float = 60.0
    page_size: int = 2000
    time_scale: float = 1.0
    daily_reserve: float = 0.2
    skip: tuple[str, ...] = ()
    objects: tuple[str, ...] = ("leads",)
    bulk_above: int = 5_000
    range_size: int = 100_000
    bulk_jobs: int = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """One answer to a query.

    Args:
        rows: the records, parsed.
        raws: their bytes as received, in the same order.
        total: how many records the whole query matches (within its LIMIT).
        done: whether this answer has the last record.
        next_url: path of the next answer; "" after the last one.
    """

    rows: Sequence[Mapping[str, Any]]
    raws: Sequence[bytes]
    total: int
    done: bool
    next_url: str


class SalesforceClient:
    """The client of one org with one session; not thread-safe.

    Args:
        config: address and credentials.
        clock: waits between retries.
        budget: instead of this process's own daily budget.
        retry_policy: limits of the retries.
    """

    def __init__(
        self,
        config: SalesforceConfig,
        clock: Clock,
        *,
        budget: Budget | None = None,
        retry_policy: RetryPolicy | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._retry_policy = retry_policy or RetryPolicy(time_scale=config.time_scale)
        self._budget = budget or LocalBudget(
            LIMITS,
            clock,
            time_scale=config.time_scale,
            reserve=config.daily_reserve,
            subject="salesforce",
        )
        self._reach = instances(config.base_url)
        self._session = VendorSession(
            self._budget,
            reach=self._reach,
            inspect=self._inspect,
            send_to=config.base_url or None,
            timeout=self._retry_policy.timeout,
        )
        self._sdk: Salesforce | None = None
        self._logins = 0

    def login(self) -> None:
        """Log in if the client has no session yet."""
        self._try("Salesforce login", lambda _: None)

    def query(self, soql: str, *, deleted: bool) -> Batch:
        """Return the first answer to a query, with the recycle bin's records if `deleted`.

        A query that is too long for an address is sent in a request body.
        """
        if composite.needs_body(soql):
            return self._try(
                "Salesforce query", lambda sdk: self._query_in_body(sdk, soql, deleted=deleted)
            )
        return self._try(
            "Salesforce query",
            lambda sdk: self._batch(
                sdk.query(soql, include_deleted=deleted, headers=_COMPACT), self._body()
            ),
        )

    def more(self, next_url: str) -> Batch:
        """Return the next answer to a query."""
        return self._try(
            "Salesforce query",
            lambda sdk: self._batch(
                sdk.query_more(next_url, identifier_is_url=True, headers=_COMPACT), self._body()
            ),
        )

    def glance(
        self, soql: Mapping[str, str]
    ) -> tuple[Mapping[str, Sequence[Mapping[str, Any]] | HubError], datetime]:
        """Return the rows of a few queries, or why one was refused, and Salesforce's present time.

        All queries together are one request. Records of the recycle bin are among the rows.
        """
        return self._try("Salesforce query", lambda sdk: self._glance(sdk, soql))

    def _glance(
        self, sdk: Salesforce, soql: Mapping[str, str]
    ) -> tuple[Mapping[str, Sequence[Mapping[str, Any]] | HubError], datetime]:
        asked = composite.requests_of(soql, deleted=True, version=str(sdk.sf_version))
        answer = sdk.restful(composite.PATH, method="POST", json=asked, headers=_COMPACT)
        results = composite.results_of(answer)
        if results.keys() != soql.keys():
            raise ProtocolError("Salesforce query: the composite answer lacks a result")
        found = {name: _rows_of(status, body) for name, (status, body) in results.items()}
        return found, self._now("query")

    def count(self, soql: str, *, deleted: bool = False) -> int:
        """Return the result of a `SELECT COUNT()`, with the recycle bin's records if `deleted`."""
        answer = self._try(
            "Salesforce count",
            lambda sdk: sdk.query(soql, include_deleted=deleted, headers=_COMPACT),
        )
        return _number(answer, "totalSize")

    def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer to a JSON body that is sent to a path of the API."""
        return self._object(path, lambda sdk: sdk.restful(path, method="POST", json=body))

    def get(self, path: str) -> Mapping[str, Any]:
        """Return the JSON object at a path of the API."""
        return self._object(path, lambda sdk: sdk.restful(path, headers=_COMPACT))

    def download(self, path: str) -> tuple[bytes, Mapping[str, str]]:
        """Return the bytes at a path of the API, which are no JSON, and the answer's headers."""

        def ask(sdk: Salesforce) -> tuple[bytes, Mapping[str, str]]:
            # the SDK has no public call for an answer that is not JSON
            answer = sdk._call_salesforce("GET", sdk.base_url + path)  # noqa: SLF001
            return answer.content, answer.headers

        return self._try(f"Salesforce {path.partition('?')[0]}", ask)

    def _object(self, path: str, ask: Callable[[Salesforce], Any]) -> Mapping[str, Any]:
        where = f"Salesforce {path.partition('?')[0]}"
        answer = self._try(where, ask)
        if not isinstance(answer, Mapping):
            raise ProtocolError(f"{where}: the answer is no object")
        return answer

    def describe(self, name: str) -> Sequence[Mapping[str, Any]]:
        """Return the fields of an object as describe gives them."""
        # sdk.Lead.describe() would log in again without end if every session is refused
        answer = self._try(
            f"Salesforce describe {name}",
            lambda sdk: sdk.restful(f"sobjects/{name}/describe", headers=_COMPACT),
        )
        fields = answer.get("fields") if isinstance(answer, Mapping) else None
        if not isinstance(fields, list):
            raise ProtocolError(f"Salesforce describe {name}: the answer names no fields")
        return [one for one in fields if isinstance(one, Mapping)]

    def limits(self) -> tuple[Usage, datetime]:
        """Return the daily API requests used and allowed, and Salesforce's present time."""
        return self._try("Salesforce limits", self._limits)

    def _limits(self, sdk: Salesforce) -> tuple[Usage, datetime]:
        answer = sdk.limits(headers=_COMPACT)
        now = self._now("limits")
        daily = answer.get("DailyApiRequests") if isinstance(answer, Mapping) else None
        if not isinstance(daily, Mapping):
            return Usage(0, 0), now
        limit = _number(daily, "Max")
        return Usage(limit - _number(daily, "Remaining"), limit), now

    def record_counts(self) -> Mapping[str, int]:
        """Return about how many records each object has, by Salesforce's own estimate.

        https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_record_count.htm
        """
        answer = self._try(
            "Salesforce record counts",
            lambda sdk: sdk.restful("limits/recordCount", headers=_COMPACT),
        )
        listed = answer.get("sObjects") if isinstance(answer, Mapping) else None
        rows = [one for one in listed or () if isinstance(one, Mapping)]
        return {str(one.get("name")): _number(one, "count") for one in rows}

    def _now(self, what: str) -> datetime:
        """Return Salesforce's time of the last answer."""
        headers = self._session.last.headers if self._session.last is not None else {}
        now = http_date(headers.get("Date", ""))
        if now is None:
            raise ProtocolError(f"Salesforce {what}: the answer carries no Date")
        return now

    def _query_in_body(self, sdk: Salesforce, soql: str, *, deleted: bool) -> Batch:
        asked = composite.request_of(soql, deleted=deleted, version=str(sdk.sf_version))
        answer = sdk.restful(composite.PATH, method="POST", json=asked, headers=_COMPACT)
        return self._batch(*composite.answer_of(answer, self._body()))

    def _body(self) -> bytes:
        return self._session.last.content if self._session.last is not None else b""

    def _batch(self, answer: Mapping[str, Any], body: bytes) -> Batch:
        rows = answer.get("records")
        if not isinstance(rows, list):
            raise ProtocolError("Salesforce query: the answer has no records")
        is_done = answer.get("done") is not False
        return Batch(
            # a row that is not an object becomes a record without fields
            rows=[row if isinstance(row, Mapping) else {} for row in rows],
            raws=slice_list(body, "records"),
            total=_number(answer, "totalSize"),
            done=is_done,
            next_url="" if is_done else self._next_url(answer.get("nextRecordsUrl")),
        )

    def _next_url(self, named: object) -> str:
        """Return the path of the next answer; it is checked here, because the SDK does not."""
        if not named:
            return ""
        url = self._session.last.url if self._session.last is not None else ""
        return local_path(named, base_url=url, where="Salesforce query: nextRecordsUrl")

    def _try(self, where: str, ask: Callable[[Salesforce], _T]) -> _T:
        return call(
            lambda: self._guarded(where, ask), clock=self._clock, retry_policy=self._retry_policy
        )

    def _guarded(self, where: str, ask: Callable[[Salesforce], _T]) -> _T:
        """Run one SDK call; its exceptions are raised as `HubError`."""
        try:
            if self._sdk is None:
                self._sdk = self._log_in()
            return ask(self._sdk)
        except HubError:
            raise
        except SalesforceError as exc:
            error = translate(exc, where=where)
            if isinstance(exc, SalesforceExpiredSession) and self._retry_policy.attempts > 1:
                error = make_error(TransientError, f"{where}: the session has ended again")
            # from None: the SDK's message quotes the body, and a login's body contains the token
            raise (error or ProtocolError(f"{where}: {type(exc).__name__}")) from None
        except (AttributeError, KeyError, IndexError, TypeError, RecursionError) as exc:
            # the SDK raises these for an answer of an unexpected shape
            raise ProtocolError(f"{where}: the answer has an unknown shape") from exc
        except (requests.RequestException, ValueError, ExpatError) as exc:
            unread = make_error(TransientError, f"{where}: the answer is not JSON")
            raise translate(exc, where=where) or unread from exc

    def _log_in(self) -> Salesforce:
        config = self._config
        domain = short_domain(config.domain)
        self._logins = 0
        if config.auth == "soap":
            version = min(float(config.api_version), _LAST_SOAP_VERSION)
            return Salesforce(
                username=config.username,
                password=config.password,
                security_token=config.security_token,
                domain=domain or "login",
                session=self._session,
                version=f"{version:.1f}",
            )
        if domain in _SHARED_HOSTS:
            raise CredentialError(
                "Salesforce's client-credentials login needs your My Domain",
                hint="set the source's domain, e.g. acme.my (Setup → My Domain)",
            )
        return Salesforce(
            consumer_key=config.client_id,
            consumer_secret=config.client_secret,
            domain=domain,
            session=self._session,
            version=config.api_version,
        )

    def _inspect(self, response: requests.Response) -> None:
        """Check an answer before the SDK reads it: the SDK drops headers and fails on odd bodies."""
        request = response.request
        path = request.path_url.partition("?")[0]
        is_soap = "/services/Soap/" in path
        if is_soap or path.endswith("/oauth2/token"):
            self._bound_logins()
            check_login(response, self._reach, is_soap=is_soap)
        elif response.ok:
            self._logins = 0
        self._observe(response.headers)
        response.headers.pop("Sforce-Limit-Info", None)  # the SDK fails on an absurd value
        if response.ok or is_soap:
            return
        where = describe_call(request.method or "", request.url or "")
        content = _parsed(response)
        if response.status_code == requests.codes.unauthorized and not isinstance(content, list):
            # the SDK expects a list; only an OAuth refusal may be an object
            if not path.endswith("/oauth2/token"):
                raise error_for_status(response.status_code, where=where)
        elif class_for_status(response.status_code) is TransientError:
            code = error_code(content)
            known = error_for_code(code, response.status_code, where=where)
            raise known or error_for_status(
                response.status_code, where=where, code=code, headers=response.headers
            )
        elif 300 <= response.status_code < 400 and not isinstance(content, list):  # noqa: PLR2004
            raise error_for_status(response.status_code, where=where)

    def _bound_logins(self) -> None:
        self._logins += 1
        if self._logins > _LOGINS_IN_A_ROW:
            self._sdk = None
            raise CredentialError(
                "Salesforce accepts the login and then refuses the session, repeatedly",
                hint="check the session policies and IP ranges of the integration user",
            )

    def _observe(self, headers: Mapping[str, str]) -> None:
        used = _USED.search(headers.get("Sforce-Limit-Info", ""))
        if used is not None:
            self._budget.observe(Usage(int(used[1]), int(used[2])))


def short_domain(domain: str) -> str:
    """Return the domain in the form of the SDK: without scheme and `.salesforce.com`."""
    host = domain.strip().removeprefix("https://").split("/")[0].lower()
    host = host.removesuffix(".salesforce.com")
    if host in _SHARED_HOSTS or "." in host:
        return host
    return f"{host}.my"


def _number(answer: object, key: str) -> int:
    value = answer.get(key) if isinstance(answer, Mapping) else None
    if not isinstance(value, int) or not 0 <= value < _MOST_NUMBER:
        raise ProtocolError(f"Salesforce: the answer has no number {key}")
    return value


def _rows_of(status: int, body: Any) -> Sequence[Mapping[str, Any]] | HubError:
    """Return the rows of one query of a composite request, or the error that it was answered with."""
    where = "Salesforce query"
    if status != requests.codes.ok:
        error = SalesforceGeneralError("", status, composite.PATH, body)
        return translate(error, where=where) or error_for_status(status, where=where)
    rows = body.get("records") if isinstance(body, Mapping) else None
    if not isinstance(rows, list):
        return ProtocolError(f"{where}: the answer has no records")
    return [row for row in rows if isinstance(row, Mapping)]


def _parsed(response: requests.Response) -> object:
    try:
        return response.json()
    except requests.exceptions.JSONDecodeError:
        return None


def check_version(version: str) -> None:
    """Raise `ConfigError` unless the text is an API version."""
    whole, _, part = version.partition(".")
    if not whole.isdigit() or part != "0":
        raise ConfigError(f"api_version must look like 64.0, not {version!r}")
