"""The walk along an export in memory: nothing lost, resumed where it was, ended where it ends."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.clock import FixedClock
from hub.connectors.base import Window
from hub.connectors.windows import iso
from hub.connectors.zendesk.client import ZendeskConfig
from hub.connectors.zendesk.streams import ZendeskConnector
from hub.errors import ConfigError, ProtocolError
from hub.model.verdicts import Op
from tests.unit.connectors.walks import T0, answer_of, read_all, read_with_crashes, stream_of

DAY = 86_400


class FakeAccount:
    """Stands in for ZendeskClient: an export that leaves the last minute out."""

    def __init__(self, seconds=()):
        self.tickets = {n: self.ticket(n, second) for n, second in enumerate(seconds, start=1)}
        self.organizations = []
        self.asked = []
        self.at = T0 + timedelta(seconds=DAY)
        self.before_answer = lambda: None

    @staticmethod
    def ticket(n, second, **values):
        at = T0 + timedelta(seconds=second)
        stamp = int(at.timestamp())
        return {"id": n, "updated_at": iso(at), "generated_timestamp": stamp, **values}

    def put(self, n, second, **values):
        self.tickets[n] = self.ticket(n, second, **values)

    def now(self):
        return self.at

    def get(self, path, params=None):
        params = dict(params or {})
        self.asked.append((path, params))
        self.before_answer()
        if path == "/organizations.json":
            return self.listed(params)
        assert path == "/incremental/tickets/cursor.json"
        assert ("cursor" in params) != ("start_time" in params), "one of both"
        return answer_of(self.page(params))

    def page(self, params):
        start = (
            tuple(json.loads(params["cursor"])) if "cursor" in params else (params["start_time"], 0)
        )
        latest = (self.at - timedelta(seconds=60)).timestamp()
        rows = sorted(self.tickets.values(), key=key)
        left = [row for row in rows if key(row) > start and key(row)[0] <= latest]
        page = left[: params["per_page"]]
        cursor = json.dumps(key(page[-1]) if page else start)
        end = len(left) <= len(page)
        return {"tickets": page, "after_cursor": cursor, "end_of_stream": end}

    def listed(self, params):
        start = int(params.get("page[after]", 0))
        page = self.organizations[start : start + params["page[size]"]]
        # as recorded: the last page names a cursor too
        meta = {
            "has_more": start + len(page) < len(self.organizations),
            "after_cursor": str(start + len(page)),
        }
        return answer_of({"organizations": page, "meta": meta})


def key(row):
    return (row["generated_timestamp"], row["id"])


def connector(account, **settings):
    config = ZendeskConfig(
        subdomain="acme", email="a@b.example", api_token="t", **{"page_size": 3, **settings}
    )
    one = ZendeskConnector(config, FixedClock(T0))
    one._client = account
    return one


def ids(records):
    return [int(record.source_id) for record in records]


@given(st.lists(st.integers(0, 4), max_size=20))
def test_every_ticket_once(seconds):
    account = FakeAccount(seconds)
    records, cursor = read_all(connector(account))
    assert sorted(ids(records)) == sorted(account.tickets)
    assert set(cursor) == {"watermark", "after"}


@given(st.lists(st.integers(0, 4), max_size=20), st.data())
def test_a_crash_after_any_page_loses_and_doubles_nothing(seconds, data):
    account = FakeAccount(seconds)
    got = read_with_crashes(lambda: connector(account), data)
    assert sorted(map(int, got)) == sorted(account.tickets)


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=20),
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 300)), max_size=15),
)
@settings(deadline=None)
def test_what_changes_during_the_walk_comes_now_or_next_time(seconds, changes):
    account = FakeAccount(seconds)
    account.at = T0 + timedelta(seconds=200)
    left = list(changes)

    def change():
        account.at += timedelta(seconds=7)
        if left:
            n, late = left.pop()
            # a row may commit up to a minute after its own stamp, and never later
            stamp = (account.at - T0).total_seconds() - min(late, 59)
            known = account.tickets.get(n)
            if known is None or known["generated_timestamp"] < (T0.timestamp() + stamp):
                account.put(n, stamp, subject=str(len(left)))

    account.before_answer = change
    one = connector(account)
    got, cursor = read_all(one)
    account.before_answer = lambda: None
    account.at += timedelta(days=1)
    while True:
        more, cursor = read_all(one, cursor)
        got += more
        if not more:
            break
    latest = {record.source_id: json.loads(record.payload) for record in got}
    assert latest == {str(n): row for n, row in account.tickets.items()}


def test_start_time_is_sent_once_and_then_only_the_cursor():
    account = FakeAccount(range(10))
    one = connector(account)
    _, cursor = read_all(one)
    account.put(99, DAY)
    account.at += timedelta(days=1)
    records, _ = read_all(connector(account), cursor)
    assert ids(records) == [99]
    assert [params.get("start_time") for _, params in account.asked].count(0) == 1
    assert account.asked[0][1] == {"per_page": 3, "start_time": 0}


def test_a_start_is_kept_to():
    account = FakeAccount([0, 100])
    one = connector(account, start_at=T0 + timedelta(seconds=50))
    records, _ = read_all(one)
    assert ids(records) == [2]


def test_a_busy_account_does_not_keep_a_read_for_ever():
    account = FakeAccount([0])

    def busy():
        account.at += timedelta(minutes=2)
        n = len(account.tickets)
        second = (account.at - T0).total_seconds() - 61
        account.tickets |= {i: account.ticket(i, second) for i in range(n + 1, n + 5)}

    account.before_answer = busy
    records, cursor = read_all(connector(account))
    assert len(records) < 20
    assert cursor["after"]


def test_a_page_past_the_window_is_handed_out_whole():
    account = FakeAccount([0, 1])
    one = connector(account)
    window = one.window(stream_of(one), None)
    account.at += timedelta(days=1)
    account.put(3, DAY + 5)
    (page,) = one.read(stream_of(one), window)
    assert ids(page.records) == [1, 2, 3]


def test_within_a_read_an_older_state_never_follows_a_newer_one():
    account = FakeAccount()
    new, old = account.ticket(1, 9, subject="new"), account.ticket(1, 5, subject="old")
    pages = [([old, new], "a"), ([old, account.ticket(2, 9)], "b")]

    def page(params):
        rows, cursor = pages.pop(0)
        return {"tickets": rows, "after_cursor": cursor, "end_of_stream": not pages}

    account.page = page
    records, _ = read_all(connector(account))
    assert [json.loads(one.payload).get("subject") for one in records] == ["new", None]


def test_a_cursor_that_does_not_advance_is_named_and_nothing_comes_twice():
    account = FakeAccount(range(9))
    honest = account.page
    account.page = lambda params: {
        **honest(params),
        "after_cursor": params.get("cursor") or "[0, 0]",
        "end_of_stream": False,
    }
    one = connector(account)
    pages = one.read(stream_of(one), one.window(stream_of(one), None))
    assert ids(next(pages).records) == [1, 2, 3]
    with pytest.raises(ProtocolError, match="does not advance"):
        next(pages)


@pytest.mark.parametrize("left_out", ["end_of_stream", "tickets"])
def test_an_answer_without_its_keys_stops_the_read(left_out):
    account = FakeAccount([1])
    honest = account.page
    account.page = lambda params: {k: v for k, v in honest(params).items() if k != left_out}
    with pytest.raises(ProtocolError, match=left_out):
        read_all(connector(account))


def test_deleted_tickets_are_deletes():
    account = FakeAccount()
    account.put(1, 1, status="deleted")
    account.put(2, 2, status="closed")
    records, _ = read_all(connector(account))
    assert [one.op for one in records] == [Op.DELETE, Op.UPSERT]


def test_records_of_another_shape_are_handed_out():
    account = FakeAccount()
    account.page = lambda params: {
        "tickets": [{"id": None}, {"id": 1, "status": 5}, "text", {"id": "x"}],
        "after_cursor": "c",
        "end_of_stream": True,
    }
    records, _ = read_all(connector(account))
    assert sorted(one.source_id for one in records) == ["", "", "", "x"]


def test_the_time_is_that_of_the_export_and_not_of_the_update():
    account = FakeAccount([5])
    account.tickets[1]["updated_at"] = iso(T0 - timedelta(days=9))
    records, _ = read_all(connector(account))
    assert records[0].at == T0 + timedelta(seconds=5)


def test_organizations_are_read_whole_by_has_more():
    account = FakeAccount()
    account.organizations = [{"id": n, "updated_at": iso(T0)} for n in range(7)]
    one = connector(account)
    records, cursor = read_all(one, name="organizations")
    assert ids(records) == list(range(7))
    again, _ = read_all(one, cursor, name="organizations")
    assert ids(again) == list(range(7))


def test_organizations_resume_after_a_crash():
    account = FakeAccount()
    account.organizations = [{"id": n, "updated_at": iso(T0)} for n in range(7)]
    one = connector(account)
    stream = stream_of(one, "organizations")
    page = next(one.read(stream, one.window(stream, None)))
    rest, _ = read_all(one, page.cursor, name="organizations")
    assert ids([*page.records, *rest]) == list(range(7))


def test_a_bare_span_begins_at_its_start():
    account = FakeAccount([*range(10)])
    one = connector(account)
    span = Window(T0 + timedelta(seconds=3), T0 + timedelta(seconds=5))
    records = [r for page in one.read(stream_of(one), span) for r in page.records]
    assert set(ids(records)) >= {5, 6}


def test_nothing_can_be_counted():
    one = connector(FakeAccount([1]))
    assert one.count(stream_of(one), None, T0) is None


def test_without_an_address_it_is_a_setting_that_is_missing():
    with pytest.raises(ConfigError, match="subdomain"):
        ZendeskConnector(ZendeskConfig(api_token="t"), FixedClock(T0))
