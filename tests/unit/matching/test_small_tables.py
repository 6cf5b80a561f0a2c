# ruff: noqa: SIM905
"""The same duplicates are decided alike in a table of three rows and in one of hundreds.

Each kind below is a group of records among rows of strangers. A frequency that was counted in a few
rows must not hide what the shipped model knows.
"""

import random
from typing import Any

import pytest

from hub.matching.bulk import resolve
from hub.matching.facts import learn
from hub.matching.keys import MatchView, view
from hub.matching.model import DEFAULT, Facts
from hub.model.verdicts import Trust

SIZES = (3, 10, 22, 42, 100, 400)
COLUMNS = ("first_name", "last_name", "email", "phone", "organization_name")
MOBILE, OFFICE = "+33699123777", "+33144550011"
BOX = "pia.solberg@web.example"


def row(*values: str, **more: str) -> dict[str, Any]:
    """Return a record; empty values are missing ones."""
    return {
        name: value or None for name, value in {**dict(zip(COLUMNS, values, strict=False)), **more}.items()
    }  # fmt: skip


def twice(*values: str, **more: str) -> list[dict[str, Any]]:
    return [row(*values, **more)] * 2


PIA = ("Pia", "Solberg")
HOME = {"street": "Rue Haute 12", "postal_code": "69003", "city": "Lyon"}
ONE_PERSON = {
    "identical rows": twice(*PIA, "", MOBILE, "Solberg AS"),
    "three identical rows": [row(*PIA, "", MOBILE, "Solberg AS")] * 3,
    "name and number": [row(*PIA, "", MOBILE), row(*PIA, "", "+33 6 99 12 37 77")],
    "name and number, three times": [row(*PIA, "", MOBILE)] * 3,
    "name and company": twice(*PIA, "", "", "Solberg AS"),
    "name and company, other mailboxes": [
        row(*PIA, BOX, "", "Solberg AS"),
        row(*PIA, "p.solberg@solberg.example", "", "Solberg AS"),
    ],
    "name and company, other numbers": [
        row(*PIA, "", MOBILE, "Solberg AS"),
        row(*PIA, "", OFFICE, "Solberg AS"),
    ],
    "name and address": twice(*PIA, **HOME),
    "name and birth date": twice(*PIA, birth_date="1980-03-04"),
    "mailbox": [row(*PIA, BOX), row(*PIA, BOX, MOBILE, "Web AS")],
    "mailbox, one without a name": [row("", "", BOX), row(*PIA, BOX)],
    "mailbox, mistyped": [row(*PIA, BOX), row(*PIA, "pia.solberrg@web.example")],
    "mailbox, after a marriage": [row(*PIA, BOX), row("Pia", "Berg", BOX)],
    "typo and number": [row(*PIA, "", MOBILE), row("Pia", "Solberrg", "", MOBILE)],
    "typo and company": [
        row(*PIA, "", "", "Solberg AS"),
        row("Pia", "Solberrg", "", "", "Solberg AS"),
    ],
    "short form and number": [row("Robert", "Hauge", "", MOBILE), row("Bob", "Hauge", "", MOBILE)],
    "swapped names and number": [row(*PIA, "", MOBILE), row("Solberg", "Pia", "", MOBILE)],
    "initial and number": [row(*PIA, "", MOBILE), row("P.", "Solberg", "", MOBILE)],
    "last name and number": [row(*PIA, "", MOBILE), row("", "Solberg", "", MOBILE)],
}
A_QUESTION = {
    "name alone": twice(*PIA),
    "two names one letter apart": [
        row("Anna", "Martin", "", "", "Acme AS"),
        row("Anne", "Martin", "", "", "Acme AS"),
    ],
    "two mailboxes of one company": [
        row(*PIA, "pia1@solberg.example", "", "Solberg AS"),
        row(*PIA, "psolberg@solberg.example", "", "Solberg AS"),
    ],
    "two of a family with one mailbox": [row(*PIA, BOX), row("Nils", "Solberg", BOX)],
}
STRANGERS = {
    "household": [row(*PIA, "", OFFICE), row("Nils", "Solberg", "", OFFICE)],
    "colleagues": [
        row(*PIA, "p.solberg@solberg.example", "", "Solberg AS"),
        row("Nils", "Hauge", "n.hauge@solberg.example", "", "Solberg AS"),
    ],
    "namesakes": [
        row(*PIA, BOX, MOBILE, "Solberg AS"),
        row(*PIA, "ps@mail.example", OFFICE, "Acme GmbH"),
    ],
    "two at one number": [
        row(*PIA, "", OFFICE, "Solberg AS"),
        row("Jon", "Hauge", "", OFFICE, "Solberg AS"),
    ],
}
KINDS = {
    name: (rows, wanted)
    for kinds, wanted in ((ONE_PERSON, "same"), (A_QUESTION, "unsure"), (STRANGERS, "different"))
    for name, rows in kinds.items()
}
_FIRST = (
    "Tina Dora Frida Georg Carl Lena Ilse Stefan Oskar Xenia Karl Bert Emil Paula Moritz".split()
)
_PARTS = "mar ten ber gau dur lin sch vel tor ris ko wal ner dis ham pet ros che fon bau".split()


