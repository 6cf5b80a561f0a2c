"""Activities, as typed by hand."""

from tests.processes import House


def test_a_day_on_the_phone(loaded: House) -> None:
    (row,) = loaded.document(
        "sql", "SELECT id FROM crm.lead WHERE merged_into IS NULL ORDER BY id LIMIT 1"
    )
    on = f"lead/{row['id']}"
    loaded.document("outcome", "add", "call", "Gatekeeper said no")
    assert {"kind": "call", "name": "Gatekeeper said no"} in loaded.document("outcome", "list")
    called = loaded.document(
        "call",
        "log",
        on,
        "--outcome",
        "gatekeeper said no",
        "--seconds",
        "40",
        "--summary",
        "Monday",
    )
    loaded.document("note", "add", on, "Sounds keen", "--important")
    loaded.document("visit", "log", on, "--summary", "Saw the shop")
    loaded.document("message", "log", on, "email", "The quote", "--subject", "Quote")
    todo = loaded.document("task", "add", "Send it", "--on", on, "--due", "2030-05-04T09:30+02:00")
    assert [t["content"] for t in loaded.document("task", "list", "--on", on)] == ["Send it"]
    shown = loaded.document("activities", on)
    assert shown["next_task_at"].startswith("2030-05-04")
    assert shown["days_since_last_communication"] == 0
    assert {e["kind"] for e in shown["activities"]} >= {"call", "note", "visit", "message", "task"}
    loaded.document("activity", "edit", called["activity"], "summary=Tuesday")
    loaded.document("task", "done", todo["activity"])
    loaded.document("activity", "archive", called["activity"])
    shown = loaded.document("activities", on)
    assert shown["next_task_at"] is None
    assert called["activity"] not in [e["name"] for e in shown["activities"]]
    told = loaded.run("activities", on)
    assert "Saw the shop" in told.stdout


def test_a_mistake_is_exit_code_2_and_one_line(loaded: House) -> None:
    for arguments in (
        ("call", "log", "lead/999999"),
        ("task", "done", "999999"),
        ("message", "log", "lead/1", "pigeon"),
        ("activity", "edit", "note/1", "content"),
    ):
        done = loaded.run(*arguments)
        assert done.returncode == 2, arguments
        assert done.stderr.startswith("error: "), done.stderr
