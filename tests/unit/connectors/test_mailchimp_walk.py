"""The walk over members in memory: nothing lost, nothing twice, whatever moves meanwhile."""

import json
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.clock import FixedClock
from hub.connectors.base import Window
from hub.connectors.mailchimp.client import MailchimpConfig, Rows
from hub.connectors.mailchimp.streams import MailchimpConnector
from hub.connectors.windows import parse_time
from hub.errors import ConfigError, ProtocolError
from tests.unit.connectors.walks import T0, answer_of, read_all, read_with_crashes, stream_of


def spelled(second):
    return (T0 + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def member(id_, second, **values):
    return {"id": f"h{id_}", "contact_id": id_, "last_changed": spelled(second), **values}


class FakeAccount:
    """Stands in for MailchimpClient."""

    def __init__(self, lists, page_size=3):
        self.by_list = lists  # list id → members
        self.page_size = page_size
        self.asked = []
        self.one_by_one = []
        self.at = T0 + timedelta(days=1)
        self.before_answer = lambda: None

    def now(self):
        return self.at

    def lists(self, offset):
        shown = [{"id": one} for one in self.by_list][offset : offset + 2]
        return rows_of({"lists": shown, "total_items": len(self.by_list)}, 2)

    def one_list(self, list_id):
        if list_id not in self.by_list:
            return None
        return rows_of({"id": list_id, "name": "N", "date_created": spelled(0)}, 0)

    def merge_fields(self, list_id):
        return rows_of({"merge_fields": [{"tag": "FNAME"}], "list_id": list_id}, 0)

    def members(self, list_id, params, *, offset=0, most=None, keys=()):
        self.before_answer()
        self.asked.append((list_id, {**params, "offset": offset}))
        if list_id not in self.by_list:
            return None
        found = [one for one in self.by_list[list_id] if self.matches(one, params)]
        found.sort(key=lambda one: (one["last_changed"], one["contact_id"] or ""))
        size = min(self.page_size, most or self.page_size)
        page = [_only(one, keys) for one in found[offset : offset + size]]
        body = {"members": page, "total_items": len(found)}
        return rows_of(body, size)

    def member(self, list_id, id_):
        self.one_by_one.append(id_)
        found = [one for one in self.by_list.get(list_id, ()) if id_ == one["contact_id"]]
        return rows_of(found[0], 0) if found else None

    @staticmethod
    def matches(one, params):
        is_archived = one.get("status") == "archived"
        if is_archived != (params.get("status") == "archived"):
            return False
        since = params.get("since_last_changed", "")
        return since < one["last_changed"] < params.get("before_last_changed", "9")


def _only(one, keys):
    return {key: value for key, value in one.items() if not keys or key in keys}


def rows_of(value, asked_n):
    answer = answer_of(value)
    return Rows(answer.body, answer.parts, answer.at, answer.where, asked_n)


def connector(account, **values):
    config = MailchimpConfig(api_key="k-us1", lag_s=5, **{"overlap_s": 60, **values})
    one = MailchimpConnector(config, FixedClock(T0))
    one._client = account
    return one


def ids_of(account):
    return sorted(one["contact_id"] for rows in account.by_list.values() for one in rows)


accounts = st.lists(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=14), max_size=4)


def account_of(drawn):
    return FakeAccount({
        f"l{i}": [
            member(f"c{i}{n:03d}", second, status="archived" if is_archived else "subscribed")
            for n, (second, is_archived) in enumerate(rows)
        ]
        for i, rows in enumerate(drawn)
    })  # fmt: skip


@given(accounts, st.integers(1, 6))
def test_every_member_once(drawn, page_size):
    account = account_of(drawn)
    account.page_size = page_size
    records, cursor = read_all(connector(account))
    assert sorted(one.source_id for one in records) == ids_of(account)
    assert set(cursor) == {"watermark", "known"}
    assert all(one.at < T0 + timedelta(days=1) for one in records)


