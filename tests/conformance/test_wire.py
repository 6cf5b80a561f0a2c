"""HTTP: no record is lost by a bad connection, and only reads are sent.

A promise asks for a declared capability of the stream, never for a vendor's name. Each was seen to
fail: `test_broken.py` runs it against a connector that is broken in just this way.
"""

import json
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

import pytest

from hub.clock import SystemClock
from hub.connectors.governor import Limits, LocalBudget
from hub.connectors.registry import KNOWN
from hub.errors import BudgetError, CredentialError, HubError, TransientError
from tests.conformance.conftest import (
    CASES,
    TIME_SCALE,
    Vendor,
    plain_ids,
    read_window,
    records_of,
    settle,
)
from tests.conformance.wire import Refusing, Silence

WIRE_FAULTS = [
    "rate_limit",
    "server_errors",
    "cut",
    "truncated",
    "token_expiry",
    "duplicate_pages",
    "mixed",
    "cut,duplicate_pages,token_expiry",
]
RETRY_AFTER_S = 40  # of the vendor


@pytest.mark.parametrize("fault", WIRE_FAULTS)
def test_a_broken_wire_loses_nothing(vendor: Vendor, fault):
    settle()
    vendor.break_by(fault)
    one = vendor.connect()
    stream = vendor.stream(one)
    for each in one.streams():
        read_window(one, each)
    records = records_of(read_window(one, stream))
    assert set(plain_ids(records)) == vendor.expected(stream)


@pytest.mark.parametrize("fault", WIRE_FAULTS)
def test_a_crash_on_a_broken_wire_loses_nothing(vendor: Vendor, fault):
    settle()
    vendor.break_by(fault)
    stream = vendor.stream(vendor.connect())
    cursor, got = None, set()
    for _ in range(200):
        one = vendor.connect()
        page = next(one.read(stream, one.window(stream, cursor)))
        got.update(plain_ids(list(page.records)))
        cursor = json.loads(json.dumps(page.cursor))
        if "window" not in cursor:
            break
    assert got == vendor.expected(stream)


@pytest.mark.parametrize("waits", [True, False], ids=["with Retry-After", "without"])
def test_a_refusal_is_waited_out(vendor: Vendor, waits):
    settle()
    headers = {"Retry-After": str(RETRY_AFTER_S)} if waits else {}
    refusing = Refusing(vendor.refusal("rate_limit", 429, **headers), vendor.is_read)
    one = vendor.connect_over(refusing)
    stream = vendor.stream(one)
    ids = plain_ids(records_of(read_window(one, stream)))
    assert sorted(ids) == sorted(vendor.expected(stream))
    (n,) = refusing.refused
    refused, again = vendor.wire.calls[n : n + 2]
    assert (again.method, again.path) == (refused.method, refused.path)
    if waits:
        assert again.at - refused.at > RETRY_AFTER_S / TIME_SCALE


@pytest.mark.parametrize("status", [500, 503])
def test_a_vendor_that_stays_ill_is_told_and_not_taken_for_empty(vendor: Vendor, status):
    settle()
    refusing = Refusing(vendor.refusal("server_errors", status), vendor.is_read, most_n=40)
    one = vendor.connect_over(refusing)
    stream = vendor.stream(one)
    with pytest.raises(HubError) as caught:
        read_window(one, stream)
    assert isinstance(caught.value, TransientError)
    assert not isinstance(caught.value, BudgetError)
    assert 2 <= len(refusing.refused) <= 20, "some tries, not one and not for ever"


def test_a_silent_vendor_is_asked_again(vendor: Vendor):
    settle()
    silence = Silence(vendor.wire, vendor.is_read, for_s=1.2)
    one = vendor.connect_over(silence)
    stream = vendor.stream(one)
    with time_limits_of(0.5):
        ids = plain_ids(records_of(read_window(one, stream)))
    assert silence.was_given_up, "a call had no time limit"
    assert sorted(ids) == sorted(vendor.expected(stream))


@contextmanager
def time_limits_of(seconds: float) -> Iterator[None]:
    """Make every time limit that a socket is given this short; none stays none."""
    original = socket.settimeout

    def shorter(self: socket, limit: float | None) -> None:
        original(self, limit and min(limit, seconds))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "settimeout", shorter)
        yield


class CountingBudget(LocalBudget):
    """Counts what is asked of it, and how much is under way."""

    taken_n = 0

    def take(self, n: int = 1, *, kind: str = "") -> None:
        self.taken_n += n


def test_every_request_is_paid_for(vendor: Vendor):
    budget = CountingBudget(Limits(), SystemClock())
    one = vendor.connect_over(budget=budget)
    one.check()
    stream = vendor.stream(one)
    window = one.window(stream, None)
    list(one.read(stream, window))
    one.count(stream, None, window.until)
    assert budget.taken_n == len(vendor.wire.calls)


def test_only_reads_reach_the_vendor(vendor: Vendor):
    one = vendor.connect_over()
    one.check()
    for stream in one.streams():
        window = one.window(stream, None)
        list(one.read(stream, window))
        one.count(stream, None, window.until)
    assert vendor.wire.calls
    writes = [one for one in vendor.wire.calls if not vendor.is_read(one.method, one.path)]
    assert all(one.path.endswith(("/oauth2/token", "/login")) for one in writes)
    answered = vendor.ask("GET", "/requests").get(vendor.source, {}).get("status", {})
    assert not {"201", "204"} & set(answered)


def test_no_secret_is_said(vendor: Vendor, caplog, capfd):
    settle()
    caplog.set_level(logging.DEBUG)
    vendor.break_by("mixed")
    one = vendor.connect()
    stream = vendor.stream(one)
    said = repr((one, vars(one), one.check(), one.window(stream, None)))
    for page in read_window(one, stream):
        said += repr(page.cursor)
    said += caplog.text + "".join(capfd.readouterr())
    assert "vendor_call_retried" in said, "nothing was logged, so nothing was looked at"
    for secret in vendor.secrets():
        assert secret not in said


def test_check_is_content(vendor: Vendor):
    findings = vendor.connect().check()
    assert findings
    assert all(one.ok for one in findings), findings


@pytest.mark.parametrize("broken", ["client_secret", "client_id", "token", "api_key", "api_token"])
def test_refused_credentials_are_told_and_not_shown(vendor: Vendor, broken):
    if broken not in vendor.credentials:
        pytest.skip("another kind of credential")
    planted = "tfp_planted00000000000000000000000000000000"
    one = vendor.connect(budget=None, **{broken: planted})
    findings = one.check()
    assert not all(finding.ok for finding in findings)
    assert any(finding.hint for finding in findings if not finding.ok)
    stream = vendor.stream(one)
    with pytest.raises(CredentialError) as caught:
        read_window(one, stream)
    text = "".join(traceback.format_exception(caught.value)) + str(caught.value.hint)
    text += repr(findings)
    for secret in (planted, *(v for v in vendor.credentials.values() if len(v) > 12)):
        assert secret not in text


def test_soap_login_where_it_is_offered(vendor: Vendor):
    if "security_token" not in vendor.credentials:
        pytest.skip("no such login")
    one = vendor.connect_over(auth="soap")
    stream = vendor.stream(one)
    assert records_of(read_window(one, stream))
    assert any("/services/Soap/" in call.path for call in vendor.wire.calls)


def test_every_known_source_is_in_the_suite():
    # the generated universe has no record of Zendesk Sell: tests/unit/connectors/test_sell_walk.py reads it
    # from memory, tests/cli/test_migrate_sell.py over the wire
    assert {case.partition("/")[0] for case in CASES} == set(KNOWN) - {"sell"}
