"""A fault is no larger than its cause: what is refused of an account keeps nothing else back.

A promise asks for a declared capability of the stream, never for a vendor's name. Each was seen to
fail: `test_broken.py` runs it against a connector that is broken in just this way.
"""

import pytest

from hub.connectors.base import Page
from hub.errors import CredentialError, ForbiddenError, HubError, ProtocolError, TransientError
from tests.conformance.conftest import Vendor, plain_ids, read_window, records_of, settle


def test_refused_credentials_are_no_missing_permission(vendor: Vendor):
    vendor.break_by(f"revoked:{vendor.source}")
    one = vendor.connect()
    for stream in one.streams():
        with pytest.raises(CredentialError) as caught:
            read_window(one, stream)
        assert not isinstance(caught.value, ForbiddenError), "no other stream need be asked for"
    assert not all(finding.ok for finding in one.check())


@pytest.mark.parametrize("fault", ["down", "hostile"])
def test_a_vendor_that_is_down_or_hostile_is_told(vendor: Vendor, fault):
    vendor.break_by(f"{fault}:{vendor.source}")
    one = vendor.connect()
    stream = vendor.stream(one)
    with pytest.raises(HubError) as caught:
        read_window(one, stream)
    assert isinstance(caught.value, (TransientError, ProtocolError))


def test_a_forbidden_part_keeps_no_other_back_and_loses_nothing(vendor: Vendor):
    settle()
    one = vendor.connect()
    stream = vendor.stream(one)
    everything = records_of(read_window(one, stream))
    part = vendor.part(everything[0])
    others = {r.source_id for r in everything if vendor.part(r) != part}
    vendor.break_by(f"forbidden:{vendor.source}/{part}")
    one = vendor.connect()
    for each in one.streams():
        if each.part != stream.part and "/" not in part:
            assert read_window(one, each), "another stream"
    cursor = None
    for _ in range(2):
        window = one.window(stream, cursor) if "/" in part else None
        try:
            pages = list(one.read(stream, window or one.window(stream, cursor)))
        except ForbiddenError:
            assert "/" not in part, "one part of a stream ended it"
            continue
        faults = [fault for page in pages for fault in page.faults]
        assert [fault.part for fault in faults] == [part]
        assert isinstance(faults[0].error, ForbiddenError)
        got = {r.source_id for r in records_of(pages)}
        assert got == others if cursor is None else got <= others
        cursor = pages[-1].cursor
        assert "window" not in cursor
    vendor.break_by("")
    again = plain_ids(records_of(read_window(vendor.connect(), stream, cursor)))
    missing = [r for r in everything if r.source_id not in others]
    assert set(again) >= set(plain_ids(missing))


def test_check_names_a_forbidden_part_and_skip_leaves_it_out(vendor: Vendor):
    settle()
    one = vendor.connect()
    stream = vendor.stream(one)
    part = vendor.part(records_of(read_window(one, stream))[0])
    vendor.break_by(f"forbidden:{vendor.source}/{part}")
    (wrong,) = [finding for finding in vendor.connect().check() if not finding.ok]
    assert wrong.subject == part
    assert f"sources.{vendor.source}.skip: [{part}]" in wrong.hint
    one = vendor.connect(skip=[part])
    assert all(finding.ok for finding in one.check())
    pages: list[Page] = []
    for each in one.streams():
        pages += read_window(one, each)
        one.count(each, None, one.window(each, None).until)
    assert not [page.faults for page in pages if page.faults]
