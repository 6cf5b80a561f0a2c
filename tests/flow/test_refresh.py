"""Values that change at a vendor without its modification time: read again, compared, landed."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from hub.clock import FixedClock
from hub.connectors.base import Cursor, Page, Stream, Window
from hub.errors import BudgetError, ForbiddenError, HubError
from hub.etl import flow
from hub.etl.drifting import drift_of
from hub.landing import silent
from hub.model.records import RawRecord
from hub.model.verdicts import Op
from hub.views.status import read_status
from tests.flow.conftest import START, HandConnector, World, salesforce_lead

DAY_S, WEEK_S = 86_400, 7 * 86_400
FORMULA, UNUSED = "Account_Tier__c", "Jigsaw"


@dataclass
class Formulas(HandConnector):
    """An org with formula fields; `asked` are the keys of each page that was read again."""

    asked: list[frozenset[str]] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    breaks_after: int | None = None
    error: BaseException = field(default_factory=KeyboardInterrupt)

    def streams(self) -> Sequence[Stream]:
        return [Stream(name, silent=frozenset({FORMULA, UNUSED})) for name in self.names]

    def window(self, stream: Stream, cursor: Cursor | None) -> Window:
        if cursor and "window" in cursor:
            until = datetime.fromisoformat(str(cursor["window"]))
            return Window(None, until, resume={"last": cursor["last"]})
        return super().window(stream, cursor)

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        if stream.name == "users":
            raise ForbiddenError("not yours")
        return super().read(stream, window)

    def reread(self, stream: Stream, window: Window, keys: frozenset[str]) -> Iterator[Page]:
        rows = sorted(
            self._inside(stream, window.since, window.until), key=lambda one: one.source_id
        )
        rows = [one for one in rows if one.source_id > str(window.resume.get("last", ""))]
        for start in range(0, len(rows), self.page_size):
            if self.breaks_after is not None and len(self.asked) >= self.breaks_after:
                raise self.error
            self.asked.append(keys)
            page = [_only(one, keys) for one in rows[start : start + self.page_size]]
            inside = {"window": window.until.isoformat(), "last": page[-1].source_id}
            yield Page(page, inside)
        yield Page([], {"watermark": window.until.isoformat()})

    def fetch(self, stream: Stream, records: Sequence[RawRecord]) -> Sequence[RawRecord]:
        ids = {one.source_id for one in records}
        self.fetched += sorted(ids)
        return [one for one in self.objects[stream.name] if one.source_id in ids]

    def formula(self, number: int, value: object) -> None:
        """Let a formula have another value, and nothing else change."""
        source_id = salesforce_lead(number).source_id
        rows = self.objects["leads"]
        (n,) = [n for n, one in enumerate(rows) if one.source_id == source_id]
        values = {**json.loads(rows[n].payload), FORMULA: value}
        rows[n] = replace(rows[n], payload=json.dumps(values).encode())


def _only(record: RawRecord, keys: frozenset[str]) -> RawRecord:
    values = json.loads(record.payload)
    kept = {key: one for key, one in values.items() if key in {"Id", *keys}}
    return replace(record, payload=json.dumps(kept).encode())


@dataclass
class Org:
    world: World
    vendor: Formulas
    clock: FixedClock

    def sync(
        self, *, after_s: float = 0, full: bool = False, holds: bool = True
    ) -> flow.SyncReport:
        self.clock.at += timedelta(seconds=after_s)
        report = flow.sync(self.world.hub, ["salesforce"], full=full)
        assert report.holds == holds
        return report

    def tiers(self) -> dict[str, Any]:
        rows = self.world.rows(
            "SELECT last_name, custom_fields ->> :key AS tier FROM crm.lead", key=FORMULA
        )
        return {row.last_name: row.tier for row in rows}

    def state(self) -> silent.State:
        with self.world.hub.engine.begin() as conn:
            return silent.read(conn, "salesforce", "leads")


@pytest.fixture
def org(world: World) -> Org:
    vendor = Formulas("salesforce", names=("leads",))
    vendor.objects["leads"] = [
        salesforce_lead(n, LastName=f"Name{n:02d}", Company=f"Company {n}", **{FORMULA: "Bronze"})
        for n in range(1, 31)
    ]
    clock = FixedClock(START + timedelta(days=10))
    vendors = {**world.vendors, "salesforce": vendor}
    world.hub = replace(world.hub, connector=vendors.__getitem__, clock=clock)
    return Org(world, vendor, clock)


def test_a_formula_is_seen_within_a_day_and_all_else_stays(org: Org) -> None:
    org.sync()
    org.vendor.formula(7, "Gold")
    assert org.sync(after_s=DAY_S - 60).stages["land"]["landed"] == 0
    assert org.vendor.asked == []
    assert org.tiers()["Name07"] == "Bronze"
    report = org.sync(after_s=60)
    assert org.tiers() == {f"Name{n:02d}": "Gold" if n == 7 else "Bronze" for n in range(1, 31)}
    assert report.stages["land"]["landed"] == 1
    assert org.vendor.fetched == [salesforce_lead(7).source_id]
    (ledger,) = report.ledgers
    assert ledger.verdicts == {"updated": 1}
    org.sync(after_s=60)
    assert len(org.vendor.asked) == 1, "read once a day, not at every sync"


def test_only_what_the_mapping_uses_is_read_again(org: Org) -> None:
    org.sync()
    org.sync(after_s=DAY_S)
    assert org.vendor.asked == [frozenset({FORMULA})]


def test_a_field_that_is_new_is_read_at_once_and_is_no_churn(org: Org) -> None:
    for n, one in enumerate(org.vendor.objects["leads"]):
        values = json.loads(one.payload)
        del values[FORMULA]
        org.vendor.objects["leads"][n] = replace(one, payload=json.dumps(values).encode())
    org.sync()
    with org.world.hub.engine.begin() as conn:
        silent.write(conn, "salesforce", "leads", silent.State())
    for n in range(1, 31):
        org.vendor.formula(n, "Silver")
    org.sync()
    assert set(org.tiers().values()) == {"Silver"}
    (known,) = org.state().fields.values()
    assert (known.compared, known.changed, known.often) == (0, 0, False)


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), BudgetError("spent"), ForbiddenError("not yours")], ids=repr
)
def test_an_interrupted_reading_goes_on_where_it_was(org: Org, error: BaseException) -> None:
    org.vendor.page_size = 4
    org.sync()
    org.vendor.formula(2, "Gold")
    org.vendor.formula(29, "Gold")
    org.vendor.breaks_after, org.vendor.error = 3, error
    if isinstance(error, HubError):
        is_paused = isinstance(error, BudgetError)
        report = org.sync(after_s=DAY_S, holds=is_paused)
        assert [one.message for one in report.faults] == ([] if is_paused else ["not yours"])
    else:
        with pytest.raises(KeyboardInterrupt):
            org.sync(after_s=DAY_S)
    org.vendor.breaks_after = None
    org.sync(after_s=60)
    assert len(org.vendor.asked) == 8, "each page once"
    assert org.vendor.fetched == [salesforce_lead(n).source_id for n in (2, 29)]
    assert [name for name, tier in sorted(org.tiers().items()) if tier == "Gold"] == [
        "Name02",
        "Name29",
    ]
    (known,) = org.state().fields.values()
    assert (known.compared, known.changed) == (30, 2)


def test_a_field_that_changes_too_often_is_drift_and_read_weekly(org: Org) -> None:
    org.sync()
    for n in range(1, 8):
        org.vendor.formula(n, "day 1")
    org.sync(after_s=DAY_S)
    assert org.tiers()["Name07"] == "day 1", "what was read is landed all the same"
    with org.world.hub.engine.begin() as conn:
        fields = org.world.hub.mapping("salesforce", "leads").filled
        (found,) = drift_of(conn, "salesforce/leads", fields).unknown
    assert (found["kind"], found["field"], found["n"]) == ("often", FORMULA, 7)
    assert "weekly" in found["suggestion"]
    (row,) = read_status(org.world.db, org.world.hub.settings).silent
    assert (row.field, row.every_s, row.changed) == (FORMULA, WEEK_S, 7)
    asked_n = len(org.vendor.asked)
    org.vendor.formula(7, "day 2")
    org.sync(after_s=DAY_S)
    assert len(org.vendor.asked) == asked_n
    org.sync(after_s=WEEK_S - DAY_S)
    assert org.tiers()["Name07"] == "day 2"
    assert not org.state().often(), "one in thirty over a week is quiet again"


def test_a_fifth_over_many_days_is_not_too_often(org: Org) -> None:
    org.sync()
    for n in range(1, 8):
        org.vendor.formula(n, "later")
    org.sync(after_s=4 * DAY_S)
    assert not org.state().often()


def test_a_full_read_is_a_reading_of_all(org: Org) -> None:
    org.sync()
    org.vendor.formula(7, "Gold")
    org.sync(after_s=60, full=True)
    assert org.tiers()["Name07"] == "Gold"
    org.sync(after_s=DAY_S - 60)
    assert org.vendor.asked == []


def test_a_deleted_record_is_not_brought_back(org: Org) -> None:
    org.sync()
    org.vendor.objects["leads"][6] = salesforce_lead(7, at=900, op=Op.DELETE)
    org.sync(after_s=60)
    org.vendor.objects["leads"][6] = salesforce_lead(
        7, LastName="Name07", Company="Company 7", **{FORMULA: "Gold"}
    )
    org.sync(after_s=DAY_S)
    assert org.vendor.fetched == []


def test_a_stream_that_stays_forbidden_keeps_no_formula_of_another_back(org: Org) -> None:
    org.vendor.names = ("users", "leads")
    org.sync(holds=False)
    org.vendor.formula(7, "Gold")
    org.sync(after_s=DAY_S, holds=False)
    assert org.tiers()["Name07"] == "Gold"
