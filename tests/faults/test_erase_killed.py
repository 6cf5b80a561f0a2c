"""kill -9 in the middle of an erase, twice: the third call finishes it, and nothing is left."""

import signal

from tests.faults.conftest import copy_of
from tests.faults.test_kill import CRASHING
from tests.processes import House

_SAID = """
SELECT (SELECT count(*) FROM ops.source_record WHERE strpos(lower(CAST(canonical AS text)), '{email}') > 0)
     + (SELECT count(*) FROM landing.raw WHERE strpos(lower(CAST(payload AS text)), '{email}') > 0) AS n
"""


def test_an_erase_that_is_killed_twice_is_finished(undisturbed_load: House) -> None:
    made = copy_of(undisturbed_load)
    with made.served():
        query = "SELECT lower(email) AS email FROM reporting.leads WHERE email IS NOT NULL LIMIT 1"
        email = made.document("sql", query)[0]["email"]
        killed = made.run("inside the removal of an erase", "erase", email, entry=CRASHING)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert "hub erase --resume" in made.run("status").stdout
        killed = made.run("between two tables of an erase", "erase", "--resume", entry=CRASHING)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        receipt = made.document("erase", "--resume")
        assert (receipt["complete"], receipt["left"]) == (True, {})
        assert made.document("sql", _SAID.format(email=email))[0]["n"] == 0
        assert not (made.home / "erase/under-way.json").exists()
