"""The facts that PostgreSQL writes of a number or a day are among those that cover a stretch around it."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from hub.crm.smart_lists import facts
from hub.db.embedded import Server
from tests.conftest import fresh_database

_TOUCHES = text(
    "SELECT crm.facts(NULL, CAST(:custom AS jsonb), CAST(ARRAY[] AS text[])) "
    "&& (SELECT array_agg(hashtext(one)) FROM unnest(CAST(:near AS text[])) one)"
)
RELAXED = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
_NUMBERS = st.one_of(
    st.integers(-(10**19), 10**19).map(Decimal),
    st.decimals(-2000, 2000, places=4),
    st.decimals(-1, 1, places=9),
    st.sampled_from([Decimal(n) for n in ("0", "9.995", "999.5", "1e17", "-1e-7", "99949.9")]),
)
_DAYS = st.dates(date(1, 1, 1), date(9999, 12, 30)) | st.dates(date(1895, 1, 1), date(2105, 1, 1))


@pytest.fixture(scope="module")
def conn(server: Server) -> Iterator[Connection]:
    with fresh_database(server) as database, database.engine.begin() as conn:
        yield conn


def touches(conn: Connection, value: object, near: list[str]) -> bool:
    """Whether a row with this custom value has one of the facts."""
    custom = json.dumps({"key": value}, default=float)
    return bool(conn.execute(_TOUCHES, {"custom": custom, "near": near}).scalar_one())


@RELAXED
@given(_NUMBERS, _NUMBERS, _NUMBERS)
@example(Decimal("9.995"), Decimal("9.9949"), Decimal("9.9951"))
@example(Decimal("-1e18"), Decimal("-9.999e17"), Decimal(0))
def test_a_number_between_two_is_touched(
    conn: Connection, one: Decimal, two: Decimal, three: Decimal
) -> None:
    low, number, high = sorted((one, two, three))
    assert touches(conn, number, facts.of_numbers("key", low, high))
    assert touches(conn, number, facts.of_numbers("key", low, None))
    assert touches(conn, number, facts.of_numbers("key", None, high))
    assert touches(conn, number, facts.of_numbers("key", number, number))


@RELAXED
@given(_DAYS, _DAYS, _DAYS)
def test_a_day_between_two_is_touched(conn: Connection, one: date, two: date, three: date) -> None:
    first, day, last = sorted((one, two, three))
    for bounds in ((first, last), (first, None), (None, last), (day, day)):
        near = facts.of_days("key", *bounds)
        assert touches(conn, day.isoformat(), near)
        assert touches(conn, f"{day.isoformat()}T23:59:59Z", near)


def test_what_lies_elsewhere_is_not_touched(conn: Connection) -> None:
    near = facts.of_numbers("key", Decimal(500), Decimal(980))
    assert [n for n in (-700, 0, 5, 498, 982, 5000) if touches(conn, n, near)] == []
    assert [n for n in (498.6, 500, 731, 980) if touches(conn, n, near)] == [498.6, 500, 731, 980]
    near = facts.of_days("key", date(2026, 11, 3), date(2027, 2, 10))
    inside = [date(2026, 11, 3) + timedelta(days=n) for n in range(100)]
    assert all(touches(conn, day.isoformat(), near) for day in inside)
    for day in ("2026-11-02", "2027-02-11", "2025-11-03", "1850-01-01"):
        assert not touches(conn, day, near)
    assert not touches(conn, 700, facts.of_numbers("other", Decimal(500), Decimal(980)))


@pytest.mark.parametrize(
    "value", ["2026-02-32", "2026-13-01", "20260201", "", None, True, [700], {"a": 700}, "700"]
)
def test_what_is_neither_a_number_nor_a_day_has_no_fact(conn: Connection, value: object) -> None:
    everything = [*facts.of_numbers("key", None, None), *facts.of_days("key", None, None)]
    assert not touches(conn, value, everything)


def test_a_stretch_is_a_few_dozen_facts() -> None:
    longest = max(
        len(facts.of_numbers("key", Decimal(low), high))
        for low in ("-123.4", "0.0123", "886", "1234567")
        for high in (None, Decimal(8_765_432))
    )
    assert longest < 80
    assert len(facts.of_days("key", date(2026, 11, 28), None)) < 80


@pytest.mark.parametrize("custom", ["null", "[]", '"text"', "7", "{}"])
def test_custom_fields_that_are_none_have_no_facts(conn: Connection, custom: str) -> None:
    statement = text("SELECT crm.facts('[]', CAST(:custom AS jsonb), ARRAY['a=b', NULL])")
    assert len(conn.execute(statement, {"custom": custom}).scalar_one()) == 1
