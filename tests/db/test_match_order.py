"""Bulk and incremental matching give the same clusters, in whatever order the records arrive."""

import json
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, text

from bench.people import people
from hub.db.engine import Database
from hub.etl import grouping
from hub.etl.match import match_chunk
from hub.matching import key_hash
from hub.matching.bulk import resolve
from hub.matching.clusters import Edge, edge
from hub.matching.facts import learn
from hub.matching.key_hash import hashes
from hub.matching.keys import LIMITS, keys, limit, view
from hub.matching.model import DEFAULT, Model
from hub.matching.scoring import score
from hub.model.verdicts import Judgement, Trust
from hub.records import match_keys

ORDERS = 50
TRIANGLES = 24
CROWD = 70
Row = tuple[str, Trust, dict[str, Any]]


def _rows() -> list[Row]:
    """Strangers, components in which greedy order matters, and a key that gets too common."""
    found: list[Row] = []
    for i, row in enumerate(people(11, 210).rows):
        values: dict[str, Any] = {k: v or None for k, v in row.items()}
        values["organization_name"] = values.pop("company")
        trust = Trust.OPEN if i % 7 == 0 else Trust.TRUSTED
        found.append((f"stranger{i:04}", trust, values))
    for i in range(TRIANGLES):
        phone, mail = f"+3361234{i:04}", f"ada.quist{i}x@gmail.com"
        name = {"first_name": "Ada", "last_name": f"Quist{'abcdefghijklmnopqrstuvwxyz'[i]}berg"}
        found += [
            (f"triangle{i:02}-left", Trust.TRUSTED, {**name, "email": mail}),
            (f"triangle{i:02}-middle", Trust.TRUSTED, {**name, "email": mail, "phone": phone}),
            (f"triangle{i:02}-right", Trust.TRUSTED, {**name, "phone": phone}),
        ]
    for i in range(CROWD):  # same name and company: the keys they meet under overflow on the way
        values = {"first_name": "Eva", "last_name": "Roux", "organization_name": "Kestrel", "phone": f"+4479{i:08}"}  # fmt: skip
        found.append((f"crowd{i:03}", Trust.TRUSTED, values))
    return found


def _decisions() -> list[Edge]:
    """A person said of each triangle that left and right, neighbours of the middle, are two people."""
    return [
        edge(f"csv/rows/triangle{i:02}-left", f"csv/rows/triangle{i:02}-right", Judgement.DIFFERENT, 0.0)
        for i in range(TRIANGLES)
    ]  # fmt: skip


@pytest.fixture
def stored(db: Database) -> Iterator[tuple[Connection, dict[str, int]]]:
    """Store the rows as source records that are not matched yet; returns their ids by stable key."""
    with db.engine.connect() as conn:
        ids = {}
        batch = conn.execute(
            text("INSERT INTO ops.batch (kind, source, lane, state) VALUES ('sync', 'csv', 'bulk', 'done') RETURNING id")
        ).scalar_one()  # fmt: skip
        for n, (name, trust, values) in enumerate(_rows()):
            about = {"batch": batch, "id": name, "trust": trust.value, "canonical": json.dumps(values), "hash": n.to_bytes(4, "big")}  # fmt: skip
            raw = conn.execute(
                text("INSERT INTO landing.raw (batch_id, source, stream, source_id, op, at, version, hash, payload) VALUES (:batch, 'csv', 'rows', :id, 'upsert', now(), '1', :hash, '{}') RETURNING id"),
                about,
            ).scalar_one()  # fmt: skip
            ids[f"csv/rows/{name}"] = conn.execute(
                text("INSERT INTO ops.source_record (source, stream, source_id, target, raw_id, batch_id, lane, mapping_version, trust, canonical, canonical_hash) VALUES ('csv', 'rows', :id, 'person', :raw, :batch, 'bulk', '1', :trust, CAST(:canonical AS jsonb), :hash) RETURNING id"),
                {**about, "raw": raw},
            ).scalar_one()  # fmt: skip
        for d in _decisions():
            a, b = sorted((ids[d.a], ids[d.b]))
            conn.execute(
                text("INSERT INTO ops.edge (a, b, judgement, weight, made_by) VALUES (:a, :b, 'different', 0, 'person:ana')"),
                {"a": a, "b": b},
            )  # fmt: skip
        yield conn, ids
        conn.rollback()


