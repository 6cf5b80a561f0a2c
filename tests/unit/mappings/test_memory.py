"""The memory of a rule changes no result: every record maps as it maps in a process of its own."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.hubspot_stub import contact
from hub.errors import RecordError
from hub.mappings import memory
from hub.mappings.compiler import compile_document
from hub.mappings.document import MappingDocument
from hub.mappings.engine import Normalized, NormalizeSettings, _Batch
from hub.mappings.files import HERE
from hub.mappings.parsing import ParsedRecord
from hub.mappings.paths import key_of
from hub.mappings.plan import Plan
from hub.mappings.registry import REGISTRY, Ctx
from hub.mappings.testing import Cases
from hub.mappings.transforms import apply
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from tests.shipped import mappings

DOCUMENTS = mappings()
HOSTILE = st.sampled_from([
    None, "", "  ", True, False, 0, 1, 1.0, -0.0, 0.0, 10**20, [], {}, ["a", None, 1], {"a": 1}, "true", "1", "no",
    "Null", "null", "N/A", "-", "{{name}}", "JEAN", "Dr. Anna Müller", "a.b@x.example, c@y.example", "noemail@acme.com",
    "info@acme.example", "+33 6 12 34 56 78", "06 12 34 56 78 / 07 00 00 00 00", "07911 123456", "000000", "2026-02-30",
    "2026-02-28T10:00:00Z", "2999-01-01", "1980-01-01", "FR", "GB", "Atlantis", "tr", "<b>x</b>", "\ud800x", "x" * 300,
    "customer", "UNQUALIFIED", "a;b;a", "1 234,56", "\x00a",
])  # fmt: skip


@cache
def payloads(name: str) -> Sequence[tuple[dict[str, Any], Mapping[str, Any]]]:
    """Return the records of a mapping's tests, each with its context."""
    text = (HERE / f"{name}.test.yaml").read_text("utf-8")
    found: list[tuple[dict[str, Any], Mapping[str, Any]]] = []
    for case in Cases.model_validate(yaml.safe_load(text)).tests:
        given_ = (
            case.input.get("results", case.input) if isinstance(case.input, dict) else case.input
        )
        records = given_ if isinstance(given_, list) else [given_]
        found += [(one, case.context) for one in records if isinstance(one, dict)]
    if name == "hubspot/contacts":
        found += [(contact(i), {}) for i in range(20)]
    return found


def places(node: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to every value of a payload."""
    inner = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    for key, value in inner:
        yield (*way, key)
        yield from places(value, (*way, key))


def put(node: Any, way: tuple[Any, ...], value: Any) -> Any:
    """Return a payload with another value at one place."""
    if not way:
        return value
    copied = dict(node) if isinstance(node, dict) else list(node)
    copied[way[0]] = put(node[way[0]], way[1:], value)
    return copied


@st.composite
def records(draw: st.DrawFn, name: str) -> tuple[list[ParsedRecord], Mapping[str, Any]]:
    """Draw records of one stream, with hostile values in places; some records are alike."""
    base, context = draw(st.sampled_from(payloads(name)))
    found = []
    for i in range(draw(st.integers(1, 4))):
        payload = base
        for _ in range(draw(st.integers(0, 3))):
            payload = put(payload, draw(st.sampled_from([*places(payload)])), draw(HOSTILE))
        found.append(ParsedRecord(RawRecord(f"r{i}", Op.UPSERT, None, "", b""), payload))
    return found, context


def mapped(
    plan: Plan, some: Sequence[ParsedRecord], context: Mapping[str, Any], region: str
) -> Normalized:
    batch = _Batch(plan, context, NormalizeSettings(region))
    for one in some:
        batch.add(one)
    return batch.result


@cache
def forgetful(document: MappingDocument) -> Plan:
    """Return a plan that no other test fills; with `nothing_kept` it never remembers."""
    return compile_document.__wrapped__(document)


nothing_kept = patch.object(memory, "LONGEST", -1)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_batch_maps_the_same_with_and_without_memory(name: str, data: st.DataObject) -> None:
    document = DOCUMENTS[name]
    some, context = data.draw(records(name))
    region = data.draw(st.sampled_from(["FR", "US", "GB", ""]))
    with nothing_kept:
        plain = mapped(forgetful(document), some, context, region)
    for _ in range(2):  # the second time every result that is kept comes from memory
        assert mapped(compile_document(document), some, context, region) == plain


def test_nothing_is_kept_for_long_values_and_a_full_memory_begins_anew() -> None:
    document = DOCUMENTS["hubspot/contacts"]
    plan = compile_document.__wrapped__(document)
    some = [
        ParsedRecord(RawRecord(str(i), Op.UPSERT, None, "", b""), {"id": str(i), "properties": {"city": f"Town {i}" if i % 2 else "x" * 300 + str(i)}})
        for i in range(300)
    ]  # fmt: skip
    with patch.object(memory, "MOST", 100):
        result = mapped(plan, some, {}, "FR")
    assert [r.values["city"] for r in result.records[:2]] == ["x" * 300 + "0", "Town 1"]
    kept = [m for get in (g for _, g in plan.targets[0].fields) for m in _memories(get)]
    assert kept
    assert all(len(one) <= 100 for one in kept)
    assert not any(len(str(key)) > 300 for one in kept for key in one)


def _memories(get: Any) -> list[dict[Any, Any]]:
    cells = [cell.cell_contents for cell in get.__closure__ or ()]
    return [one for one in cells if isinstance(one, dict)]


_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.floats(-2, 2), st.sampled_from(["", "1", "True"])
)  # fmt: skip


@given(_SCALARS, _SCALARS)
def test_two_values_that_differ_have_two_keys(one: Any, other: Any) -> None:
    is_same = type(one) is type(other) and repr(one) == repr(other)
    assert (key_of(one) == key_of(other)) is is_same


@pytest.mark.parametrize("name", sorted(REGISTRY))
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_transform_reads_only_what_it_declares(name: str, data: st.DataObject) -> None:
    found = REGISTRY[name]
    value = data.draw(st.one_of(HOSTILE, st.lists(HOSTILE, max_size=3), st.text(max_size=20)))
    args = {
        key: data.draw(_ARGS.get(key, st.sampled_from(["", "a", "first_name", "%Y"])))
        for key in found.needs
    }
    regions = st.sampled_from(["FR", "US", "GB", "TR", ""])
    languages = st.sampled_from(["", "tr", "hu", "zh-tw", "fr"])
    region, language = data.draw(regions), data.draw(languages)
    one = Ctx(region, language)
    other = Ctx(
        region if "region" in found.reads else data.draw(regions),
        language if "language" in found.reads else data.draw(languages),
    )
    assert _outcome(name, value, args, one) == _outcome(name, value, args, other)


_ARGS: Mapping[str, st.SearchStrategy[Any]] = {
    "map": st.just({"a": "b", "true": "c"}),
    "keys": st.just({"a": "a.b", "c": "c"}),
    "values": st.just(["a"]),
    "prefixes": st.just(["a"]),
    "text": st.just("{0}!"),
    "part": st.sampled_from(["first_name", "last_name", "salutation"]),
}


def _outcome(name: str, value: Any, args: Mapping[str, Any], ctx: Ctx) -> object:
    try:
        return repr(apply(name, value, args, ctx))
    except RecordError as exc:
        return exc.message
