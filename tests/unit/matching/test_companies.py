"""Companies: what finds them, and when two records speak of one."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.matching import normal
from hub.matching.companies import Firm, best, cluster, company_keys, firm, judge
from hub.model.verdicts import Judgement

SAME, UNSURE, DIFFERENT = Judgement.SAME, Judgement.UNSURE, Judgement.DIFFERENT


def one(name: str | None = None, key: str = "", **values: str) -> Firm:
    return firm(key, {"organization_name": name, **values})


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("https://www.acme.co.uk/en?x=1", "acme.co.uk"),
        ("mail.acme.com.br", "acme.com.br"),
        ("ACME.fr", "acme.fr"),
        ("http://user@shop.acme.fr:8080/a", "acme.fr"),
        ("acme.pvt.k12.ma.us", "acme.pvt.k12.ma.us"),
        ("boulangerie-martin.wixsite.com", "boulangerie-martin.wixsite.com"),
        ("gmail.com", None),
        ("orange.fr", None),
        ("https://www.facebook.com/acme", None),
        ("co.uk", None),
        ("127.0.0.1", None),
        ("localhost", None),
        ("not a host.at all", None),
    ],
)
def test_the_part_of_a_host_that_is_a_companys_own(text: str, domain: str | None) -> None:
    assert normal.own_domain(text) == domain


def test_a_provider_is_never_a_companys_domain() -> None:
    person = one("Acme", email="jo@gmail.com", website="https://www.linkedin.com/company/acme")
    assert not person.domains


PAIRS = [
    (one("Acme SA", website="acme.fr"), one("ACME", email="jo@mail.acme.fr"), SAME),
    (one("Acme SA", website="acme.fr"), one(None, email="jo@acme.fr"), SAME),
    (one("Acme SA", website="acme.fr"), one("Zebra", email="jo@acme.fr"), UNSURE),
    (one("Acme SA", website="acme.fr"), one("Acme SA", website="acme.com"), SAME),
    (one("Dupont", website="dupont-lyon.fr"), one("Dupont", website="dupont.be"), DIFFERENT),
    (
        one("Dupont", website="a.fr", city="Lyon"),
        one("Dupont", website="b.fr", city="Lyon"),
        UNSURE,
    ),
    (one("Dupont", city="Lyon"), one("DUPONT SARL", city="lyon"), SAME),
    (one("Dupont", city="Lyon"), one("Dupont", city="Lille"), UNSURE),
    (one("Dupont"), one("Dupont"), UNSURE),
    (one("Northgate Robotics Ltd", city="Leeds"), one("Northgate Robotics", city="York"), SAME),
    (one("Northgate Robotics"), one("Northgate Robotics Leeds"), UNSURE),
    (one("Northgate Robotics"), one("Ridgeway Ceramics"), DIFFERENT),
    (one(None, website="acme.fr"), one("Acme"), UNSURE),
]


@pytest.mark.parametrize(("a", "b", "judgement"), PAIRS)
def test_two_companies_are_judged(a: Firm, b: Firm, judgement: Judgement) -> None:
    assert judge(a, b).judgement is judgement
    assert judge(b, a) == judge(a, b)


NAMES = st.sampled_from(
    [None, "Acme", "Acme SA", "Acme Lyon", "Northgate Robotics", "Northgate Robotics Ltd", "Dupont"]
)
SITES = st.sampled_from([None, "acme.fr", "www.acme.com", "northgate.example", "gmail.com"])
CITIES = st.sampled_from([None, "Lyon", "Leeds"])
FIRMS = st.builds(
    lambda name, site, city: {"organization_name": name, "website": site, "city": city},
    NAMES, SITES, CITIES,
)  # fmt: skip


@given(FIRMS, FIRMS)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_the_judgement_of_a_pair_has_no_direction(a: dict[str, str], b: dict[str, str]) -> None:
    assert judge(firm("a", a), firm("b", b)) == judge(firm("b", b), firm("a", a))


@given(FIRMS, FIRMS)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_companies_that_are_the_same_share_a_key(a: dict[str, str], b: dict[str, str]) -> None:
    """Else look-up would miss what the judgement knows; domains of one name alone have none."""
    mine, yours = firm("a", a), firm("b", b)
    judged = judge(mine, yours)
    if judged.judgement is SAME and judged.why != "name, and domains of one name":
        assert set(company_keys(mine)) & set(company_keys(yours))


@given(st.lists(FIRMS, max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_groups_do_not_depend_on_the_order(
    found: list[dict[str, str]], shuffler: random.Random
) -> None:
    firms = [firm(f"s/c/{i}", values) for i, values in enumerate(found)]
    groups = cluster(firms)
    assert sorted(key for group in groups for key in group) == sorted(one.key for one in firms)
    shuffler.shuffle(firms)
    assert cluster(firms) == groups


def test_a_third_record_does_not_join_two_that_are_different() -> None:
    lyon = one("Dupont", "a", website="dupont-lyon.fr", city="Lyon")
    lille = one("Dupont", "b", website="dupont-lille.fr", city="Lille")
    both = one("Dupont", "c", city="Lyon", postal_code="59000")
    assert judge(lyon, lille).judgement is DIFFERENT
    assert cluster([lyon, lille, both]) == [["a", "c"], ["b"]]


def test_the_best_evidence_decides_between_companies() -> None:
    by_name = one("Northgate Robotics", "n")
    by_domain = one("Northgate Robotics", "d", website="northgate.example")
    person = one("Northgate Robotics", email="jo@northgate.example")
    found = best(person, {1: [by_name], 2: [by_domain]})
    assert found is not None
    assert (found[0], found[1].why) == (2, "domain")
    assert best(one("Northgate"), {1: [by_name]}) is None
