"""JSON for the database: the same values back, and one text for equal values."""

import json

from hypothesis import given
from hypothesis import strategies as st

from hub.db.json_text import read_json, write_json

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(_VALUES)
def test_what_is_written_is_read_back(value):
    assert read_json(write_json(value)) == value
    assert json.loads(write_json(value)) == value


@given(_VALUES)
def test_texts_of_the_library_are_read_as_the_library_reads_them(value):
    text = json.dumps(value)
    assert repr(read_json(text)) == repr(json.loads(text))


@given(st.dictionaries(st.text(), _VALUES, min_size=2, max_size=5))
def test_the_order_of_keys_does_not_matter(value):
    assert write_json(value) == write_json(dict(reversed(value.items())))


def test_what_msgspec_refuses_comes_through():
    assert read_json("1e400") == float("inf")
    half = {"b": "\ud800", "a": 1}
    assert json.loads(write_json(half)) == half
