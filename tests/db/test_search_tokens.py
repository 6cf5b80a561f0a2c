"""The tokens that PostgreSQL writes of a number or a day are those that cover a stretch around it."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from hub.db.embedded import Server
from hub.lists import search_tokens
from hub.lists.search_tokens import Stretch
from tests.prepared import fresh_database

_TOUCHES = text(
    "SELECT crm.search_tokens(NULL, CAST(:custom AS jsonb), NULL, CAST(ARRAY[] AS text[])) "
    "&& (SELECT array_agg(hashtextextended(one, 0)) FROM unnest(CAST(:near AS text[])) one)"
)
RELAXED = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
_ENDS = [
    "0",
    "9.995",
    "999.5",
    "1e17",
    "-1e-7",
    "99949.9",
    "0.01",
    "-0.01",
    "1e9",
    "-1e9",
    "886",
    "1",
]
_NUMBERS = st.one_of(
    st.integers(-(10**19), 10**19).map(Decimal),
    st.integers(-1200, 1200).map(Decimal),
    st.decimals(-2000, 2000, places=4),
    st.decimals(-1, 1, places=9),
    st.sampled_from([Decimal(n) for n in _ENDS]),
)
_BOUNDS = st.tuples(_NUMBERS | st.none(), st.booleans())
_DAYS = st.dates(date(1, 1, 1), date(9999, 12, 30)) | st.dates(date(1945, 1, 1), date(2055, 1, 1))


@pytest.fixture(scope="module")
def conn(server: Server) -> Iterator[Connection]:
    with fresh_database(server) as database, database.engine.begin() as conn:
        yield conn


def touches(conn: Connection, value: object, near: list[str], key: str = "key") -> bool:
    """Whether a row with this custom value has one of the tokens."""
    custom = json.dumps({key: value}, default=float)
    return bool(conn.execute(_TOUCHES, {"custom": custom, "near": near}).scalar_one())


@RELAXED
@given(_NUMBERS, _BOUNDS, _BOUNDS)
@example(Decimal("9.995"), (Decimal("9.9949"), True), (Decimal("9.9951"), True))
@example(Decimal("-1e18"), (Decimal("-9.999e17"), True), (Decimal(0), True))
@example(Decimal(-886), (Decimal(-886), False), (None, True))
@example(Decimal("-0.004"), (None, True), (Decimal(0), False))
def test_a_number_has_a_fact_of_each_stretch_it_lies_in(
    conn: Connection,
    number: Decimal,
    lowest: tuple[Decimal | None, bool],
    highest: tuple[Decimal | None, bool],
) -> None:
    low, with_low = lowest
    high, with_high = highest
    above = low is None or number > low or (with_low and number == low)
    below = high is None or number < high or (with_high and number == high)
    near = search_tokens.of_numbers("key", low, high, with_low=with_low, with_high=with_high)
    touched = bool(near.tokens) and touches(conn, number, near.tokens)
    assert touched or not (above and below)
    if near.is_exact:
        assert touched == (above and below)


@RELAXED
@given(_DAYS, _DAYS | st.none(), _DAYS | st.none())
def test_a_day_has_a_fact_of_each_stretch_it_lies_in(
    conn: Connection, day: date, first: date | None, last: date | None
) -> None:
    inside = (first is None or first <= day) and (last is None or day <= last)
    for made, said in (
        (search_tokens.of_dates, day.isoformat()),
        (search_tokens.of_moments, f"{day.isoformat()}T23:59:59Z"),
    ):
        near = made("key", first, last)
        touched = bool(near.tokens) and touches(conn, said, near.tokens)
        assert touched or not inside
        if near.is_exact:
            assert touched == inside


def test_ends_of_three_digits_and_of_days_are_exact() -> None:
    for low, high in (("500", None), (None, "500"), ("0.25", "12.5"), ("0", "1e9"), (None, "0")):
        ends = [None if n is None else Decimal(n) for n in (low, high)]
        assert search_tokens.of_numbers("key", *ends, with_high=False).is_exact
    for low, high in (("-500", None), ("-12.5", None), (None, "-500"), ("0", None)):
        ends = [None if n is None else Decimal(n) for n in (low, high)]
        assert search_tokens.of_numbers("key", *ends, with_low=False).is_exact
    assert not search_tokens.of_numbers("key", Decimal(1234), None).is_exact
    assert not search_tokens.of_numbers("key", Decimal(500), Decimal(501)).is_exact
    assert search_tokens.of_dates("key", date(2026, 11, 3), date(2027, 2, 10)).is_exact
    assert not search_tokens.of_dates("key", date(1931, 11, 3), None).is_exact


def test_what_lies_elsewhere_is_not_touched(conn: Connection) -> None:
    near = search_tokens.of_numbers("key", Decimal(500), Decimal(980)).tokens
    assert [n for n in (-700, 0, 5, 499.9, 981, 5000) if touches(conn, n, near)] == []
    assert [n for n in (500, 731, 980.5) if touches(conn, n, near)] == [500, 731, 980.5]
    near = search_tokens.of_dates("key", date(2026, 11, 3), date(2027, 2, 10)).tokens
    inside = [date(2026, 11, 3) + timedelta(days=n) for n in range(100)]
    assert all(touches(conn, day.isoformat(), near) for day in inside)
    for said in ("2026-11-02", "2027-02-11", "2025-11-03", "1850-01-01", "2026-12-01T00:00:00Z"):
        assert not touches(conn, said, near)
    assert not touches(
        conn, 700, search_tokens.of_numbers("other", Decimal(500), Decimal(980)).tokens
    )


@pytest.mark.parametrize(
    "value", ["2026-02-32", "2026-13-01", "20260201", "", None, True, [700], {"a": 700}, "700"]
)
def test_what_is_neither_a_number_nor_a_day_lies_nowhere(conn: Connection, value: object) -> None:
    whole: list[Stretch] = [
        search_tokens.of_numbers("key", None, None),
        search_tokens.of_dates("key", None, None),
        search_tokens.of_moments("key", None, None),
    ]
    assert not touches(conn, value, [token for near in whole for token in near.tokens])


@pytest.mark.parametrize(
    ("value", "token", "others"),
    [
        (
            "5",
            search_tokens.of_custom("k", "5"),
            [search_tokens.of_custom("k", 5), search_tokens.of_choice("k", "5")],
        ),
        (
            5.0,
            search_tokens.of_custom("k", 5),
            [search_tokens.of_custom("k", "5"), search_tokens.of_choice("k", "5")],
        ),
        (
            ["5"],
            search_tokens.of_choice("k", "5"),
            [search_tokens.of_custom("k", "5"), search_tokens.of_custom("k", 5)],
        ),
        ([5], None, [search_tokens.of_choice("k", "5"), search_tokens.of_custom("k", 5)]),
        (True, search_tokens.of_custom("k", True), [search_tokens.of_custom("k", "true")]),
        ("true", search_tokens.of_custom("k", "true"), [search_tokens.of_custom("k", True)]),
        (
            "x" * 500,
            search_tokens.of_custom("k", "x" * 500),
            [search_tokens.of_custom("k", "x" * 499)],
        ),
    ],
)
def test_a_text_is_no_number_and_no_choice(
    conn: Connection, value: object, token: str | None, others: list[str]
) -> None:
    assert token is None or touches(conn, value, [token], key="k")
    assert not touches(conn, value, others, key="k")


def test_no_key_reads_like_another_with_its_value(conn: Connection) -> None:
    for key, other in (('a="b', "a"), ("a 0", "a"), ("1:a", "a"), ("a", '1:a="')):
        assert touches(conn, "c", [search_tokens.of_custom(key, "c")], key=key)
        named = [search_tokens.of_custom(other, said) for said in ("c", 'b="c', "", 0)]
        assert not touches(conn, "c", named, key=key)


def test_a_stretch_is_a_few_dozen_facts() -> None:
    longest = max(
        len(search_tokens.of_numbers("key", Decimal(low), high).tokens)
        for low in ("-123.4", "0.0123", "886", "1234567")
        for high in (None, Decimal(8_765_432))
    )
    assert longest < 70
    assert len(search_tokens.of_dates("key", date(2026, 11, 28), None).tokens) < 20


@pytest.mark.parametrize("custom", ["null", "[]", '"text"', "7", "{}"])
def test_custom_fields_that_are_none_have_no_facts(conn: Connection, custom: str) -> None:
    statement = text(
        "SELECT crm.search_tokens('[]', CAST(:custom AS jsonb), NULL, ARRAY['a=b', NULL])"
    )
    assert len(conn.execute(statement, {"custom": custom}).scalar_one()) == 1


@RELAXED
@given(
    _DAYS,
    st.dates(date(search_tokens.FIRST_YEAR + 1, 1, 1), date(search_tokens.LAST_YEAR - 1, 12, 31)),
)
def test_what_was_added_since_a_month_has_its_facts(
    conn: Connection, day: date, first: date
) -> None:
    statement = text(
        "SELECT crm.search_tokens(NULL, NULL, CAST(:moment AS timestamptz), CAST(ARRAY[] AS text[])) "
        "&& crm.hashed(:near)"
    )
    for moment in (f"{day.isoformat()} 00:00Z", f"{day.isoformat()} 23:59:59.999999Z"):
        asked = {"moment": moment, "near": search_tokens.of_added(first)}
        is_since = day >= first.replace(day=1)
        assert conn.execute(statement, asked).scalar_one() == is_since
    for end, holds in (("infinity", True), ("-infinity", False)):
        asked = {"moment": end, "near": search_tokens.of_added(first)}
        assert conn.execute(statement, asked).scalar_one() is holds
