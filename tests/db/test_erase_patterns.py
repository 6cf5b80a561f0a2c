"""How an address, a number or a name may be written: Python, in texts and in bytes, and PostgreSQL find the same."""

import json
import re

import pytest
from sqlalchemy import text

from hub.db.engine import Database
from hub.erase import patterns

LEA = ("email", "lea@moreau.example.com")
GMAIL = ("email", "leamoreau@gmail.com")
PARIS = ("phone", "+33612345678")
BARE = ("phone", "0612345678")
NAME = patterns.of_name("Renée", "D'Arc-Müller")

FOUND = [
    (patterns.of_form(LEA), [
        "lea@moreau.example.com", "LEA@Moreau.Example.COM", "lea+news@moreau.example.com",
        "<lea@moreau.example.com>", "mailto:lea@moreau.example.com?x=1", "lea%40moreau.example.com",
        json.dumps("bad row:\nlea@moreau.example.com"), json.dumps("\u00a0lea@moreau.example.com"),
        json.dumps(json.dumps("\tlea@moreau.example.com")), "?q=%20lea%40moreau.example.com",
        '{"e": "lea@moreau.example.com"}', "to lea@moreau.example.com.", "lea @ moreau.example.com",
    ]),
    (patterns.of_form(GMAIL), ["lea.moreau@gmail.com", "l.e.a.moreau+x@googlemail.com"]),
    (patterns.of_form(("email", "zoé@xn--mnchen-3ya.example")), ["zoé@münchen.example",
        json.dumps("zoé@münchen.example"), json.dumps(json.dumps("zoé@xn--mnchen-3ya.example"))]),
    (patterns.of_form(PARIS), [
        "+33612345678", "0033 6 12 34 56 78", "06 12 34 56 78", "06.12.34.56.78", "+33 (0)6 12-34-56-78",
        json.dumps("06\u202f12\u00a034\u00a056\u00a078"), json.dumps("\u00a00612345678"), "%2B33612345678",
        "33612345678", "Tel:0612345678;",
    ]),
    (patterns.of_form(BARE), ["0612345678", "06 12 34 56 78"]),
    (NAME, [
        "Renée D'Arc-Müller", "d'arc-müller, renée", "RENÉE  D'ARC-MÜLLER", "by Renée D'Arc-Müller.",
        json.dumps("Renée D'Arc-Müller"), json.dumps(json.dumps("Renée D'Arc-Müller")),
        json.dumps("by\nRENÉE\tD'ARC-MÜLLER"), "Rene\u0301e D'Arc-Mu\u0308ller",
        json.dumps("Rene\u0301e D'Arc-Mu\u0308ller"), "?who=Renée+D'Arc-Müller",
    ]),
    (patterns.of_text("hub/leads/a1"), ["inquiry:hub/leads/a1", "hub/leads/a1:2"]),
]  # fmt: skip
LEFT = [
    (patterns.of_form(LEA), [
        "alea@moreau.example.com", "lea@moreau.example.com.au", "lea@moreau.example.community",
        "x.lea@moreau.example.com", "lea@other.example.com",
    ]),
    (patterns.of_form(PARIS), ["+336123456789", "16123456781", "912345678", "+33612345679"]),
    (NAME, ["Irenée D'Arc-Müller", "Renée D'Arc", "Renée D'Arc-Müllers"]),
    (patterns.of_text("hub/leads/a1"), ["hub/leads/a12", "xhub/leads/a1"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "is_hit"), [(FOUND, True), (LEFT, False)], ids=["found", "left"]
)
def test_texts_bytes_and_postgresql_find_the_same(
    db: Database, written: list[tuple[str, list[str]]], *, is_hit: bool
) -> None:
    with db.engine.connect() as conn:
        for pattern, texts in written:
            assert pattern is not None
            for said in texts:
                in_python = re.search(pattern, said, re.IGNORECASE) is not None
                args = {"said": said, "pattern": pattern}
                in_sql = conn.execute(
                    text("SELECT CAST(:said AS text) ~* :pattern"), args
                ).scalar_one()
                in_bytes = re.search(pattern.encode(), said.encode(), re.IGNORECASE) is not None
                assert (in_python, in_sql, in_bytes) == (is_hit,) * 3, (pattern, said)
