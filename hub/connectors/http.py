"""Translate HTTP statuses and exceptions to `HubError`s, and retry the temporary ones.

In: HTTP statuses, exceptions of requests and of the vendors' SDKs. Out: `HubError`s. Their text
names the method, host, path and the vendor's error code; it never contains a query string, a body
or a header, because these hold secrets and personal values. Not here: a vendor's own error codes
(each vendor package has a table, which is used first), and pacing (`hub.connectors.governor`).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException, LineTooLong
from math import isnan
from typing import TypeVar
from urllib.parse import urlsplit

import tenacity
from tenacity import RetryCallState

from hub.clock import Clock
from hub.errors import (
    BudgetError,
    ConfigError,
    CredentialError,
    ForbiddenError,
    HubError,
    ProtocolError,
    TransientError,
)
from hub.logs import get_logger

_T = TypeVar("_T")
# the longest pause that is kept; after it the vendor is asked again, also if it said `inf`
MOST_WAIT_S = 3600.0
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_. -]{1,59}")

# One table: a status, a hundred of statuses, or the dotted name of an exception class (looked up
# along its bases) → what to do. `None`: the exception carries a status, which decides.
ERRORS: Mapping[int | str, type[HubError] | None] = {
    "1xx": ProtocolError,
    "2xx": ProtocolError,  # an error only if the body is not the one that the vendor documents
    "3xx": ConfigError,  # redirects are not followed: the token would go to another host
    "4xx": ProtocolError,  # the request is wrong, and will be wrong again
    401: CredentialError,
    402: ConfigError,
    403: ForbiddenError,
    404: ConfigError,
    407: ConfigError,
    408: TransientError,
    409: TransientError,
    410: ConfigError,
    420: TransientError,
    421: TransientError,
    423: TransientError,
    425: TransientError,
    426: ConfigError,
    429: TransientError,
    451: ConfigError,
    "5xx": TransientError,
    501: ProtocolError,
    505: ProtocolError,
    511: ConfigError,
    "requests.exceptions.RequestException": TransientError,
    "requests.exceptions.HTTPError": None,
    "requests.exceptions.SSLError": ConfigError,
    "requests.exceptions.TooManyRedirects": ConfigError,
    "requests.exceptions.URLRequired": ConfigError,
    "requests.exceptions.MissingSchema": ConfigError,
    "requests.exceptions.InvalidSchema": ConfigError,
    "requests.exceptions.InvalidURL": ConfigError,  # InvalidProxyURL too
    "requests.exceptions.InvalidHeader": ConfigError,
    "hubspot.crm.contacts.exceptions.ApiException": None,
    "urllib3.exceptions.HTTPError": TransientError,
    "urllib3.exceptions.SSLError": ConfigError,
    "urllib3.exceptions.LocationParseError": ConfigError,
    "simple_salesforce.exceptions.SalesforceError": None,
    "simple_salesforce.exceptions.SalesforceAuthenticationFailed": CredentialError,
    "simple_salesforce.exceptions.SalesforceOperationError": ProtocolError,
    "xml.parsers.expat.ExpatError": TransientError,  # half a SOAP answer
}

HINTS: Mapping[type[HubError], str] = {
    CredentialError: "run `hub check`; renew the credentials or grant the permission it names",
    ForbiddenError: "run `hub check`; grant the permission that it names",
    ConfigError: "check the source's address and settings with `hub check`",
    ProtocolError: "nothing was skipped, the cursor stands; please report this with its text",
    BudgetError: "the next run goes on from the cursor once the vendor's quota has recovered",
}


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The limits of `call`.

    Args:
        attempts: attempts in total.
        total_s: vendor seconds from the first try after which no further wait begins.
        base_s: upper edge of the first jittered wait; doubles with each try.
        most_s: the most that edge grows to.
        time_scale: how many times faster than the hub's the vendor's clock runs (1 outside the
            sandbox).
        connect_s: how long a try waits for a connection.
        answer_s: how long a try waits for the next bytes of the answer.
    """

    attempts: int = 6
    total_s: float = 300.0
    base_s: float = 1.0
    most_s: float = 60.0
    time_scale: float = 1.0
    connect_s: float = 10.0
    answer_s: float = 120.0

    @property
    def timeout(self) -> tuple[float, float]:
        """Return the time limits of one try, as requests and urllib3 take them."""
        return self.connect_s, self.answer_s


# of a question that is asked again a minute later: no second try, and an answer within 20 seconds
PROMPT = RetryPolicy(attempts=1, connect_s=5.0, answer_s=15.0)


def class_for_status(status: int) -> type[HubError]:
    """Return the error class for an HTTP status; every integer has one."""
    found = ERRORS.get(status, ERRORS.get(f"{status // 100}xx"))
    return found or ProtocolError


