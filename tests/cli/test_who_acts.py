"""The actor of a command is a member of the team, or the login that runs it."""

import os
import pwd
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.processes import House, house

LOGIN = pwd.getpwuid(os.getuid()).pw_name
TEAM = """
people:
  - {email: ann@acme.example.com, name: Ann Lee, role: admin}
  - {email: bob@acme.example.com, name: Bob Roy, role: rep}
  - {email: cid@acme.example.com, name: Cid Fox, role: admin, active: false}
groups:
  - {name: sales, members: [bob@acme.example.com]}
routing:
  fallback: group:sales
"""


@pytest.fixture(scope="module")
def team() -> Iterator[House]:
    """A house of a team, with a deal that is won, its server running."""
    with house(migrated=True) as made:
        made.config.write_text(TEAM)
        with made.served():
            assert made.run("check").returncode == 0
            person = made.document("contact", "add", "--last-name", "Olsen")["name"]
            made.document("deal", "add", "Seats", "--contact", person)
            made.document("deal", "move", "1", "Won")
            yield made


def stage(team: House) -> str:
    (row,) = team.document("sql", "SELECT stage FROM reporting.deals WHERE id = 1")
    return str(row["stage"])


@pytest.mark.parametrize(
    "said",
    ["", "  ", "Nobody", LOGIN, "nobody@acme.example.com", "cid@acme.example.com", "Cid Fox"],
)
def test_nobody_unknown_acts(team: House, said: str) -> None:
    asked = ("deal", "move", "1", "Lost")
    for done in (
        team.run(*asked, "--as", said),
        replace(team, env={"HUB_ACTOR": said}).run(*asked),
    ):
        assert (done.returncode, done.stdout) == (2, "")
        assert "not an active member of the team" in done.stderr
    assert replace(team, env={"HUB_ACTOR": said}).run("deal", "show", "1").returncode == 2
    assert stage(team) == "Won"


def test_the_machines_owner_is_the_real_login_whatever_the_environment_says(team: House) -> None:
    elsewhere = replace(team, env={"LOGNAME": "ann", "USER": "ann"})
    elsewhere.document("note", "add", "deal/1", "Kept")
    (note,) = team.document("sql", "SELECT who FROM crm.note WHERE content = 'Kept'")
    assert note == {"who": LOGIN}


def test_a_member_acts_by_e_mail_or_by_name_and_is_in_the_history(team: House) -> None:
    for number, said in enumerate(("BOB@acme.example.com", "bob roy")):
        team.document("task", "add", f"Ring {number}", "--as", said)
        (row,) = team.document("sql", f"SELECT who FROM crm.task WHERE content = 'Ring {number}'")
        assert row == {"who": "bob@acme.example.com"}
    refused = team.run("field", "add", "lead", "Tier", "text", "--as", "bob@acme.example.com")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "a rep may not set up records" in refused.stderr
