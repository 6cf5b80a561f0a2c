"""Counts: the vendor's own count equals the records read, unless the vendor withheld a record.

A promise asks for a declared capability of the stream, never for a vendor's name. Each was seen to
fail: `test_broken.py` runs it against a connector that is broken in just this way.
"""

from datetime import timedelta

import pytest

from hub.connectors.base import Window
from hub.errors import HubError
from tests.conformance.conftest import Vendor, live_n, read_window, records_of, settle


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
