"""A list's SQL finds the same records as its filter in plain Python, for any filter."""

import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from hub.actions.setup import smart_list
from hub.clock import FixedClock
from hub.crm.custom_fields import TYPES
from hub.db.embedded import Server
from hub.errors import ActionError
from hub.lists import pages
from hub.lists.document import conditions_of, filter_json, read
from tests.acting import by
from tests.db import list_rows, naive_lists
from tests.db.naive_lists import NOW, OBJECTS
from tests.prepared import fresh_database

ROWS = 150
ANN = "ann@x.example.com"
CLOCK = FixedClock(NOW)
_PEOPLE = {
    "first_name": "text", "last_name": "text", "email": "text", "name": "text", "city": "text",
    "company": "text", "description": "text", "source": "text", "created_at": "moment",
    "last_activity_at": "moment", "last_communication_at": "moment", "next_task_at": "moment",
    "days_since_last_communication": "days", "tags": "tags", "owner": "user",
    "open_tickets": "number", "id": "number",
}  # fmt: skip
KINDS = {
    "lead": {**_PEOPLE, "status": "text", "converted_at": "moment"},
    "person": {**_PEOPLE, "customer_status": "text"},
    "company": _PEOPLE,
    "deal": {
        "name": "text", "value": "number", "hot": "bool", "win_likelihood": "number",
        "stage": "name", "stage_category": "name", "pipeline": "name", "loss_reason": "name",
        "close_date": "date", "added_at": "moment", "next_task_at": "moment",
        "days_since_last_communication": "days", "tags": "tags", "owner": "user", "source": "text",
    },
}  # fmt: skip
CUSTOM = {f"custom_fields.{t}": t if t == "multi_select_list" else f"custom {t}" for t in TYPES}
SORTS = {
    **dict.fromkeys(
        ("lead", "person", "company"),
        ("created_at", "last_activity_at", "last_communication_at", "next_task_at", "name"),
    ),
    "deal": ("added_at", "value", "close_date", "next_task_at"),
}
_TABLES = {
    "lead": "SELECT * FROM crm.lead WHERE archived_at IS NULL AND merged_into IS NULL",
    "person": "SELECT * FROM crm.contact WHERE archived_at IS NULL AND merged_into IS NULL "
    "AND NOT is_organization",
    "company": "SELECT * FROM crm.contact WHERE archived_at IS NULL AND merged_into IS NULL "
    "AND is_organization",
    "deal": (
        "SELECT d.*, s.name AS stage, s.category AS stage_category, p.name AS pipeline, "
        "r.name AS loss_reason, coalesce(d.customized_win_likelihood, s.likelihood) AS win_likelihood "
        "FROM crm.deal d JOIN crm.stage s ON s.id = d.stage_id JOIN crm.pipeline p ON p.id = d.pipeline_id "
        "LEFT JOIN crm.reason r ON r.id = d.loss_reason_id WHERE d.archived_at IS NULL"
    ),
}


@pytest.fixture(scope="module")
def conn(server: Server) -> Iterator[Connection]:
    """A few hundred rows of every kind."""
    with fresh_database(server) as database, database.engine.begin() as conn:
        list_rows.seed(conn, 7, ROWS)
        list_rows.define_fields(conn)
        rows_of.cache_clear()
        yield conn
        conn.rollback()


@cache
def rows_of(conn: Connection, object_: str) -> list[dict[str, Any]]:
    """The rows as a naive reader sees them."""
    tickets = conn.execute(text("SELECT * FROM crm.ticket WHERE archived_at IS NULL")).all()
    rows = [dict(row) for row in conn.execute(text(_TABLES[object_])).mappings()]
    firms = {
        row.id: row.name
        for row in conn.execute(text(
            "SELECT c.id, s.organization_name AS name FROM crm.contact c "
            "JOIN crm.contact s ON s.id = coalesce(c.merged_into, c.id) WHERE c.is_organization"
        ))
    }  # fmt: skip
    for row in rows:
        row["owner"] = row["owner_id"]
        row["days_since_last_communication"] = row["last_communication_at"]
        if object_ == "deal":
            row["hot"], row["close_date"] = row["is_hot"], row["estimated_close_date"]
        else:
            row["source"] = row["lead_source"]
            linked = row["account_id"] if object_ == "lead" else row["company_id"]
            row["company"] = row["organization_name"] if linked is None else firms[linked]
            row["open_tickets"] = sum(
                t.entity_id == row["entity_id"] and t.status not in ("solved", "closed")
                for t in tickets
            )
    return rows


