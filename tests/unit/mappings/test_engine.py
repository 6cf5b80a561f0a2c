"""Batches through the shipped mappings: everything comes out once, nothing stops the batch."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import ConfigError, RecordError
from hub.mappings.engine import NormalizeSettings, Unknown, normalize
from hub.mappings.loader import load, load_all, load_text, names
from hub.mappings.parsing import context_references, parse, parse_records
from hub.mappings.preview import preview
from hub.mappings.testing import run_tests
from hub.model.entities import ENTITY_FIELDS
from hub.model.records import RawRecord
from hub.model.verdicts import Op, Trust

DATA = Path(__file__).parents[2] / "data"
NOW = NormalizeSettings("FR", datetime(2026, 1, 1, tzinfo=UTC))
ID = "00Q5g00000ABCDEEA5"
LEADS = load("salesforce/leads")
RESPONSES = load("typeform/responses")


def raw(payload, source_id=ID):
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return RawRecord(source_id, Op.UPSERT, None, "", body)


def leads(*payloads, source_ids=None):
    ids = source_ids or [f"id{i}" for i in range(len(payloads))]
    return normalize(LEADS, [raw(p, i) for p, i in zip(payloads, ids, strict=True)], {}, NOW)


def _assert_accounted(result, ids):
    primaries = [r.source_id for r in result.records if r.primary]
    assert sorted([*primaries, *result.excluded, *result.rejected]) == sorted(set(ids))


def _assert_canonical(records):
    for record in records:
        fields = {f.name for f in ENTITY_FIELDS[record.entity]}
        assert record.values.keys() <= fields
        text = json.dumps(dict(record.values), allow_nan=False, ensure_ascii=False)
        # a NUL would be an escape; a backslash that was typed is doubled, and harmless
        assert "\\u0000" not in text.replace("\\\\", "")
        text.encode()


@pytest.mark.parametrize("name", names())
def test_mapping_passes_the_tests_beside_it(name):
    results = run_tests(name)
    assert results
    assert [r for r in results if not r.is_ok] == []


def test_shipped_mappings_load():
    assert {"salesforce/leads", "salesforce/users", "typeform/responses"} <= load_all().keys()


def _described_row(pick):
    row = {"attributes": {"type": "Lead"}}
    for field in _described():
        values = [p["value"] for p in field.get("picklistValues", [])]
        sample = {
            "boolean": pick % 2 == 0, "date": "2024-02-03", "datetime": "2024-02-03T04:05:06.000+0000", "double": 1.5,
            "currency": 1e6, "int": 7, "email": "a@corp.example", "phone": "0123456789", "url": "corp.example",
            "id": ID, "reference": "0055g00000ABCDEAA5", "address": {"city": "Lyon"},
        }.get(field["type"], "Some text")  # fmt: skip
        row[field["name"]] = values[pick % len(values)] if values else sample
    return row | {"IsDeleted": False, "Country": "France"}


def _described():
    body = json.loads((DATA / "salesforce/describe_Lead.json").read_text())["interactions"][0][
        "response"
    ]["body"]
    return body["fields"]


def test_every_described_lead_field_is_mapped_or_known():
    result = leads(*[_described_row(i) for i in range(40)])
    assert result.unknowns == {}
    assert result.problems == []
    _assert_canonical(result.records)
    assert {r.values["status"] for r in result.records if r.primary} <= {
        "New",
        "Working",
        "Unqualified",
        "converted",
    }


def test_empty_described_row_gives_a_lead():
    row = {field["name"]: None for field in _described()} | {"Id": ID}
    (record,) = leads(row).records
    assert record.values == {"last_name": "(no name)", "custom_fields": {"name_inferred": True}}


def _bodies(node):
    if isinstance(node, dict):
        if isinstance(node.get("records"), list):
            yield node
        for child in node.values():
            yield from _bodies(child)
    elif isinstance(node, list):
        for child in node:
            yield from _bodies(child)


@pytest.mark.parametrize("path", sorted((DATA / "salesforce").glob("*.json")), ids=lambda p: p.stem)
def test_recorded_query_pages_go_through(path):
    for page in _bodies(json.loads(path.read_text())):
        got = preview("salesforce/leads", json.dumps(page).encode())
        assert all(
            row["reason"] == "no source id"
            for row in got["quarantine"]
            if row["severity"] == "record"
        )


def test_recorded_webhooks_give_a_lead_an_inquiry_and_a_note_and_their_legal_questions_no_consent():
    for name, email in (("doc_sample", "laura@example.com"), ("sdk_1", "johndoe@example.com")):
        body = json.loads((DATA / f"typeform/webhook_{name}.json").read_text())
        got = preview("typeform/responses", json.dumps(body.get("body", body)).encode())
        assert [r["entity"] for r in got["records"]] == ["lead", "inquiry", "note"]
        assert got["records"][0]["values"]["email"] == email
        assert (got["excluded"], got["quarantine"]) == ([], [])


def test_form_of_the_context_gives_the_titles():
    answers = [{"type": "text", "text": "Ann", "field": {"id": "q", "type": "short_text"}}]
    form = {
        "id": "f",
        "title": "T",
        "fields": [{"id": "q", "title": "Your name", "type": "short_text"}],
    }
    result = normalize(RESPONSES, [raw({"answers": answers}, "f:t")], {"f": form}, NOW)
    lead, inquiry = result.records
    assert lead.values["last_name"] == "Ann"
    assert lead.values["lead_source"] == "Typeform/T"
    assert lead.refs == {"form": "f"}
    assert (lead.trust, inquiry.primary) == (Trust.OPEN, False)


GOOD = {"LastName": "Doe"}
BAD_RECORDS = [
    b"",
    b"{",
    b"\xff\xfe\xfa",
    b"[]",
    b"null",
    b'"x"',
    b"1",
    b"[" * 200_000,
    b'{"LastName": ' + b"9" * 5000 + b"}",
]


@pytest.mark.parametrize("body", BAD_RECORDS, ids=range(len(BAD_RECORDS)))
def test_bad_record_does_not_stop_the_batch(body):
    result = leads(GOOD, body, GOOD)
    assert result.rejected == ["id1"]
    assert [p.severity for p in result.problems] == ["record"]
    assert [r.source_id for r in result.records] == ["id0", "id2"]


@pytest.mark.parametrize(
    ("field", "value", "name", "kept"),
    [
        ("Email", "x@", "email", None),
        ("Title", "x" * 10_000_000, "title", "x" * 65_536),
        ("Title", ["x"], "title", None),
        ("Title", {"a": 1}, "title", None),
        ("CreatedDate", "2024-02-30T00:00:00.000+0000", "created_at", None),
        ("CreatedDate", "1901-01-01T00:00:00.000+0000", "created_at", None),
        ("CreatedDate", "2026-01-03T00:00:00.000+0000", "created_at", None),
        ("LastActivityDate", "2031-01-01", "last_activity_at", None),
        ("LastActivityDate", "1970-01-01", "last_activity_at", None),
        ("Phone", "call me", "phone", "call me"),
        ("Website", "no site", "website", "no site"),
        ("City", "Ly\ud83don", "city", "Ly\ufffdon"),
    ],
    ids=lambda v: str(v)[:20],
)  # fmt: skip
def test_bad_value_costs_the_field_only(field, value, name, kept):
    result = leads({**GOOD, field: value})
    (record,) = result.records
    assert (record.values[name], record.values["last_name"]) == (kept, "Doe")
    (problem,) = result.problems
    assert (problem.field, problem.severity) == (name, "field")
    assert len(problem.value) <= 200
    _assert_canonical(result.records)


def test_nul_and_nan_are_left_out():
    (record,) = leads(b'{"LastName": "D\\u0000oe", "AnnualRevenue": NaN, "X__c": 1e999}').records
    assert record.values == {"last_name": "Doe"}


def test_an_unknown_status_is_kept_and_told_as_other_unknowns_are():
    result = leads({**GOOD, "Status": "Odd", "Country": "Atlantis", "Novel": 1})
    assert result.records[0].values["status"] == "Odd"
    assert result.problems == []
    assert result.unknowns == {
        Unknown("value", "status", "Odd"): 1,
        Unknown("value", "country", "Atlantis"): 1,
        Unknown("field", "Novel", ""): 1,
    }


def test_phone_is_read_in_the_record_s_country():
    result = leads(
        {**GOOD, "Phone": "(415) 555-2671", "Country": "USA"}, {**GOOD, "Phone": "0123456789"}
    )
    assert [r.values["phone"] for r in result.records] == ["+14155552671", "+33123456789"]


def test_last_of_one_id_wins():
    result = leads({"LastName": "Old"}, {"LastName": "New"}, source_ids=["a", "a"])
    assert [r.values["last_name"] for r in result.records] == ["New"]
    assert result.superseded == ["a"]


def test_refs_and_tombstones():
    lead = {**GOOD, "OwnerId": "0055g00000ABCDE", "MasterRecordId": None}
    result = normalize(
        LEADS,
        [raw(lead, "a"), RawRecord("b", Op.DELETE, None, "", b"")],
        {},
        NOW,
    )
    assert result.records[0].refs == {"owner": "0055g00000ABCDEAA5"}
    assert (result.excluded, result.deleted) == (["b"], ["b"])


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
JSON = st.recursive(
    SCALARS,
    lambda i: st.lists(i, max_size=3) | st.dictionaries(st.text(), i, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from([f["name"] for f in _described()] + ["X__c", "Odd"]), JSON),
        max_size=4,
    )
)
def test_any_lead_is_accounted_for(payloads):
    result = leads(*payloads)
    _assert_accounted(result, [f"id{i}" for i in range(len(payloads))])
    _assert_canonical(result.records)


TYPEFORM_KEYS = [
    "form_id",
    "token",
    "definition",
    "answers",
    "hidden",
    "calculated",
    "submitted_at",
    "form_response",
]


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(TYPEFORM_KEYS), JSON),
    st.lists(
        st.dictionaries(
            st.sampled_from(["type", "text", "email", "field", "choice", "choices", "boolean"]),
            JSON,
        )
    ),
    JSON,
)
def test_any_response_is_accounted_for(payload, answers, form):
    payloads = [payload, {**payload, "answers": answers}]
    result = normalize(
        RESPONSES,
        [raw(p, f"f:{i}") for i, p in enumerate(payloads)],
        {"f": form},
        NOW,
    )
    _assert_accounted(result, ["f:0", "f:1"])
    _assert_canonical(result.records)


MAPPING = """source: s
stream: t
id: Id
emit:
  - entity: lead
    primary: true
    fields:
      last_name: Name
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("last_name: Name", "lastname: Name", 8, "did you mean 'last_name'"),
        ("last_name: Name", "last_name: {path: Name, transform: txt}", 8, "did you mean 'text'"),
        ("last_name: Name", "last_name: {pth: Name}", 8, "did you mean 'path'"),
        ("last_name: Name", "last_name: {path: Name, const: x}", 8, "exactly one of"),
        ("last_name: Name", "last_name: {path: 'a..b'}", 8, "is not a path"),
        (
            "last_name: Name",
            "last_name: {path: N, transform: {picklist: {mp: {}}}}",
            8,
            "did you mean 'map'",
        ),
        ("last_name: Name", "last_name: {path: N, when: {equal: x}}", 8, "did you mean 'equals'"),
        ("entity: lead", "entity: leed", 5, "did you mean 'lead'"),
        ("primary: true", "primary: false", 1, "must be primary"),
        ("stream: t", "streem: t", 2, "did you mean 'stream'"),
        ("stream: t", "stream: [", 4, "not valid YAML"),
    ],
)
def test_fault_in_a_document_has_a_line_and_a_suggestion(old, new, line, said):
    with pytest.raises(ConfigError) as caught:
        load_text(MAPPING.replace(old, new), "m.yaml")
    assert f"m.yaml:{line}:" in str(caught.value)
    assert said in str(caught.value)


