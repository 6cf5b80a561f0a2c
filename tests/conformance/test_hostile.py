"""A vendor's answer is not trusted: it is a clear error, and the token stays with its vendor.

A promise asks for a declared capability of the stream, never for a vendor's name. Each was seen to
fail: `test_broken.py` runs it against a connector that is broken in just this way.
"""

import json
import time
import traceback
import tracemalloc
import zlib
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from hub.errors import HubError, TransientError
from tests.conformance.conftest import (
    PAGE_SIZE,
    TIME_SCALE,
    Vendor,
    plain_ids,
    read_window,
    records_of,
    settle,
)
from tests.conformance.wire import Answer, Call, Forward, Refusing, Tamper, Wire

MIB = 2**20
MOST_MEMORY = 160 * MIB
ADDRESSES = {
    "another host": "https://evil.example/x",
    "another port": "{elsewhere}/x",
    "no scheme": "//evil.example/x",
    "a user before a host": "@evil.example/x",
    "a longer host": ".evil.example/x",
}
SHAPES = {
    "a list": b"[]",
    "a text": b'"gone fishing"',
    "null": b"null",
    "an empty object": b"{}",
    "a page of HTML": b"<html><script>" + b"{" * 500,
    "bytes that are no text": b"\xff\xfe\x00{",
    "brackets alone": b"[" * 5000,
}
PAUSES = ["-5", "nan", "inf", "1e300", "999999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "soon"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_token_leaves_for_another_host(vendor: Vendor, elsewhere: Wire, address):
    settle()
    named = ADDRESSES[address].format(elsewhere=elsewhere.url)
    one = vendor.connect_over(_naming(named))
    stream = vendor.stream(one)
    error = None
    try:
        ids = plain_ids(records_of(read_window(one, stream)))
        assert set(ids) == vendor.expected(stream)
    except HubError as exc:
        error = exc
    assert not elsewhere.calls
    hosts = {call.headers["Host"].partition(":")[0] for call in vendor.wire.calls}
    assert not {host for host in hosts if "evil" in host}
    if error is not None:
        _check_text(error, vendor)


def _naming(address: str) -> Tamper:
    """Put an address wherever vendors name one; a query's page becomes one that goes on there."""

    def tamper(call: Call, forward: Forward) -> Answer:
        answer = forward(call)
        page = answer.page()
        if page is None:
            return answer
        body, name = page
        links = [{"rel": "next", "href": address}]
        found: dict[str, Any] = {**body, "next_page": address, "after_url": address}
        found |= {"links": {"next": address}, "_links": links}
        if isinstance(body.get("paging"), dict) and "next" in body["paging"]:
            found["paging"] = {"next": {**body["paging"]["next"], "link": address}}
        if "totalSize" in body and body[name]:
            found |= {"nextRecordsUrl": address, "done": False, name: []}
        return answer.saying(found)

    return tamper


@pytest.mark.parametrize("address", ["another host", "a longer host", "a user before a host"])
@pytest.mark.parametrize("auth", ["client_credentials", "soap"])
def test_a_login_names_no_other_host(vendor: Vendor, address, auth):
    if "security_token" not in vendor.credentials:
        pytest.skip("no login that names a host")
    host = "acme.my.salesforce.com" if ADDRESSES[address][0] in "@." else ""
    named = f"https://{host}{ADDRESSES[address].removeprefix('https://').removesuffix('/x')}"
    one = vendor.connect_over(_logging_in_at(named), auth=auth)
    findings = one.check()
    assert not all(finding.ok for finding in findings)
    stream = vendor.stream(one)
    with pytest.raises(HubError) as caught:
        read_window(one, stream)
    _check_text(caught.value, vendor)
    assert not [call for call in vendor.wire.calls if "evil" in call.headers["Host"]]


def _logging_in_at(address: str) -> Tamper:
    def tamper(call: Call, forward: Forward) -> Answer:
        answer = forward(call)
        if call.path.endswith("/oauth2/token"):
            return answer.saying({**json.loads(answer.body), "instance_url": address})
        before, tag, rest = answer.body.partition(b"<serverUrl>")
        if not tag:
            return answer
        server = f"{address}/services/Soap/u/64.0".encode()
        return replace(answer, body=before + tag + server + rest[rest.index(b"</serverUrl>") :])

    return tamper


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_memory_is_bounded(vendor: Vendor, coding):
    settle()
    bomb = Answer(200, {"Content-Encoding": coding, "Content-Type": "application/json"}, b"")
    one = vendor.connect_over(_in_the_place_of_reads(vendor, replace(bomb, body=_bomb(coding))))
    _check_refusal(one, vendor)


def test_memory_is_bounded_in_a_redirect(vendor: Vendor, elsewhere: Wire):
    settle()
    head = {"Content-Encoding": "gzip", "Location": f"{elsewhere.url}/x"}
    one = vendor.connect_over(_in_the_place_of_reads(vendor, Answer(302, head, _bomb("gzip"))))
    _check_refusal(one, vendor)
    assert not elsewhere.calls


def _check_refusal(one: Any, vendor: Vendor) -> None:
    stream = vendor.stream(one)
    tracemalloc.start()
    try:
        with pytest.raises(HubError) as caught:
            read_window(one, stream)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY, f"{peak // MIB} MiB"
    _check_text(caught.value, vendor)


@cache
def _bomb(coding: str) -> bytes:
    """Return some 300 kB that become 300 MiB."""
    stream = zlib.compressobj(9, zlib.DEFLATED, 31 if coding == "gzip" else 15)
    parts = [stream.compress(b'{"a": "'), *(stream.compress(b"a" * MIB) for _ in range(300))]
    return b"".join([*parts, stream.compress(b'"}'), stream.flush()])


def _in_the_place_of_reads(vendor: Vendor, answer: Answer) -> Tamper:
    return Refusing(answer, vendor.is_read, most_n=1000)


@pytest.mark.parametrize("depth", [5000, 200_000])
def test_nesting_is_bounded(vendor: Vendor, depth):
    settle()
    deep = b"[" * depth + b"]" * depth

    def tamper(call: Call, forward: Forward) -> Answer:
        answer = forward(call)
        if answer.page() is None:
            return answer
        return replace(answer, body=answer.body.rstrip()[:-1] + b', "deep": ' + deep + b"}")

    one = vendor.connect_over(tamper)
    with pytest.raises(HubError) as caught:
        read_window(one, vendor.stream(one))
    _check_text(caught.value, vendor)


@pytest.mark.parametrize("shape", SHAPES)
def test_another_shape_is_a_clear_error(vendor: Vendor, shape):
    settle()
    kind = "text/html" if "HTML" in shape else "application/json"
    answer = Answer(200, {"Content-Type": kind, "Date": "soon"}, SHAPES[shape])
    one = vendor.connect_over(_in_the_place_of_reads(vendor, answer))
    with pytest.raises(HubError) as caught:
        read_window(one, vendor.stream(one))
    _check_text(caught.value, vendor)


def test_a_head_without_end_is_a_clear_error(vendor: Vendor):
    settle()
    head = {f"X-{n}": "x" for n in range(400)}
    one = vendor.connect_over(_in_the_place_of_reads(vendor, Answer(200, head, b"{}")))
    with pytest.raises(HubError, match="headers") as caught:
        read_window(one, vendor.stream(one))
    _check_text(caught.value, vendor)


@pytest.mark.parametrize("pause", PAUSES)
def test_an_absurd_pause_does_not_stop_the_source_for_ever(vendor: Vendor, pause):
    settle()
    refusal = vendor.refusal("rate_limit", 429, **{"Retry-After": pause})
    one = vendor.connect_over(Refusing(refusal, vendor.is_read), time_scale=TIME_SCALE * 10)
    began = time.monotonic()
    stream = vendor.stream(one)
    try:
        ids = plain_ids(records_of(read_window(one, stream)))
        assert set(ids) == vendor.expected(stream)
    except TransientError as exc:
        _check_text(exc, vendor)
    assert time.monotonic() - began < 20


def test_a_large_honest_page_passes(vendor: Vendor):
    settle()
    grown: list[int] = []

    def tamper(call: Call, forward: Forward) -> Answer:
        answer = forward(call)
        page = answer.page()
        if grown or page is None or len(page[0][page[1]]) != PAGE_SIZE:
            return answer
        body, name = page
        rows = [{**row, "long_text": "a" * (30 * MIB // PAGE_SIZE)} for row in body[name]]
        larger = answer.saying({**body, name: rows})
        grown.append(len(larger.body))
        return larger

    one = vendor.connect_over(tamper)
    stream = vendor.stream(one)
    ids = plain_ids(records_of(read_window(one, stream)))
    assert set(ids) == vendor.expected(stream)
    assert grown[0] >= 29 * MIB


def _check_text(error: HubError, vendor: Vendor) -> None:
    """Check that an error names its source and no secret, its causes included."""
    text = "".join(traceback.format_exception(error)) + str(error.hint)
    assert vendor.source in error.message.lower() or "127.0.0.1" in error.message
    assert not [secret for secret in vendor.secrets() if secret in text]
