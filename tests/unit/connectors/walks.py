"""The common part of tests of walks over a vendor's records."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from hub.connectors.answers import Answer, to_answer
from hub.connectors.base import Connector, Stream
from hub.model.records import RawRecord

T0 = datetime(2026, 11, 24, tzinfo=UTC)
_MOST_RUNS = 120


def answer_of(value: object) -> Answer:
    """Return an answer with this JSON body, given at `T0`."""
    date = T0.strftime("%a, %d %b %Y %H:%M:%S GMT")
    return to_answer(json.dumps(value).encode(), {"Date": date}, where="GET a.example/x")


def stream_of(one: Connector, name: str = "") -> Stream:
    """Return a connector's stream; without a name the last one, which all others lead to."""
    return next(stream for stream in reversed(one.streams()) if name in {"", stream.name})


def read_all(one: Connector, cursor: Any = None, name: str = "") -> tuple[list[RawRecord], Any]:
    """Return the records of the next window, and the cursor after it."""
    stream = stream_of(one, name)
    pages = list(one.read(stream, one.window(stream, cursor)))
    for fault in (fault for page in pages for fault in page.faults):
        raise fault.error
    assert ["window" in page.cursor for page in pages] == [True] * (len(pages) - 1) + [False]
    return [record for page in pages for record in page.records], pages[-1].cursor


def read_with_crashes(connect: Callable[[], Connector], data: st.DataObject) -> list[str]:
    """Return the ids of a first window read by processes that each die after some pages."""
    cursor: Any = None
    got: list[str] = []
    for _ in range(_MOST_RUNS):
        one = connect()
        stream = stream_of(one)
        pages = one.read(stream, one.window(stream, cursor))
        for _ in range(data.draw(st.integers(1, 3))):
            page = next(pages, None)
            if page is None:
                break
            cursor = json.loads(json.dumps(page.cursor))
            got += [record.source_id for record in page.records]
        if "window" not in cursor:
            return got
    raise AssertionError(f"the window did not end within {_MOST_RUNS} runs")
