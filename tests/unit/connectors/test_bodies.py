"""A body is read within limits of size, time and nesting; an honest one passes whole."""

import gzip
import json
import time
import tracemalloc
import zlib
from io import BytesIO
from itertools import cycle

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from hub.connectors import bodies
from hub.connectors.bodies import MOST_BYTES, MOST_DEPTH, check_depth, read_body
from hub.errors import HubError, ProtocolError, TransientError

MIB = 2**20


def answer(body, coding=""):
    headers = {"Content-Encoding": coding} if coding else {}
    return urllib3.HTTPResponse(body=BytesIO(body), headers=headers, preload_content=False)


def read(body, coding=""):
    return read_body(answer(body, coding), where="GET vendor.example/path")


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("", bytes),
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("GZIP ", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
    ],
)
@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 3 * MIB])
def test_an_honest_body_comes_whole(coding, pack, size):
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert read(pack(body), coding) == body


def test_gzip_files_one_behind_the_other_are_one_body():
    assert read(gzip.compress(b"one ") + gzip.compress(b"two"), "gzip") == b"one two"


def test_an_answer_without_a_body_may_name_a_coding():
    assert read(b"", "gzip") == b""


def packed_mb(n, wbits):
    stream = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return b"".join([*(stream.compress(bytes(MIB)) for _ in range(n)), stream.flush()])


@pytest.mark.parametrize(("coding", "wbits"), [("gzip", 31), ("deflate", 15)])
def test_a_bomb_takes_no_more_memory_than_the_limit(coding, wbits):
    bomb = packed_mb(300, wbits)
    assert len(bomb) < MIB
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError, match=r"vendor\.example/path.* larger than 64 MiB") as e:
            read(bomb, coding)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.6 * MOST_BYTES
    assert "page_size" in str(e.value.hint)


def test_a_large_honest_page_passes():
    rows = [{"Id": str(n), "Description": "ä" * 8000} for n in range(2000)]
    page = json.dumps({"records": rows}, ensure_ascii=False).encode()
    assert len(page) > 30_000_000
    assert read(gzip.compress(page, 1), "gzip") == page


def test_a_body_is_refused_that_is_large_on_the_wire_and_empty_unpacked(monkeypatch):
    monkeypatch.setattr(bodies, "MOST_BYTES", MIB)  # 64 take half a minute
    empty = gzip.compress(b"")

    class Endless(BytesIO):
        parts = cycle([empty * 3000])

        def read1(self, size=-1):
            return next(self.parts)

    with pytest.raises(ProtocolError, match="larger"):
        read_body(
            urllib3.HTTPResponse(Endless(), {"Content-Encoding": "gzip"}, preload_content=False),
            where="GET a/b",
        )


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress", "x"])
def test_a_coding_that_was_not_asked_for_is_refused(coding):
    with pytest.raises(ProtocolError, match="Content-Encoding"):
        read(gzip.compress(b"{}"), coding)


@pytest.mark.parametrize(
    "body",
    [b"no gzip", gzip.compress(b"x" * 999)[:-12], b"\x1f\x8b"],
    ids=["no gzip", "cut", "begun"],  # gzip writes the time: two workers must know the same tests
)
def test_a_damaged_body_is_worth_another_try(body):
    with pytest.raises(TransientError, match=r"unpacked|cut short"):
        read(body, "gzip")


def test_a_vendor_that_drips_is_given_up_on(monkeypatch):
    now = iter(range(0, 10**9, 50))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(now)))

    class Drip(BytesIO):
        def read1(self, size=-1):
            return b" "

    with pytest.raises(ProtocolError, match="600 s"):
        read_body(urllib3.HTTPResponse(Drip(), preload_content=False), where="GET a/b")


def lists(depth):
    return b"[" * depth + b"]" * depth


def objects(depth):
    return b'{"a":' * depth + b"1" + b"}" * depth


def both(depth):
    return b'[{"a":' * (depth // 2) + b"1" + b"}]" * (depth // 2)


@pytest.mark.parametrize("nested", [lists, objects, both])
def test_nesting_is_bounded(nested):
    check_depth(nested(MOST_DEPTH), where="here")
    for depth in (MOST_DEPTH + 2, 5000, 1_000_000):
        with pytest.raises(ProtocolError, match="here: the answer is nested more than 100 levels"):
            check_depth(nested(depth), where="here")


@pytest.mark.parametrize("body", [b"[" * 5000, b'{"a":' * 5000, b'{"a":[' * 5000 + b'"'])
def test_brackets_without_a_partner_count_too(body):
    with pytest.raises(ProtocolError):
        check_depth(b" \n" + body, where="here")


def test_no_json_is_not_looked_at():
    check_depth(b"<script>" + b"{" * 5000, where="here")


def depth_of(value):
    if not isinstance(value, dict | list):
        return 0
    parts = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth_of, parts), default=0)


texts = st.text(alphabet='[]{}"\\ äx\n', max_size=8)
values = st.recursive(
    texts | st.integers(),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(texts, one, max_size=3),
    max_leaves=30,
)


@given(values)
def test_depth_is_counted_as_a_parser_counts_it(value):
    body = json.dumps(value).encode()
    depth = depth_of(value)
    with pytest.MonkeyPatch.context() as patch:
        for most in range(max(depth - 2, 1), depth + 2):
            patch.setattr(bodies, "MOST_DEPTH", most)
            patch.setattr(bodies, "_TOO_DEEP", b"[" * (most + 1))
            assert _is_refused(body) == (depth > most)


def _is_refused(body):
    try:
        check_depth(body, where="here")
    except HubError:
        return True
    return False