_WORDS = st.sampled_from(
    [w for w in list_rows.WORDS if w]
    + ["e", "%", "_", "\\", "été", "ete", "\u0301", "bob \u00e9", "New", "web"]
)
_DATE = st.sampled_from([
    "today", "yesterday", "tomorrow", "last 7 days", "last 30 days", "next 7 days", "next 1 days",
    "this week", "last week", "this month", "last month", "next quarter", "this year",
    "30 days ago", "1 days ago", "in 2 days", "2026-03-31", "2026-04-01", "2026-03", "2025-12",
])  # fmt: skip
_EXACT = st.sampled_from(
    ["2026-03-31T22:30:00+00:00", "2026-04-01T00:00:00+02:00", "2026-03-31T21:59:59.5+00:00"]
)
_NUMBER = st.sampled_from([0, 1, -2.5, 10, 12, 99.5, 1000, 5, 1e6, 50])
_CHOICE = st.sampled_from([*list_rows.CHOICES, "Lead"])
_TAG = st.sampled_from(list_rows.TAGS)
_USER = st.sampled_from(["me", "nobody", "ann@x.example.com", "Bob"])
_NAMES = st.sampled_from(["incoming", "Won", "Sales", "Price", "in_progress", "Quote", "o"])


def _one(ops: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"op": st.sampled_from(ops.split(", ")), "value": values})


def _many(ops: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return _one(ops, st.lists(values, min_size=1, max_size=3))


_EMPTY = st.fixed_dictionaries({"op": st.sampled_from(["is empty", "is not empty"])})
_SIGNS = "<, <=, >, >="
_NUMBERS = (
    _one(f"is, is not, {_SIGNS}", _NUMBER) | _many("any of, none of", _NUMBER)
    | _one("between", st.lists(_NUMBER, min_size=2, max_size=2)) | _EMPTY
)  # fmt: skip
_SOME_DAYS = st.sampled_from([0, 1, 2, 29, 30, 31, 90])
_DATES = (
    _one(f"is, is not, within, not within, before, after, {_SIGNS}", _DATE)
    | _one("between", st.lists(_DATE, min_size=2, max_size=2)) | _EMPTY
)  # fmt: skip
_TEXTS = _one("is, is not, contains, does not contain, starts with", _WORDS) | _many("any of, none of", _WORDS) | _EMPTY  # fmt: skip
_TAGGED = lambda values: _many("any of, all of, none of", values) | _EMPTY
CONDITIONS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "text": _TEXTS,
    "name": _one("is, is not, contains, starts with", _NAMES) | _many("any of, none of", _NAMES) | _EMPTY,
    "number": _NUMBERS,
    "bool": _one("is, is not", st.booleans()),
    "moment": _DATES | _one("before, after", _EXACT),
    "date": _DATES,
    "days": _one(f"is, is not, {_SIGNS}", _SOME_DAYS) | _one("between", st.lists(_SOME_DAYS, min_size=2, max_size=2)) | _EMPTY,
    "tags": _TAGGED(_TAG),
    "user": _one("is, is not", _USER) | _many("any of, none of", _USER) | _EMPTY,
    **{f"custom {t}": _TEXTS for t in ("string", "text", "email", "phone", "url")},
    "custom number": _NUMBERS,
    "custom bool": _one("is, is not", st.booleans()) | _EMPTY,
    "custom date": _DATES,
    "custom datetime": _DATES | _one("before, after", _EXACT),
    "custom list": _one("is, is not", _CHOICE) | _many("any of, none of", _CHOICE) | _EMPTY,
    "multi_select_list": _TAGGED(_CHOICE),
    "custom address": _one("contains, does not contain", st.sampled_from(["lyon", "1 rue", "line1"])) | _EMPTY,
}  # fmt: skip


def conditions(object_: str) -> st.SearchStrategy[dict[str, Any]]:
    """Any condition on a field of a kind of record."""
    kinds = {**KINDS[object_], **CUSTOM}
    return st.sampled_from(sorted(kinds)).flatmap(
        lambda name: CONDITIONS[kinds[name]].map(lambda asked: {"field": name, **asked})
    )