def class_for_exception(error: BaseException) -> type[HubError] | None:
    """Return the error class for an exception of requests or an SDK, None for any other."""
    for base in type(error).__mro__:
        name = f"{base.__module__}.{base.__qualname__}"
        if name not in ERRORS:
            continue
        return ERRORS[name] or class_for_status(_status_of(error))
    return None


def _status_of(error: BaseException) -> int:
    response = getattr(error, "response", None)
    status = getattr(error, "status", getattr(response, "status_code", 0))
    return status if isinstance(status, int) else 0


def make_error(
    kind: type[HubError],
    message: str,
    *,
    hint: str | None = None,
    retry_after_s: float | None = None,
) -> HubError:
    """Return an error of the class; without a hint it gets the usual hint of its class."""
    hint = hint or HINTS.get(kind)
    if issubclass(kind, TransientError):
        return kind(message, retry_after_s=retry_after_s, hint=hint)
    return kind(message, hint=hint)


def error_for_status(
    status: int,
    *,
    where: str,
    code: str = "",
    headers: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> HubError:
    """Return the error for an answer whose status is not a success."""
    named = f" {code}" if code else ""
    return make_error(
        class_for_status(status),
        f"{where} answered {status}{named}",
        retry_after_s=retry_after(headers or {}, now=now),
    )


def error_for_exception(error: BaseException, *, where: str, code: str = "") -> HubError | None:
    """Return the error for an exception of requests or an SDK, None if it is a bug of the hub."""
    kind = class_for_exception(error)
    if kind is None:
        return None
    if _has_too_much_head(error):
        return make_error(ProtocolError, f"{where}: the answer's headers are too many or too long")
    status = _status_of(error)
    said = " ".join(part for part in (str(status) if status else "", code) if part)
    what = f"answered {said}" if said else f"failed: {type(error).__name__}"
    return make_error(kind, f"{where} {what}")


def _has_too_much_head(error: BaseException) -> bool:
    """Return whether http.client gave up on the headers; requests and urllib3 wrap what it says."""
    inner = [one for one in error.args if isinstance(one, BaseException)]
    if isinstance(error, LineTooLong):
        return True
    is_about_headers = type(error) is HTTPException and "headers" in str(error)
    return is_about_headers or any(_has_too_much_head(one) for one in inner)


def describe_call(method: str, url: str) -> str:
    """Return method, host and path of a call, the parts that a message may contain."""
    parts = urlsplit(url)
    return f"{method} {parts.hostname or ''}{parts.path}"


def safe_code(value: object) -> str:
    """Return a vendor's error code, "" for a sentence: that may contain personal values."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else ""


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Return the seconds of `Retry-After`, which may also be an HTTP date; None without one."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        return _pause(float(value))
    except ValueError:
        pass
    moment = http_date(value)
    now = now or http_date(headers.get("Date", ""))
    if moment is None or now is None:
        return None
    return _pause((moment - now).total_seconds())


def _pause(seconds: float) -> float | None:
    """Return a pause between 0 and `MOST_WAIT_S` seconds, None for nan."""
    return None if isnan(seconds) else min(max(seconds, 0.0), MOST_WAIT_S)


def http_date(value: str) -> datetime | None:
    """Return an HTTP date as aware UTC, None if it is not a date."""
    try:
        moment = parsedate_to_datetime(value)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None  # with a year, hour or zone that Python's dates do not have


def call(fn: Callable[[], _T], *, clock: Clock, retry_policy: RetryPolicy | None = None) -> _T:
    """Return `fn()`; call it again while it raises `TransientError`.

    Waits have full jitter and are never shorter than the vendor's `Retry-After`. A `BudgetError`
    is not retried. The last error is raised once attempts or time are used up.
    """
    retry_policy = retry_policy or RetryPolicy()
    jitter = tenacity.wait_random_exponential(
        multiplier=retry_policy.base_s, max=retry_policy.most_s
    )
    started = clock.now()

    def wait(state: RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        asked = failure.retry_after_s if isinstance(failure, TransientError) else None
        return (asked or 0.0) + (jitter(state) if not asked else min(jitter(state), 1.0))

    def stop(state: RetryCallState) -> bool:
        gone_s = (clock.now() - started).total_seconds() * retry_policy.time_scale
        over = gone_s + state.upcoming_sleep > retry_policy.total_s
        return over or state.attempt_number >= retry_policy.attempts

    def sleep(vendor_s: float) -> None:
        get_logger().info("vendor_call_retried", wait_s=round(vendor_s, 3))
        clock.sleep(vendor_s / retry_policy.time_scale)

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_is_worth_another_try),
        wait=wait,
        stop=stop,
        sleep=sleep,
        reraise=True,
    )
    return retrying(fn)


def _is_worth_another_try(error: BaseException) -> bool:
    return isinstance(error, TransientError) and not isinstance(error, BudgetError)
