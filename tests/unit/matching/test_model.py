"""The model: bits of levels, facts of a table, training on one's own records."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.people import people
from bench.scoring import quality
from hub.errors import ConfigError
from hub.matching import normal
from hub.matching.bulk import Resolution, resolve
from hub.matching.facts import learn
from hub.matching.keys import MatchView, candidates, view
from hub.matching.model import DEFAULT, Model, bind
from hub.matching.scoring import score, worth
from hub.matching.training import train
from hub.model.verdicts import Judgement, Trust


def table(seed: int, persons: int, **more: Any) -> tuple[list[MatchView], list[int]]:
    made = people(seed, persons, **more)
    views = []
    for n, row in enumerate(made.rows):
        values: dict[str, Any] = {k: v or None for k, v in row.items()}
        values["organization_name"] = values.pop("company")
        views.append(view(n, f"{n:06}", Trust.TRUSTED, values))
    return views, made.person


def labels(views: list[MatchView], model: Model | None = None) -> list[int]:
    return labels_of(resolve(views, model), len(views))


def labels_of(resolution: Resolution, views_n: int) -> list[int]:
    found = [0] * views_n
    for members in resolution.clusters:
        for i in members:
            found[i] = members[0]
    return found


def named(first: str, last: str, **more: Any) -> MatchView:
    return view(1, f"{first}{last}{more}", Trust.TRUSTED, {"first_name": first, "last_name": last, **more})  # fmt: skip


def test_a_rare_name_weighs_more_than_a_common_one() -> None:
    views, _ = table(1, 1000, locales=["fr"])
    model = learn((v.traits for v in views), DEFAULT)
    common, rare = named("Jean", "Martin"), named("Gaspard", "Quillivéré")
    assert score(rare, rare, model).weight > score(common, common, model).weight + 3
    assert score(rare, rare, model).judgement is Judgement.UNSURE, "a name alone never decides"


def test_shared_numbers_mailboxes_and_providers_are_learned() -> None:
    crowd = [
        named("Eva", last, phone="+33155667788", email="desk@nord.fr", city="Lyon")
        for last in ("Roux", "Berg", "Petit", "Morel", "Kowalski")
    ]
    users = [
        named("Ana", last, email=f"{last.lower()}@isp.example.fr")
        for last in [
            "Roux",
            "Berg",
            "Petit",
            "Morel",
            "Kowalski",
            "Garcia",
            "Weber",
            "Nowak",
            "Silva",
            "Conti",
        ]
    ]
    facts = learn((v.traits for v in crowd + users), DEFAULT).facts
    assert facts is not None
    assert facts.shared_phones == {normal.tail("+33155667788")}
    assert facts.shared_mailboxes == {"desk@nord.fr"}
    assert "example.fr" in facts.public_domains


def test_a_model_survives_being_written_down() -> None:
    views, _ = table(2, 300)
    model = learn((v.traits for v in views), DEFAULT)
    again = bind(json.loads(json.dumps(model.document())))
    for a, b in candidates(views):
        assert score(a, b, again) == score(a, b, model)


def test_levels_weigh_what_the_table_says() -> None:
    assert DEFAULT.weights["name"]["full"] == pytest.approx(10, abs=0.01)
    assert DEFAULT.weights["email"]["same"] == pytest.approx(20, abs=0.01)
    for found in DEFAULT.levels.values():
        assert all(0 < m <= 1 and 0 < u <= 1 for m, u in found.values())
        assert found["missing"] == (1, 1)


@pytest.mark.parametrize("seed", [71, 72])
@pytest.mark.parametrize("locales", [["fr", "en"], ["de"], ["es"], ["nordic"], ["slavic"]], ids=lambda x: x[0])  # fmt: skip
def test_unseen_people_are_told_apart(seed: int, locales: list[str]) -> None:
    views, truth = table(seed, 1500, locales=locales)
    resolution = resolve(views)
    found = quality(truth, labels_of(resolution, len(views)))
    assert found.precision >= 0.99
    assert found.recall >= 0.85
    reviews = resolution.reviews
    assert len(reviews) < 0.05 * len(views)
    true = sum(truth[int(e.a)] == truth[int(e.b)] for e in reviews)
    assert true >= len(reviews) / 4


def _reasons(a: MatchView, b: MatchView, model: Model) -> set[str]:
    return {why for why, _ in score(a, b, model).reasons}


def test_namesakes_of_one_rare_name_in_one_town_are_not_merged() -> None:
    strangers, _ = table(3, 1000, locales=["es"])
    one = named("Isabel", "Quillaverde", phone="+34611234567", city="Lima")
    bare = named("Isabel", "Quillaverde", city="Lima")
    unknown = learn(v.traits for v in (*strangers, one, bare))
    assert score(one, bare, unknown).judgement is Judgement.SAME, "the name is rare"
    other = named("Isabel", "Quillaverde", phone="+34622765432")
    known = learn(v.traits for v in (*strangers, one, bare, other))
    assert score(one, bare, known).judgement is not Judgement.SAME, "two people have it"
    swapped = named("Quillaverde", "Isabel", city="Lima")
    assert score(one, swapped, known).weight == score(one, bare, known).weight


def test_another_number_in_one_town_goes_to_a_person() -> None:
    strangers, _ = table(3, 1000, locales=["es"])
    model = learn(v.traits for v in strangers)
    one = named("Isabel", "Quillaverde", phone="+34611234567", city="Lima", email="a1@gmail.com")
    other = named("Isabel", "Quillaverde", phone="+34622765432", city="Lima")
    assert score(one, other, model).judgement is Judgement.UNSURE
    assert "gate:place_alone" in _reasons(one, other, model)


def test_a_name_much_like_it_at_one_address_may_be_a_relative() -> None:
    home = {"street": "Skolegade 100", "postal_code": "8102", "city": "Aarhus"}
    anders = named("Anders", "Halldahl", phone="+4675899095", **home)
    andreas = named("Andreas", "Halldahl", phone="+4672272249", **home)
    assert "gate:household" in _reasons(anders, andreas, DEFAULT)
    born = {"birth_date": "1980-02-01"}
    same = [named(n, "Halldahl", phone=p, **home, **born) for n, p in (("Anders", "+4675899095"), ("Andreas", "+4672272249"))]  # fmt: skip
    assert score(*same).judgement is Judgement.SAME


def test_two_mailboxes_of_one_firm_are_two_people_also_through_a_third() -> None:
    one = named("Ingrid", "Olsen", email="ingrid.olsen@virtanen.se")
    other = named("Ingrid", "Olsen", email="i.olsen@virtanen.se")
    assert score(one, other).veto == "two_mailboxes"
    phone = {"phone": "+46741501116"}
    one, other = (named("Ingrid", "Olsen", email=f"{m}@virtanen.se", **phone) for m in ("ingrid.olsen", "i.olsen"))  # fmt: skip
    assert score(one, other).veto is None


def test_father_and_son_are_two() -> None:
    shared = {"phone": "+33612345678", "street": "3 rue X", "postal_code": "69001"}
    father = named("Paul", "Roux", email="paul.roux@free.fr", **shared)
    son = named("Paul", "Roux Jr", email="proux98@free.fr", **shared)
    assert score(father, son).judgement is Judgement.UNSURE
    assert score(father, son).veto == "generation"


def test_twins_are_two_and_a_married_name_is_one() -> None:
    home = {"street": "3 rue X", "postal_code": "69001", "birth_date": "1990-05-05"}
    assert score(named("Anna", "Roux", **home), named("Lea", "Roux", **home)).judgement is not Judgement.SAME  # fmt: skip
    assert score(named("Anna", "Roux", **home), named("Anna", "Petit", **home)).judgement is Judgement.SAME  # fmt: skip


def test_another_birth_date_parts_namesakes() -> None:
    a = named("Jean", "Martin", birth_date="1950-01-02", phone="+33612345678")
    b = named("Jean", "Martin", birth_date="1987-11-30", phone="+33612345678")
    assert score(a, b).judgement is Judgement.UNSURE
    assert score(a, b).veto == "birth"


@given(st.integers(0, 50), st.integers(0, 50))
def test_the_short_way_says_the_same(i: int, j: int) -> None:
    views, _ = _few()
    whole = score(views[i], views[j])
    short = worth(views[i], views[j])
    assert short == (None if whole.judgement is Judgement.DIFFERENT else whole)


_FEW: list[tuple[list[MatchView], list[int]]] = []


def _few() -> tuple[list[MatchView], list[int]]:
    if not _FEW:
        _FEW.append(table(3, 40))
    return _FEW[0]


def test_bulk_does_not_depend_on_processes_or_order() -> None:
    views, _ = table(4, 400)
    whole = {frozenset(views[i].stable_key for i in c) for c in resolve(views, processes=1).clusters}  # fmt: skip
    turned = views[::-1]
    assert {frozenset(turned[i].stable_key for i in c) for c in resolve(turned, processes=2).clusters} == whole  # fmt: skip


def test_training_learns_and_stays_safe() -> None:
    views, truth = table(5, 700, locales=["fr", "en"])
    model = train(views)
    assert model.trained["pairs_by_mailbox"] > 100
    assert model.weights["phone"]["differs"] != DEFAULT.weights["phone"]["differs"]
    assert model.weights["name"]["full"] > 8
    assert model.weights["name"]["conflict"] < 0
    found = quality(truth, labels(views, model))
    assert found.precision >= 0.99
    assert found.recall >= 0.85
    assert bind(json.loads(json.dumps(model.document()))).weights == model.weights


def test_training_needs_pairs() -> None:
    views, _ = table(6, 20)
    with pytest.raises(ConfigError, match="are needed to train"):
        train(views)


@pytest.mark.parametrize(
    ("a", "b"),
    [("Сергей", "Sergey"), ("Γιώργος", "Giorgos"), ("Müller", "mueller"), ("Łukasz", "lukasz")],
)
def test_scripts_meet(a: str, b: str) -> None:
    one, two = normal.umlaut(normal.fold(a)), normal.umlaut(normal.fold(b))
    assert one == two or normal.skeleton(one) == normal.skeleton(two)
