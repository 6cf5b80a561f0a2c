"""Reads in windows: no record is lost between two of them, nor by a crash inside one.

A promise asks for a declared capability of the stream, never for a vendor's name. Each was seen to
fail: `test_broken.py` runs it against a connector that is broken in just this way.
"""

import json
import time
from typing import Any

import pytest

from hub.connectors.base import Rereads
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from tests.conformance.conftest import Vendor, plain_ids, read_window, records_of, settle


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
            assert len(got) == len(set(got))
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
    assert {gone, loser, winner} <= records.keys()
    assert records[gone].op is Op.DELETE
    if stream.names_survivors:
        assert (records[loser].op, records[loser].into) == (Op.MERGE_INTO, winner)
    else:
        assert records[loser].into is None
    assert records[winner].op is Op.UPSERT


def test_a_value_that_changes_without_the_timestamp_is_seen(silent_vendor: Vendor):
    silent = silent_vendor.case.silent
    assert silent is not None
    one = silent_vendor.connect(overlap_s=0)
    still = silent_vendor.create(1)
    changed = [silent_vendor.create(n) for n in range(2, 18)]
    settle()
    pages = read_window(one, silent_vendor.stream(one))
    stream = silent_vendor.stream(one)  # what it declares may be known only now
    (key,) = silent(0)
    assert key in stream.silent
    before = {record.source_id: record for record in records_of(pages)}
    for n, id_ in enumerate(changed):
        silent_vendor.event("update", id=id_, values=silent(n))
    settle()
    later = records_of(read_window(one, stream, pages[-1].cursor))
    assert not {record.source_id for record in later} & set(changed), "the timestamp moved"

    assert isinstance(one, Rereads)
    got: dict[str, RawRecord] = {}
    cursor: Any = None
    while cursor is None or "window" in cursor:  # each page in a new process
        one = silent_vendor.connect(overlap_s=0)
        assert isinstance(one, Rereads)
        window = one.window(stream, cursor)
        page = next(one.reread(stream, window, frozenset({key})))
        differs = [
            record
            for record in page.records
            if _value(record, key) != _value(before[record.source_id], key)
        ]
        assert not got.keys() & {record.source_id for record in differs}
        got |= (
            {record.source_id: record for record in one.fetch(stream, differs)} if differs else {}
        )
        cursor = json.loads(json.dumps(page.cursor))
    assert set(got) == set(changed)
    assert still in before
    for id_, record in got.items():
        then, now = (json.loads(one.payload) for one in (before[id_], record))
        assert now[key]
        assert now[key] != then[key]
        assert {k: v for k, v in now.items() if v != then[k]}.keys() <= {key, f"{key}_count"}
        assert record.at == before[id_].at


def test_little_more_than_the_silent_values_is_read_again(silent_vendor: Vendor):
    silent = silent_vendor.case.silent
    assert silent is not None
    (key,) = silent(0)
    silent_vendor.create(1)
    settle()
    one = silent_vendor.connect()
    pages = read_window(one, silent_vendor.stream(one))
    stream = silent_vendor.stream(one)
    assert isinstance(one, Rereads)
    window = one.window(stream, None)
    again = records_of(list(one.reread(stream, window, frozenset({key}))))
    assert {record.source_id for record in again} == {r.source_id for r in records_of(pages)}
    assert all(len(json.loads(record.payload)) <= 7 for record in again)


def _value(record: RawRecord, key: str) -> Any:
    return json.loads(record.payload).get(key)
