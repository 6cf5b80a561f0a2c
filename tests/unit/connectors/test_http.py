"""Every status and every exception of requests and the SDK has an answer; waits are bounded."""

import inspect
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests.exceptions
import simple_salesforce.exceptions
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import FixedClock
from hub.connectors.http import (
    RetryPolicy,
    call,
    class_for_exception,
    class_for_status,
    describe_call,
    error_for_exception,
    error_for_status,
    retry_after,
    safe_code,
)
from hub.connectors.salesforce.errors import CODES, error_code, translate
from hub.errors import (
    BudgetError,
    ConfigError,
    CredentialError,
    ForbiddenError,
    HubError,
    ProtocolError,
    TransientError,
)

T0 = datetime(2026, 11, 24, tzinfo=UTC)
SECRET = "s3cr3t-value"  # a planted one


def requests_exceptions():
    return [
        one
        for one in vars(requests.exceptions).values()
        if inspect.isclass(one) and issubclass(one, requests.exceptions.RequestException)
    ]


def sdk_exceptions():
    return [
        one
        for one in vars(simple_salesforce.exceptions).values()
        if inspect.isclass(one) and issubclass(one, Exception)
    ]


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_has_an_answer(status):
    kind = class_for_status(status)
    assert issubclass(kind, HubError)
    error = error_for_status(status, where="GET host/path", code="SOME_CODE")
    assert type(error) is kind
    assert str(status) in error.message
    assert error.hint or kind is TransientError


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, ConfigError),
        (400, ProtocolError),
        (401, CredentialError),
        (403, ForbiddenError),
        (404, ConfigError),
        (408, TransientError),
        (422, ProtocolError),
        (429, TransientError),
        (500, TransientError),
        (501, ProtocolError),
        (502, TransientError),
        (503, TransientError),
        (504, TransientError),
        (599, TransientError),
        (0, ProtocolError),
        (999, ProtocolError),
    ],
)
def test_status_means(status, kind):
    assert class_for_status(status) is kind


@pytest.mark.parametrize("kind", requests_exceptions(), ids=lambda one: one.__name__)
def test_every_requests_exception_has_an_answer(kind):
    error = kind(SECRET, SECRET, 0) if kind.__name__.endswith("JSONDecodeError") else kind(SECRET)
    made = error_for_exception(error, where="GET host/path")
    assert isinstance(made, HubError)
    assert SECRET not in made.message


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (requests.exceptions.ConnectTimeout, TransientError),
        (requests.exceptions.ReadTimeout, TransientError),
        (requests.exceptions.ConnectionError, TransientError),
        (requests.exceptions.ChunkedEncodingError, TransientError),
        (requests.exceptions.ProxyError, TransientError),
        (requests.exceptions.SSLError, ConfigError),
        (requests.exceptions.InvalidURL, ConfigError),
        (requests.exceptions.InvalidProxyURL, ConfigError),
        (requests.exceptions.InvalidHeader, ConfigError),
        (requests.exceptions.TooManyRedirects, ConfigError),
    ],
)
def test_requests_exception_means(kind, expected):
    assert class_for_exception(kind("x")) is expected


def test_http_error_is_decided_by_its_status():
    response = requests.Response()
    response.status_code = 503
    error = requests.exceptions.HTTPError("x", response=response)
    assert class_for_exception(error) is TransientError


@pytest.mark.parametrize("kind", sdk_exceptions(), ids=lambda one: one.__name__)
@pytest.mark.parametrize("status", [300, 400, 401, 403, 404, 409, 429, 500, 503])
def test_every_sdk_exception_has_an_answer(kind, status):
    name = kind.__name__
    if name == "SalesforceAuthenticationFailed":
        error = kind(status, SECRET)
    elif "Bulk" in name or "Operation" in name:
        error = kind(SECRET)
    else:
        content: Any = [{"errorCode": "SOMETHING", "message": SECRET}]
        error = kind(f"https://h/p?q={SECRET}", status, "Lead", content)
    made = translate(error, where="Salesforce query")
    assert isinstance(made, HubError)
    assert SECRET not in f"{made.message} {made.hint}"


@pytest.mark.parametrize("code", CODES)
def test_every_salesforce_code_wins_over_its_status(code):
    content: Any = [{"errorCode": code, "message": "m"}]
    error = simple_salesforce.exceptions.SalesforceRefusedRequest("https://h", 403, "", content)
    assert type(translate(error, where="w")) is CODES[code]


