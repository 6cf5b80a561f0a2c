"""No list reads a table whole: every shape goes by an index, at a size where it matters.

The statements are those that the product sends: they are caught on their way.
"""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from bench.list_rows import seed
from bench.list_shapes import SHAPES
from bench.lists import CLOCK, NOW, WHO
from hub.actions import reading
from hub.actions.setup import smart_list
from hub.crm import pick_lists, statuses, words
from hub.db.embedded import Server
from hub.db.engine import Database
from hub.lists import recent
from hub.lists.document import read
from tests.acting import by
from tests.prepared import fresh_database

ROWS = 60_000
BIG = {"lead", "contact", "deal"}
# Found by a few rows: what is rare, in every column that people ask for, and stretches of custom values.
RARE: dict[str, dict[str, Any]] = {
    **{f"{name} is": {"field": name, "op": "is", "value": "Nowhere 7"} for name in (
        "first_name", "last_name", "email", "company", "status", "source", "title",
        "industry", "website", "phone", "mobile", "fax", "street", "postal_code", "city", "state",
        "country", "unqualified_reason",
    )},
    **{f"{name} contains": {"field": name, "op": "contains", "value": "nowhere"} for name in (
        "name", "first_name", "last_name", "email", "company", "title", "website",
        "phone", "mobile", "city",
    )},
    "tag": {"field": "tags", "op": "any of", "value": ["nothing"]},
    "custom choice": {"field": "custom_fields.interests", "op": "all of", "value": ["nothing"]},
    "custom text is": {"field": "custom_fields.pitch", "op": "is", "value": "nothing"},
    "custom number": {"field": "custom_fields.score", "op": ">", "value": 1000},
    "custom numbers": {"field": "custom_fields.score", "op": "between", "value": [7, 7.5]},
    "custom date": {"field": "custom_fields.renewal", "op": "before", "value": "2025-01-01"},
    "custom moment": {"field": "custom_fields.demo_at", "op": "after", "value": "2030-01-01"},
}  # fmt: skip


# words that no record of the bench has, and that are known all the same
KNOWN = (("tag", "", "nothing"), ("source", "", "Nowhere 7"), ("choice", "person.interests", "nothing"))  # fmt: skip


# 2,000 companies, and 2,000 leads that are linked to one
_EMPLOYERS = """
WITH firm AS (
  INSERT INTO ops.entity (kind, anchor_id, batch_id, lane, version, folded_version)
  SELECT 'organisation', 0, 1, 'bulk', 1, 1
  FROM generate_series(1, 2000) RETURNING id, batch_id
), row AS (
  INSERT INTO crm.contact (entity_id, is_organization, organization_name, batch_id)
  SELECT id, true, 'Firm ' || id, batch_id FROM firm RETURNING id
), placed AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM row)
UPDATE crm.lead l SET account_id = p.id FROM placed p WHERE l.id = p.n * 30
"""


@pytest.fixture(scope="module")
def full_database(server: Server) -> Iterator[Database]:
    """60,000 leads with statistics."""
    with fresh_database(server) as database:
        with database.owner_engine().begin() as owner:
            seed(owner, ROWS, NOW)
            owner.execute(text(_EMPLOYERS))
        with database.engine.begin() as conn:
            for kind, scope, name in KNOWN:
                words.ensure(conn, kind, scope, name)
            statuses.add_status(conn, statuses.LeadStatus("Nowhere 7", is_unqualified=False))
            pick_lists.add(conn, pick_lists.REASONS, "lead_unqualified", "Nowhere 7")
        with database.owner_engine().connect() as owner:
            owner.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
        yield database


@pytest.fixture
def full(full_database: Database) -> Iterator[Connection]:
    with full_database.engine.begin() as conn:
        yield conn
        conn.rollback()


def plans_of(
    conn: Connection, said: dict[str, Any], *, counted: bool = False
) -> list[dict[str, Any]]:
    """The nodes of every plan that a page of a list has, with what they really read."""
    act = smart_list.count if counted else smart_list.page
    return nodes_of(conn, lambda: act(by(conn, WHO, CLOCK), read(said)))


