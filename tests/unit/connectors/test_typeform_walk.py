"""The walk back over responses in memory: nothing lost, stopped in time, resumed where it was."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.clock import FixedClock
from hub.connectors.base import Window
from hub.connectors.typeform.client import TypeformConfig
from hub.connectors.typeform.streams import TypeformConnector
from hub.connectors.windows import iso, parse_time
from hub.errors import ProtocolError
from tests.unit.connectors.walks import T0, answer_of, read_all, read_with_crashes, stream_of


def response(token, second, **values):
    at = iso(T0 + timedelta(seconds=second))
    return {"token": token, "submitted_at": at, "response_type": "completed", **values}


class FakeAccount:
    """Stands in for TypeformClient."""

    def __init__(self, forms, strict=False):
        self.forms = forms  # form id → responses
        self.updated = {}
        self.asked = []
        self.at = T0 + timedelta(days=1)
        self.before_answer = lambda: None

    def now(self):
        return self.at

    def get(self, path, params=None):
        answer = self.find(path, params)
        assert answer is not None
        return answer

    def find(self, path, params=None):
        self.asked.append((path, dict(params or {})))
        self.before_answer()
        parts = path.strip("/").split("/")
        if parts == ["forms"]:
            return self.page(self.form_list(), params)
        if parts[1] not in self.forms:
            return None
        if len(parts) == 2:
            return answer_of({"id": parts[1], "title": "T", "fields": []})
        return self.responses(self.forms[parts[1]], params)

    def form_list(self):
        return [
            {"id": one, "last_updated_at": self.updated.get(one, iso(T0))} for one in self.forms
        ]

    def page(self, items, params):
        size, page = params["page_size"], params["page"]
        pages = -(-len(items) // size)
        shown = items[(page - 1) * size : page * size]
        return answer_of({"total_items": len(items), "page_count": pages, "items": shown})

    def responses(self, items, params):
        assert not ({"since", "until"} & set(params) and "before" in params), "never both"
        found = sorted(items, key=lambda one: (one["submitted_at"], one["token"]), reverse=True)
        if "since" in params:
            found = [one for one in found if one["submitted_at"] >= params["since"]]
        if "until" in params:
            found = [one for one in found if one["submitted_at"] <= params["until"]]
        total = len(found)
        tokens = [one["token"] for one in found]
        if params.get("before") in tokens:  # an unknown one gives the first page
            found = found[tokens.index(params["before"]) + 1 :]
        size = params["page_size"]
        pages = -(-len(found) // size)
        return answer_of({"total_items": total, "page_count": pages, "items": found[:size]})


def connector(account, **settings):
    config = TypeformConfig(token="t", page_size=3, lag_s=5, overlap_s=60, **settings)
    one = TypeformConnector(config, FixedClock(T0))
    one._client = account
    return one


def ids_of(account):
    return sorted(f"{form}:{one['token']}" for form in account.forms for one in account.forms[form])


accounts = st.lists(st.lists(st.integers(0, 4), max_size=12), max_size=4)


def account_of(drawn):
    return FakeAccount({
        f"f{i}": [response(f"t{n:03d}", second) for n, second in enumerate(seconds)]
        for i, seconds in enumerate(drawn)
    })  # fmt: skip


@given(accounts)
def test_every_response_once(drawn):
    account = account_of(drawn)
    records, cursor = read_all(connector(account))
    assert sorted(one.source_id for one in records) == ids_of(account)
    assert set(cursor) == {"watermark", "known"}


@given(accounts, st.data())
def test_a_crash_after_any_page_loses_and_doubles_nothing(drawn, data):
    account = account_of(drawn)
    got = read_with_crashes(lambda: connector(account), data)
    assert sorted(got) == ids_of(account)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.integers(1, 10))
@settings(deadline=None)
def test_what_is_submitted_during_the_walk_comes_next_time(seconds, new_n):
    account = account_of([seconds])
    left = list(range(new_n))

    def submit():
        if left:
            n = left.pop()
            account.forms["f0"].append(response(f"n{n}", 86_400 + n))

    account.before_answer = submit
    one = connector(account)
    first, cursor = read_all(one)
    account.before_answer = lambda: None
    account.at = T0 + timedelta(days=2)
    second, _ = read_all(one, cursor)
    assert {record.source_id for record in first + second} == set(ids_of(account))


def test_the_second_walk_stops_at_the_overlap():
    account = account_of([[*range(100)]])
    one = connector(account)
    _, cursor = read_all(one)
    account.asked.clear()
    account.at = T0 + timedelta(days=2)
    account.forms["f0"] += [response(f"n{n}", 100_000 + n) for n in range(6)]
    records, _ = read_all(one, cursor)
    assert len(records) == 6
    assert len([path for path, _ in account.asked if path.endswith("/responses")]) <= 3


def test_a_form_newly_shared_is_read_from_its_beginning():
    account = account_of([[1, 2]])
    one = connector(account)
    _, cursor = read_all(one)
    account.forms["old"] = [response("x", -1_000_000)]
    account.at = T0 + timedelta(days=2)
    records, cursor = read_all(one, cursor)
    assert [record.source_id for record in records] == ["old:x"]
    assert cursor["known"] == ["f0", "old"]


def test_unfinished_responses_are_left_out():
    account = FakeAccount({"f": [response("a", 1), response("b", 2, response_type="partial")]})
    records, _ = read_all(connector(account))
    assert [one.source_id for one in records] == ["f:a"]


def test_a_response_without_a_token_is_handed_out():
    account = FakeAccount({"f": [response("", 1)]})
    records, _ = read_all(connector(account))
    assert [one.source_id for one in records] == [""]


def test_a_response_of_another_shape_is_handed_out():
    account = FakeAccount({"f": [response("a", 1, landed_at=5)]})
    records, _ = read_all(connector(account))
    assert [one.source_id for one in records] == [""]


def test_a_walk_in_circles_is_named():
    account = account_of([[*range(9)]])
    honest = account.responses
    account.responses = lambda items, params: honest(items, {"page_size": params["page_size"]})
    with pytest.raises(ProtocolError, match="before token t006"):
        read_all(connector(account))


def test_the_response_of_the_position_was_deleted():
    account = account_of([[*range(9)]])
    one = connector(account)
    pages = one.read(stream_of(one), one.window(stream_of(one), None))
    cursor = next(pages).cursor
    account.forms["f0"] = [r for r in account.forms["f0"] if r["token"] != cursor["before"]]
    records, _ = read_all(connector(account), cursor)
    assert {record.source_id for record in records} >= {f"f0:t{n:03d}" for n in range(6)}


def test_payload_is_the_response_as_received():
    account = FakeAccount({"f": [response("a", 1, variables=[{"number": 1.5}])]})
    records, _ = read_all(connector(account))
    assert json.loads(records[0].payload) == account.forms["f"][0]
    assert records[0].at == parse_time(account.forms["f"][0]["submitted_at"])


def test_count_is_over_all_forms_and_the_span():
    account = account_of([[0, 1, 2], [1, 5]])
    one = connector(account)
    until = T0 + timedelta(seconds=2)
    assert one.count(stream_of(one), None, until) == 3
    assert one.count(stream_of(one), T0 + timedelta(seconds=1), until) == 2
    assert one.count(stream_of(one, "forms"), None, until) is None


def test_definitions_come_whole_and_then_only_the_changed():
    account = account_of([[] for _ in range(45)])
    one = connector(account)
    records, cursor = read_all(one, name="forms")
    assert sorted(record.source_id for record in records) == sorted(account.forms)
    account.at = T0 + timedelta(days=9)
    account.updated["f7"] = iso(T0 + timedelta(days=8))
    records, _ = read_all(one, cursor, name="forms")
    assert [record.source_id for record in records] == ["f7"]


def test_definitions_resume_after_a_crash():
    account = account_of([[] for _ in range(45)])
    one = connector(account)
    forms = stream_of(one, "forms")
    page = next(one.read(forms, one.window(forms, None)))
    rest, _ = read_all(one, page.cursor, name="forms")
    assert len(page.records) + len(rest) == 45


def test_only_the_configured_forms():
    account = account_of([[1], [2], [3]])
    records, _ = read_all(connector(account, forms=("f1", "gone")))
    assert [one.source_id for one in records] == ["f1:t000"]


def test_a_bare_span_is_read_as_a_span():
    account = account_of([[*range(10)], [*range(10)]])
    one = connector(account)
    span = Window(T0 + timedelta(seconds=3), T0 + timedelta(seconds=5))
    records = [r for page in one.read(stream_of(one), span) for r in page.records]
    assert sorted(r.source_id for r in records) == ["f0:t003", "f0:t004", "f1:t003", "f1:t004"]
    assert len([path for path, _ in account.asked if path.endswith("/responses")]) == 2