def test_too_many_calls_at_once_is_not_the_spent_day():
    said: Any = [
        {"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentPerOrgLongTxn Limit"}
    ]
    error = simple_salesforce.exceptions.SalesforceRefusedRequest("u", 403, "", said)
    assert type(translate(error, where="w")) is TransientError


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalid_client", CredentialError),
        ("invalid_grant", CredentialError),
        ("sf:INVALID_LOGIN", CredentialError),
        ("unknown_error", TransientError),
        (None, CredentialError),
        (503, TransientError),
        (200, TransientError),
        (401, CredentialError),
    ],
)
def test_login_refusals(code, kind):
    error = simple_salesforce.exceptions.SalesforceAuthenticationFailed(code, f"token {SECRET}")
    made = translate(error, where="w")
    assert type(made) is kind
    assert SECRET not in str(made)


def test_what_is_not_the_vendors_stays_a_bug():
    assert error_for_exception(ZeroDivisionError(), where="w") is None
    assert class_for_exception(ValueError()) is None


def test_error_codes_are_read_from_lists_and_objects():
    assert error_code([{"errorCode": "INVALID_FIELD"}]) == "INVALID_FIELD"
    assert error_code({"error": "invalid_client"}) == "invalid_client"
    assert error_code([]) == ""
    assert error_code(None) == ""
    assert error_code([{"errorCode": "anna@example.com"}]) == ""


def test_a_code_that_is_a_sentence_is_dropped():
    assert safe_code("REQUEST_LIMIT_EXCEEDED")
    assert safe_code("value 'anna@example.com' is wrong") == ""
    assert safe_code(5) == ""


def test_the_query_string_is_never_named():
    assert describe_call("GET", f"https://h.example/p/q?token={SECRET}#f") == "GET h.example/p/q"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "-3"}, 0.0),
        ({"Retry-After": "soon"}, None),
        (
            {
                "Retry-After": "Tue, 24 Nov 2026 00:00:30 GMT",
                "Date": "Tue, 24 Nov 2026 00:00:00 GMT",
            },
            30.0,
        ),
        ({"Retry-After": "Tue, 24 Nov 2026 00:00:30 GMT"}, None),
    ],
)
def test_retry_after(headers, expected):
    assert retry_after(headers) == expected


def failing(errors):
    left = list(errors)

    def fn():
        if left:
            raise left.pop(0)
        return "answer"

    return fn


def test_a_transient_error_is_tried_again():
    clock = FixedClock(T0)
    assert call(failing([TransientError("a"), TransientError("b")]), clock=clock) == "answer"
    assert clock.slept_s > 0


def test_retry_after_is_the_least_wait():
    clock = FixedClock(T0)
    call(failing([TransientError("a", retry_after_s=40)]), clock=clock)
    assert 40 <= clock.slept_s <= 41


def test_a_wait_longer_than_the_total_is_not_begun():
    clock = FixedClock(T0)
    with pytest.raises(TransientError) as caught:
        call(failing([TransientError("a", retry_after_s=4000)]), clock=clock)
    assert caught.value.retry_after_s == 4000
    assert clock.slept_s == 0


@given(st.integers(1, 8), st.floats(1, 1000), st.floats(0.5, 100))
def test_attempts_and_total_time_are_bounded(attempts, total_s, scale):
    clock = FixedClock(T0)
    tried = 0

    def fn():
        nonlocal tried
        tried += 1
        raise TransientError("again")

    retry_policy = RetryPolicy(attempts=attempts, total_s=total_s, time_scale=scale)
    with pytest.raises(TransientError):
        call(fn, clock=clock, retry_policy=retry_policy)
    assert tried <= attempts
    assert clock.slept_s * scale <= total_s + 0.001


@pytest.mark.parametrize("kind", [BudgetError, CredentialError, ConfigError, ProtocolError])
def test_what_a_retry_cannot_mend_is_raised_at_once(kind):
    clock = FixedClock(T0)
    with pytest.raises(kind):
        call(failing([kind("no"), kind("no")]), clock=clock)
    assert clock.slept_s == 0


def test_a_fast_vendor_clock_shortens_our_wait():
    clock = FixedClock(T0)
    retry_policy = RetryPolicy(time_scale=60)
    call(failing([TransientError("a", retry_after_s=60)]), clock=clock, retry_policy=retry_policy)
    assert 1 <= clock.slept_s < 1.1
    assert clock.now() - T0 < timedelta(seconds=2)
