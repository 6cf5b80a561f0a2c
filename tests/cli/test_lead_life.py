"""Leads by hand, their owners and statuses, as typed by hand."""

from tests.processes import House


def test_a_lead_is_typed_in_given_away_and_put_aside(loaded: House) -> None:
    wanted = (
        "--first-name",
        "Zacharias",
        "--last-name",
        "Quistgaard",
        "--email",
        "zq@quist.example.com",
    )
    added = loaded.document("lead", "add", *wanted)
    assert added["record"].startswith("hub/leads/")
    (like,) = loaded.document("lead", "like", "--email", "zq@quist.example.com")
    assert like["name"] == added["name"]
    again = loaded.run("lead", "add", *wanted)
    assert again.returncode == 2
    assert added["name"] in again.stderr
    assert "--anyway" in again.stderr
    second = loaded.document("lead", "add", *wanted, "--anyway")
    assert second["apart_from"] == [added["name"]]

    (person,) = loaded.document(
        "sql", 'SELECT email FROM crm."user" WHERE is_active ORDER BY id LIMIT 1'
    )
    names = loaded.root / "names.txt"
    names.write_text(f"{added['name']}\n\n{second['name']}\n")
    done = loaded.document("lead", "assign", "--all-of", str(names), "--to", person["email"])
    assert done["assigned"] + done["unchanged"] == 2
    group = loaded.document("sql", "SELECT name FROM crm.distribution_group ORDER BY id LIMIT 1")
    loaded.document("lead", "assign", added["name"], "--to", group[0]["name"])

    assert loaded.document("lead", "status", added["name"], "working") == {"changed": 1}
    refused = loaded.run("lead", "status", added["name"], "Unqualified")
    assert refused.returncode == 2
    assert "needs a reason" in refused.stderr
    loaded.document("lead", "reasons", "--add", "Moved to Mars")
    put_aside = ("lead", "status", added["name"], second["name"], "Unqualified")
    assert loaded.document(*put_aside, "--reason", "moved to mars") == {"changed": 2}
    assert "Unqualified" in [s["name"] for s in loaded.document("lead", "statuses")]
    told = loaded.run("lead", "like", "--name", "Zacharias Quistgaard")
    assert "zq@quist.example.com" in told.stdout


def test_a_mistake_is_exit_code_2(loaded: House) -> None:
    for arguments in (
        ("lead", "assign", "--to", "x@y.example.com"),
        ("lead", "assign", "lead/1"),
        ("lead", "assign", "--all-of", "/nowhere", "--to", "sales"),
        ("lead", "status", "Working"),
        ("lead", "add", "--first-name", "Eva"),
        ("lead", "add", "--last-name", "Roth", "--set", "city"),
    ):
        done = loaded.run(*arguments)
        assert done.returncode == 2, arguments
        assert done.stderr.startswith("error: "), done.stderr
