"""The queries that run for every page and every chunk go by an index, on tables of a real size.

The statement that is explained is the one the product sends: it is caught on its way.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from hub.crm import companies as crm_companies
from hub.crm import leads, owners
from hub.crm.attached import attached
from hub.db import outbox
from hub.db.embedded import Server
from hub.db.engine import Database
from hub.etl.match import match_chunk
from hub.model.entities import PERSON_REFS
from hub.model.verdicts import Verdict
from hub.records import (
    companies,
    edges,
    entities,
    folding,
    identity,
    ledger,
    match_keys,
    proofs,
    queue,
)
from hub.records.verdicts import set_verdicts
from tests.db.conftest import seed_leads
from tests.prepared import fresh_database

ROWS = 20_000
UNOWNED = 300

_QUEUES = (
    (
        "INSERT INTO ops.pending (stage, ref, lane, batch_id) "
        "SELECT 'normalize', id, CASE WHEN id % 1000 = 0 THEN 'live' ELSE 'bulk' END, batch_id FROM landing.raw"
    ),
    (
        "INSERT INTO ops.pending (stage, ref, lane, batch_id) "
        "SELECT 'match', id, 'bulk', batch_id FROM ops.source_record"
    ),
    "UPDATE ops.entity SET version = 2 WHERE id % 100 = 0",
    (
        "INSERT INTO ops.edge (a, b, judgement, weight, made_by) "
        "SELECT id, id + 1, 'unsure', 1, 'model:x' FROM ops.source_record WHERE id + 1 IN (SELECT id FROM ops.source_record)"
    ),
    "INSERT INTO ops.review (a, b, weight) SELECT a, b, weight FROM ops.edge",
    "UPDATE ops.source_record SET stream = 'users' WHERE source_id LIKE 'ASK%'",
    (
        "UPDATE ops.source_record SET refs = jsonb_build_object('requester', 'ASK' || right(source_id, 9)) "
        "WHERE id % 4 = 0 AND stream = 'leads'"
    ),
    (
        "INSERT INTO ops.entity (kind, anchor_id, batch_id, lane, folded_version, merged_into) "
        "SELECT 'person', anchor_id, batch_id, lane, 1, id FROM ops.entity WHERE id % 2 = 0"
    ),
    (
        "INSERT INTO ops.company_key (entity_id, hash, is_company) "
        "SELECT id, hashtextextended('domain=' || id / 4, 0), id % 4 = 0 FROM ops.entity"
    ),
    "UPDATE ops.source_record SET refs = refs || jsonb_build_object('company', id::text) WHERE id % 4 = 1",
    (
        "INSERT INTO ops.employment (person_id, company_id, who) "
        "SELECT id + 1, id, 'ann' FROM ops.entity WHERE id % 8 = 0 "
        "AND id + 1 IN (SELECT id FROM ops.entity)"
    ),
    (
        "INSERT INTO crm.contact (entity_id, organization_name, is_organization, batch_id) "
        "SELECT id, 'Firm ' || id, true, 1 FROM ops.entity WHERE id % 8 = 0"
    ),
    (
        "INSERT INTO ops.edit (entity_id, field, value, who) "
        "SELECT id, 'title', '\"CEO\"', 'ann' FROM ops.entity WHERE id % 3 = 0"
    ),
    "UPDATE ops.verdict SET verdict = NULL WHERE source_id LIKE '%00'",
    (
        "INSERT INTO ops.outbox (event, dedupe_key, user_id, lead_id, payload, state, not_before) "
        "SELECT 'lead_assigned', id::text, owner_id, id, '{}', "
        "CASE WHEN id % 100 = 0 THEN 'pending' ELSE 'done' END, now() - id * interval '1 second' "
        "FROM crm.lead WHERE owner_id IS NOT NULL"
    ),
    (
        "INSERT INTO crm.note (entity_id, content) "
        "SELECT entity_id, 'called' FROM crm.lead WHERE id % 4 = 0"
    ),
    (
        "INSERT INTO crm.ticket (record_id, source, source_id, requester, entity_id) "
        "SELECT id, 'zendesk', id::text, source_id, entity_id FROM ops.source_record "
        "WHERE stream = 'users'"
    ),
    (
        "INSERT INTO ops.consent_event (raw_id, entity_id, source, stream, source_id, address, "
        "  channel, purpose, state, at, said_of) "
        "SELECT raw_id, entity_id, source, stream, source_id, '', 'email', '', 'opted_out', now(), "
        "  CASE WHEN id % 5 = 0 THEN 'person' ELSE 'address' END FROM ops.source_record"
    ),
)


@pytest.fixture(scope="module")
def full_database(server: Server) -> Iterator[Database]:
    """20,000 loaded leads, a few without an owner, and queues of every kind."""
    with fresh_database(server) as database:
        with database.engine.begin() as conn:
            owners.apply_people(conn, [owners.Person("a@b.example.com", "Ann", True, "UTC", {})])
            seed_leads(conn, ROWS, owned=True)
            seed_leads(conn, UNOWNED, name="0QU")
            seed_leads(conn, ROWS // 4, name="ASK", owned=True)
            for statement in _QUEUES:
                conn.execute(text(statement))
        with database.owner_engine().connect() as owner:
            owner.exec_driver_sql("ANALYZE")
            owner.commit()
        yield database


@pytest.fixture
def full(full_database: Database) -> Iterator[Connection]:
    with full_database.engine.begin() as conn:
        yield conn
        conn.rollback()


def plan_of(conn: Connection, call: Callable[[], Any]) -> list[dict[str, Any]]:
    """The nodes of the plan of the first statement that `call` sends."""
    caught: list[tuple[str, Any]] = []

    def catch(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        caught.append((statement, parameters))

    event.listen(conn.engine, "before_cursor_execute", catch)
    try:
        call()
    finally:
        event.remove(conn.engine, "before_cursor_execute", catch)
    return _nodes(conn, *caught[0])


def plans_of(conn: Connection, call: Callable[[], Any]) -> dict[str, list[dict[str, Any]]]:
    """The nodes of the plans of all statements that `call` sends, by statement."""
    caught: dict[str, Any] = {}

    def catch(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "SAVEPOINT" not in statement and not statement.startswith("EXPLAIN"):  # no plan
            caught[statement] = parameters[0] if isinstance(parameters, list) else parameters

    event.listen(conn.engine, "before_cursor_execute", catch)
    try:
        call()
    finally:
        event.remove(conn.engine, "before_cursor_execute", catch)
    return {statement: _nodes(conn, statement, found) for statement, found in caught.items()}


def _nodes(conn: Connection, statement: str, parameters: Any) -> list[dict[str, Any]]:
    explained = conn.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
    nodes: list[dict[str, Any]] = []
    todo = [entry["Plan"] for entry in explained]
    while todo:
        node = todo.pop()
        nodes.append(node)
        todo.extend(node.get("Plans", ()))
    return nodes


def assert_by_index(nodes: list[dict[str, Any]], *indexes: str) -> None:
    told = json.dumps(
        [{k: n.get(k) for k in ("Node Type", "Relation Name", "Index Name")} for n in nodes]
    )
    scanned = [n["Relation Name"] for n in nodes if n["Node Type"] == "Seq Scan"]
    assert not scanned, f"{scanned} read row by row: {told}"
    used = {n.get("Index Name") for n in nodes}
    assert used.issuperset(indexes), told


def sorted_rows(nodes: list[dict[str, Any]]) -> float:
    """How many rows the plan sorts from scratch."""
    return max((n["Plan Rows"] for n in nodes if n["Node Type"] == "Sort"), default=0)


def test_pending_raw_rows_are_taken_by_index(full: Connection) -> None:
    nodes = plan_of(full, lambda: queue.take_raws(full, 500))
    assert_by_index(nodes, "pending_live", "pk_pending", "pk_raw")
    assert sorted_rows(nodes) <= 500, "a long queue is not sorted for each chunk"


def test_records_to_match_are_taken_by_index(full: Connection) -> None:
    nodes = plan_of(full, lambda: queue.take(full, queue.MATCH, 200))
    beside_batches = [n for n in nodes if n.get("Relation Name") != "batch"]  # there are few
    assert_by_index(beside_batches, "pending_live", "pk_pending")
    assert sorted_rows(nodes) == 0


def test_who_has_a_key_is_found_by_index(full: Connection) -> None:
    most = dict.fromkeys(
        full.execute(text("SELECT hash FROM ops.match_key LIMIT 600")).scalars(), 16
    )
    for look_up in (match_keys.holders, match_keys.some_holders, match_keys.crowded):
        assert_by_index(plan_of(full, lambda look_up=look_up: look_up(full, most)), "pk_match_key")


def test_keys_are_deleted_by_index(full: Connection) -> None:
    before = {
        i: identity.keys_of(full, [i])[i]
        for i in full.execute(text("SELECT id FROM ops.source_record LIMIT 200")).scalars()
    }
    assert_by_index(plan_of(full, lambda: match_keys.replace(full, before, {})), "pk_match_key")


def test_no_statement_of_matching_one_record_reads_a_table_row_by_row(full: Connection) -> None:
    """Each costs the same with a million records: what scans here took 270 ms there."""
    one, other, alone = full.execute(
        text("SELECT id FROM ops.source_record ORDER BY id LIMIT 3")
    ).scalars()
    same = {"first_name": "Eva", "last_name": "Roux", "email": "eva.roux@example.com"}
    full.execute(
        text("UPDATE ops.source_record SET canonical = CAST(:c AS jsonb) WHERE id IN (:a, :b)"),
        {"c": json.dumps(same), "a": one, "b": other},
    )
    full.execute(
        text(
            "UPDATE ops.source_record SET entity_id = NULL, match_keys = NULL WHERE id = ANY(:ids)"
        ),
        {"ids": [other, alone]},
    )
    full.execute(
        text("DELETE FROM ops.match_key WHERE record_id = ANY(:ids)"), {"ids": [other, alone]}
    )
    plans = plans_of(full, lambda: [match_chunk(full, [i]) for i in (one, other, alone)])
    assert sum("ops.edge" in statement for statement in plans) >= len(("delete", "insert", "read"))
    for nodes in plans.values():
        assert_by_index(nodes)


def test_who_a_record_names_is_found_from_both_sides_by_index(full: Connection) -> None:
    ids = list(full.execute(text("SELECT id FROM ops.source_record LIMIT 200")).scalars())
    nodes = plan_of(full, lambda: edges.replace_vendor_edges(full, ids))
    assert_by_index(nodes, "source_record_requester", "source_record_key", "source_record_alias")


def test_the_persons_a_record_was_before_are_found_by_index(full: Connection) -> None:
    nodes = plan_of(full, lambda: entities.lost_entities(full, [1, 2, 3], "person"))
    assert_by_index(nodes, "entity_lost")


def test_the_relation_that_links_people_is_the_one_the_index_knows() -> None:
    assert PERSON_REFS == {"requester": "users"}


def test_entities_that_are_behind_are_taken_by_index(full: Connection) -> None:
    assert_by_index(plan_of(full, lambda: folding.claim_stale(full, 500)), "entity_behind")


def test_the_records_of_a_chunk_are_read_by_index(full: Connection) -> None:
    ids = list(full.execute(text("SELECT id FROM ops.entity LIMIT 500")).scalars())
    assert_by_index(plan_of(full, lambda: folding.records_of(full, ids)))


def test_unowned_leads_are_taken_by_index(full: Connection) -> None:
    nodes = plan_of(full, lambda: leads.take_unowned(full, 200, bulk=True))
    assert_by_index(nodes, "lead_unowned")


def test_due_events_are_taken_by_index(full: Connection) -> None:
    nodes = plan_of(full, lambda: outbox.due(full, 1, until=10**9))
    assert_by_index(nodes, "outbox_pending")
    assert sorted_rows(nodes) == 0


def test_lost_records_are_found_by_index(full: Connection) -> None:
    batch = full.execute(text("SELECT min(id) FROM ops.batch")).scalar_one()
    args = {"batch": batch, "source": "salesforce", "stream": "leads"}
    nodes = plan_of(full, lambda: full.execute(ledger._LOST, args))
    assert_by_index(nodes, "pk_verdict")


def test_whether_a_small_batch_is_settled_is_asked_of_its_rows_alone(full: Connection) -> None:
    batch = full.execute(
        text("INSERT INTO ops.batch (kind, source, lane) VALUES ('live', 'x', 'live') RETURNING id")
    ).scalar_one()
    nodes = plan_of(full, lambda: proofs.is_drained(full, batch))
    read = [n for n in nodes if n.get("Relation Name") in {"verdict", "source_record"}]
    assert {n.get("Index Name") for n in read} == {"pk_verdict", "source_record_key"}


def test_verdicts_are_given_by_index(full: Connection) -> None:
    rows = [(1, "salesforce", "leads", f"00Q{n:09d}", Verdict.CREATED) for n in range(1, 501)]
    assert_by_index(plan_of(full, lambda: set_verdicts(full, rows)))


def test_companies_are_found_by_their_keys(full: Connection) -> None:
    ids = full.execute(text("SELECT entity_id FROM ops.company_key LIMIT 500")).scalars()
    wanted = {i: {("domain", str(i // 4))} for i in ids}
    nodes = plan_of(full, lambda: companies.having(full, wanted, 20))
    assert_by_index(nodes, "pk_company_key")


def test_the_people_of_a_company_are_found_by_index(full: Connection) -> None:
    ids = list(
        full.execute(
            text("SELECT entity_id FROM crm.contact WHERE is_organization LIMIT 50")
        ).scalars()
    )
    nodes = plan_of(full, lambda: crm_companies.concerned(full, ids))
    assert_by_index(nodes, "source_record_company", "pk_company_key", "company_key_own")


def test_leads_get_their_account_by_index(full: Connection) -> None:
    ids = list(full.execute(text("SELECT entity_id FROM crm.lead LIMIT 500")).scalars())
    nodes = plan_of(full, lambda: leads.point_to_accounts(full, dict.fromkeys(ids, (8, "name"))))
    assert_by_index(nodes, "uq_lead_entity_id")
    nodes = plan_of(full, lambda: crm_companies.standing(full, ids))
    assert_by_index(nodes, "uq_contact_entity_id")


def test_what_a_new_person_may_have_is_probed_by_index(full: Connection) -> None:
    ids = list(full.execute(text("SELECT id FROM ops.entity LIMIT 500")).scalars())
    assert_by_index(
        plan_of(full, lambda: attached(full, ids)),
        "uq_lead_entity_id",
        "uq_contact_entity_id",
        "ix_entity_merged_into",
        "source_record_key",
    )
