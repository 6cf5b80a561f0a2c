"""From a lead to a renewal, as typed by hand; and the lead as it was, in the end."""

from tests.processes import House


def test_a_lead_is_converted_sold_renewed_and_another_opened_again(loaded: House) -> None:
    one, other = (
        str(row["id"])
        for row in loaded.document(
            "sql",
            "SELECT id FROM crm.lead WHERE merged_into IS NULL AND archived_at IS NULL "
            "AND converted_at IS NULL ORDER BY id DESC LIMIT 2",
        )
    )
    made = loaded.document("lead", "convert", one, "--deal-name", "Seats", "--value", "1200")
    assert loaded.document("lead", "convert", one) == {**made, "is_new": False}
    deal = str(made["deal_id"])

    loaded.document("pipeline", "ask", "Sales", "Quote", "Budget is confirmed", "--refuse")
    assert loaded.document("deal", "move", deal, "Quote")["to_stage"] == "Quote"
    refused = loaded.run("deal", "move", deal, "Won")
    assert refused.returncode == 2, refused.stdout
    assert "Budget is confirmed" in refused.stderr
    loaded.document("deal", "check", deal, "Budget is confirmed")
    loaded.document("deal", "move", deal, "Won")
    loaded.document("pipeline", "ask", "Sales", "Quote", "Budget is confirmed", "--remove")

    loaded.document("pipeline", "add", "Renewal", "--stages", "Due:60, Offered:80", "--renewal")
    (renewal,) = loaded.document("deal", "clone", deal, "--pipeline", "Renewal")["deals"]
    monthly = loaded.document("deal", "clone", deal, "--months", "3")["deals"]
    listed = loaded.document("deal", "list")
    assert {renewal, *monthly, int(deal)} <= {d["id"] for d in listed}
    assert [d["id"] for d in loaded.document("deal", "list", "--pipeline", "renewal")] == [renewal]
    loaded.document("deal", "edit", str(renewal), "value=1500", "tags=vip,renewal")
    shown = loaded.document("deal", "show", str(renewal))
    assert (shown["value"], shown["tags"], shown["cloned_from"]) == (
        1500, ["vip", "renewal"], int(deal))  # fmt: skip
    loaded.document("reason", "add", "loss", "Moved away")
    loaded.document("deal", "move", str(renewal), "Lost", "--reason", "Moved away")
    (contact,) = loaded.document(
        "sql", f"SELECT customer_status FROM crm.contact WHERE id = {made['person_id']}"
    )
    assert contact == {"customer_status": "past"}
    loaded.document("deal", "archive", str(monthly[0]))

    loaded.document("lead", "convert", other, "--no-deal")
    undone = loaded.document("lead", "reopen", other)
    assert undone["removed"], undone
    assert undone["kept"] == []
    told = loaded.run("deal", "show", deal)
    assert "Seats" in told.stdout
    assert "Renewal" in loaded.run("pipeline", "list").stdout


def test_a_mistake_is_exit_code_2(loaded: House) -> None:
    for arguments in (
        ("lead", "convert", "999999"),
        ("lead", "reopen", "999999"),
        ("deal", "show", "999999"),
        ("deal", "move", "x", "Won"),
        ("deal", "add", "x", "--contact", "contact/999999"),
        ("pipeline", "add", "Odd", "--stages", "Offer"),
        ("pipeline", "rename", "None", "Some"),
        ("reason", "add", "weather", "Rain"),
    ):
        done = loaded.run(*arguments)
        assert done.returncode == 2, (arguments, done.stdout, done.stderr)
        assert done.stderr.startswith("error:"), done.stderr
