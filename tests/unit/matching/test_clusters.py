"""Clusters: independent of order; open records are leaves."""

from collections.abc import Callable
from itertools import combinations, pairwise, permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.matching.clusters import Edge, cluster, edge, review_pairs
from hub.matching.keys import MatchView, view
from hub.matching.scoring import score
from hub.model.verdicts import Judgement, Trust


def record(key: str, trust: Trust = Trust.TRUSTED, **values: Any) -> MatchView:
    return view(hash(key) % 1000, key, trust, values)


def all_edges(views: list[MatchView]) -> list[Edge]:
    found = []
    for a, b in combinations(views, 2):
        s = score(a, b)
        found.append(edge(a.stable_key, b.stable_key, s.judgement, s.weight))
    return found


def groups(clusters: list[frozenset[str]]) -> set[frozenset[str]]:
    return set(clusters)


def of(clusters: list[frozenset[str]]) -> dict[str, int]:
    return {key: n for n, members in enumerate(clusters) for key in members}


EVA = record("salesforce/leads/1", first_name="Eva", last_name="Roux", email="eva@gmail.com")
PAUL = record("hubspot/contacts/2", first_name="Paul", last_name="Berg", phone="+33612345678")
PAUL_TOO = record("hubspot/contacts/3", first_name="Paul", last_name="Berg", phone="+33612345678")


def form(key: str, **values: Any) -> MatchView:
    return record(f"typeform/responses/{key}", Trust.OPEN, **values)


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize(("first", "last"), [("Eva", "Roux"), ("Paul", "Berg"), (None, None)])
def test_form_with_two_peoples_keys_joins_one_at_most(
    order: tuple[int, ...], first: str | None, last: str | None
) -> None:
    f = form("x", first_name=first, last_name=last, email="eva@gmail.com", phone="+33612345678")
    views = [(EVA, PAUL, f)[i] for i in order]
    edges = all_edges(views)
    found = cluster(views, edges)
    assert not any({EVA.stable_key, PAUL.stable_key} <= c for c in found)
    assert found == cluster([EVA, PAUL, f], all_edges([EVA, PAUL, f]))
    pairs = {(e.a, e.b) for e in review_pairs(edges, of(found))}
    other = PAUL if any({EVA.stable_key, f.stable_key} <= c for c in found) else EVA
    assert (min(other.stable_key, f.stable_key), max(other.stable_key, f.stable_key)) in pairs


def test_leaf_never_bridges_two_namesakes() -> None:
    a = record("salesforce/leads/1", first_name="Eva", last_name="Roux", email="a@gmail.com")
    b = record("hubspot/contacts/1", first_name="Eva", last_name="Roux", phone="+33612345678")
    f = form("x", first_name="Eva", last_name="Roux", email="a@gmail.com", phone="+33612345678")
    found = cluster([a, b, f], all_edges([a, b, f]))
    assert groups(found) == {frozenset({a.stable_key, f.stable_key}), frozenset({b.stable_key})}
    pairs = review_pairs(all_edges([a, b, f]), of(found))
    assert {(e.a, e.b) for e in pairs} >= {(b.stable_key, f.stable_key)}


def test_trusted_record_does_bridge() -> None:
    a = record("salesforce/leads/1", first_name="Eva", last_name="Roux", email="a@gmail.com")
    b = record("hubspot/contacts/1", first_name="Eva", last_name="Roux", phone="+33612345678")
    c = record("zendesk/users/1", first_name="Eva", last_name="Roux", email="a@gmail.com", phone="+33612345678")  # fmt: skip
    assert len(cluster([a, b, c], all_edges([a, b, c]))) == 1


def test_nameless_mailbox_does_not_join_a_couple() -> None:
    a = record("salesforce/leads/1", first_name="Eva", last_name="Roux", email="roux@free.fr")
    b = record("hubspot/contacts/1", first_name="Karl", last_name="Roux", email="roux@free.fr")
    c = record("mailchimp/members/1", email="roux@free.fr")
    found = cluster([a, b, c], all_edges([a, b, c]))
    assert sorted(map(len, found)) == [1, 2]
    assert not any({a.stable_key, b.stable_key} <= x for x in found)


def test_person_who_asks_twice_is_one_lead() -> None:
    a = form("1", first_name="Eva", last_name="Roux", email="eva@gmail.com")
    b = form("2", first_name="Eva", last_name="Roux", email="Eva+2@gmail.com")
    c = form("3", first_name="Eva", last_name="Roux", phone="+33612345678")
    d = form("4", first_name="Eva", last_name="Roux", phone="0612345678")
    assert sorted(map(len, cluster([a, b, c, d], all_edges([a, b, c, d])))) == [2, 2]