ALTERNATIVES = """source: s
stream: t
id: Id
emit:
  - entity: contact
    primary: true
    when: {equals: {path: Kind, value: customer}}
    fields: {last_name: Name}
  - entity: lead
    primary: true
    when: {not_empty: Name}
    fields: {last_name: Name}
  - entity: note
    fields: {content: Name}
"""


def test_of_several_primary_targets_the_first_that_holds_is_emitted():
    payloads = [
        {"Id": "1", "Name": "Doe", "Kind": "customer"},
        {"Id": "2", "Name": "Roe", "Kind": "other"},
        {"Id": "3", "Kind": "customer"},
        {"Id": "4"},
    ]
    records = [raw(payload, payload["Id"]) for payload in payloads]
    result = normalize(load_text(ALTERNATIVES), records, {}, NOW)
    primaries = [(one.source_id, one.entity) for one in result.records if one.primary]
    assert primaries == [("1", "contact"), ("2", "lead"), ("3", "contact")]
    assert result.excluded == ["4"]


def test_a_primary_target_that_none_could_follow_is_a_fault():
    text = ALTERNATIVES.replace("    when: {equals: {path: Kind, value: customer}}\n", "")
    with pytest.raises(ConfigError, match="all but the last"):
        load_text(text, "m.yaml")


