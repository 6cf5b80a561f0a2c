"""The walk by id over a small account in memory: nothing is lost, whatever pages, ties, changes."""

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.clock import FixedClock
from hub.connectors.base import Window
from hub.connectors.hubspot.client import HubspotConfig
from hub.connectors.hubspot.joins import Joiner
from hub.connectors.hubspot.streams import STREAMS, HubspotConnector, id_key
from hub.errors import ConfigError, ProtocolError
from hub.model.verdicts import Op
from tests.unit.connectors.walks import T0, answer_of

OWNERS, *_, COMPANIES, CONTACTS = STREAMS
COMPARE = {
    "GT": lambda one, other: one > other,
    "GTE": lambda one, other: one >= other,
    "LT": lambda one, other: one < other,
}


def stamp(second):
    return (T0 + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def contact(n, second, **properties):
    return {
        "id": str(n),
        "properties": {"hs_object_id": str(n), "lastmodifieddate": stamp(second), **properties},
        "createdAt": stamp(0),
        "updatedAt": stamp(second),
        "archived": False,
    }


class FakeAccount:
    """Stands in for HubspotClient; knows the searches of the connector and no other."""

    def __init__(self, rows, gone=(), owners=()):
        self.rows = list(rows)
        self.gone = list(gone)
        self.people = list(owners)
        self.searches = []
        self.before_answer = lambda: None
        self.spoil = lambda results: results
        self.names = [{"name": "email"}, {"name": "lastmodifieddate"}]

    def now(self):
        return T0 + timedelta(days=1)

    def properties(self, kind):
        return answer_of({"results": self.names})

    def search(self, kind, body):
        self.before_answer()
        self.searches.append(body)
        assert "after" not in body
        assert body["sorts"] == [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
        found = [row for row in self.rows if all(holds(one, row) for one in filters_of(body))]
        found.sort(key=lambda row: id_key(row["id"]))
        results = self.spoil(found[: body["limit"]])
        return answer_of({"total": len(found), "results": results})

    def associations(self, origin, target, inputs):
        return answer_of({"results": []})

    def list(self, kind, params):
        assert params["archived"] == "true"
        return self.page(self.gone, params)

    def owners(self, params):
        left = params["archived"] == "true"
        return self.page([one for one in self.people if one["archived"] == left], params)

    def page(self, rows, params):
        start = int(params.get("after", 0))
        end = start + min(params["limit"], 3)
        body = {"results": rows[start:end]}
        if end < len(rows):
            body["paging"] = {"next": {"after": str(end)}}
        return answer_of(body)


def filters_of(body):
    return body["filterGroups"][0]["filters"]


def holds(one, row):
    if one["propertyName"] == "hs_object_id":
        return COMPARE[one["operator"]](id_key(row["id"]), id_key(one["value"]))
    at = datetime.fromisoformat(row["properties"]["lastmodifieddate"]).timestamp() * 1000
    return COMPARE[one["operator"]](at, int(one["value"]))


def connector(account, **config):
    one = HubspotConnector(HubspotConfig(token="t", **config), FixedClock(T0))
    one._client = account  # type: ignore[assignment]
    one._joiner = Joiner(account)  # type: ignore[arg-type]
    return one


def window(since=None, until=3600):
    at = None if since is None else T0 + timedelta(seconds=since)
    return Window(at, T0 + timedelta(seconds=until), at)


def read(one, stream=CONTACTS, span=None):
    return [r for page in one.read(stream, span or window()) for r in page.records]


rows_strategy = st.lists(
    st.tuples(st.integers(1, 10**11), st.integers(0, 20)), unique_by=lambda row: row[0], max_size=40
)


@given(rows=rows_strategy, page_size=st.integers(1, 9), since=st.none() | st.integers(0, 20))
def test_every_contact_of_the_window_comes_once(rows, page_size, since):
    account = FakeAccount(contact(n, second) for n, second in rows)
    one = connector(account, page_size=page_size)
    got = [record.source_id for record in read(one, span=window(since, 15))]
    wanted = [str(n) for n, second in rows if (since or 0) <= second < 15]
    assert got == sorted(wanted, key=id_key)
    assert one.count(CONTACTS, window(since, 15).since, window(since, 15).until) == len(wanted)


@given(rows=rows_strategy, page_size=st.integers(1, 5), data=st.data())
@settings(max_examples=60)
def test_edits_during_paging_lose_nothing(rows, page_size, data):
    account = FakeAccount(contact(n, second) for n, second in rows)

    def edit():
        if account.rows:
            row = data.draw(st.sampled_from(account.rows))
            row["properties"]["lastmodifieddate"] = stamp(4000)

    account.before_answer = edit
    one = connector(account, page_size=page_size)
    got = {record.source_id for record in read(one)}
    account.before_answer = lambda: None
    got |= {record.source_id for record in read(one, span=window(3600, 7200))}
    assert got == {str(n) for n, _ in rows}


@given(rows=rows_strategy, page_size=st.integers(1, 5), crash_after=st.integers(0, 6))
def test_a_crash_resumes_behind_the_last_page(rows, page_size, crash_after):
    account = FakeAccount(
        (contact(n, second) for n, second in rows), [gone(n) for n in range(1, 8)]
    )
    first = connector(account, page_size=page_size)
    got, cursor = [], None
    for n, page in enumerate(first.read(CONTACTS, window())):
        got += page.records
        cursor = json.loads(json.dumps(page.cursor))
        if n == crash_after:
            break
    again = connector(account, page_size=page_size)
    if cursor is not None and "window" in cursor:
        got += read(again, span=again.window(CONTACTS, cursor))
    live = sorted((str(n) for n, _ in rows), key=id_key)
    assert [one.source_id for one in got if one.op is Op.UPSERT] == live
    assert [one.source_id for one in got if one.op is Op.DELETE] == [f"9{n}" for n in range(1, 8)]


def gone(n, second=5, **properties):
    return {**contact(f"9{n}", 1, **properties), "archived": True, "archivedAt": stamp(second)}


def test_ids_are_compared_as_numbers():
    account = FakeAccount(contact(n, 1) for n in (9, 10, 100, 21_000_000_001))
    got = [record.source_id for record in read(connector(account, page_size=1))]
    assert got == ["9", "10", "100", "21000000001"]


def test_every_page_after_the_first_has_the_id_filter_and_all_properties():
    account = FakeAccount(contact(n, 1) for n in range(1, 6))
    read(connector(account, page_size=2))
    lasts = [
        [one["value"] for one in filters_of(body) if one["propertyName"] == "hs_object_id"]
        for body in account.searches
    ]
    assert lasts == [[], ["2"], ["4"]]
    wanted = {"email", "lastmodifieddate", "hs_object_id", "hs_merged_object_ids"}
    assert all(set(body["properties"]) == wanted for body in account.searches)


def test_a_sort_by_text_is_noticed():
    account = FakeAccount(contact(n, 1) for n in (9, 10, 100))
    account.spoil = lambda results: sorted(results, key=lambda row: row["id"])
    with pytest.raises(ProtocolError, match="order of ids"):
        read(connector(account))


def test_a_page_that_repeats_what_came_before_is_cut():
    account = FakeAccount(contact(n, 1) for n in range(1, 8))
    repeated = [contact(n, 1) for n in range(1, 3)]
    for spoil in (lambda results: [*repeated, *results], lambda results: [*results, *results]):
        account.spoil = spoil
        got = [record.source_id for record in read(connector(account, page_size=4))]
        assert got == [str(n) for n in range(1, 8)]


def test_a_page_that_is_empty_for_no_reason_is_noticed():
    account = FakeAccount(contact(n, 1) for n in range(1, 8))
    account.spoil = lambda results: []
    with pytest.raises(ProtocolError, match="7 records are said to follow"):
        read(connector(account, page_size=3))


def test_a_record_that_is_counted_and_not_shown_is_left_to_the_proof():
    account = FakeAccount(contact(n, 1) for n in range(1, 8))
    account.spoil = lambda results: [one for one in results if one["id"] != "7"]
    one = connector(account, page_size=3)
    assert len(read(one)) == 6
    assert one.count(CONTACTS, None, window().until) == 7


def test_merged_contacts_come_with_the_winner():
    account = FakeAccount([contact(5, 7, hs_merged_object_ids="3;4; ;5"), contact(6, 7)])
    got = read(connector(account))
    assert [(one.source_id, one.op, one.into) for one in got] == [
        ("5", Op.UPSERT, None),
        ("3", Op.MERGE_INTO, "5"),
        ("4", Op.MERGE_INTO, "5"),
        ("6", Op.UPSERT, None),
    ]
    assert {one.at for one in got} == {T0 + timedelta(seconds=7)}


def test_deletions_of_the_window_come_from_the_archive():
    account = FakeAccount([], [gone(1, 5), gone(2, 10), gone(3, 20, hs_merged_object_ids="70")])
    one = connector(account)
    assert [r.source_id for r in read(one, span=window(10, 20))] == ["92"]
    got = read(one, span=window(20, 30))
    assert [(r.source_id, r.op) for r in got] == [("93", Op.DELETE), ("70", Op.MERGE_INTO)]


def test_an_archive_that_goes_in_circles_is_noticed():
    account = FakeAccount([], [gone(n) for n in range(1, 9)])
    whole = account.page
    account.page = lambda rows, params: whole(rows, {**params, "after": 0})
    with pytest.raises(ProtocolError, match="comes again"):
        read(connector(account))


def test_owners_who_left_come_too():
    people = [{"id": str(n), "updatedAt": stamp(n), "archived": n % 3 == 0} for n in range(1, 12)]
    one = connector(FakeAccount([], owners=people))
    pages = list(one.read(OWNERS, window()))
    got = [record.source_id for page in pages for record in page.records]
    assert sorted(got, key=int) == [str(n) for n in range(1, 12)]
    assert "window" not in pages[-1].cursor
    resumed = list(one.read(OWNERS, one.window(OWNERS, pages[0].cursor)))
    assert [r.source_id for p in [pages[0], *resumed] for r in p.records] == got


def test_a_record_of_another_shape_does_not_stop_the_rest():
    odd = [{"id": 5}, {"id": "6", "properties": []}, "text"]
    account = FakeAccount([contact(7, 1)])
    account.spoil = lambda results: [*odd, *results]
    assert [one.source_id for one in read(connector(account))] == ["", "", "", "7"]


def test_no_visible_property_is_told():
    account = FakeAccount([contact(7, 1)])
    account.names = []
    with pytest.raises(ConfigError, match="no property is visible"):
        read(connector(account))


@pytest.mark.parametrize("version", ["4", "v4", "2026", "v3/../x", "2026-3"])
def test_a_version_that_is_none_is_refused(version):
    with pytest.raises(ConfigError, match="api_version"):
        HubspotConnector(HubspotConfig(token="t", api_version=version), FixedClock(T0))


def test_a_last_page_of_nothing_but_a_record_without_id_ends_the_walk():
    account = FakeAccount([contact(1, 1), contact(2, 2), contact(3, 3)])
    account.spoil = lambda results: [{} if row["id"] == "3" else row for row in results]
    found = read(connector(account, page_size=2))
    assert [record.source_id for record in found] == ["1", "2", ""]
