"""Outlines of employers say too little, never too much: who is left out would be judged different."""

from collections import defaultdict
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.people import people
from hub.matching import blocks
from hub.matching.blocks import Proofs
from hub.matching.compare import compare
from hub.matching.employers import employer_of, outline
from hub.matching.facts import learn
from hub.matching.key_hash import hashes
from hub.matching.keys import MatchView, keys, view
from hub.matching.model import DEFAULT, Model
from hub.matching.scoring import asked
from hub.model.verdicts import Trust

COMPANIES = (
    "Acme", "Acme Ltd", "Acme Consulting", "Acne Consultin", "ACME GmbH", "Kestrel & Sons", "Kestrel", "Kestral",
    "Hotel 21", "Hotel 22", "Société Générale", "Societe General", "三井物産", "Митсуи", "Bau", "Wald Bau AG",
    "kestrel.com", "AB", "A B", "Consulting Group", "Müller", "Mueller", "Atlas Metall", "Atlas",
)  # fmt: skip
DOMAINS = ("acme.com", "acme.de", "kestrel.co.uk", "gmail.com", "web.de", "hotel21.example", "atlas-metall.com", "ab.eu")  # fmt: skip
STREETS = ("Rue Haute 4", "Rue Haute 5", "Rue Hautes 4", "4 High Street", "Am Markt", None, None)
CITIES = ("Lyon", "Lille", None)


@st.composite
def mistyped(draw: st.DrawFn, some: tuple[str, ...]) -> str:
    """A text of the list with at most two letters left out or put in."""
    text = draw(st.sampled_from(some))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.sampled_from(("", "e", "n", "7"))) + text[place + 1 :]
    return text


@st.composite
def working(draw: st.DrawFn) -> MatchView:
    """A namesake with a company, a mailbox and an address, each of which may be missing."""
    local = draw(st.sampled_from(("jean.martin", "jeanmartin", "jean.marten", "j.martin", "info")))
    number = draw(st.integers(1, 99))
    values = {
        "first_name": "Jean",
        "last_name": "Martin",
        "organization_name": draw(st.none() | mistyped(COMPANIES)),
        "email": draw(st.none() | st.sampled_from(DOMAINS).map(lambda d: f"{local}@{d}")),
        "street": draw(st.sampled_from(STREETS)),
        "city": draw(st.sampled_from(CITIES)),
    }
    return view(number, str(number), Trust.TRUSTED, values)


@settings(max_examples=1500)
@given(working(), working())
def test_another_employer_differs_in_the_context_and_in_the_mailbox(
    a: MatchView, b: MatchView
) -> None:
    own = employer_of(a, DEFAULT)
    if own is not None and own.is_another(outline(b)):
        found = compare(a, b, DEFAULT)
        assert found.context == "differs"
        shared = {*hashes(keys(a))} & {*hashes(keys(b))}
        has_own = any(key & 2 for key in shared)  # then the pair is proposed all the same
        assert has_own or found.email in {"missing", "differs", "same_domain_differs"}


def _crowd(n: int) -> list[MatchView]:
    """Namesakes of several companies, so that keys of names bring many together."""
    found = []
    for i, row in enumerate(people(9, n).rows):
        values: dict[str, Any] = {k: v or None for k, v in row.items()}
        values["last_name"] = ["Martin", "Marten", "Dupont", "Dupond"][i % 4]
        values["city"] = ["Lyon", "Lille"][i % 2]
        found.append(view(i, str(i), Trust.OPEN if i % 7 == 0 else Trust.TRUSTED, values))
    return found


def _large(model: Model) -> Model:
    """The same facts, as if they were counted in a base large enough for the proof."""
    facts = model.facts
    assert facts is not None
    return replace(model, facts=replace(facts, n=500_000))


@pytest.mark.parametrize("has_facts", [False, True])
def test_pairs_that_are_left_out_would_be_judged_different(has_facts: bool) -> None:
    views = _crowd(260)
    model = _large(learn((v.traits for v in views), DEFAULT)) if has_facts else DEFAULT
    assert model.needs_context
    found = {v.record_id: hashes(keys(v)) for v in views}
    sharing: defaultdict[int, list[int]] = defaultdict(list)
    for record, own in found.items():
        for key in own:
            sharing[key].append(record)
    of = {key: own if len(own) < 100 else None for key, own in sharing.items()}
    plain = {
        pair for members in of.values() if members for pair in combinations(sorted(members), 2)
    }
    work = {v.record_id: own for v in views if (own := employer_of(v, model)) is not None}
    proofs = Proofs(employers=work, outlines={v.record_id: outline(v) for v in views})
    kept = blocks.pairs(found, of, proofs)
    left_out = plain - kept
    assert kept <= plain
    assert len(left_out) > len(plain) / 5
    assert not [p for p in left_out if asked(views[p[0]], views[p[1]], model) is not None]


def test_few_counted_records_prove_nothing() -> None:
    views = _crowd(30)
    assert not learn((v.traits for v in views), DEFAULT).needs_context


@pytest.mark.parametrize(
    ("said", "is_known"),
    [
        ({"organization_name": "Acme"}, True),
        ({"email": "ada@acme.com"}, True),
        ({"email": "ada@gmail.com"}, False),
        ({}, False),
        ({"organization_name": "Acme", "birth_date": "1980-03-04"}, False),
        ({"organization_name": "Acme", "national_id": "180037512345"}, False),
    ],
)
def test_what_proves_a_person_is_always_looked_at(said: dict[str, str], is_known: bool) -> None:
    plain = {"first_name": "Ada", "last_name": "Lovelace"}
    assert (outline(view(1, "1", Trust.TRUSTED, {**plain, **said})) is not None) is is_known