@given(accounts, st.data())
def test_a_crash_after_any_page_loses_and_doubles_nothing(drawn, data):
    account = account_of(drawn)
    got = read_with_crashes(lambda: connector(account), data)
    assert sorted(got) == ids_of(account)


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=25),
    st.lists(st.integers(0, 24), max_size=15),
    st.integers(1, 5),
)
@settings(deadline=None)
def test_an_edit_during_the_walk_hides_nobody(seconds, edits, page_size):
    """Each edit takes a row out of the window, so that those after it move up."""
    account = account_of([[(second, False) for second in seconds]])
    account.page_size = page_size
    rows, left = account.by_list["l0"], list(edits)

    def edit():
        if left:
            rows[left.pop() % len(rows)]["last_changed"] = spelled(100_000)

    account.before_answer = edit
    one = connector(account)
    first, cursor = read_all(one)
    account.before_answer = lambda: None
    account.at = T0 + timedelta(days=2)
    second, _ = read_all(one, cursor)
    assert {record.source_id for record in first + second} == set(ids_of(account))
    latest = {record.source_id: record.version for record in first + second}
    assert latest == {row["contact_id"]: row["last_changed"] for row in rows}


def test_the_next_walk_begins_one_second_before_the_overlap():
    account = account_of([[(1, False)]])
    one = connector(account, overlap_s=0)
    _, cursor = read_all(one)
    account.asked.clear()
    account.at = T0 + timedelta(days=2)
    until = T0 + timedelta(days=1) - timedelta(seconds=5)
    account.by_list["l0"].append(member("edge", (until - T0).total_seconds()))
    records, _ = read_all(one, cursor)
    assert [record.source_id for record in records] == ["edge"]
    asked = account.asked[0][1]["since_last_changed"]
    assert parse_time(asked) == until - timedelta(seconds=1)
    assert asked.endswith("+00:00")


def test_a_list_that_is_new_to_us_is_read_from_its_beginning():
    account = account_of([[(1, False)]])
    one = connector(account)
    _, cursor = read_all(one)
    account.by_list["old"] = [member("x", -1_000_000)]
    account.at = T0 + timedelta(days=2)
    records, cursor = read_all(one, cursor)
    assert [record.source_id for record in records] == ["x"]
    assert cursor["known"] == ["l0", "old"]


def test_another_address_keeps_the_record():
    account = FakeAccount({"l": [member("c", 1)]})
    one = connector(account)
    first, cursor = read_all(one)
    account.by_list["l"][0] |= {"id": "other", "last_changed": spelled(86_400)}
    account.at = T0 + timedelta(days=2)
    second, _ = read_all(one, cursor)
    assert first[0].source_id == second[0].source_id == "c"


def test_members_of_older_answers_go_by_list_and_hash():
    account = FakeAccount({"l": [member(None, 1, id="abc"), member("", 2, id="")]})
    records, _ = read_all(connector(account))
    assert [one.source_id for one in records] == ["l:abc", ""]


def test_a_member_without_a_time_is_handed_out():
    account = FakeAccount({"l": [member("a", 1), member("b", 2), member("c", 3)]})
    account.matches = lambda _one, params: "status" not in params
    account.by_list["l"][1]["last_changed"] = ""
    records, _ = read_all(connector(account))
    assert sorted(one.source_id for one in records) == ["a", "b", "c"]


def test_a_walk_in_circles_is_named():
    account = account_of([[(1, False)] * 9])
    honest = account.members

    def endless(list_id, params, *, offset=0, most=None, keys=()):
        page = msgspec.json.decode(honest(list_id, params).body)["members"]
        return rows_of({"members": page, "total_items": 10**9}, 3)

    account.members = endless
    one = connector(account)
    with pytest.raises(ProtocolError, match="does not advance"):
        read_all(one)


def test_an_answer_without_a_total_is_refused():
    account = account_of([[(1, False)]])
    account.members = lambda *_args, **_rest: rows_of({"members": []}, 3)
    one = connector(account)
    with pytest.raises(ProtocolError, match="total_items"):
        read_all(one)


def test_a_list_that_vanishes_ends_quietly():
    account = account_of([[(1, False)], [(1, False)]])
    records, _ = read_all(connector(account, lists=("l0", "gone")))
    assert [one.source_id for one in records] == ["c0000"]


