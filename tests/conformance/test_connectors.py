"""What every connector must do, against emulated vendors that were written from the docs alone.

A test asks for a declared capability of the stream, never for a vendor's name.
"""

import json
import time
import traceback
from datetime import timedelta
from typing import Any

import pytest

from hub.connectors.base import Window
from hub.connectors.registry import KNOWN
from hub.errors import CredentialError, HubError
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from tests.conformance.conftest import (
    CASES,
    Vendor,
    live_n,
    plain_ids,
    read_window,
    records_of,
    settle,
)

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


def test_every_record_once(vendor: Vendor):
    one = vendor.connect()
    stream = vendor.stream(one)
    settle()
    ids = plain_ids(records_of(read_window(one, stream)))
    assert sorted(ids) == sorted(vendor.expected(stream))


def test_every_stream_ends_with_a_watermark(vendor: Vendor):
    one = vendor.connect()
    streams = one.streams()
    assert [stream.context for stream in streams] == sorted(
        (stream.context for stream in streams), reverse=True
    )
    for stream in streams:
        window = one.window(stream, None)
        pages = list(one.read(stream, window))
        assert "window" not in pages[-1].cursor
        assert all("window" in page.cursor for page in pages[:-1])
        if stream == vendor.stream(one):
            assert records_of(pages)
        for record in records_of(pages):
            json.loads(record.payload)
            assert record.source_id
            assert record.at is not None
            assert not stream.bounded or record.at < window.until


@pytest.mark.parametrize("page_size", [1, 2, 1000])
def test_page_edges(vendor: Vendor, page_size):
    settle()
    one = vendor.connect(page_size=page_size)
    stream = vendor.stream(one)
    ids = plain_ids(records_of(read_window(one, stream)))
    assert sorted(ids) == sorted(vendor.expected(stream))


def test_a_page_size_that_divides_the_records(vendor: Vendor):
    settle()
    one = vendor.connect(page_size=len(vendor.expected(vendor.stream(vendor.connect()))))
    stream = vendor.stream(one)
    ids = plain_ids(records_of(read_window(one, stream)))
    assert sorted(ids) == sorted(vendor.expected(stream))


def test_ties_larger_than_a_page_are_not_lost(vendor: Vendor):
    vendor.break_by("ties")
    settle()
    one = vendor.connect(page_size=5)
    stream = vendor.stream(one)
    ids = plain_ids(records_of(read_window(one, stream)))
    assert sorted(ids) == sorted(vendor.expected(stream))


def test_an_unchanged_record_keeps_its_bytes(vendor: Vendor):
    settle()
    one = vendor.connect()
    stream = vendor.stream(one)
    first = {r.source_id: r for r in records_of(read_window(one, stream))}
    again = {r.source_id: r for r in records_of(read_window(vendor.connect(), stream))}
    assert first == again


def test_the_next_window_is_small(vendor: Vendor):
    settle()
    one = vendor.connect(overlap_s=0)
    stream = vendor.stream(one)
    if not stream.incremental:
        pytest.skip("the stream is read whole")
    cursor = read_window(one, stream)[-1].cursor
    new = vendor.create()
    settle()
    records = records_of(read_window(vendor.connect(overlap_s=0), stream, cursor))
    assert plain_ids(records) == [new]


def test_a_crash_after_any_page_loses_and_doubles_nothing(vendor: Vendor):
    settle()
    stream = vendor.stream(vendor.connect())
    cursor, got, runs_n = None, [], 0
    while cursor is None or "window" in cursor:
        one = vendor.connect()
        pages = one.read(stream, one.window(stream, cursor))
        for _ in range(runs_n % 3 + 1):
            page = next(pages, None)
            if page is None:
                break
            got += plain_ids(list(page.records))
            cursor = json.loads(json.dumps(page.cursor))
        pages.close()  # type: ignore[attr-defined]
        runs_n += 1
        assert runs_n < 200
    assert sorted(got) == sorted(vendor.expected(stream))


def test_a_crash_does_not_move_the_window(vendor: Vendor):
    one = vendor.connect()
    stream = vendor.stream(one)
    window = one.window(stream, None)
    cursor = next(one.read(stream, window)).cursor
    time.sleep(0.05)
    assert vendor.connect().window(stream, cursor).until == window.until


def test_what_changes_during_paging_comes_now_or_next_time(vendor: Vendor):
    settle()
    one = vendor.connect(page_size=4)
    stream = vendor.stream(one)
    got: list[RawRecord] = []
    cursor: Any = None
    for n, page in enumerate(one.read(stream, one.window(stream, None))):
        got += page.records
        cursor = page.cursor
        vendor.create(n)
        if stream.reports_deletes and page.records:
            changed = page.records[0]
            if changed.op is Op.UPSERT:
                vendor.event("update", id=changed.source_id, values=vendor.case.change(n))
    settle()
    got += records_of(read_window(vendor.connect(), stream, cursor))
    assert set(plain_ids(got)) == vendor.expected(stream)
    latest = {record.source_id: record for record in got}
    fresh = {r.source_id: r for r in records_of(read_window(vendor.connect(), stream))}
    assert latest == fresh


