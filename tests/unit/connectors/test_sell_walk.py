"""The walk over Sell's lists in memory: nothing lost while records come, change and go."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.clock import FixedClock
from hub.connectors.base import Window
from hub.connectors.sell.client import SellConfig
from hub.connectors.sell.streams import SellConnector
from hub.connectors.windows import iso
from hub.errors import ForbiddenError
from tests.unit.connectors.walks import T0, answer_of, read_all, read_with_crashes

UNTIL = T0 + timedelta(days=1)
SIZE = 3


class FakeAccount:
    """Stands in for SellClient: lists by page number, sorted as asked."""

    def __init__(self, **lists):
        self.lists = {f"/v2/{name}": rows for name, rows in lists.items()}
        self.events = []
        self.at = UNTIL
        self.asked_n = 0
        self.before_answer = lambda: None

    def now(self):
        return self.at

    def page(self, path, params):
        self.asked_n += 1
        self.before_answer()
        key, _, order = str(params.get("sort_by", "id")).partition(":")
        rows = sorted(self.lists.get(path, ()), key=lambda row: (row[key], row["id"]))
        rows = rows[::-1] if order == "desc" else rows
        start = (params["page"] - 1) * params["per_page"]
        return [json.dumps(row).encode() for row in rows[start : start + params["per_page"]]]

    def get(self, path, params=None):
        if path == "/v3/deals/stream":
            if self.events is None:
                raise ForbiddenError("no Firehose")
            return answer_of({"items": self.events, "meta": {"position": "p", "top": True}})
        rows = self.page(path, {"page": 1, "per_page": 100, **(params or {})})
        return answer_of({"items": [{"data": json.loads(row), "meta": {}} for row in rows]})


def lead(n, created_s=0, updated_s=None, **values):
    created = T0 + timedelta(seconds=created_s)
    updated = T0 + timedelta(seconds=created_s if updated_s is None else updated_s)
    return {"id": n, "created_at": iso(created), "updated_at": iso(updated), **values}


def leads(n):
    return [lead(i, i) for i in range(1, n + 1)]


def connector(account, **values):
    config = SellConfig(token="t", **{"page_size": SIZE, "range_size": 2 * SIZE, **values})
    one = SellConnector(config, FixedClock(T0))
    one._client = account
    return one


def stream(one, name="leads"):
    return next(each for each in one.objects() if each.name == name)


WINDOW = Window(None, UNTIL)


def read_range(one, part, name="leads", resume=None):
    pages = list(one.read_range(stream(one, name), WINDOW, part, resume))
    return [record.source_id for page in pages for record in page.records]


@given(st.sets(st.integers(1, 60)))
def test_ranges_are_disjoint_and_complete_and_counted(ids):
    account = FakeAccount(leads=[lead(n) for n in ids])
    one = connector(account)
    parts = one.ranges(stream(one), WINDOW)
    read = [read_range(one, part) for part in parts]
    assert sorted(int(id_) for got in read for id_ in got) == sorted(ids)
    for part, got in zip(parts, read, strict=True):
        assert part.count_n == len(got) == one.count_range(stream(one), WINDOW, part)


def test_what_was_created_after_the_plan_is_in_no_range():
    account = FakeAccount(leads=[*leads(4), lead(5, 86_400 + 5), lead(6, 86_400 + 6)])
    one = connector(account)
    parts = one.ranges(stream(one), WINDOW)
    assert sorted(id_ for part in parts for id_ in read_range(one, part)) == list("1234")
    assert sum(one.count_range(stream(one), WINDOW, part) for part in parts) == 4


@given(st.integers(1, 40), st.data())
@settings(deadline=None)
def test_deletions_changes_and_new_records_during_the_walk_lose_nothing(n, data):
    account = FakeAccount(leads=leads(n))
    one = connector(account)
    parts = one.ranges(stream(one), WINDOW)
    gone, changes = (
        set(),
        data.draw(st.lists(st.tuples(st.sampled_from("dcn"), st.integers(0, 99)), max_size=12)),
    )

    def change():
        if not changes:
            return
        what, which = changes.pop()
        rows = account.lists["/v2/leads"]
        if what == "n":
            rows.append(lead(1000 + which, 90_000))
        elif rows and what == "d":
            gone.add(rows.pop(which % len(rows))["id"])
        elif rows:
            rows[which % len(rows)]["updated_at"] = iso(UNTIL + timedelta(seconds=which))

    account.before_answer = change
    got = [int(id_) for part in parts for id_ in read_range(one, part)]
    assert set(range(1, n + 1)) - gone <= set(got) <= set(range(1, n + 1))
    assert len(got) == len(set(got))


def test_a_record_that_moves_to_the_last_page_while_the_end_is_looked_for_is_read():
    account = FakeAccount(leads=leads(SIZE + 1))
    one = connector(account)
    parts = one.ranges(stream(one), WINDOW)
    asked = []

    def delete():
        asked.append(1)
        if len(asked) == 2:  # the page after the last one is asked for
            account.lists["/v2/leads"].pop(0)

    account.before_answer = delete
    (part,) = parts
    assert sorted(read_range(one, part)) == [str(n) for n in range(2, SIZE + 2)]


@given(st.integers(0, 20), st.integers(1, 4))
def test_a_range_goes_on_after_its_last_page(n, stop):
    account = FakeAccount(leads=leads(n))
    part = connector(account, range_size=100).ranges(stream(connector(account)), WINDOW)[0]
    got, resume = [], None
    for _ in range(50):
        one = connector(account, range_size=100)
        for number, page in enumerate(one.read_range(stream(one), WINDOW, part, resume)):
            got += [int(record.source_id) for record in page.records]
            resume = json.loads(json.dumps(page.cursor))
            if number + 1 == stop:
                break
        if resume and resume.get("done"):
            break
    assert sorted(got) == list(range(1, n + 1))


@given(st.lists(st.integers(0, 4), max_size=20))
def test_a_sync_reads_every_lead_once(seconds):
    account = FakeAccount(leads=[lead(n, s) for n, s in enumerate(seconds, 1)])
    one = connector(account)
    records, cursor = read_all(one, name="leads")
    assert sorted(int(record.source_id) for record in records) == list(range(1, len(seconds) + 1))
    assert set(cursor) == {"watermark", "pages"}


@given(st.lists(st.integers(0, 4), max_size=20), st.data())
@settings(deadline=None)
def test_a_crash_after_any_page_loses_nothing(seconds, data):
    account = FakeAccount(leads=[lead(n, s) for n, s in enumerate(seconds, 1)])

    def connect():
        return connector(account, objects=("leads",))

    got = read_with_crashes(lambda: OneStream(connect()), data)
    assert sorted(map(int, got)) == list(range(1, len(seconds) + 1))


class OneStream:
    """A connector that has the leads alone."""

    def __init__(self, one):
        self.one = one

    def streams(self):
        return [stream(self.one)]

    def __getattr__(self, name):
        return getattr(self.one, name)


def test_the_next_window_reads_what_changed_and_looks_at_no_older_page():
    account = FakeAccount(leads=leads(60))
    one = connector(account, overlap_s=0, lag_s=0)
    _, cursor = read_all(one, name="leads")
    account.at = UNTIL + timedelta(hours=1)
    account.lists["/v2/leads"][7]["updated_at"] = iso(UNTIL + timedelta(minutes=1))
    account.asked_n = 0
    records, _ = read_all(one, cursor, name="leads")
    assert [record.source_id for record in records] == ["8"]
    assert account.asked_n <= 4


def test_a_deal_has_its_stage_and_the_moves_of_the_last_days():
    deal = lead(
        7, stage_id=3, last_stage_change_at="2026-11-23T12:00:00Z", last_stage_change_by_id=9
    )
    account = FakeAccount(
        deals=[deal, lead(8, stage_id=1, last_stage_change_at="2026-01-01T00:00:00Z")],
        pipelines=[lead(5, name="Sales")],
        stages=[
            lead(1, name="Incoming", category="incoming", active=True, pipeline_id=5),
            lead(3, name="Won", category="won", active=False, pipeline_id=5),
        ],
    )
    before = {
        "stage_id": 1,
        "last_stage_change_at": "2026-11-20T08:00:00Z",
        "last_stage_change_by_id": 2,
    }
    account.events = [{"data": deal, "meta": {"event_type": "updated", "previous": before}}]
    one = connector(account)
    part = one.ranges(stream(one, "deals"), WINDOW)[0]
    pages = list(one.read_range(stream(one, "deals"), WINDOW, part))
    made = {json.loads(r.payload)["id"]: json.loads(r.payload) for p in pages for r in p.records}
    assert made[7]["stage"]["category"] == "won"
    assert made[7]["pipeline"] == {"id": 5, "name": "Sales"}
    assert made[7]["stage_history"] == [
        {"stage_id": 1, "at": "2026-11-20T08:00:00Z", "user_id": 2, "stage": "Incoming"},
        {"stage_id": 3, "at": "2026-11-23T12:00:00Z", "user_id": 9, "stage": "Won"},
    ]
    assert [move["stage"] for move in made[8]["stage_history"]] == ["Incoming"]


def test_an_account_without_the_firehose_has_the_last_move():
    account = FakeAccount(deals=[lead(7, stage_id=1, last_stage_change_at="2026-11-23T12:00:00Z")])
    account.events = None
    one = connector(account)
    part = one.ranges(stream(one, "deals"), WINDOW)[0]
    record = next(one.read_range(stream(one, "deals"), WINDOW, part)).records[0]
    assert [move["stage_id"] for move in json.loads(record.payload)["stage_history"]] == [1]


def test_an_order_has_its_line_items():
    account = FakeAccount(orders=[lead(4, deal_id=7)])
    account.lists["/v2/orders/4/line_items"] = [lead(1, name="Seat", value="12.50", quantity=2)]
    one = connector(account)
    part = one.ranges(stream(one, "orders"), WINDOW)[0]
    record = next(one.read_range(stream(one, "orders"), WINDOW, part)).records[0]
    assert [item["name"] for item in json.loads(record.payload)["line_items"]] == ["Seat"]


def test_a_conversion_is_found_by_its_lead():
    account = FakeAccount(lead_conversions=[lead(4, lead_id=77, individual_id=5)])
    one = connector(account)
    part = one.ranges(stream(one, "lead_conversions"), WINDOW)[0]
    assert read_range(one, part, "lead_conversions") == ["77"]


def test_inventory_counts_records_owners_stages_and_custom_fields():
    account = FakeAccount(
        leads=[lead(1), lead(2)],
        users=[lead(9, name="Ada", email="ada@x.example", status="active")],
        lead_statuses=[lead(1, name="New")],
        **{
            "lead/custom_fields": [
                lead(1, name="Colour", type="list", choices=[{"id": 1, "name": "red"}])
            ]
        },
    )
    one = connector(account)
    found = one.inventory(stream(one), WINDOW)
    assert found.count_n == 2
    assert [(use.name, use.records_n, use.active) for use in found.owners] == [("Ada", 2, True)]
    colour = next(use for use in found.fields if use.custom)
    assert (colour.name, colour.kind, list(colour.choices)) == ("Colour", "list", ["red"])
    assert one.custom_fields()["leads"][0].choices == ["red"]


@pytest.mark.parametrize("name", ["leads", "users"])
def test_a_record_without_an_id_is_yielded_for_quarantine(name):
    account = FakeAccount(**{name: [lead(1)]})
    account.lists[f"/v2/{name}"][0]["id"] = "x"
    one = connector(account)
    records, _ = read_all(one, name=name)
    assert [record.source_id for record in records] == ["x"]
