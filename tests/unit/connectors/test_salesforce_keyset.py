"""The keyset walk over a small org in memory: nothing is lost, whatever pages, ties and changes."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.clock import FixedClock
from hub.connectors.governor import Usage
from hub.connectors.salesforce.client import Batch, SalesforceConfig, short_domain
from hub.connectors.salesforce.streams import SalesforceConnector, id18
from hub.connectors.windows import parse_time
from hub.errors import ConfigError, ProtocolError
from hub.model.verdicts import Op
from tests.unit.connectors.walks import T0, read_all, read_with_crashes, stream_of

DATA = Path(__file__).parents[2] / "data" / "salesforce"
FIELDS: list[dict[str, Any]] = [
    {"name": "Id", "type": "id", "filterable": True},
    {"name": "SystemModstamp", "type": "datetime", "filterable": True},
    {"name": "LastModifiedDate", "type": "datetime", "filterable": True},
    {"name": "IsDeleted", "type": "boolean", "filterable": True},
    {"name": "MasterRecordId", "type": "reference", "filterable": True},
    {"name": "Address", "type": "address", "filterable": True},
    {"name": "LastViewedDate", "type": "datetime", "filterable": True},
]


def stamp(second):
    return (T0 + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def lead_id(n):
    return id18(f"00Q{n:012d}")


def row(n, second, **values):
    return {"Id": lead_id(n), "SystemModstamp": stamp(second), "IsDeleted": False, **values}


class FakeOrg:
    """Stands in for SalesforceClient; understands the queries of the connector and no other."""

    def __init__(self, rows, batch_size=2000):
        self.rows = rows
        self.batch_size = batch_size
        self.queries = []
        self.before_answer = lambda: None
        self.fields = FIELDS

    def describe(self, name):
        return self.fields

    def limits(self):
        return Usage(1, 100), T0 + timedelta(days=1)

    def count(self, soql):
        return len([one for one in self.matching(soql) if not one["IsDeleted"]])

    def matching(self, soql):
        found = list(self.rows)
        for op, text in re.findall(r"(?:WHERE|AND) SystemModstamp (>=|<) (\S+)", soql):
            limit = moment(text)
            at = lambda one: moment(one["SystemModstamp"])
            if op == ">=":
                found = [one for one in found if at(one) >= limit]
            else:
                found = [one for one in found if at(one) < limit]
        key = re.search(r"\(SystemModstamp > (\S+) OR Id > '(\w+)'\)", soql)
        if key:
            t, last = moment(key[1]), key[2]
            found = [one for one in found if moment(one["SystemModstamp"]) > t or one["Id"] > last]
        return sorted(found, key=lambda one: (one["SystemModstamp"], one.get("Id") or ""))

    def query(self, soql, *, deleted):
        assert deleted
        self.queries.append(soql)
        self.before_answer()
        limit = int(re.findall(r"LIMIT (\d+)", soql)[0])
        found = self.matching(soql)[:limit]
        rows = found[: self.batch_size]
        raws = [json.dumps(one).encode() for one in rows]
        done = len(rows) == len(found)
        return Batch(rows, raws, len(found), done, "" if done else "/next")

    def more(self, next_url):
        raise AssertionError("a batch with rows ends at its own last row")


def org_with(rows, batch_size=2000) -> Any:
    return FakeOrg(rows, batch_size)


def moment(text) -> Any:
    return parse_time(text)


def connector(org, **settings):
    config = SalesforceConfig(domain="acme.my", page_size=3, **settings)
    one = SalesforceConnector(config, FixedClock(T0))
    one._reader.client = org
    return one


times = st.lists(st.integers(0, 4), max_size=25)


@given(times, st.integers(1, 4))
def test_every_record_once_whatever_ties_and_batches(seconds, batch_size):
    org = org_with([row(n, second) for n, second in enumerate(seconds)], batch_size)
    records, cursor = read_all(connector(org))
    assert [one.source_id for one in records] == [one["Id"] for one in org.matching("")]
    assert set(cursor) == {"watermark"}


@given(times, st.data())
def test_a_crash_after_any_page_loses_and_doubles_nothing(seconds, data):
    org = org_with([row(n, second) for n, second in enumerate(seconds)])
    got = read_with_crashes(lambda: connector(org), data)  # each a new process
    assert sorted(got) == sorted(one["Id"] for one in org.rows)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=25), st.data())
@settings(deadline=None)
def test_what_changes_during_paging_comes_now_or_next_time(seconds, data):
    org = org_with([row(n, second) for n, second in enumerate(seconds)])

    def edit():
        if org.rows and data.draw(st.booleans()):
            which = data.draw(st.integers(0, len(org.rows) - 1))
            late = 86_400 + len(org.queries)
            org.rows[which] = {**org.rows[which], "SystemModstamp": stamp(late), "v": late}

    org.before_answer = edit
    one = connector(org)
    first, cursor = read_all(one)
    org.before_answer = lambda: None
    org.limits = lambda: (Usage(1, 100), T0 + timedelta(days=3))
    second, _ = read_all(one, cursor)
    latest = {}
    for record in first + second:
        latest[record.source_id] = json.loads(record.payload)
    assert latest == {one["Id"]: one for one in org.rows}


def test_one_second_with_more_rows_than_a_page():
    org = org_with([row(n, 5) for n in range(50)])
    records, _ = read_all(connector(org))
    assert len({one.source_id for one in records}) == len(records) == 50


def test_the_end_is_told_by_the_total_not_by_a_short_page():
    org = org_with([row(n, n) for n in range(6)], batch_size=1)
    records, _ = read_all(connector(org))
    assert len(records) == 6


def test_deleted_and_merged_records_are_told_apart():
    org = org_with([
        row(1, 1),
        row(2, 2, IsDeleted=True),
        row(3, 3, IsDeleted=True, MasterRecordId=lead_id(1)[:15]),
    ])  # fmt: skip
    one = connector(org)
    records, _ = read_all(one)
    assert [(record.op, record.into) for record in records] == [
        (Op.UPSERT, None),
        (Op.DELETE, None),
        (Op.MERGE_INTO, lead_id(1)),
    ]
    assert one.count(stream_of(one), None, T0 + timedelta(days=1)) == 1
    assert "IsDeleted" not in org.queries[0].split("WHERE")[1]


def test_a_window_is_not_moved_by_an_empty_read():
    one = connector(org_with([]))
    stream = stream_of(one)
    pages = list(one.read(stream, one.window(stream, None)))
    assert [len(page.records) for page in pages] == [0]
    assert pages[0].cursor == {"watermark": "2026-11-24T23:59:00Z"}


def test_a_record_without_an_id_is_handed_out():
    org = org_with([row(1, 1), {**row(2, 2), "Id": None}, row(3, 3)])
    records, _ = read_all(connector(org))
    assert [one.source_id for one in records][:3] == [lead_id(1), "", lead_id(3)]


def test_only_records_without_an_id():
    records, _ = read_all(connector(org_with([{**row(2, 2), "Id": None}])))
    assert [one.source_id for one in records] == [""]


def test_a_page_that_repeats_itself_for_ever_is_named():
    org = org_with([row(n, 1) for n in range(9)])
    honest = org.query
    first = honest("SELECT x FROM Lead LIMIT 3", deleted=True)
    org.query = lambda soql, *, deleted: first
    with pytest.raises(ProtocolError, match=r"SystemModstamp 2026-11-24T00:00:01Z, Id 00Q"):
        read_all(connector(org))


def test_a_page_that_repeats_itself_once_is_asked_for_again():
    org = org_with([row(n, 1) for n in range(9)])
    honest, given_answers = org.query, []

    def query(soql, *, deleted):
        answer = honest(soql, deleted=deleted)
        given_answers.append(answer)
        return given_answers[0] if len(given_answers) == 2 else answer

    org.query = query
    records, _ = read_all(connector(org))
    assert len(records) == len({one.source_id for one in records}) == 9


def test_fields_come_from_describe_without_compounds():
    org = org_with([])
    read_all(connector(org))
    selected = org.queries[0].split(" FROM ")[0]
    assert selected == ("SELECT Id, SystemModstamp, LastModifiedDate, IsDeleted, MasterRecordId")


def test_recorded_describe_gives_a_query():
    org = org_with([])
    described = json.loads((DATA / "describe_Lead.json").read_bytes())
    org.fields = described["interactions"][0]["response"]["body"]["fields"]
    read_all(connector(org))
    selected = org.queries[0].removeprefix("SELECT ").split(" FROM ")[0].split(", ")
    assert {"Id", "SystemModstamp", "Name", "Street", "Email"} <= set(selected)
    assert "Address" not in selected


def test_last_modified_date_where_system_modstamp_cannot_be_filtered():
    org = org_with([])
    org.fields = [
        {**one, "filterable": one["name"] != "SystemModstamp"} if "name" in one else one
        for one in FIELDS
    ]
    one = connector(org)
    stream = stream_of(one)
    list(one.read(stream, one.window(stream, None)))
    assert "ORDER BY LastModifiedDate, Id" in org.queries[0]
    assert stream_of(one).window_by == "LastModifiedDate"


def test_no_time_to_run_on_is_the_operators_business():
    org = org_with([])
    org.fields = [FIELDS[0]]
    with pytest.raises(ConfigError, match="neither SystemModstamp"):
        read_all(connector(org))


def test_formulas_are_what_changes_silently():
    org = org_with([row(1, 1)])
    org.fields = [
        *FIELDS,
        {"name": "Tier__c", "type": "string", "calculated": True},
        {"name": "Plain__c", "type": "string", "calculated": False},
        {"name": "LastActivityDate", "type": "date"},
    ]
    one = connector(org)
    read_all(one)
    assert stream_of(one, "leads").silent == {"Tier__c"}
    window = one.window(stream_of(one, "leads"), None)
    list(one.reread(stream_of(one, "leads"), window, frozenset({"Tier__c"})))
    assert "SELECT Id, SystemModstamp, IsDeleted, MasterRecordId, Tier__c FROM" in org.queries[-1]


def test_without_system_modstamp_the_last_activity_changes_silently():
    org = org_with([])
    org.fields = [one for one in FIELDS if one["name"] != "SystemModstamp"]
    org.fields.append({"name": "LastActivityDate", "type": "date"})
    one = connector(org)
    read_all(one)
    assert stream_of(one, "leads").silent == {"LastActivityDate"}


def test_too_many_fields_for_a_query_is_said_before_the_vendor_does():
    org = org_with([])
    org.fields = [
        *FIELDS,
        *[{"name": f"Field_{n}_{'x' * 110}__c", "type": "string"} for n in range(900)],
    ]
    with pytest.raises(ConfigError, match="do not fit"):
        read_all(connector(org))


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("00Dx0000000BV7z", "00Dx0000000BV7zEAG"),
        ("a00E0000004D5ls", "a00E0000004D5lsIAC"),
        ("0015w00002DxyzA", None),
    ],
)
def test_ids_are_compared_in_their_long_form(short, long):
    made = id18(short)
    assert len(made) == 18
    assert made == (long or made)
    assert id18(made) == made


def test_what_is_no_id():
    assert id18(None) == id18(5) == ""


@pytest.mark.parametrize(
    ("typed", "short"),
    [
        ("acme.my", "acme.my"),
        ("acme", "acme.my"),
        ("https://Acme.my.salesforce.com/", "acme.my"),
        ("acme--dev.sandbox.my.salesforce.com", "acme--dev.sandbox.my"),
        ("login", "login"),
        ("test.salesforce.com", "test"),
    ],
)
def test_domains_as_people_type_them(typed, short):
    assert short_domain(typed) == short


def test_api_version_is_checked_at_once():
    with pytest.raises(ConfigError, match="api_version"):
        SalesforceConnector(SalesforceConfig(domain="a", api_version="v64"), FixedClock(T0))