def test_version_is_what_the_document_says():
    same = load_text("# a comment\n" + MAPPING.replace("stream: t", "stream:   't'"))
    assert same.version == load_text(MAPPING).version
    assert same.version != load_text(MAPPING.replace("Name", "Nom")).version


def test_user_s_file_takes_the_shipped_one_s_place(tmp_path):
    (tmp_path / "salesforce").mkdir()
    own = MAPPING.replace("source: s", "source: salesforce").replace("stream: t", "stream: leads")
    (tmp_path / "salesforce/leads.yaml").write_text(own)
    assert load("salesforce/leads", tmp_path).version != load("salesforce/leads").version
    assert names(tmp_path) == names()
    assert run_tests("salesforce/leads", tmp_path) == []


def test_unknown_mapping_is_named():
    with pytest.raises(ConfigError) as caught:
        load("salesforce/lead")
    assert caught.value.hint == "did you mean 'salesforce/leads'?"


@pytest.mark.parametrize(
    "body", [[GOOD | {"Id": ID}], GOOD | {"Id": ID}, {"records": [GOOD | {"Id": ID}], "done": True}]
)
def test_preview_takes_a_list_a_record_and_a_page(body):
    got = preview("salesforce/leads", json.dumps(body).encode())
    assert got == {
        "records": [{"entity": "lead", "source_id": ID, "values": {"last_name": "Doe"}}],
        "excluded": [],
        "quarantine": [],
    }


