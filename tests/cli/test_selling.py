"""From a lead to a renewal, as typed by hand; and the lead as it was, in the end."""

from hub.views.card_forms import DealCard
from hub.views.lists import ListPage
from tests.processes import House, fits


def test_a_lead_is_converted_sold_renewed_and_another_opened_again(served: House) -> None:
    one, other = (
        str(row["id"])
        for row in served.document(
            "sql",
            "SELECT id FROM crm.lead WHERE merged_into IS NULL AND archived_at IS NULL "
            "AND converted_at IS NULL ORDER BY id DESC LIMIT 2",
        )
    )
    made = served.document("lead", "convert", one, "--deal-name", "Seats", "--value", "1200")
    assert served.document("lead", "convert", one) == {**made, "is_new": False}
    deal = str(made["deal_id"])

    served.document(
        "pipeline", "add-criterion", "Sales", "Quote", "Budget is confirmed", "--refuse"
    )
    assert served.document("deal", "move", deal, "Quote")["to_stage"] == "Quote"
    refused = served.run("deal", "move", deal, "Won")
    assert refused.returncode == 2, refused.stdout
    assert "Budget is confirmed" in refused.stderr
    served.document("deal", "check", deal, "Budget is confirmed")
    served.document("deal", "move", deal, "Won")
    served.document("pipeline", "remove-criterion", "Sales", "Quote", "Budget is confirmed")

    served.document("pipeline", "add", "Renewal", "--stages", "Due:60, Offered:80", "--renewal")
    (renewal,) = served.document("deal", "clone", deal, "--pipeline", "Renewal")["deals"]
    monthly = served.document("deal", "clone", deal, "--months", "3")["deals"]
    listed = served.document("deal", "list")
    assert {renewal, *monthly, int(deal)} <= {d["id"] for d in listed["rows"]}
    of_renewal = served.document("deal", "list", "--pipeline", "renewal", "--column", "value")
    fits(of_renewal, ListPage)
    assert of_renewal["rows"] == [{"id": renewal, "value": "1200.00"}], (
        "a value is a text of digits"
    )
    served.document("deal", "edit", str(renewal), "value=1500", "tags=vip,renewal")
    shown = fits(served.document("deal", "show", str(renewal)), DealCard)
    assert shown["deal"]["value"] == "1500.00"
    assert shown["deal"]["tags"] == ["vip", "renewal"]
    assert shown["deal"]["cloned_from"] == f"deal/{deal}"
    served.document("reason", "add", "loss", "Moved away")
    served.document("deal", "move", str(renewal), "Lost", "--reason", "Moved away")
    (contact,) = served.document(
        "sql", f"SELECT customer_status FROM crm.contact WHERE id = {made['person_id']}"
    )
    assert contact == {"customer_status": "past"}
    served.document("deal", "archive", str(monthly[0]))

    served.document("lead", "convert", other, "--no-deal")
    undone = served.document("lead", "reopen", other)
    assert undone["removed"], undone
    assert undone["kept"] == []
    told = served.run("deal", "show", deal)
    assert "Seats" in told.stdout
    assert "Renewal" in served.run("pipeline", "list").stdout


def test_a_mistake_is_exit_code_2(served: House) -> None:
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
        done = served.run(*arguments)
        assert done.returncode == 2, (arguments, done.stdout, done.stderr)
        assert done.stderr.startswith("error:"), done.stderr
