"""Letters of last names say too little, never too much: who is left out would be judged different."""

import random
from collections import defaultdict
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.people import people
from hub.matching import blocks, names
from hub.matching.blocks import Proofs
from hub.matching.facts import learn
from hub.matching.key_hash import hashes
from hub.matching.keys import MatchView, keys, view
from hub.matching.letters import letters, names_of
from hub.matching.model import DEFAULT
from hub.matching.scoring import asked
from hub.model.verdicts import Trust

GIVEN = (
    "Anna",
    "Anne",
    "Susi",
    "Susanne",
    "Bill",
    "William",
    "Jean-Luc",
    "J.",
    "Joseph",
    "Giuseppe",
    "Jo",
)
FAMILY = (
    "Martin", "Martine", "Marten", "Müller", "Mueller", "Muller", "Garcia", "García Lopez", "Lopez", "Schmidt",
    "Schmitt", "Tchaikovsky", "Chaikovski", "Joseph", "Williams", "Bauer", "Sauer", "Lee", "Li", "O'Brien",
    "Christiansen", "Kristianson", "Susi", "van den Berg", "Berg", "Иванов", "Anna", "Duc", "Duck", "", "Jean",
    "Lead12", "Lead21", "Lead1122", "Customer7",
)  # fmt: skip
letter = st.sampled_from("aeinrstluomchkwz12")


@st.composite
def spelt(draw: st.DrawFn, some: tuple[str, ...]) -> str:
    """A name of the list, as it stands or with up to three slips."""
    name = draw(st.sampled_from(some))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(name)))
        kind = draw(st.sampled_from(("put", "drop", "swap", "double")))
        head, tail = name[:place], name[place:]
        name = {
            "put": head + draw(letter) + tail,
            "drop": head + tail[1:],
            "swap": head + tail[1:2] + tail[:1] + tail[2:],
            "double": head + tail[:1] + tail,
        }[kind]
    return name


person = st.builds(
    lambda first, last: (first, last), spelt(GIVEN + FAMILY[:8]), spelt(FAMILY + GIVEN)
)


def named(n: int, first: str, last: str) -> MatchView:
    return view(n, str(n), Trust.TRUSTED, {"first_name": first, "last_name": last})


@settings(max_examples=1000)
@given(person, person)
def test_whoever_is_left_out_has_another_last_name(a: tuple[str, str], b: tuple[str, str]) -> None:
    one, other = named(1, *a), named(2, *b)
    own = names_of(one)
    if own is not None and not own.may_agree(letters(other)):
        t, u = one.traits, other.traits
        assert names.level(t.first, t.last, u.first, u.last) in {"last_differs", "conflict"}


@pytest.mark.parametrize("last", [name for name in FAMILY if " " not in name])
def test_slips_of_one_letter_are_looked_at(last: str) -> None:
    own = names_of(named(1, "Ada", last))
    for place in range(len(last)):
        mistyped = last[:place] + last[place + 1 :]
        assert own is None or own.may_agree(letters(named(2, "Ada", mistyped)))


def test_most_strangers_are_left_out() -> None:
    rng = random.Random(3)
    rows = [named(n, r["first_name"], r["last_name"]) for n, r in enumerate(people(4, 400).rows)]
    known = [(own, letters(v)) for v in rows if (own := names_of(v)) is not None and letters(v)]
    pairs = [(rng.choice(known)[0], rng.choice(known)[1]) for _ in range(4000)]
    assert sum(own.may_agree(other) for own, other in pairs) < len(pairs) / 8


def _crowd() -> list[MatchView]:
    """People of few companies and streets, so that nameless keys bring many together."""
    found = []
    for n, row in enumerate(people(9, 500).rows):
        values: dict[str, Any] = {k: v or None for k, v in row.items()}
        values["organization_name"] = f"{['Kestrel', 'Osprey', 'Merlin'][n % 3]} Ltd"
        values["street"], values["city"] = f"Rue Haute {n % 40}", "Lyon"
        if n % 5:
            values["birth_date"] = None
        found.append(view(n, str(n), Trust.OPEN if n % 7 == 0 else Trust.TRUSTED, values))
    return found


@pytest.mark.parametrize("has_facts", [False, True])
def test_pairs_that_are_left_out_would_be_judged_different(has_facts: bool) -> None:
    views = _crowd()
    model = learn((v.traits for v in views), DEFAULT) if has_facts else DEFAULT
    assert model.needs_names
    found = {v.record_id: hashes(keys(v)) for v in views}
    sharing: defaultdict[int, list[int]] = defaultdict(list)
    for record, own in found.items():
        for key in own:
            sharing[key].append(record)
    plain = {
        pair
        for members in sharing.values()
        if len(members) < 300
        for pair in combinations(sorted(members), 2)
    }
    of = {key: own if len(own) < 300 else None for key, own in sharing.items()}
    own_names = {v.record_id: own for v in views if (own := names_of(v)) is not None}
    kept = blocks.pairs(found, of, Proofs(own_names, {v.record_id: letters(v) for v in views}))
    left_out = plain - kept
    assert kept <= plain
    assert len(left_out) > len(plain) / 2
    assert not [p for p in left_out if asked(views[p[0]], views[p[1]], model) is not None]


def test_what_was_typed_and_what_proves_a_person_is_always_looked_at() -> None:
    plain = {"first_name": "Ada", "last_name": "Lovelace"}
    assert letters(view(1, "1", Trust.TRUSTED, plain)) is not None
    assert letters(view(1, "1", Trust.TRUSTED, {**plain, "birth_date": "1980-03-04"})) is None
    assert letters(view(1, "1", Trust.TRUSTED, {**plain, "national_id": "180037512345"})) is None
