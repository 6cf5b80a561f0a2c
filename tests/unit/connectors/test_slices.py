"""A payload is the vendor's bytes, whatever is in them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.connectors.slices import dump_again, slice_key, slice_list

DATA = Path(__file__).parents[2] / "data"


def query_pages():
    """Yield name and bytes of every recorded Salesforce answer with records."""
    for path in sorted((DATA / "salesforce").glob("*.json")):
        body = path.read_bytes()
        parsed = json.loads(body)
        if isinstance(parsed, dict) and isinstance(parsed.get("records"), list):
            yield pytest.param(body, id=path.stem)
        turns = parsed.get("interactions", []) if isinstance(parsed, dict) else []
        for number, turn in enumerate(turns):
            answer = turn["response"]["body"]
            if isinstance(answer, dict) and isinstance(answer.get("records"), list):
                yield pytest.param(json.dumps(answer).encode(), id=f"{path.stem}-{number}")


@pytest.mark.parametrize("body", list(query_pages()))
def test_recorded_pages_are_cut_exactly(body):
    raws = slice_list(body, "records")
    assert [json.loads(raw) for raw in raws] == json.loads(body)["records"]
    at = 0
    for raw in raws:
        at = body.index(raw, at) + len(raw)


@pytest.mark.parametrize("body", list(query_pages()))
def test_dumping_again_says_the_same(body):
    again = [json.loads(raw) for raw in dump_again(body, "records")]
    assert again == json.loads(body)["records"]


@pytest.mark.parametrize("path", sorted((DATA / "typeform").glob("*.json")), ids=lambda p: p.stem)
def test_recorded_typeform_bodies_are_cut_exactly(path):
    body = path.read_bytes()
    for key, value in json.loads(body).items():
        raw = slice_key(body, key)
        assert raw in body
        assert json.loads(raw) == value
        if isinstance(value, list):
            assert [json.loads(one) for one in slice_list(body, key)] == value


def test_digits_survive_the_strict_parser():
    body = b'{"n": NaN, "records": [{"a": 1.50, "b": 12345678901234567890.10, "c": NaN}]}'
    assert slice_list(body, "records") == [b'{"a":1.50,"b":12345678901234567890.10,"c":NaN}']


def test_lone_surrogate_is_kept():
    body = b'{"records": [{"a": "\\ud800", "n": 0.10}]}'
    assert json.loads(slice_list(body, "records")[0])["a"] == "\ud800"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.lists(json_values), st.booleans(), st.sampled_from([None, 1]))
def test_slices_and_dumps_agree_with_json(records, ascii_only, indent):
    body = json.dumps({"x": 1, "records": records}, ensure_ascii=ascii_only, indent=indent)
    raw = body.encode("utf-8", "surrogatepass")
    assert [json.loads(one) for one in slice_list(raw, "records")] == records
    assert [json.loads(one) for one in dump_again(raw, "records")] == records


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"records": 5}', b'{"records": "ab"}', b"{"])
def test_what_is_no_list_is_refused(body):
    with pytest.raises(ValueError):
        slice_list(body, "records")
    with pytest.raises(ValueError):
        slice_key(body, "nothing")
