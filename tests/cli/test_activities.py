"""Activities, as typed by hand."""

from hub.views.activities import RecordActivities
from tests.processes import House, fits


def test_a_day_on_the_phone(served: House) -> None:
    (row,) = served.document(
        "sql", "SELECT id FROM crm.lead WHERE merged_into IS NULL ORDER BY id LIMIT 1"
    )
    on = f"lead/{row['id']}"
    served.document("outcome", "add", "call", "Gatekeeper said no")
    outcomes = [(one["kind"], one["name"]) for one in served.document("outcome", "list")]
    assert ("call", "Gatekeeper said no") in outcomes
    called = served.document(
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
    served.document("note", "add", on, "Sounds keen", "--important")
    served.document("visit", "log", on, "--summary", "Saw the shop")
    served.document("message", "log", on, "email", "The quote", "--subject", "Quote")
    todo = served.document("task", "add", "Send it", "--on", on, "--due", "2030-05-04T09:30+02:00")
    assert [t["content"] for t in served.document("task", "list", "--on", on)] == ["Send it"]
    shown = fits(served.document("activities", on), RecordActivities)
    assert shown["next_task_at"].startswith("2030-05-04")
    assert shown["days_since_last_communication"] == 0
    assert {e["kind"] for e in shown["timeline"]["items"]} >= {
        "call",
        "note",
        "visit",
        "message",
        "task",
    }
    served.document("activity", "edit", called["activity"], "summary=Tuesday")
    served.document("task", "done", todo["activity"])
    served.document("activity", "archive", called["activity"])
    shown = served.document("activities", on)
    assert shown["next_task_at"] is None
    assert called["activity"] not in [e["record"] for e in shown["timeline"]["items"]]
    told = served.run("activities", on)
    assert "Saw the shop" in told.stdout


def test_a_mistake_is_exit_code_2_and_one_line(served: House) -> None:
    for arguments in (
        ("call", "log", "lead/999999"),
        ("task", "done", "999999"),
        ("message", "log", "lead/1", "pigeon"),
        ("activity", "edit", "note/1", "content"),
    ):
        done = served.run(*arguments)
        assert done.returncode == 2, arguments
        assert done.stderr.startswith("error: "), done.stderr