def _incremental(
    conn: Connection, ids: dict[str, int], order: Sequence[str], sizes: Random, model: Model
) -> tuple[set[frozenset[str]], set[tuple[str, str]]]:
    point = conn.begin_nested()
    start = 0
    while start < len(order):
        end = start + sizes.choice((1, 7, 40, 120))
        match_chunk(conn, [ids[key] for key in order[start:end]], model)
        start = end
    rows = conn.execute(text("SELECT id, entity_id FROM ops.source_record")).all()
    asked = conn.execute(text("SELECT a, b FROM ops.review WHERE decided_at IS NULL")).all()
    point.rollback()
    name = {number: key for key, number in ids.items()}
    groups: dict[int, set[str]] = {}
    for number, entity in rows:
        groups.setdefault(entity, set()).add(name[number])
    pairs = {(min(name[r.a], name[r.b]), max(name[r.a], name[r.b])) for r in asked}
    return {frozenset(group) for group in groups.values()}, pairs


@pytest.mark.parametrize("with_facts", [False, True])
def test_any_order_of_arrival_gives_the_clusters_of_bulk(
    stored: tuple[Connection, dict[str, int]], with_facts: bool
) -> None:
    conn, ids = stored
    views = [
        view(n, f"csv/rows/{name}", trust, values)
        for n, (name, trust, values) in enumerate(_rows())
    ]
    assert len(views) >= 500
    model = learn((v.traits for v in views), DEFAULT) if with_facts else DEFAULT
    bulk = resolve(views, model, _decisions())
    expected = {frozenset(views[i].stable_key for i in c) for c in bulk.clusters}
    of = {key: c for c in expected for key in c}
    torn = [i for i in range(TRIANGLES) if of[f"csv/rows/triangle{i:02}-left"] != of[f"csv/rows/triangle{i:02}-right"]]  # fmt: skip
    assert len(torn) == TRIANGLES, "what a person parted stays apart"
    assert any(len(c) == 2 and next(iter(c)).startswith("csv/rows/triangle") for c in expected)
    asked = {(e.a, e.b) for e in bulk.reviews}
    assert asked, "there are doubtful pairs"
    random = Random(5)
    order = [v.stable_key for v in views]
    for _ in range(ORDERS // 2):
        random.shuffle(order)
        assert _incremental(conn, ids, order, random, model) == (expected, asked)


def test_the_straight_way_of_strangers_ends_where_the_general_way_does(
    stored: tuple[Connection, dict[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    conn, ids = stored
    order = sorted(ids)
    Random(8).shuffle(order)
    straight = _matched(conn, ids, order)
    monkeypatch.setattr(grouping, "alone", lambda _conn, _new, _judged: set())
    assert _matched(conn, ids, order) == straight


def _matched(conn: Connection, ids: dict[str, int], order: Sequence[str]) -> list[list[str]]:
    """Everything that matching writes, with an entity named by the record that it began with."""
    point = conn.begin_nested()
    for start in range(0, len(order), 90):
        match_chunk(conn, [ids[key] for key in order[start : start + 90]])
    found = [
        sorted(str(row) for row in conn.execute(text(f"SELECT {columns}")))
        for columns in (
            (
                "s.id, e.anchor_id, s.joined_batch_id, s.left_entity_id IS NULL, s.match_keys "
                "FROM ops.source_record s LEFT JOIN ops.entity e ON e.id = s.entity_id"
            ),
            (
                "e.anchor_id, e.kind, e.batch_id, e.lane, e.folded_version, e.version > e.folded_version, m.anchor_id "
                "FROM ops.entity e LEFT JOIN ops.entity m ON m.id = e.merged_into"
            ),
            "hash, record_id, letters FROM ops.match_key",
            "a, b, judgement, weight, reasons, made_by FROM ops.edge WHERE revoked_at IS NULL",
            "a, b, weight, decided_at FROM ops.review",
        )
    ]
    point.rollback()
    return found


def test_a_key_crosses_its_limit_half_way() -> None:
    rows = [view(n, name, trust, values) for n, (name, trust, values) in enumerate(_rows())]
    crowd = [v for v in rows if v.stable_key.startswith("crowd")]
    shared = {key for key in keys(crowd[0]) if all(key in keys(v) for v in crowd)}
    assert any(limit(kind) < CROWD for kind, _ in shared)
    assert shared, "nothing brings the crowd together"
    assert set(LIMITS) & {kind for kind, _ in shared}


def test_stored_edges_weigh_what_bulk_weighs(stored: tuple[Connection, dict[str, int]]) -> None:
    conn, ids = stored
    views = {
        f"csv/rows/{name}": view(n, f"csv/rows/{name}", trust, values)
        for n, (name, trust, values) in enumerate(_rows())
    }
    model = learn((v.traits for v in views.values()), DEFAULT)
    bulk = {(e.a, e.b): e.weight for e in resolve(list(views.values()), model).edges}
    match_chunk(conn, sorted(ids.values()), model)
    name = {number: key for key, number in ids.items()}
    rows = conn.execute(
        text("SELECT a, b, weight FROM ops.edge WHERE made_by LIKE 'model:%'")
    ).all()
    stored_edges = {tuple(sorted((name[r.a], name[r.b]))): r.weight for r in rows}
    assert stored_edges.keys() == bulk.keys()
    assert all(abs(stored_edges[pair] - bulk[pair]) < 0.01 for pair in bulk)
    a, b = next(iter(bulk))
    assert score(views[a], views[b], model).weight == pytest.approx(bulk[a, b])


def test_who_shares_a_key_is_found(stored: tuple[Connection, dict[str, int]]) -> None:
    conn, ids = stored
    left, middle = ids["csv/rows/triangle00-left"], ids["csv/rows/triangle00-middle"]
    match_chunk(conn, [left, middle])
    (key,) = hashes([("email", "adaquist0x@gmail.com")])
    assert match_keys.holders(conn, {key: 1}).blocks == {key: None}
    assert {*match_keys.holders(conn, {key: 2}).blocks[key]} == {left, middle}


def test_records_name_the_keys_by_which_they_are_found(
    stored: tuple[Connection, dict[str, int]],
) -> None:
    conn, ids = stored
    match_chunk(conn, sorted(ids.values()))
    views = {ids[f"csv/rows/{name}"]: view(0, name, trust, v) for name, trust, v in _rows()}
    own = {i: [*hashes(keys(one))] for i, one in views.items()}
    assert _named(conn) == own
    assert _found_by(conn) == {i: some for i, some in own.items() if some}
    one, other = (ids[f"csv/rows/triangle00-{side}"] for side in ("left", "right"))
    conn.execute(
        text("UPDATE ops.source_record SET canonical = (SELECT canonical FROM ops.source_record WHERE id = :other) WHERE id = :one"),
        {"one": one, "other": other},
    )  # fmt: skip
    match_chunk(conn, [one])
    assert _named(conn)[one] == _named(conn)[other] == _found_by(conn)[one]


def _named(conn: Connection) -> dict[int, list[int]]:
    rows = conn.execute(text("SELECT id, match_keys FROM ops.source_record"))
    return {row.id: row.match_keys for row in rows}


def _found_by(conn: Connection) -> dict[int, list[int]]:
    rows = conn.execute(
        text(
            "SELECT record_id, array_agg(hash ORDER BY hash) AS keys FROM ops.match_key GROUP BY 1"
        )
    )
    return {row.record_id: row.keys for row in rows}


def test_two_keys_of_one_hash_join_nobody(
    stored: tuple[Connection, dict[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hash of one address is given to that of a stranger: both are looked at, and stay apart."""
    conn, ids = stored
    hash_of = key_hash.hashed
    one, other = ids["csv/rows/triangle00-left"], ids["csv/rows/triangle01-left"]

    def colliding(kind: str, value: str, limit: int) -> int:
        is_other = (kind, value) == ("email", "adaquist1x@gmail.com")
        return hash_of(kind, "adaquist0x@gmail.com" if is_other else value, limit)

    monkeypatch.setattr(key_hash, "hashed", colliding)
    match_chunk(conn, [one])
    assert match_chunk(conn, [other])["pairs"] == 1
    entities = conn.execute(
        text("SELECT count(DISTINCT entity_id) FROM ops.source_record WHERE id IN (:a, :b)"),
        {"a": one, "b": other},
    )
    assert entities.scalar_one() == 2