def filters(object_: str) -> st.SearchStrategy[Any]:
    """Any filter, a few groups deep."""
    return st.recursive(
        conditions(object_),
        lambda inner: (
            st.fixed_dictionaries({"all": st.lists(inner, max_size=3)})
            | st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)})
            | st.fixed_dictionaries({"not": inner})
        ),
        max_leaves=6,
    )


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A document of any kind of record, in any order."""
    object_ = draw(st.sampled_from(OBJECTS))
    sort = draw(st.sampled_from(SORTS[object_]))
    return {
        "object": object_,
        "filter": draw(filters(object_)),
        "sort": draw(st.sampled_from([sort, f"-{sort}"])),
    }


def _order(row: dict[str, Any], name: str) -> Any:
    if name == "name" and "first_name" in row:
        parts = (row[n] or "" for n in ("last_name", "first_name", "organization_name"))
        plain = unicodedata.normalize("NFD", " ".join(parts).lstrip(" "))
        return "".join(c for c in plain if not "\u0300" <= c <= "\u036f").lower()
    return row[name]


def naive(conn: Connection, said: dict[str, Any]) -> list[int]:
    """Ids of the rows that a document means, in its order."""
    users = {"ann@x.example.com": 1, "bob": 2}
    ids = list(conn.execute(text('SELECT id FROM crm."user" ORDER BY id')).scalars())
    users = dict(zip(users, ids, strict=True))
    kinds = {**KINDS[said["object"]], **CUSTOM}
    found = [
        row for row in rows_of(conn, said["object"])
        if ("converted_at" in filter_json(read(said)) or row.get("converted_at") is None)
        and naive_lists.holds(said["filter"], row, kinds, ids[0], users)
    ]  # fmt: skip
    name, down = said["sort"].removeprefix("-"), said["sort"].startswith("-")
    placed = [row for row in found if _order(row, name) is not None]
    rest = [row for row in found if _order(row, name) is None]
    placed.sort(key=lambda row: (_order(row, name), row["id"]), reverse=down)
    rest.sort(key=lambda row: row["id"], reverse=down)
    return [row["id"] for row in (*placed, *rest)]


def paged(conn: Connection, said: dict[str, Any], limit: int) -> list[int]:
    """The same by the product, page by page."""
    document, found, after = read(said), [], None
    while True:
        page = smart_list.page(by(conn, ANN, CLOCK), document, limit=limit, after=after)
        assert len(page.rows) <= limit
        found += [row["id"] for row in page.rows]
        after = page.after
        if after is None:
            return found


def _is_on_no_row(conn: Connection, said: dict[str, Any], field: str) -> bool:
    """Whether a value that is asked of a field is on no row: only such a one is refused."""
    kinds = {**KINDS[said["object"]], **CUSTOM}
    asked = [one for one in conditions_of(read(said).filter) if one.field == field]
    users = {"ann@x.example.com": 1, "bob": 2}
    return any(
        not any(
            naive_lists.holds({"field": field, "op": op, "value": value}, row, kinds, 1, users)
            for row in rows_of(conn, said["object"])
        )
        for one in asked
        for op in [
            "contains" if "contain" in one.op else str(one.op) if one.op == "starts with" else "is"
        ]
        for value in one.values
    )


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(documents(), st.integers(20, 200))
def test_any_list_finds_what_a_naive_reader_finds_in_the_same_order(
    conn: Connection, said: dict[str, Any], limit: int
) -> None:
    wanted = naive(conn, said)
    refused = None
    try:
        found = paged(conn, said, limit)
    except ActionError as error:
        refused = error
    if refused is not None:
        assert refused.code == "not_found"
        assert _is_on_no_row(conn, said, refused.field or "")
        return
    assert found == wanted
    document = read(said)
    assert smart_list.count(by(conn, ANN, CLOCK), document) == pages.Count(
        len(wanted), is_exact=True
    )
    again = read({**document.model_dump(mode="json", by_alias=True, exclude_none=True)})
    assert again == document


@pytest.mark.parametrize("object_", OBJECTS)
@pytest.mark.parametrize(
    ("kind", "value"),
    [("number", [99.5, 0]), ("date", ["today", "yesterday"]), ("datetime", ["today", "yesterday"])],
)
def test_nothing_lies_between_swapped_ends(
    conn: Connection, object_: str, kind: str, value: list[Any]
) -> None:
    asked = {"field": f"custom_fields.{kind}", "op": "between", "value": value}
    (sort, *_) = SORTS[object_]
    document = {"object": object_, "filter": asked, "sort": sort}
    assert paged(conn, document, 50) == naive(conn, document) == []


@pytest.mark.parametrize("object_", OBJECTS)
@pytest.mark.parametrize("limit", [1, 3])
def test_pages_of_any_size_are_the_whole_list(conn: Connection, object_: str, limit: int) -> None:
    for sort in SORTS[object_]:
        for said in (sort, f"-{sort}"):
            document = {"object": object_, "filter": {"all": []}, "sort": said}
            assert paged(conn, document, limit) == naive(conn, document)


@pytest.mark.parametrize("object_", OBJECTS)
def test_every_column_can_be_shown(conn: Connection, object_: str) -> None:
    ready = smart_list.query(by(conn, ANN, CLOCK), read({"object": object_}))
    names = list(ready.fields.fields)
    page = smart_list.page(
        by(conn, ANN, CLOCK), read({"object": object_, "columns": names}), limit=200
    )
    assert page.rows
    assert all(set(row) == {"id", *names} for row in page.rows)
    assert {row["owner"] for row in page.rows} == {"Ann", "Bob", None}


_HOSTILE = st.text(max_size=40) | st.sampled_from([
    "'; DROP TABLE crm.lead; --", "' OR '1'='1", '" OR ""="', "\\'; SELECT 1; --", "%(id)s", ":id",
    "$1", "{0}", "%", "_", "\\", "1) OR (1=1", "]}", '{"$ne": 1}', "\ud800", "a\0b", "%s%n",
])  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(OBJECTS), _HOSTILE,
    st.sampled_from(["is", "is not", "any of", "all of", "none of", "contains", "starts with", ">",
                     "between", "within", "before", "after", "is empty", "; DROP"]),
    st.data(),
)  # fmt: skip
def test_no_hostile_text_is_anything_but_a_value_or_a_refusal(
    conn: Connection, object_: str, hostile: str, op: str, data: st.DataObject
) -> None:
    names = sorted({**KINDS[object_], **CUSTOM})
    field = data.draw(st.sampled_from([*names, hostile]))
    value = data.draw(st.sampled_from([hostile, [hostile, hostile]]))
    said = {
        "object": object_,
        "filter": {"field": field, "op": op, "value": value},
        "columns": ["id", field],
    }
    before = len(rows_of(conn, object_))
    refused, page = None, None
    try:
        page = smart_list.page(by(conn, ANN, CLOCK), read(said), limit=1000)
    except ActionError as error:
        refused = error
    if page is None:
        assert refused is not None
        assert (refused.resource, refused.code in {"invalid", "not_found"}) == ("smart_list", True)
    else:
        assert len(page.rows) <= before
        if op == "is" and field in KINDS[object_] and KINDS[object_][field] == "text":
            same = naive_lists.alike if field in naive_lists.NAMES else str.lower
            assert all(same(hostile) == same(str(row[field])) for row in page.rows)
    left = conn.execute(text(f"SELECT count(*) FROM ({_TABLES[object_]}) x")).scalar_one()
    assert left == before


@pytest.mark.parametrize(
    "after", ["", "x", "W10", "e30", "\u00e9", "WyJsZWFkIGNyZWF0ZWRfYXQgMSIsIDEsIDFd"]
)
def test_a_mark_that_is_none_is_refused(conn: Connection, after: str) -> None:
    with pytest.raises(ActionError) as caught:
        smart_list.page(by(conn, ANN, CLOCK), read({"sort": "-created_at"}), after=after)
    assert (caught.value.field, caught.value.code) == ("after", "invalid")


def test_a_mark_of_another_order_is_refused(conn: Connection) -> None:
    page = smart_list.page(by(conn, ANN, CLOCK), read({"sort": "name"}), limit=1)
    with pytest.raises(ActionError):
        smart_list.page(by(conn, ANN, CLOCK), read({"sort": "-name"}), after=page.after)