def test_late_commits_come_with_a_later_window(vendor: Vendor):
    one = vendor.connect()
    stream = vendor.stream(one)
    got, cursor = set(), None
    vendor.break_by("late_commits")
    for n in range(12):
        vendor.create(n)
        pages = read_window(one, stream, cursor)
        cursor = pages[-1].cursor
        got.update(plain_ids(records_of(pages)))
        time.sleep(0.03)
    settle()
    got.update(plain_ids(records_of(read_window(one, stream, cursor))))
    assert got == vendor.expected(stream)


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


def test_the_vendors_count_is_what_was_read(vendor: Vendor):
    settle()
    one = vendor.connect()
    for stream in one.streams():
        window = one.window(stream, None)
        records = records_of(list(one.read(stream, window)))
        count = one.count(stream, None, window.until)
        assert (count is not None) == stream.countable
        if count is not None:
            assert count == live_n(records, window)


def test_a_span_is_counted_as_it_is_read(vendor: Vendor):
    settle()
    one = vendor.connect(overlap_s=0)
    stream = vendor.stream(one)
    if not stream.countable or not stream.incremental:
        pytest.skip("no spans to count")
    cursor = read_window(one, stream)[-1].cursor
    for n in range(3):
        vendor.create(n)
    settle()
    window = one.window(stream, cursor)
    records = records_of(list(one.read(stream, window)))
    assert one.count(stream, window.since, window.until) == live_n(records, window) == 3


def test_a_hidden_record_shows_in_the_count(vendor: Vendor):
    settle()
    one = vendor.connect()
    stream = vendor.stream(one)
    vendor.break_by(f"hide_one:{vendor.source}/{stream.name}")
    window = one.window(stream, None)
    try:
        records = records_of(list(one.read(stream, window)))
    except HubError as exc:
        pytest.fail(f"a hidden record is for the proof to find, not for the reader: {exc}")
    if stream.countable:
        assert one.count(stream, None, window.until) == live_n(records, window) + 1


def test_a_span_with_nothing_but_a_hidden_record_is_read_to_its_end(vendor: Vendor):
    settle()
    one = vendor.connect()
    stream = vendor.stream(one)
    if not stream.countable:
        pytest.skip("no spans to count")
    window = one.window(stream, None)
    shown = {record.source_id: record.at for record in records_of(list(one.read(stream, window)))}
    vendor.break_by(f"hide_one:{vendor.source}/{stream.name}")
    left = {record.source_id for record in records_of(list(one.read(stream, window)))}
    (hidden,) = shown.keys() - left
    at = shown[hidden]
    assert at is not None
    span = Window(at.replace(microsecond=0), at.replace(microsecond=0) + timedelta(seconds=1))
    records = records_of(list(one.read(stream, span)))
    assert one.count(stream, span.since, span.until) == live_n(records, span) + 1


def test_deletes_and_merges_are_reported(vendor: Vendor):
    one = vendor.connect()
    stream = vendor.stream(one)
    if not stream.reports_deletes:
        pytest.skip("deletes do not come through the stream")
    gone, loser, winner = (vendor.create(n) for n in range(3))
    settle()
    cursor = read_window(one, stream)[-1].cursor
    vendor.event("delete", id=gone)
    vendor.event("merge", id=loser, into=winner)
    settle()
    records = {r.source_id: r for r in records_of(read_window(one, stream, cursor))}
    assert records[gone].op is Op.DELETE
    if stream.names_survivors:
        assert (records[loser].op, records[loser].into) == (Op.MERGE_INTO, winner)
    else:
        assert records[loser].into is None
    assert records[winner].op is Op.UPSERT


def test_only_reads_reach_the_vendor(vendor: Vendor, calls):
    one = vendor.connect()
    one.check()
    for stream in one.streams():
        window = one.window(stream, None)
        list(one.read(stream, window))
        one.count(stream, None, window.until)
    assert calls
    writes = [call for call in calls if not vendor.is_read(*call)]
    assert all(path.endswith(("/oauth2/token", "/login")) for _, path in writes)
    answered = vendor.ask("GET", "/requests").get(vendor.source, {}).get("status", {})
    assert not {"201", "204"} & set(answered)


def test_check_is_content(vendor: Vendor):
    findings = vendor.connect().check()
    assert findings
    assert all(one.ok for one in findings), findings


@pytest.mark.parametrize("broken", ["client_secret", "client_id", "token", "api_key", "api_token"])
def test_refused_credentials_are_told_and_not_shown(vendor: Vendor, broken):
    if broken not in vendor.credentials:
        pytest.skip("another kind of credential")
    planted = "tfp_planted00000000000000000000000000000000"
    one = vendor.connect(**{broken: planted})
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
    one = vendor.connect(auth="soap")
    stream = vendor.stream(one)
    assert records_of(read_window(one, stream))


def test_every_known_source_is_in_the_suite():
    assert {case.partition("/")[0] for case in CASES} == set(KNOWN)
