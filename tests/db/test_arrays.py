"""Arrays that we write ourselves are the arrays that psycopg writes."""

from datetime import UTC, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.adapt import PyFormat, Transformer
from psycopg.types.array import ListDumper
from sqlalchemy import text
from sqlalchemy.exc import DataError

from hub.db.engine import Database
from hub.db.list_dumper import QuickListDumper

_MOMENTS = st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-3)))).filter(
    lambda at: 1 < at.year < 9999
)
_LISTS = st.one_of(
    st.tuples(
        st.just("text"),
        st.lists(st.none() | st.text(st.characters(exclude_characters="\0", codec="utf-8"))),
    ),
    st.tuples(st.just("bigint"), st.lists(st.none() | st.integers(-(2**63), 2**63 - 1))),
    st.tuples(st.just("boolean"), st.lists(st.none() | st.booleans())),
    st.tuples(st.just("timestamptz"), st.lists(_MOMENTS)),
    st.tuples(st.just("timestamptz"), st.lists(st.none() | _MOMENTS)),
    st.tuples(st.just("boolean"), st.lists(st.booleans())),
    st.tuples(st.just("bytea"), st.lists(st.binary())),
)
_ONE_DATABASE = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_ONE_DATABASE
@given(_LISTS)
def test_a_list_comes_back_as_it_was_sent_and_has_the_type_that_psycopg_gives_it(
    db: Database, typed: tuple[str, list[Any]]
) -> None:
    kind, values = typed
    with db.engine.connect() as conn:
        found = conn.execute(text(f"SELECT CAST(:it AS {kind}[])"), {"it": values}).scalar_one()
        driver = conn.connection.driver_connection
        assert driver is not None
        ours, theirs = (
            made(list, Transformer(driver)).upgrade(values, PyFormat.TEXT)
            for made in (QuickListDumper, ListDumper)
        )
    assert found == values
    assert ours.oid == theirs.oid


def test_a_text_that_no_array_can_hold_is_refused_as_psycopg_refuses_it(db: Database) -> None:
    for refused in ("a\0b", "\ud800"):
        with db.engine.connect() as conn, pytest.raises((DataError, UnicodeEncodeError)):
            conn.execute(text("SELECT CAST(:it AS text[])"), {"it": ["a", refused]})
