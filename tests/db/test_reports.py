"""Each report against the same worked out naively; rollups against a count from the records."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from hub.crm import rollups
from hub.db.embedded import Server
from hub.db.engine import Database
from hub.reports import REPORTS, Scope
from tests.db.sales import (
    START,
    Business,
    change,
    disc,
    move,
    naive_cycle,
    new_deal,
    new_lead,
    rows,
    set_up,
)
from tests.prepared import fresh_database

ALL = Scope()
CLOSE = 2 ** (1 / 8)  # a bucket's width
KEYS = {
    "lead_rollup": "what, owner_id, source, status, is_converted, bucket, stage_id, currency",
    "deal_rollup": "owner_id, source, stage_id, reason_id, currency, month",
    "stage_rollup": "owner_id, source, stage_id, bucket",
}
SUMS = {
    "lead_rollup": ("n", "value"),
    "deal_rollup": ("n", "value", "own_value", "own_weighted"),
    "stage_rollup": ("entered", "advanced", "lost", "inside"),
}


@pytest.fixture(scope="module")
def business_database(server: Server) -> Iterator[Database]:
    with fresh_database(server) as database:
        with database.engine.begin() as conn:
            set_up(conn)
        yield database


@pytest.fixture
def conn(business_database: Database) -> Iterator[Connection]:
    with business_database.engine.connect() as connection:
        yield connection


def tallied(conn: Connection) -> dict[str, Any]:
    """Return the sums of the rollups, whatever their rows."""
    return {
        table: {
            tuple(row)[: -len(sums)]: tuple(row)[-len(sums) :]
            for row in conn.execute(
                text(
                    f"SELECT {KEYS[table]}, {', '.join(f'sum({s})' for s in sums)} "
                    f"FROM ops.{table} GROUP BY {KEYS[table]} "
                    f"HAVING {' OR '.join(f'sum({s}) <> 0' for s in sums)}"
                )
            )
        }
        for table, sums in SUMS.items()
    }


def report(conn: Connection, name: str, scope: Scope) -> dict[str, Any]:
    return REPORTS[name](conn, scope)


def stage_named(conn: Connection, name: str) -> int:
    return int(
        conn.execute(
            text(
                "SELECT s.id FROM crm.stage s JOIN crm.pipeline p ON p.id = pipeline_id "
                "WHERE s.name = :name AND p.name = 'Sales'"
            ),
            {"name": name},
        ).scalar_one()
    )


random_business = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@random_business
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 60))
def test_rollups_equal_a_count_from_the_records_whatever_happens(
    conn: Connection, seed: int, steps: int
) -> None:
    Business(conn, Random(seed)).go_on(steps)
    kept = tallied(conn)
    rollups.compact(conn)
    assert tallied(conn) == kept, "folding changes no sum"
    rollups.refresh(conn)
    assert tallied(conn) == kept
    conn.rollback()


@random_business
@given(seed=st.integers(0, 2**32), steps=st.integers(10, 60))
def test_the_sales_cycle_is_what_walking_through_every_move_finds(
    conn: Connection, seed: int, steps: int
) -> None:
    Business(conn, Random(seed)).go_on(steps)
    first, last = date(2026, 1, 10), date(2026, 6, 30)
    since, until = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
    alive = rows(conn, "SELECT * FROM crm.deal WHERE archived_at IS NULL")
    for scope in (ALL, Scope(first, last), Scope(first, last, source="Web"), Scope(source="Web")):
        mine = {
            d.id
            for d in alive
            if (scope.is_all_time or since <= d.added_at < until)
            and scope.source in {None, d.source}
        }
        _same_cycle(conn, report(conn, "sales-cycle", scope), naive_cycle(conn, mine))
    conn.rollback()


def _same_cycle(conn: Connection, said: dict[str, Any], naive: dict[int, dict[str, Any]]) -> None:
    names = rows(
        conn,
        "SELECT s.id, p.name AS pipeline, s.name AS stage, s.category FROM crm.stage s "
        "JOIN crm.pipeline p ON p.id = s.pipeline_id",
    )
    found = {(s["pipeline"], s["stage"]): s for s in (*said["stages"], *said["won"])}
    expected = {(n.pipeline, n.stage): (n, naive[n.id]) for n in names if n.id in naive}
    assert found.keys() == {
        key for key, (n, _) in expected.items() if n.category not in {"lost", "unqualified"}
    }
    for key, told in found.items():
        stage, counts = expected[key]
        if stage.category == "won":
            assert told["deals"] == counts["inside"]
        else:
            for name in ("entered", "advanced", "lost", "inside"):
                assert told[name] == counts[name], (key, name)
            assert told["timed"] == len(counts["times"])
        for name, share in (("median_s", 0.5), ("p90_s", 0.9)):
            exact = disc(counts["times"], share)
            _near(told[name], exact, is_exact=said["is_exact"])


def _near(told: float | None, exact: float | None, *, is_exact: bool) -> None:
    """The same number, or that of its bucket."""
    if exact is None or is_exact:
        assert told == pytest.approx(exact) if exact is not None else told is None
    else:
        assert told is not None
        assert max(exact, 1) / CLOSE <= told <= max(exact, 1) * CLOSE


@random_business
@given(seed=st.integers(0, 2**32), steps=st.integers(10, 60))
def test_won_and_lost_are_what_the_closed_deals_add_up_to(
    conn: Connection, seed: int, steps: int
) -> None:
    Business(conn, Random(seed)).go_on(steps)
    paris = ZoneInfo("Europe/Paris")
    period = Scope(date(2026, 1, 1), date(2027, 6, 30), zone="Europe/Paris")
    closed = rows(
        conn,
        "SELECT d.*, s.category, r.name AS reason, u.email FROM crm.deal d "
        "JOIN crm.stage s ON s.id = d.stage_id "
        "LEFT JOIN crm.reason r ON r.id = coalesce(loss_reason_id, unqualified_reason_id) "
        'LEFT JOIN crm."user" u ON u.id = d.owner_id '
        "WHERE d.archived_at IS NULL AND closed_at IS NOT NULL",
    )
    for scope, zone in ((ALL, UTC), (period, paris)):
        mine = [
            d
            for d in closed
            if scope.is_all_time
            or datetime(2026, 1, 1, tzinfo=paris)
            <= d.closed_at
            < datetime(2027, 7, 1, tzinfo=paris)
        ]
        said = report(conn, "won-lost", scope)
        assert said["total"] == _naive_outcomes(mine)
        for name, key in (
            ("month", lambda d, zone=zone: f"{d.closed_at.astimezone(zone):%Y-%m}"),
            ("owner", lambda d: d.email),
            ("source", lambda d: d.source),
        ):
            groups: dict[Any, list[Any]] = defaultdict(list)
            for d in mine:
                groups[key(d)].append(d)
            told = {row.pop(name): row for row in said[f"by_{name}"]}
            assert told == {k: _naive_outcomes(v) for k, v in groups.items()}, name
        lost = [d for d in mine if d.category != "won"]
        assert {(r["outcome"], r["reason"]): r["deals"] for r in said["reasons"]} == {
            (d.category, d.reason): sum(
                e.category == d.category and e.reason == d.reason for e in lost
            )
            for d in lost
        }
    conn.rollback()


def _naive_outcomes(deals: list[Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for outcome in ("won", "lost", "unqualified"):
        mine = [d for d in deals if d.category == outcome]
        told[outcome] = len(mine)
        told[f"{outcome}_value"] = _money(mine)
    ended = told["won"] + told["lost"]
    told["win_rate"] = round(told["won"] / ended, 4) if ended else None
    return told


def _money(deals: list[Any]) -> dict[str, Decimal]:
    total: dict[str, Decimal] = defaultdict(Decimal)
    for d in deals:
        total[d.currency] += d.value
    return dict(total)


@random_business
@given(seed=st.integers(0, 2**32), steps=st.integers(10, 60))
def test_leads_are_what_counting_them_one_by_one_finds(
    conn: Connection, seed: int, steps: int
) -> None:
    Business(conn, Random(seed)).go_on(steps)
    alive = rows(
        conn,
        "SELECT l.*, least(l.created_at, l.recorded_at) AS came, u.email AS owner "
        'FROM crm.lead l LEFT JOIN crm."user" u ON u.id = l.owner_id '
        "WHERE archived_at IS NULL AND merged_into IS NULL",
    )
    won = rows(
        conn,
        "SELECT d.* FROM crm.deal d JOIN crm.stage s ON s.id = stage_id AND category = 'won' "
        "WHERE d.archived_at IS NULL",
    )
    since = datetime(2025, 12, 1, tzinfo=UTC)
    for scope in (ALL, Scope(date(2025, 12, 1), date(2026, 3, 31))):
        mine = [
            lead
            for lead in alive
            if scope.is_all_time or since <= lead.came < datetime(2026, 4, 1, tzinfo=UTC)
        ]
        _same_sources(report(conn, "lead-sources", scope), mine, won)
        _same_owners(report(conn, "leads", scope), mine)
        _same_answers(report(conn, "response-time", scope), mine)
    conn.rollback()


def _same_sources(said: dict[str, Any], leads: list[Any], won: list[Any]) -> None:
    assert [r["source"] for r in said["by_source"]] == sorted(
        {lead.lead_source for lead in leads}, key=lambda s: (s is None, s or "")
    )
    for row in said["by_source"]:
        mine = [lead for lead in leads if lead.lead_source == row["source"]]
        deals = [d for d in won if d.lead_id in {lead.id for lead in mine}]
        assert row["leads"] == len(mine)
        assert row["converted"] == sum(lead.converted_at is not None for lead in mine)
        assert row["qualified"] == sum(
            lead.converted_at is not None or lead.status == "Qualified" for lead in mine
        )
        assert (row["won"], row["value"]) == (len(deals), _money(deals))


def _same_owners(said: dict[str, Any], leads: list[Any]) -> None:
    naive: dict[Any, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for lead in leads:
        naive[lead.owner]["(converted)" if lead.converted_at else lead.status] += 1
    assert {r["owner"]: r["statuses"] for r in said["by_owner"]} == naive


def _same_answers(said: dict[str, Any], leads: list[Any]) -> None:
    groups: list[tuple[dict[str, Any], list[Any]]] = [(said["total"], leads)]
    groups += [(r, [x for x in leads if x.owner == r["owner"]]) for r in said["by_owner"]]
    groups += [(r, [x for x in leads if x.lead_source == r["source"]]) for r in said["by_source"]]
    assert len(said["by_owner"]) == len({lead.owner for lead in leads})
    for told, mine in groups:
        waits = [
            max(0.0, (x.first_response_at - x.came).total_seconds())
            for x in mine
            if x.first_response_at
        ]
        assert (told["leads"], told["answered"]) == (len(mine), len(waits))
        assert told["none_yet"] == len(mine) - len(waits)
        _near(told["median_s"], disc(waits, 0.5), is_exact=said["is_exact"])
        _near(told["p90_s"], disc(waits, 0.9), is_exact=said["is_exact"])


@random_business
@given(seed=st.integers(0, 2**32), steps=st.integers(10, 60))
def test_the_pipeline_is_what_is_open_now(conn: Connection, seed: int, steps: int) -> None:
    Business(conn, Random(seed)).go_on(steps)
    deals = rows(
        conn,
        "SELECT d.*, s.name AS stage, p.name AS pipeline, s.likelihood, u.email FROM crm.deal d "
        "JOIN crm.stage s ON s.id = stage_id JOIN crm.pipeline p ON p.id = s.pipeline_id "
        'LEFT JOIN crm."user" u ON u.id = owner_id WHERE s.is_active AND d.archived_at IS NULL',
    )
    said = report(conn, "pipeline", ALL)
    groups = [(said["total"], deals)]
    groups += [
        (r, [d for d in deals if (d.pipeline, d.stage) == (r["pipeline"], r["stage"])])
        for r in said["by_stage"]
    ]
    groups += [(r, [d for d in deals if d.email == r["owner"]]) for r in said["by_owner"]]
    assert len(said["by_stage"]) == len({(d.pipeline, d.stage) for d in deals})
    for told, mine in groups:
        assert (told["deals"], told["value"]) == (len(mine), _money(mine))
        weighted: dict[str, Decimal] = defaultdict(Decimal)
        for d in mine:
            own = d.customized_win_likelihood
            weighted[d.currency] += d.value * (d.likelihood if own is None else own) / 100
        assert {c: float(v) for c, v in told["weighted"].items()} == pytest.approx(
            {c: float(v) for c, v in weighted.items()}, abs=0.011
        )
    conn.rollback()


def test_a_stage_visited_twice_counts_the_sum_and_an_open_deal_is_only_noted(
    conn: Connection,
) -> None:
    incoming, qualified = stage_named(conn, "Incoming"), stage_named(conn, "Qualified")
    deal = new_deal(conn, incoming, added_at=START)
    hour = timedelta(hours=1)
    for n, stage in enumerate((incoming, qualified, incoming, qualified)):
        move(conn, deal, stage, START + n * hour * (n + 1) / 2)  # after 0, 1, 3 and 6 hours
    for scope in (ALL, Scope(date(2026, 1, 1), date(2026, 1, 1))):
        first, second = report(conn, "sales-cycle", scope)["stages"]
        assert (first["stage"], first["entered"], first["inside"]) == ("Incoming", 1, 0)
        _near(first["median_s"], 4 * 3600, is_exact=not scope.is_all_time)
        assert (second["stage"], second["inside"], second["timed"]) == ("Qualified", 1, 0)
        assert second["median_s"] is None
    conn.rollback()


def test_a_period_begins_and_ends_at_midnight_in_its_zone(conn: Connection) -> None:
    day = date(2026, 6, 1)
    for moment in ("2026-05-31T21:59:59Z", "2026-05-31T22:00:00Z", "2026-06-01T21:59:59Z",
                   "2026-06-01T22:00:00Z"):  # fmt: skip
        new_lead(conn, created_at=datetime.fromisoformat(moment))
    counts = {
        zone: report(conn, "response-time", Scope(day, day, zone=zone))["total"]["leads"]
        for zone in ("Europe/Paris", "UTC")
    }
    assert counts == {"Europe/Paris": 2, "UTC": 2}
    change_of_day = Scope(date(2026, 5, 31), date(2026, 5, 31), zone="Europe/Paris")
    assert report(conn, "response-time", change_of_day)["total"]["leads"] == 1
    conn.rollback()


def test_a_moved_stage_is_right_again_after_a_refresh(conn: Connection) -> None:
    incoming, qualified = stage_named(conn, "Incoming"), stage_named(conn, "Qualified")
    deal = new_deal(conn, incoming, added_at=START)
    move(conn, deal, incoming, START)
    move(conn, deal, qualified, START + timedelta(hours=1))
    change(conn, "stage", qualified, position=0)
    rollups.refresh(conn)
    told = {s["stage"]: s["advanced"] for s in report(conn, "sales-cycle", ALL)["stages"]}
    assert told == {"Incoming": 0, "Qualified": 0}
    conn.rollback()


def test_writers_do_not_wait_for_each_other_nor_for_a_refresh(business_database: Database) -> None:
    engine = business_database.engine
    with engine.connect() as one, engine.connect() as two, engine.connect() as three:
        for each in (one, two, three):
            each.execute(text("SET LOCAL lock_timeout = '2s'"))
        new_lead(one, lead_source="Web")
        rollups.refresh(two)
        new_lead(three, lead_source="Web")
        for each in (one, two, three):
            each.commit()
        said = report(one, "lead-sources", ALL)["by_source"]
        assert [(r["source"], r["leads"]) for r in said] == [("Web", 2)]
        one.execute(text("DELETE FROM crm.lead"))
        one.commit()
