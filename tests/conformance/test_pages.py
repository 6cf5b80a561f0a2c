"""Reads in pages: every record once, whatever their number, their times, their shape.

A promise asks for a declared capability of the stream, never for a vendor's name. Each was seen to
fail: `test_broken.py` runs it against a connector that is broken in just this way.
"""

import gc
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from hub.errors import ProtocolError
from hub.model.records import RawRecord
from tests.conformance.conftest import (
    Vendor,
    live_n,
    plain_ids,
    read_window,
    records_of,
    settle,
)
from tests.conformance.wire import fewer_than_asked, odd_record, same_page_for_ever

ODD_SHAPES: dict[str, Callable[[Any], Any]] = {
    "nothing in it": lambda row: {},
    "other types": lambda row: {key: [{"odd": value}] for key, value in row.items()},
    "no object": lambda row: "odd",
}
NAMES = {
    "accents": "Zoë Ångström-Œuvré",
    "combined marks": "Zoe\u0308 A\u030angstro\u0308m",
    "other scripts": "李小龍 Ελένη Мария عبد الله",
    "beyond the first plane": "\U0001d4b5oë 🦄👩‍🚀",
    "marks of JSON and SQL": 'O\'Neil \\ "x"; -- %s {} </script>',
    "separators": "Zo\u00eb\u2028\u200bA\u00a0B",
}


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


def test_a_record_with_very_many_fields_is_read(wide_vendor: Vendor):
    values = wide_vendor.case.wide() if wide_vendor.case.wide else {}
    ids = [wide_vendor.event("create", values=values) for _ in range(3)]
    settle()
    one = wide_vendor.connect(page_size=2)
    stream = wide_vendor.stream(one)
    window = one.window(stream, None)
    records = {record.source_id: record for record in records_of(list(one.read(stream, window)))}
    assert set(ids) <= records.keys()
    assert one.count(stream, None, window.until) == len(records)
    for id_ in ids:
        raw = json.loads(records[id_].payload)
        assert values.items() <= {**raw, **raw.get("properties", {})}.items()


def test_an_unchanged_record_keeps_its_bytes(vendor: Vendor):
    settle()
    one = vendor.connect()
    stream = vendor.stream(one)
    first = {r.source_id: r for r in records_of(read_window(one, stream))}
    again = {r.source_id: r for r in records_of(read_window(vendor.connect(), stream))}
    assert first == again


def test_a_short_page_is_not_the_last(vendor: Vendor):
    settle()
    one = vendor.connect_over(fewer_than_asked)
    stream = vendor.stream(one)
    ids = plain_ids(records_of(read_window(one, stream)))
    assert sorted(ids) == sorted(vendor.expected(stream))


def test_a_page_that_comes_for_ever_is_refused(vendor: Vendor):
    settle()
    one = vendor.connect_over(same_page_for_ever())
    stream = vendor.stream(one)
    pages = one.read(stream, one.window(stream, None))
    got: list[str] = []
    cursor: Any = None

    def read_on() -> None:
        nonlocal cursor
        for page in pages:
            got.extend(plain_ids(list(page.records)))
            cursor = page.cursor
            for fault in page.faults:
                raise fault.error
            assert len(vendor.wire.calls) < 100, "the connector goes round in circles"

    with pytest.raises(ProtocolError):
        read_on()
    one = vendor.connect_over()
    got += plain_ids(records_of(read_window(one, stream, cursor)))
    assert set(got) == vendor.expected(stream)


@pytest.mark.parametrize("shape", ODD_SHAPES)
def test_an_odd_record_is_handed_on_and_stops_nobody(vendor: Vendor, shape):
    odd = vendor.create()
    settle()
    one = vendor.connect_over(odd_record(odd, ODD_SHAPES[shape]))
    stream = vendor.stream(one)
    records = records_of(read_window(one, stream))
    ids = plain_ids([record for record in records if record.source_id])
    assert sorted(ids) == sorted(vendor.expected(stream) - {odd})
    assert any(not record.source_id for record in records)


@pytest.mark.parametrize("name", NAMES)
def test_texts_come_as_they_are(vendor: Vendor, name):
    values = json.dumps(vendor.case.new(1)).replace("Person", json.dumps(NAMES[name])[1:-1])
    new = vendor.event("create", values=json.loads(values))
    settle()
    one = vendor.connect()
    stream = vendor.stream(one)
    records = records_of(read_window(one, stream))
    (record,) = [record for record in records if plain_ids([record]) == [new]]
    said = json.dumps(json.loads(record.payload), ensure_ascii=False)
    assert json.dumps(NAMES[name], ensure_ascii=False)[1:-1] in said


def test_an_empty_source_has_a_watermark_too(empty_vendor: Vendor):
    one = empty_vendor.connect()
    stream = empty_vendor.stream(one)
    window = one.window(stream, None)
    pages = list(one.read(stream, window))
    assert set(plain_ids(records_of(pages))) == empty_vendor.expected(stream)
    assert pages, "without a page the watermark cannot move"
    assert pages[-1].cursor["watermark"]
    assert "window" not in pages[-1].cursor
    if stream.countable:
        assert one.count(stream, None, window.until) == live_n(records_of(pages), window)
    if stream.incremental:
        assert not records_of(read_window(one, stream, pages[-1].cursor))


def test_no_more_than_a_page_is_held(vendor: Vendor):
    settle()
    size = 3
    one = vendor.connect_over(page_size=size)
    stream = vendor.stream(one)
    pages_n = len(vendor.expected(stream)) / size
    assert pages_n > 5, "too few to tell"
    before = {id(record): record for record in _records_alive()}  # kept, so that no id comes again
    pages = one.read(stream, one.window(stream, None))
    largest = len(next(pages).records)
    assert len(vendor.wire.calls) < pages_n, "the pages were read ahead"
    for page in pages:
        largest = max(largest, len(page.records), size)
        most = 2 * largest  # this page, and the one before
        if _held_n(before) > most:
            gc.collect()
        assert _held_n(before) <= most


def _records_alive() -> list[RawRecord]:
    """Return every raw record of the process, those of other tests too."""
    return [one for one in gc.get_objects() if isinstance(one, RawRecord)]


def _held_n(before: Mapping[int, RawRecord]) -> int:
    return sum(id(record) not in before for record in _records_alive())
