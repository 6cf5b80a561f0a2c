"""Companies: what finds them, and when two records speak of one."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.matching import normal
from hub.matching.companies import Firm, best, firm, judge, key_hashes
from hub.matching.company_groups import Decided, cluster, questions
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
    # a short or common name: a second fact makes one company
    (one("Dupont", phone="+33145670001"), one("Dupont SARL", phone="01 45 67 00 01"), SAME),
    (one("Dupont", phone="+33145670001"), one("Dupont", phone="+33145670002"), UNSURE),
    (one("Bank Services"), one("Bank Services Ltd"), UNSURE),
    (one("Nordwind", country="DE"), one("Nordwind", country="DE"), UNSURE),
    # a conflict makes two, however long the name is; a second fact against it makes a question
    (
        one("Northgate Robotics", country="GB"),
        one("Northgate Robotics", country="US"),
        DIFFERENT,
    ),
    (
        one("Dupont", city="Cambridge", country="GB"),
        one("Dupont", city="Cambridge", country="US"),
        DIFFERENT,
    ),
    (
        one("Dupont", phone="+33145670001", country="FR"),
        one("Dupont", phone="+33145670001", country="BE"),
        UNSURE,
    ),
    (
        one("Acme", website="acme.fr", country="FR"),
        one("Acme", website="acme.com", country="US"),
        UNSURE,
    ),
    (
        one("Acme", website="acme.fr", country="FR"),
        one("Acme", website="acme.fr", country="US"),
        SAME,
    ),
    (one("North Gates Ab"), one("Northgates Ab"), UNSURE),
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
COUNTRIES = st.sampled_from([None, None, "FR", "GB"])
NUMBERS = st.sampled_from([None, None, "+33145670001", "+441134960000"])
FIRMS = st.builds(
    lambda name, site, city, country, phone: {
        "organization_name": name, "website": site, "city": city, "country": country, "phone": phone,
    },
    NAMES, SITES, CITIES, COUNTRIES, NUMBERS,
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
    if judged.judgement is SAME:
        assert set(key_hashes(mine)) & set(key_hashes(yours))


PAIRS_OF = st.tuples(st.integers(0, 9), st.integers(0, 9), st.booleans())


@given(
    st.lists(FIRMS, max_size=10), st.lists(PAIRS_OF, max_size=4), st.randoms(use_true_random=False)
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_groups_and_questions_do_not_depend_on_the_order(
    found: list[dict[str, str]], pairs: list[tuple[int, int, bool]], shuffler: random.Random
) -> None:
    firms = [firm(f"s/c/{i}", values) for i, values in enumerate(found)]
    said = [
        Decided(f"s/c/{a}", f"s/c/{b}", is_same) for a, b, is_same in pairs if a < b < len(firms)
    ]
    groups = cluster(firms, said)
    asked = questions(firms, groups, said)
    assert sorted(key for group in groups for key in group) == sorted(one.key for one in firms)
    shuffler.shuffle(firms)
    shuffler.shuffle(said)
    assert cluster(firms, said) == groups
    assert questions(firms, groups, said) == asked


@given(st.lists(FIRMS, min_size=2, max_size=8))
@settings(max_examples=150, deadline=None, derandomize=True)
def test_to_merge_two_companies_and_part_them_again_changes_no_group(
    found: list[dict[str, str]],
) -> None:
    firms = [firm(f"s/c/{i}", values) for i, values in enumerate(found)]
    before = cluster(firms)
    if len(before) < 2:
        return
    pair = (before[0][0], before[-1][-1])
    merged = cluster(firms, [Decided(*pair, is_same=True)])
    assert sorted(merged) == sorted(
        [*before[1:-1], sorted([*before[0], *before[-1]])], key=lambda g: g
    )
    assert cluster(firms, [Decided(*pair, is_same=False)]) == before


def asked(*firms: Firm, said: tuple[Decided, ...] = ()) -> list[tuple[str, ...]]:
    return [q.members for q in questions(firms, cluster(firms, said), said)]


def test_a_short_name_is_one_question_and_is_asked_again_only_for_a_new_company() -> None:
    a, b, c = (one("Nordwind", key) for key in "abc")
    lyon = one("Nordwind", "d", city="Lyon", website="nordwind.fr")
    assert cluster([a, b]) == [["a"], ["b"]]
    assert asked(a, b) == [("a", "b")]
    assert asked(a, b, c, lyon) == [("a", "b", "c", "d")]
    one_company = (Decided("a", "b", is_same=True),)
    assert cluster([a, b], one_company) == [["a", "b"]]
    assert asked(a, b, said=one_company) == []
    assert asked(a, b, c, said=one_company) == [("a", "c")]
    two = (Decided("a", "b", is_same=False),)
    assert asked(a, b, said=two) == []
    assert asked(a, b, c, said=two) == [("a", "b", "c")]


def test_a_long_name_that_two_companies_have_is_common() -> None:
    """A third company of the name joins neither; those without a conflict stay one."""
    north, south = (
        one("Northgate Robotics", key, website=f"{key}.example.com") for key in ("n", "s")
    )
    bare = [one("Northgate Robotics", key) for key in ("x", "y")]
    assert cluster([north, *bare]) == [["n", "x", "y"]]
    assert cluster([north, south, *bare]) == [["n"], ["s"], ["x", "y"]]
    assert asked(north, south, *bare) == [("n", "s", "x")]
    assert asked(north, south) == []


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
    assert best(one("Northgate Robotics"), {1: [by_name], 2: [by_domain]}) is None, "two may be"