def stranger(n: int) -> dict[str, Any]:
    draw = random.Random(n)
    first, last = (
        draw.choice(_FIRST),
        "".join(draw.choices(_PARTS, k=3)).title() + draw.choice("aeiou"),
    )
    return row(
        first, last, f"{first}.{last}{n}@firma{n}.example", f"+336{draw.randrange(10**7, 10**8)}",
        f"{''.join(draw.choices(_PARTS, k=3)).title()} GmbH",
        street=f"Rue {draw.choice(_PARTS).title()} {n}", postal_code=str(10_000 + n),
        city=draw.choice(("Lyon", "Paris", "Lille", "Nantes")),
    )  # fmt: skip


def views(rows: list[dict[str, Any]], size: int) -> list[MatchView]:
    whole = [*rows, *(stranger(n) for n in range(size - len(rows)))]
    return [view(n, f"{n:06}", Trust.TRUSTED, one) for n, one in enumerate(whole)]


def decision(rows: list[dict[str, Any]], size: int) -> str:
    found = resolve(views(rows, size), processes=1)
    ours = {f"{n:06}" for n in range(len(rows))}
    if any(members[: len(rows)] == list(range(len(rows))) for members in found.clusters):
        return "same"
    return "unsure" if any({e.a, e.b} <= ours for e in found.reviews) else "different"


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_duplicate_is_decided_alike_in_tables_of_all_sizes(kind: str) -> None:
    rows, wanted = KINDS[kind]
    found = {size: decision(rows, size) for size in SIZES if size >= len(rows)}
    assert found == dict.fromkeys(found, wanted)


@pytest.mark.parametrize("size", SIZES)
def test_strangers_stay_apart_in_tables_of_all_sizes(size: int) -> None:
    found = resolve(views([], size), processes=1)
    assert len(found.clusters) == size


def test_a_value_that_most_of_a_small_table_share_is_known_to_be_common() -> None:
    rows = [row(f"A{n}", f"B{n}", "", "", "Solberg AS" if n else "Hauge AS") for n in range(12)]
    model = learn((v.traits for v in views(rows, 12)), DEFAULT)
    shared, own = (
        model.agreement("context", "company", "company", value) for value in ("solberg", "hauge")
    )
    assert shared < own - 0.5


def test_counts_are_believed_the_more_the_more_records_there_are() -> None:
    shrunk = [Facts(n=n).shrink(0.0, 10.0) for n in (0, 3, 100, 10_000, 1_000_000)]
    assert shrunk[0] == 10.0
    assert shrunk == sorted(shrunk, reverse=True)
    assert shrunk[-2] < 0.05