def test_count_is_over_all_lists_archived_ones_too():
    account = account_of([[(0, False), (1, True), (2, False)], [(1, False), (5, True)]])
    one = connector(account)
    until = T0 + timedelta(seconds=2)
    assert one.count(stream_of(one), None, until) == 3
    assert one.count(stream_of(one), T0 + timedelta(seconds=1), until) == 2
    assert one.count(stream_of(one), None, T0 + timedelta(seconds=1.5)) == 3
    assert one.count(stream_of(one, "lists"), None, until) is None


def test_a_bare_span_is_read_as_a_span():
    account = account_of([[(n, False) for n in range(10)]])
    one = connector(account)
    span = Window(T0 + timedelta(seconds=3), T0 + timedelta(seconds=5))
    records = [r for page in one.read(stream_of(one), span) for r in page.records]
    assert sorted(r.source_id for r in records) == ["c0003", "c0004"]


def test_lists_come_with_their_merge_fields():
    account = account_of([[], [], []])
    records, cursor = read_all(connector(account), name="lists")
    assert [one.source_id for one in records] == ["l0", "l1", "l2"]
    assert json.loads(records[0].payload) == {
        "id": "l0",
        "name": "N",
        "date_created": spelled(0),
        "merge_fields": [{"tag": "FNAME"}],
    }
    assert set(cursor) == {"watermark"}


def test_a_broken_cursor_is_named():
    one = connector(account_of([[(1, False)]]))
    cursor = {"watermark": None, "window": {"since": None, "until": spelled(9)}, "phase": "odd"}
    with pytest.raises(ConfigError, match="cursor"):
        read_all(one, cursor)


def first_page_for_ever(account):
    """Let the account answer with a list's first page, whatever page is asked for."""
    honest = account.members

    def members(list_id, params, **_):
        kept = {key: text for key, text in params.items() if key == "status"}
        return honest(list_id, {"before_last_changed": "9", **kept})

    account.members = members


@pytest.mark.parametrize("seconds", [[*range(8)], [0] * 8, [0, 0, 0, 1, 1, 1, 2, 2], [0, 1, 2, 3]])
def test_a_page_that_comes_for_ever_is_no_progress(seconds):
    account = account_of([[(second, False) for second in seconds]])
    first_page_for_ever(account)
    with pytest.raises(ProtocolError, match="does not advance"):
        read_all(connector(account))
    assert len(account.asked) < 30


def test_a_page_from_before_the_place_is_no_progress():
    account = account_of([[(second, False) for second in range(12)]])
    one = connector(account)
    pages = one.read(stream_of(one), one.window(stream_of(one), None))
    got = [record.source_id for _ in range(2) for record in next(pages).records]
    first_page_for_ever(account)
    (fault,) = [fault for page in pages for fault in page.faults]
    assert isinstance(fault.error, ProtocolError)
    assert "does not advance" in fault.error.message
    assert got == ids_of(account)[: len(got)]


@given(accounts, st.sampled_from([1, 3, 40]))
@settings(deadline=None)
def test_what_is_read_again_is_little_and_leads_to_all_of_it(drawn, page_size):
    account = account_of(drawn)
    account.page_size = page_size
    for list_id, rows in account.by_list.items():
        for n, one in enumerate(rows):
            one.update(list_id=list_id, tags=[n], full_name="N")
    one = connector(account)
    stream = stream_of(one, "members")
    found = {}
    for page in one.reread(stream, one.window(stream, None), frozenset({"tags"})):
        assert not any(b"full_name" in record.payload for record in page.records)
        if page.records:
            found |= {record.source_id: record for record in one.fetch(stream, page.records)}
    assert sorted(found) == ids_of(account)
    everyone = {one["contact_id"]: one for rows in account.by_list.values() for one in rows}
    assert {key: json.loads(one.payload) for key, one in found.items()} == everyone


def test_many_members_are_asked_for_by_their_span():
    account = account_of([[(n // 5, False) for n in range(30)]])
    account.page_size = 40
    for one in account.by_list["l0"]:
        one["list_id"] = "l0"
    one = connector(account)
    stream = stream_of(one, "members")
    page = next(one.reread(stream, one.window(stream, None), frozenset({"tags"})))
    account.asked.clear()
    wanted = page.records[3:25]
    assert [r.source_id for r in one.fetch(stream, wanted)] == [r.source_id for r in wanted]
    assert (len(account.asked), account.one_by_one) == (1, [])