def test_two_groups_are_asked_about_once_and_never_again_after_no() -> None:
    edges = [
        edge("a1", "b1", Judgement.UNSURE, 1.0),
        edge("a1", "b2", Judgement.UNSURE, 2.0),
        edge("a2", "b1", Judgement.SAME, 2.0),
        edge("a1", "a2", Judgement.SAME, 9.0),
        edge("a2", "c1", Judgement.UNSURE, 0.5),
        edge("b1", "nobody", Judgement.UNSURE, 0.5),
    ]
    group_of = {"a1": 1, "a2": 1, "b1": 2, "b2": 2, "c1": 3}
    asked = [(e.a, e.b) for e in review_pairs(edges, group_of)]
    assert asked == [("a1", "b2"), ("a2", "c1")]
    no = edge("a2", "b2", Judgement.DIFFERENT, 0.0)
    assert [(e.a, e.b) for e in review_pairs(edges, group_of, [no])] == [("a2", "c1")]


def test_decisions_beat_edges() -> None:
    edges = all_edges([PAUL, PAUL_TOO, EVA])
    apart = edge(PAUL.stable_key, PAUL_TOO.stable_key, Judgement.DIFFERENT, 0)
    together = edge(PAUL.stable_key, EVA.stable_key, Judgement.SAME, 0)
    found = cluster([PAUL, PAUL_TOO, EVA], edges, [apart, together])
    assert groups(found) == {
        frozenset({PAUL.stable_key, EVA.stable_key}),
        frozenset({PAUL_TOO.stable_key}),
    }


def test_crowd_falls_back_to_mailboxes() -> None:
    crowd = [
        record(f"csv/leads/{i:04}", first_name="Eva", last_name="Roux", email=f"{i // 2}@gmail.com", phone="+33612345678")
        for i in range(220)
    ]  # fmt: skip
    edges = [edge(a.stable_key, b.stable_key, Judgement.SAME, 5.0) for a, b in pairwise(crowd)]
    assert {len(c) for c in cluster(crowd, edges)} == {2}


_RECORDS = st.lists(
    st.fixed_dictionaries({
        "trust": st.sampled_from(list(Trust)),
        "first_name": st.sampled_from([None, "Eva", "Karl", "Bob", "Robert"]),
        "last_name": st.sampled_from([None, "Roux", "Berg", "Bergmann"]),
        "email": st.sampled_from([None, "a@gmail.com", "b@gmail.com", "x@acme.com", "info@acme.com"]),
        "phone": st.sampled_from([None, "+33612345678", "+33698765432"]),
        "organization_name": st.sampled_from([None, "Acme", "Beta"]),
    }),
    min_size=1, max_size=9,
)  # fmt: skip


@given(_RECORDS, st.randoms(use_true_random=False))
def test_order_does_not_matter(rows: list[dict[str, Any]], shuffle: Any) -> None:
    views = [record(f"s/t/{i}", **row) for i, row in enumerate(rows)]
    edges = all_edges(views)
    expected = cluster(views, edges)
    shuffle.shuffle(views)
    shuffle.shuffle(edges)
    assert cluster(views, edges) == expected


@given(_RECORDS)
def test_every_record_is_in_one_cluster_and_no_veto_inside(rows: list[dict[str, Any]]) -> None:
    views = [record(f"s/t/{i}", **row) for i, row in enumerate(rows)]
    found = cluster(views, all_edges(views))
    assert sorted(k for c in found for k in c) == sorted(v.stable_key for v in views)
    by_key = {v.stable_key: v for v in views}
    for c in found:
        assert all(score(by_key[a], by_key[b]).veto is None for a, b in combinations(c, 2))


@given(_RECORDS)
def test_open_records_never_change_the_trusted_clusters(rows: list[dict[str, Any]]) -> None:
    views = [record(f"s/t/{i}", **row) for i, row in enumerate(rows)]
    trusted = [v for v in views if v.trust is Trust.TRUSTED]
    keys = {v.stable_key for v in trusted}
    with_leaves = {c & keys for c in cluster(views, all_edges(views))} - {frozenset()}
    assert with_leaves == set(cluster(trusted, all_edges(trusted)))


@given(_RECORDS, _RECORDS)
def test_components_do_not_influence_each_other(
    one: list[dict[str, Any]], two: list[dict[str, Any]]
) -> None:
    left = [record(f"l/t/{i}", **row) for i, row in enumerate(one)]
    right = [record(f"r/t/{i}", **row) for i, row in enumerate(two)]
    both = cluster(left + right, all_edges(left) + all_edges(right))
    assert set(both) == {*cluster(left, all_edges(left)), *cluster(right, all_edges(right))}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_strangers_are_told_apart(
    seed: int, strangers: Callable[..., Any], resolve_all: Callable[..., Any], precision_recall: Callable[..., Any]
) -> None:  # fmt: skip
    universe = strangers(seed, 1500)
    clusters, _ = resolve_all(universe.views)
    precision, recall = precision_recall(universe, clusters)
    assert precision >= 0.995
    assert recall >= 0.80
