"""Leads by hand, their owners and statuses, as typed by hand."""

from hub.views.card_forms import LeadCard
from tests.processes import House, fits


def test_a_lead_is_typed_in_given_away_and_put_aside(served: House) -> None:
    wanted = (
        "--first-name",
        "Zacharias",
        "--last-name",
        "Quistgaard",
        "--email",
        "zq@quist.example.com",
    )
    added = served.document("lead", "add", *wanted)
    assert added["record"].startswith("hub/leads/")
    (like,) = served.document("lead", "duplicates", "--email", "zq@quist.example.com")
    assert like["name"] == added["name"]
    again = served.run("lead", "add", *wanted)
    assert again.returncode == 2
    assert added["name"] in again.stderr
    assert "--force" in again.stderr
    second = served.document("lead", "add", *wanted, "--force")
    assert second["apart_from"] == [added["name"]]

    (person,) = served.document(
        "sql", 'SELECT email FROM crm."user" WHERE is_active ORDER BY id LIMIT 1'
    )
    names = served.root / "names.txt"
    names.write_text(f"{added['name']}\n\n{second['name']}\n")
    done = served.document("lead", "assign", "--all-of", str(names), "--to", person["email"])
    assert done["assigned"] + done["unchanged"] == 2
    group = served.document("sql", "SELECT name FROM crm.distribution_group ORDER BY id LIMIT 1")
    served.document("lead", "assign", added["name"], "--to", group[0]["name"])

    assert served.document("lead", "status", added["name"], "working") == {"changed": 1}
    refused = served.run("lead", "status", added["name"], "Unqualified")
    assert refused.returncode == 2
    assert "needs a reason" in refused.stderr
    served.document("lead", "reasons", "--add", "Moved to Mars")
    put_aside = ("lead", "status", added["name"], second["name"], "Unqualified")
    assert served.document(*put_aside, "--reason", "moved to mars") == {"changed": 2}
    assert "Unqualified" in [s["name"] for s in served.document("lead", "statuses")]
    card = fits(served.document("lead", "show", added["name"], "--sources"), LeadCard)
    assert (card["lead"]["status"], card["lead"]["owner"] is not None) == ("Unqualified", True)
    assert "zq@quist.example.com" in served.run("lead", "show", added["record"]).stdout
    told = served.run("lead", "duplicates", "--name", "Zacharias Quistgaard")
    assert "zq@quist.example.com" in told.stdout


def test_a_mistake_is_exit_code_2(served: House) -> None:
    for arguments in (
        ("lead", "assign", "--to", "x@y.example.com"),
        ("lead", "assign", "lead/1"),
        ("lead", "assign", "--all-of", "/nowhere", "--to", "sales"),
        ("lead", "status", "Working"),
        ("lead", "add", "--first-name", "Eva"),
        ("lead", "add", "--last-name", "Roth", "--set", "city"),
    ):
        done = served.run(*arguments)
        assert done.returncode == 2, arguments
        assert done.stderr.startswith("error: "), done.stderr
