"""The weight of a pair; some comparisons never decide alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.matching.keys import MatchView, candidates, keys, view
from hub.matching.scoring import score
from hub.model.verdicts import Judgement, Trust

S, D, U = Judgement.SAME, Judgement.DIFFERENT, Judgement.UNSURE


def person(
    first: str | None,
    last: str | None,
    email: str | None = None,
    phone: str | None = None,
    company: str | None = None,
    **more: Any,
) -> MatchView:
    values = {
        "first_name": first,
        "last_name": last,
        "email": email,
        "phone": phone,
        "organization_name": company,
        **more,
    }
    return view(1, "salesforce/leads/1", Trust.TRUSTED, values)


E1, E2, P1, P2 = "jan.novak@gmail.com", "jn77@web.de", "+33612345678", "+33698765432"
CASES = [
    ("same mailbox", ("Eva", "Roux", E1), ("Eva", "Roux", E1), S),
    ("tag and dots", ("Eva", "Roux", "e.va+x@gmail.com"), ("Eva", "Roux", "eva@googlemail.com"), S),
    ("same mailbox, married", ("Eva", "Roux", E1), ("Eva", "Petit", E1), S),
    ("same mailbox, other names", ("Eva", "Roux", E1), ("Karl", "Berg", E1), U),
    ("couple's mailbox", ("Eva", "Roux", E1), ("Karl", "Roux", E1), U),
    ("nameless, same mailbox", (None, None, E1), ("Karl", "Roux", E1), S),
    ("nameless, role mailbox", (None, None, "info@a.com"), ("Karl", "Roux", "info@a.com"), D),
    ("nameless, phone", (None, None, None, P1), ("Karl", "Roux", None, P1), U),
    ("phone and name", ("Eva", "Roux", E1, P1), ("Eva", "Roux", E2, P1), S),
    ("national phone", ("Eva", "Roux", None, "06 12 34 56 78"), ("Eva", "Roux", None, P1), S),
    ("household", ("Eva", "Roux", None, P1), ("Karl", "Roux", None, P1), D),
    ("switchboard", ("Eva", "Roux", None, P1, "Acme"), ("Karl", "Berg", None, P1, "Acme"), D),
    ("same given name, switchboard", ("Eva", "Roux", None, P1, "Acme"), ("Eva", "Berg", None, P1, "Acme"), U),
    ("name alone", ("Eva", "Roux"), ("Eva", "Roux"), U),
    ("namesakes elsewhere", ("Eva", "Roux", "eva.roux@a.com", None, "Alpha"), ("Eva", "Roux", "eva.roux@b.com", None, "Beta"), D),
    ("name and company", ("Eva", "Roux", None, None, "Acme GmbH"), ("Eva", "Roux", None, None, "ACME"), S),
    ("short name and company", ("Bob", "Hall", None, None, "Acme"), ("Robert", "Hall", None, None, "Acme Inc"), S),
    ("company is domain", ("Eva", "Roux", "eva.roux@acme.fr"), ("Eva", "Roux", E1, None, "Acme SAS"), S),
    ("role mailbox and name", ("Eva", "Roux", "info@acme.fr"), ("Eva", "Roux", "info@acme.fr"), S),
    ("two people, role mailbox", ("Eva", "Roux", "info@acme.fr"), ("Karl", "Berg", "info@acme.fr"), D),
    ("colleagues of one surname", ("Eva", "Roux", "eva@a.com"), ("Karl", "Roux", "karl@a.com"), D),
    ("Anna and Anne", ("Anna", "Martin", "anna.martin@a.com"), ("Anne", "Marten", "anne.marten@a.com"), D),
    ("Jean and Jeanne", ("Jean", "Martin", None, P1), ("Jeanne", "Martin", None, P1), D),
    ("numbered namesake", ("Eva", "Roux", "eva.roux@a.com"), ("Eva", "Roux", "eva.roux2@a.com"), U),
    ("swapped", ("Roux", "Eva", None, P1), ("Eva", "Roux", None, P1), S),
    ("accents", ("Zoé", "Lefèvre", None, P1), ("ZOE", "LEFEVRE", None, P1), S),
    ("umlauts", ("Jan", "Müller", None, P1), ("Jan", "Mueller", None, P1), S),
    ("typo and phone", ("Karl", "Zimmermann", E1, P1), ("Karl", "Zimmerman", E2, P1), S),
    ("double surname", ("Eva", "Roux-Petit", None, P1), ("Eva", "Roux", None, P1), S),
    ("initials", ("JP", "Morel", None, P1), ("Jean-Pierre", "Morel", None, P1), S),
    ("initial and phone", ("E.", "Roux", None, P1), ("Eva", "Roux", None, P1), S),
    ("placeholder names", ("Unknown", "[not provided]", None, P1), ("Eva", "Roux", None, P1), U),
    ("other person", ("Eva", "Roux", E1, P1, "Acme"), ("Karl", "Berg", E2, P2, "Acme"), D),
]  # fmt: skip


@pytest.mark.parametrize(("a", "b", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_pair_is_judged(a: tuple[str, ...], b: tuple[str, ...], expected: Judgement) -> None:
    scored = score(person(*a), person(*b))
    assert scored.judgement is expected, scored


def test_local_part_is_no_evidence() -> None:
    a = person("Eva", "Roux", "eva.roux@alpha.com")
    b = person("Eva", "Roux", "eva.roux@beta.com")
    c = person("Eva", "Roux", "other@beta.com")
    assert score(a, b).weight == score(a, c).weight


def test_context_counts_once() -> None:
    plain = score(
        person("Eva", "Roux", None, None, "Acme"), person("Eva", "Roux", None, None, "Acme")
    )
    rich = score(
        person("Eva", "Roux", "info@acme.fr", None, "Acme", city="Lyon"),
        person("Eva", "Roux", "sales@acme.fr", None, "Acme", city="Lyon"),
    )
    assert rich.weight == plain.weight


_NAMES = st.sampled_from([None, "", "Eva", "Bob", "Robert", "Anna", "Anne", "J.", "JP", "Jean-Pierre", "Roux", "Mueller", "Müller", "Zimmermann", "Zimmerman", "de la Cruz", "unknown", "陈"])  # fmt: skip
_EMAILS = st.sampled_from([None, "a@gmail.com", "a+x@gmail.com", "eva@acme.com", "eva2@acme.com", "info@acme.com", "eva@beta.co.uk", "broken", "@", "a@b"])  # fmt: skip
_PHONES = st.sampled_from([None, "+33612345678", "06 12 34 56 78", "0033612345678", "12", "+44 20 7946 0958 ext. 3", "000000000"])  # fmt: skip
_FIRMS = st.sampled_from(
    [None, "Acme", "ACME GmbH", "Beta Ltd", "Group", "Hotel Paris", "Acme France"]
)
VIEWS = st.builds(
    person, _NAMES, _NAMES, _EMAILS, _PHONES, _FIRMS,
    city=st.sampled_from([None, "Lyon", "Köln"]), postal_code=st.sampled_from([None, "69001"]),
    street=st.sampled_from([None, "1 rue X"]),
)  # fmt: skip


@given(VIEWS, VIEWS)
def test_score_is_symmetric(a: MatchView, b: MatchView) -> None:
    assert score(a, b) == score(b, a)


@given(VIEWS, VIEWS)
def test_reasons_add_up(a: MatchView, b: MatchView) -> None:
    scored = score(a, b)
    assert sum(bits for _, bits in scored.reasons) == pytest.approx(scored.weight)


@given(VIEWS, VIEWS)
def test_same_needs_more_than_a_name(a: MatchView, b: MatchView) -> None:
    if score(a, b).judgement is S:
        texts = [t for t, bits in score(a, b).reasons if bits > 0]
        assert len([t for t in texts if not t.startswith("name")]) >= 1


@given(st.text(), st.text(), st.text(), st.text(), st.text())
def test_any_text_is_survived(first: str, last: str, email: str, phone: str, company: str) -> None:
    v = person(first, last, email, phone, company)
    assert score(v, v).judgement in {S, U, D}
    found = keys(v)
    assert found == sorted(set(found))


def test_pairs_judged_same_share_a_key() -> None:
    for name, a, b, expected in CASES:
        if expected is S:
            assert set(keys(person(*a))) & set(keys(person(*b))), name


def test_crowded_key_does_not_explode() -> None:
    crowd = [
        view(i, f"csv/leads/{i:04}", Trust.TRUSTED, {"first_name": f"N{chr(97 + i % 26)}{i}", "last_name": f"{chr(98 + i % 24)}urn{i}", "phone": P1})
        for i in range(300)
    ]  # fmt: skip
    twins = [view(900 + i, f"csv/leads/{900 + i}", Trust.TRUSTED, {"first_name": "Eva", "last_name": "Kowalski", "phone": P1}) for i in (0, 1)]  # fmt: skip
    pairs = candidates(crowd + twins)
    assert len(pairs) < 10_000
    assert (twins[0], twins[1]) in pairs