def nodes_of(conn: Connection, act: Callable[[], object]) -> list[dict[str, Any]]:
    """The nodes of the plans of all that is asked of leads meanwhile."""
    caught: list[tuple[str, Any]] = []

    def catch(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith("EXPLAIN"):
            return  # the question how many rows there are is not the list
        if "FROM crm.lead" in statement or "JOIN crm.lead" in statement:
            caught.append((statement, parameters))

    event.listen(conn.engine, "before_cursor_execute", catch)
    try:
        act()
    finally:
        event.remove(conn.engine, "before_cursor_execute", catch)
    assert caught
    nodes: list[dict[str, Any]] = []
    for statement, parameters in caught:
        explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
        todo = [entry["Plan"] for entry in conn.exec_driver_sql(explain, parameters).scalar_one()]
        while todo:
            node = todo.pop()
            nodes.append(node)
            todo.extend(node.get("Plans", ()))
    return nodes


def told(nodes: list[dict[str, Any]]) -> str:
    """Describe the plans, for the message of a failing test."""
    keys = ("Node Type", "Relation Name", "Index Name", "Actual Rows", "Rows Removed by Filter")
    return json.dumps([{k: n[k] for k in keys if k in n} for n in nodes])


def touched(node: dict[str, Any]) -> float:
    """How many rows a node looked at."""
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return float((node["Actual Rows"] + removed) * node["Actual Loops"])


@pytest.mark.parametrize("shape", SHAPES)
def test_no_first_page_reads_a_table_whole(full: Connection, shape: str) -> None:
    for turn in range(2):
        nodes = plans_of(full, SHAPES[shape](random.Random(f"{turn} {shape}")))
        whole = [n for n in nodes if n["Node Type"] == "Seq Scan" and n["Relation Name"] in BIG]
        assert not whole, told(nodes)
        most = max(touched(n) for n in nodes if n.get("Relation Name") in BIG)
        assert most < ROWS / 3, told(nodes)


@pytest.mark.parametrize("asked", RARE)
def test_what_a_few_rows_have_is_found_by_them(full: Connection, asked: str) -> None:
    nodes = plans_of(full, {"object": "lead", "filter": RARE[asked], "sort": "-created_at"})
    most = max(touched(n) for n in nodes if n.get("Relation Name") in BIG)
    assert most < ROWS / 50, told(nodes)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_plain_way_gives_the_same_rows(full: Connection, shape: str) -> None:
    document = read(SHAPES[shape](random.Random(shape)))
    tuned = smart_list.page(by(full, WHO, CLOCK), document, limit=20)
    full.execute(text("SELECT set_config('hub.plain_lists', 'on', true)"))
    plain = smart_list.page(by(full, WHO, CLOCK), document, limit=20)
    assert [row["id"] for row in plain.rows] == [row["id"] for row in tuned.rows]
    if tuned.after is not None:
        rest = smart_list.page(by(full, WHO, CLOCK), document, limit=20, after=tuned.after)
        assert not {r["id"] for r in rest.rows} & {r["id"] for r in tuned.rows}


NEWEST = [shape for shape in SHAPES if SHAPES[shape](random.Random(1))["sort"] == "-created_at"]


@pytest.mark.parametrize("share", [0.01, 0.1, 0.6])
def test_what_was_added_of_late_is_the_beginning_of_the_list(
    full: Connection, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    odd = "UPDATE crm.lead SET created_at = {} WHERE id IN (SELECT id FROM crm.lead ORDER BY id LIMIT 40 OFFSET {})"
    for n, moment in enumerate(("NULL", "'2400-01-01'", "'1801-01-01'")):
        full.execute(text(odd.format(moment, 50 * n)))
    answered: list[bool] = []

    def spied(*asked: Any) -> Any:
        found = recent_first(*asked)
        answered.append(found is not None)
        return found

    recent_first = recent.first
    monkeypatch.setattr(recent, "first", spied)
    for turn, shape in enumerate(NEWEST):
        said = read(SHAPES[shape](random.Random(f"{turn} {shape}")))
        found = []
        for asked in (None, share):
            monkeypatch.setattr(recent, "share_of", lambda *_, asked=asked: asked)
            found.append(smart_list.page(by(full, WHO, CLOCK), said))
        assert found[0] == found[1], shape
        assert found[0].rows or shape in {"none has it", "e-mail is", "custom string is"}
    assert answered[::2] == [False] * len(NEWEST)
    assert True in answered[1::2]
    assert False in answered[1::2]


def test_a_filter_that_many_fulfil_looks_at_those_of_late_only(
    full: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {
        "object": "lead",
        "filter": {"all": [RARE["custom date"] | {"value": "2025-01-16"}]},
        "sort": "-created_at",
    }
    monkeypatch.setattr(recent, "PAGES", 10**9)
    all_of_them = max(touched(n) for n in plans_of(full, said) if n.get("Relation Name") in BIG)
    monkeypatch.setattr(recent, "PAGES", 2)
    of_late = max(touched(n) for n in plans_of(full, said) if n.get("Relation Name") in BIG)
    assert of_late < all_of_them / 3


@pytest.mark.parametrize(
    ("found", "share"), [(0, None), (100, None), (203, None), (204, 0.5), (2040, 0.05)]
)
def test_a_share_is_asked_for_where_an_index_finds_many(found: int, share: float | None) -> None:
    assert recent.share_of(found, 51) == share


@pytest.mark.parametrize("said", [
    "mar", "martenber", "zz nowhere", "anna martenber", "el", "x1@", "@martenber.example.com",
    "06 12 34 56 78", "345678", "tenber sarl",
])  # fmt: skip
def test_no_search_reads_a_table_whole(full: Connection, said: str) -> None:
    nodes = nodes_of(full, lambda: reading.find(by(full, WHO, CLOCK), said))
    of_leads = [
        n for n in nodes if n.get("Relation Name") == "lead"
    ]  # the others have no rows here
    assert not [n for n in of_leads if n["Node Type"] == "Seq Scan"], told(nodes)
    assert max(map(touched, of_leads)) < ROWS / 3, told(nodes)
