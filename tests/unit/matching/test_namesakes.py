"""Two records of one name: when they are one person, as docs/migrate.md says."""

import pytest

from hub.matching.keys import MatchView, view
from hub.matching.scoring import score
from hub.model.verdicts import Judgement, Trust

OWN = {"email": "laura.kerbrat@acme.example", "organization_name": "Acme"}
OTHER = {"email": "laura.kerbrat@borel.example", "organization_name": "Borel SA"}
ACME, BOREL = {"organization_name": "Acme"}, {"organization_name": "Borel SA"}
PHONE = {"phone": "+33142685300"}
TWO, ASKED, ONE = Judgement.DIFFERENT, Judgement.UNSURE, Judgement.SAME


def laura(number: int, values: dict[str, str]) -> MatchView:
    said = {"first_name": "Laura", "last_name": "Kerbrat", **values}
    return view(number, f"salesforce/contacts/{number}", Trust.TRUSTED, dict(said))


@pytest.mark.parametrize(
    ("one", "other", "judgement"),
    [
        (OWN, OTHER, TWO),
        (OWN, BOREL, TWO),
        (ACME, BOREL, TWO),
        (ACME | {"city": "Rennes"}, BOREL | {"city": "Rennes"}, TWO),
        (ACME | PHONE, BOREL | {"phone": "+33240111213"}, TWO),
        (OWN, {**ACME, "email": "l.kerbrat2@acme.example"}, ASKED),
        (OWN, ACME, ONE),
        (ACME, ACME, ONE),
        (OWN, {**ACME, "email": "info@acme.example"}, ONE),
        (ACME | PHONE, BOREL | PHONE, ONE),
        (OWN, {**BOREL, "email": OWN["email"]}, ONE),
    ],
)
def test_namesakes_are_one_person_only_where_nothing_tells_them_apart(
    one: dict[str, str], other: dict[str, str], judgement: Judgement
) -> None:
    assert score(laura(1, one), laura(2, other)).judgement is judgement
