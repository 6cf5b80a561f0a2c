"""The verbs with which a running hub is looked after."""

import getpass

from tests.processes import House, SandboxProcess, house

SECRET = "HUB_SOURCES__SALESFORCE__CLIENT_SECRET"


def test_config_show_says_what_is_in_force_and_no_secret(vendors: SandboxProcess) -> None:
    with house() as made:
        vendors.furnish(made)
        made.env["HUB_DATABASE_URL"] = "postgresql://hub:geheim1@db.example.com/hub"
        made.env["HUB_PUBLIC__URL"] = ""
        made.config.write_text(
            made.config.read_text() + "\npublic_url: https://me:geheim2@hub.example.com\n"
        )
        shown = made.document("config", "show")
        assert shown["file"] == str(made.config)
        assert shown["settings"]["sources"]["salesforce"]["client_secret"] == "**********"
        assert SECRET in shown["variables"]
        said = made.run("config", "show")
        assert said.returncode == 0
        assert str(made.config) in said.stdout
        for words in (str(shown), said.stdout, said.stderr):
            assert made.env[SECRET] not in words
            assert "geheim" not in words


def test_config_show_without_a_file_shows_the_defaults() -> None:
    with house() as made:
        shown = made.document("config", "show")
        assert shown["file"] is None
        assert shown["settings"]["smtp"]["port"] == 25


def test_quarantine_show_and_retry(loaded: House) -> None:
    rows = loaded.document("quarantine", "list")
    if rows:
        one = loaded.document("quarantine", "show", str(rows[0]["id"]))
        assert one["source_id"] == rows[0]["source_id"]
        assert one["payload"]
    assert loaded.run("quarantine", "show", "999999").returncode == 2
    assert loaded.run("quarantine", "retry").returncode == 2
    assert loaded.run("quarantine", "retry", "999999").returncode == 2


def test_quarantine_fix_corrects_a_value_and_says_who(loaded: House) -> None:
    made = loaded.copy_to(loaded.root.parent / "fix")
    rows = [r for r in made.document("quarantine", "list") if r["field"] == "email"]
    assert rows, "the world has a broken address"
    number = str(rows[0]["id"])
    arguments = ("quarantine", "fix", number, "--field", "email")
    done = made.document(*arguments, "--value", "mended@example.com")
    assert done["quarantined"] == 0
    assert done["verdicts"] in ({"updated": 1}, {"merged": 1})
    shown = made.document("quarantine", "show", number)
    assert shown["resolved_at"]
    (kept,) = shown["corrections"]
    assert (kept["value"], kept["who"]) == ("mended@example.com", getpass.getuser())
    assert rows[0]["value"] in str(shown["payload"]), "as it was sent"
    assert getpass.getuser() in made.run("quarantine", "show", number).stdout
    again = made.run(*arguments, "--value", "x@example.com")
    assert again.returncode == 2
    assert "is closed" in again.stderr


def test_remap_counts_and_tells_no_value_unasked(loaded: House) -> None:
    plan = loaded.document("remap", "salesforce/leads", "--dry-run")
    assert plan["would_change"] == 0
    assert set(plan["verdicts"]) <= {"unchanged", "excluded", "rejected"}
    done = loaded.document("remap", "salesforce/leads")
    assert done["verdicts"] == plan["verdicts"]
    assert loaded.run("remap", "salesforce/leads", "--values").returncode == 2
    assert loaded.run("remap", "salesforce/laeds").returncode == 2


def test_status_keeps_words_whole(loaded: House) -> None:
    done = loaded.run("status")
    assert done.returncode == 0
    for words in ("organizations", "quarantine", "queues drained", "all sent"):
        assert words in done.stdout
    for sign in ("…", "\x1b", "-0 s", ".0"):
        assert sign not in done.stdout
    document = loaded.document("status")
    assert all(s["lag_s"] is None or s["lag_s"] >= 0 for s in document["streams"])
    keys = {"home", "streams", "pending", "quarantine", "review", "outbox_pending", "outbox_dead"}
    keys |= {
        "leads",
        "budgets",
        "drift",
        "placeholders",
        "vanished",
        "fill",
        "batches",
        "migrations",
        "roles",
        "inbox",
        "recovered",
    }
    keys |= {
        "unproved",
        "promises",
        "silent",
        "derivations",
        "opt_outs_held",
        "undoing",
        "erase_under_way",
    }
    assert keys == set(document)
    assert sum(s["quarantine"] for s in document["streams"]) == document["quarantine"]
    assert {s["pending"] for s in document["streams"]} == {0}