LOOKING_UP = """
source: acme
stream: people
id: id
emit:
  - entity: lead
    primary: true
    fields:
      last_name: name
      organization_name:
        first_of: [company, {lookup: {stream: firms, id: firm, path: properties.name}}]
"""


def test_a_lookup_reads_the_object_that_is_named_and_asks_for_no_other():
    document = load_text(LOOKING_UP)
    given_records = [
        raw({"id": "1", "name": "A", "firm": 7}, "1"),
        raw({"id": "2", "name": "B", "firm": "8"}, "2"),
        raw({"id": "3", "name": "C"}, "3"),
        raw(b"not json", "4"),
    ]
    assert context_references(document, parse_records(document, given_records)) == {
        ("firms", "7"),
        ("firms", "8"),
    }
    context = {"firms/7": {"properties": {"name": "Seven"}}}
    result = normalize(document, given_records, context, NOW)
    firms = {r.source_id: r.values.get("organization_name") for r in result.records}
    assert firms == {"1": "Seven", "2": None, "3": None}


def test_a_lookups_path_is_checked_before_any_row_is_read():
    with pytest.raises(ConfigError, match="is not a path"):
        load_text(LOOKING_UP.replace("properties.name", "properties..name"))


CONTAINS = """
source: x
stream: y
id: id
when: {contains: {path: asked, values: [Devis, price list, "!"]}}
emit:
  - {entity: note, primary: true, fields: {content: id}}
"""


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ("Un DEVIS, vite", True),
        ("your price-list?", True),
        ("devisé", False),
        ("devise", False),
        ("price of the list", False),
        (["vip", "Price List"], True),
        (["devis urgent"], False),
        ([5, None], False),
        (None, False),
        ("!", False),
        (7, False),
    ],
)
def test_contains_is_about_whole_words_and_items(asked, holds):
    document = load_text(CONTAINS)
    result = normalize(document, [raw({"id": "a", "asked": asked}, "a")], {}, NOW)
    assert [one.source_id for one in result.records] == (["a"] if holds else [])


def test_contains_needs_its_values():
    with pytest.raises(ConfigError, match="needs 'values'"):
        load_text(CONTAINS.replace("values:", "value:"))


def test_a_list_of_ids_and_values_is_copied_as_an_object():
    document = load_text(
        "{source: x, stream: y, id: id, emit: [{entity: lead, primary: true,"
        " fields: {custom_fields.*: {copy: {of: extra, keys: ['*']}}}}]}"
    )
    extra = [{"id": 5, "value": "x"}, {"id": "6", "value": None}, {"value": 1}, "y", {"id": [1]}]
    result = normalize(document, [raw({"id": "a", "extra": extra}, "a")], {}, NOW)
    assert result.records[0].values == {"custom_fields": {"5": "x"}}


_TEXTS = st.text(st.characters(codec=None), max_size=8)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)


@given(
    value=st.dictionaries(_TEXTS, _VALUES, max_size=4),
    is_ascii=st.booleans(),
    cut=st.none() | st.tuples(st.integers(0, 400), st.binary(max_size=2)),
)
def test_the_quick_parser_reads_what_the_slow_one_reads(value, is_ascii, cut):
    body = json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")
    if cut is not None:
        body = body[: cut[0]] + cut[1] + body[cut[0] + 1 :]
    try:
        text = body.decode(json.detect_encoding(body), "surrogatepass").removeprefix("\ufeff")
        slow = json.loads(text, parse_constant=lambda _name: None)
    except ValueError:
        slow = None
    try:
        quick = parse(body)
    except RecordError:
        assert not isinstance(slow, dict)
    else:
        assert repr(quick) == repr(slow)
